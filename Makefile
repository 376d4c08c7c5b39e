# pg_ingest: data ingestion inside PostgreSQL
#
#   make           build every extension        make demo     the tour, from a fresh Debian machine
#   make install   install them                 make check    all tests, from a fresh Debian machine
#   make bench     benchmarks (BENCH=name)      make lint     format and static checks
#
# PG_CONFIG chooses the server to build for.

PG_CONFIG ?= pg_config
EXTENSIONS = netsuite_fdw
export PG_CONFIG

all install uninstall clean:
	@for e in $(EXTENSIONS); do $(MAKE) --no-print-directory -C $$e $@ || exit 1; done

demo:
	@test/demo.sh

check:
	@test/check.sh

check-versions:
	@test/check-versions.sh

fuzz:
	@test/fuzz/run.sh

bench:
	@bench/run.sh $(BENCH)

lint:
	@test/lint.sh

.PHONY: all install uninstall clean demo check check-versions fuzz bench lint
