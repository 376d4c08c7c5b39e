# pg_ingest: data ingestion inside PostgreSQL
#
#   make           build everything             make demo     the tour, from a fresh Debian machine
#   make install   install them                 make check    all tests, from a fresh Debian machine
#   make bench     benchmarks (BENCH=name)      make lint     format and static checks
#   make check-versions, check-personalities, check-queries, fuzz, soak: the longer tests.  docs/testing.md describes all.
#
# PG_CONFIG=/path/to/pg_config chooses the server; without it, build takes the pg_config in the PATH, and demo
# and check install the PostgreSQL that the Debian release brings.

EXTENSIONS = netsuite_fdw files_fdw ingest_profile ingest ingest_delivery ingest_api
# beside them: the gateway, and a program of ingest_delivery's, where the library that it needs is there
PROGRAMS = gateway ingest_kafka

all install uninstall clean:
	@for e in $(EXTENSIONS) $(PROGRAMS); do $(MAKE) --no-print-directory -C $$e $@ || exit 1; done

demo:
	@test/demo.sh

check:
	@test/check.sh

check-versions:
	@test/check-versions.sh

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

.PHONY: all install uninstall clean demo check check-versions check-personalities check-queries fuzz soak bench lint
