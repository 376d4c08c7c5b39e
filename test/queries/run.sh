#!/bin/bash
# make check-queries: answers over foreign tables against answers over local copies.  QUERIES, FIXED, SEED, FAMILY, SKIP,
# JOBS, OUT as run.py takes them; PERSONALITY of the sandbox, ZONE of the account; SANITIZE=undefined builds the connector
# with UBSan.  RUN="queries literals sqlsmith" for other runs over the same world.
. "$(dirname "$0")/../lib.sh"

set_up perl
. "$WORK/src/test/queries/world.sh"
. "$WORK/src/test/queries/sqlsmith.sh"
. "$WORK/src/test/sanitize.sh"
sanitize netsuite_fdw
step "world" start_world

budget=600
for run in ${RUN:-queries}; do
	case $run in
	queries) try "queries" run_python run.py; budget=$((budget + 1800)) ;;
	literals) try "literals" run_python literals.py; budget=$((budget + 1800)) ;;
	sqlsmith) try "sqlsmith" run_sqlsmith; budget=$((budget + ${SQLSMITH_SECONDS:-3600})) ;;
	*) die "there is no run $run; there are: queries literals sqlsmith" ;;
	esac
done
try "no crash" no_crash tested
report check-queries $budget
