#!/bin/bash
# make demo: from nothing to SELECT … FROM netsuite.transaction, against the sandbox.
. "$(dirname "$0")/lib.sh"
started=$SECONDS
set_up
say "Starting the NetSuite sandbox with a company of 120,000 transaction lines, and an empty PostgreSQL"
start_sandbox --port "${DEMO_PORT:-0}" --control --control-port 0 --scale 6
start_cluster demo 6601
say "Ready after $((SECONDS - started)) seconds. The sandbox answers at $NS_URL"
export PGHOST=$WORK/sock PGPORT=6601 PGUSER=postgres PGDATABASE=postgres
attend run_as env PATH="$BIN:$PATH" NS_CONTROL_TOOL="$WORK/src/test/sandbox/control" NS_CONTROL="$NS_CONTROL" NS_URL="$NS_URL" NS_CA="$NS_CA" NS_STATE="$NS_STATE" \
	"$BIN/psql" -X -q -v ON_ERROR_STOP=1 -P pager=off -f "$WORK/src/test/demo.sql" || die "the demo failed"
say "Done in $((SECONDS - started)) seconds; everything was thrown away again. Next: README.md, docs/ingest.md, docs/netsuite_fdw.md, docs/ingest_profile.md"
