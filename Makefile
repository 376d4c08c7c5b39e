# pg_ingest: data ingestion inside PostgreSQL
#
#   make           build everything             make demo     the tour, from a fresh Debian machine
#   make install   install them                 make check    all tests, from a fresh Debian machine
#   make bench     benchmarks (BENCH=name)      make lint     format and static checks
#   make console   the console's static files, which install takes along     make dist   a release archive, with them
#   make installcheck  what is installed, tried on the server that runs     make site   the book as static pages, in docs/site
#   make release VERSION_TO=0.2  that version everywhere, and its scripts as those of a release
#   make check-versions, check-upgrade, check-packages, check-quickstart, check-curl, check-deploy, check-personalities, check-queries,
#                  fuzz, soak: the longer tests.  docs/testing.md describes all.
#
# PG_CONFIG=/path/to/pg_config chooses the server; without it, build takes the pg_config in the PATH, and demo
# and check install the PostgreSQL that the Debian release brings.

PG_CONFIG ?= pg_config
EXTENSIONS = netsuite_fdw files_fdw ingest_profile ingest ingest_delivery ingest_api
# beside them: the gateway, and a program of ingest_delivery's, where the library that it needs is there
PROGRAMS = gateway ingest_kafka

all install uninstall clean:
	@for e in $(EXTENSIONS) $(PROGRAMS); do $(MAKE) --no-print-directory -C $$e $@ || exit 1; done

# it needs npm; a server without it takes the archive that dist makes
console:
	@$(MAKE) --no-print-directory -C console

# what is committed, and beside it the built console, so that install needs no npm, and the scripts that META.json names
VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" ingest/ingest.control)
BUILT_SCRIPTS = $(foreach e,ingest ingest_delivery ingest_api,$(e)/$(e)--$(VERSION).sql)
dist: console
	@for script in $(BUILT_SCRIPTS); do $(MAKE) -s --no-print-directory -C $${script%%/*} $${script##*/} || exit 1; done
	@git archive --prefix=pg_ingest-$(VERSION)/ -o pg_ingest-$(VERSION).tar HEAD
	@tar --append -f pg_ingest-$(VERSION).tar --owner=0 --group=0 --transform 's#^#pg_ingest-$(VERSION)/#' console/dist $(BUILT_SCRIPTS)
	@gzip -9f pg_ingest-$(VERSION).tar && echo pg_ingest-$(VERSION).tar.gz

# the version everywhere, and its scripts as those of a release; what it leaves is committed and tagged by hand
release:
	@deploy/version.sh $(or $(VERSION_TO),$(error make release VERSION_TO=0.2))
	@$(MAKE) --no-print-directory -s all
	@deploy/version.sh --freeze

# six pages of the demo, into docs/images
screenshots:
	@CHAPTER=console SHOOT=1 test/demo.sh

# the book, searchable, in docs/site; it asks nobody else for anything
site:
	@test/site.sh

demo:
	@test/demo.sh

check:
	@test/check.sh

check-versions:
	@test/check-versions.sh

check-upgrade:
	@test/check-upgrade.sh

check-packages:
	@test/check-packages.sh

# what speaks to the outside, as with an older libcurl
check-curl:
	@CURL_KNOWN="$(CURL_KNOWN)" test/curl.sh

# what other programs read: META.json, deploy/, the pipelines
check-deploy:
	@test/deploy/run.sh

# README's quick starts on bare machines
check-quickstart:
	@test/check-quickstart.sh

check-personalities:
	@test/personalities/run.sh

check-queries:
	@test/queries/run.sh

fuzz:
	@test/fuzz/run.sh

soak:
	@SECONDS_OF_LIFE="$(SECONDS)" test/soak/run.sh

bench:
	@bench/run.sh $(BENCH)

lint:
	@test/lint.sh

# what is installed, on the server that runs (PGHOST, PGPORT, as a superuser)
installcheck:
	@$(dir $(shell $(PG_CONFIG) --pgxs))../test/regress/pg_regress --bindir='$(shell $(PG_CONFIG) --bindir)' --inputdir=test/installed --outputdir='$(or $(OUTPUTDIR),/tmp)' --dbname=pg_ingest_installcheck pg_ingest

help:
	@sed -n '/^# pg_ingest/,/^$$/s/^# \{0,1\}//p' Makefile

.PHONY: release check-upgrade help site installcheck check-packages check-curl check-deploy check-quickstart all install uninstall clean console dist screenshots demo check check-versions check-personalities check-queries fuzz soak bench lint
