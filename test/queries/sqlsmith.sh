# shellcheck shell=bash
# sqlsmith over the world's foreign tables, as a role that may only read: SQLSMITH_SECONDS of it (default 3600), in as
# many processes as JOBS says.  Queries may fail, but not by an internal error; no server process may die.  Sourced by run.sh.

# run_sqlsmith: prints how many queries it made and the classes of their errors
run_sqlsmith() {
	need_packages sqlsmith
	local seconds=${SQLSMITH_SECONDS:-3600} jobs=${JOBS:-2} seed=${SEED:-1} i pids=() target code=0
	target="host=$WORK/sock port=6601 user=smith dbname=postgres"
	in_queries "$BIN/psql" -X -q -v ON_ERROR_STOP=1 <<-SQL || die "the role of sqlsmith could not be set up"
		ALTER ROLE smith SET default_transaction_read_only = on;
		ALTER ROLE smith SET statement_timeout = '4s';
		ALTER ROLE smith SET search_path = f97, truth;
	SQL
	say "sqlsmith for $seconds s, $jobs at once, seeds from $seed"
	for ((i = 0; i < jobs; i++)); do
		# it ends by itself when the server goes; then it begins again, with another seed
		in_queries bash -c 'end=$((SECONDS + $1)) seed=$2
			while [ $((left = end - SECONDS)) -gt 0 ]; do
				timeout $left sqlsmith --target="$3" --exclude-catalog --verbose --seed=$((seed += 1000))
				sleep 1
			done' bash "$seconds" "$((seed + i))" "$target" >"$WORK/sqlsmith.$i.log" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}" || :
	summary_of_sqlsmith || code=1
	return $code
}

# Each run's last count, and the errors of all of them by class
summary_of_sqlsmith() {
	local queries
	queries=$(grep -ahE '^queries: ' "$WORK"/sqlsmith.*.log | awk '{ if ($2 + 0 < last) sum += last; last = $2 + 0 } END { print sum + last }')
	say "sqlsmith: ${queries:-0} queries; errors by class:"
	sed -nE 's/^.* smith ([0-9A-Z]{5}) (ERROR|FATAL|PANIC):.*/\2 \1/p' "$WORK/tested.log" | sort | uniq -c | sort -rn | head -n 30
	run_python internal.py "$WORK/tested.log" || return 1
	[ "${queries:-0}" -gt 0 ]
}
