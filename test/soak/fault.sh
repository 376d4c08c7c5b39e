#!/bin/bash
# test/soak/fault.sh [NAMES]: what the living month found, each as the shortest script that shows it, in a cluster of its
# own.  They print what is and what should be; nothing fails.
. "$(dirname "$0")/../lib.sh"
set_up
[ $# -gt 0 ] || set -- "$TOP"/test/soak/faults/*.sql
for file in "$@"; do
	name=$(basename "$file" .sql)
	[ "$name" != world ] || continue
	start_cluster "fault_$name" 6606 "shared_preload_libraries = 'ingest'
		max_worker_processes = 24
		ingest.discovery = 1"
	say "$name"
	run_as "$BIN/psql" -X -q -h "$WORK/sock" -p 6606 -U postgres -v port=6606 -v socket="$WORK/sock" \
		-f "$WORK/src/test/soak/faults/world.sql" -f "$WORK/src/test/soak/faults/$name.sql" postgres 2>&1 || :
	run_as "$BIN/pg_ctl" -D "$WORK/fault_$name" -m immediate stop >/dev/null
done
