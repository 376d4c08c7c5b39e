#!/bin/bash
# Random queries over everything: test/sqlsmith.sh [SECONDS].  A world with all extensions, a source, copies, their
# history, jobs, rules and events (calls/world.sql), asked by roles that may do more and less; each query is rolled back.
# It fails if a server process dies or says what is meant for its authors.  SQLSMITH_SEED for other queries.
. "$(dirname "$0")/lib.sh"
seconds=${1:-600} seed=${SQLSMITH_SEED:-1}
set_up perl sqlsmith
psql_smith() {
	run_as "$BIN/psql" -XAtq -h "$WORK/sock" -p 6604 -U postgres -d postgres -v ON_ERROR_STOP=1 "$@"
}
start_cluster smith 6604 "shared_preload_libraries = 'ingest'
max_worker_processes = 20
restart_after_crash = off
log_min_error_statement = error
log_line_prefix = '%m [%p] %u %e '"
psql_smith -v host="$WORK/sock" -v port=6604 -f "$WORK/src/test/calls/world.sql" >/dev/null
roles="w_keeper w_admin w_reader w_nobody"
for role in $roles; do
	psql_smith -c "ALTER ROLE $role SET statement_timeout = '2s'" -c "ALTER ROLE $role SET lock_timeout = '1s'"
done

# one role after the other; sqlsmith ends by itself when its connection does, and begins again with another seed
ask() {
	local role end=$SECONDS each=$((seconds / 4))
	for role in $roles; do
		end=$((end + each))
		while [ $((end - SECONDS)) -gt 0 ] && psql_smith -c "SELECT" >/dev/null 2>&1; do
			attend run_as timeout $((end - SECONDS)) sqlsmith --target="host=$WORK/sock port=6604 dbname=postgres user=$role" --verbose \
				--exclude-catalog --seed=$((seed += 1)) >>"$WORK/sqlsmith.$role.log" 2>&1 || :
			sleep 1
		done
		say "$role: $(tr '\r' '\n' <"$WORK/sqlsmith.$role.log" | grep -c "^queries: ") reports, the last: $(tr '\r' '\n' <"$WORK/sqlsmith.$role.log" | grep "^queries: " | tail -n 1)"
	done
}

judge() {
	local code=0
	say "errors by class"
	sed -nE 's/^.* w_[a-z]+ ([0-9A-Z]{5}) (ERROR|FATAL|PANIC):.*/\2 \1/p' "$WORK/smith.log" | sort | uniq -c | sort -rn | head -n 30
	# some words of PostgreSQL's own, about what sqlsmith makes of constants and types, are internal too
	if grep -aE 'terminated by signal|PANIC|TRAP:| w_[a-z]+ XX000 ERROR' "$WORK/smith.log" |
		grep -vE 'failed to find conversion function from unknown|(invalid INTERVAL|unrecognized interval) typmod|cache lookup failed for type'; then
		code=1
	fi
	psql_smith -c "SELECT" >/dev/null || code=1
	return $code
}

step "sqlsmith, $seconds seconds from seed $seed" ask
step "what it found" judge
