# shellcheck shell=bash
# The living month: source it after lib.sh.  Its clusters, and what its driver gets.

# What its sources need besides, where it is available: without it there is one source fewer
month_packages() {
	local had=1
	need_optional python3-pymysql mariadb-server "postgresql-$MAJOR-mysql-fdw" || had=0
	[ $had = 1 ] || return 0
	# into the copy of the server, which may have been made before
	local real=/usr/lib/postgresql/$MAJOR share=/usr/share/postgresql/$MAJOR/extension
	cp -n "$real/lib/mysql_fdw.so" "$("$PG_CONFIG" --pkglibdir)"
	cp -n "$share"/mysql_fdw* "$("$PG_CONFIG" --sharedir)/extension"
}

# month_personality SEED: the account that the sandbox plays in this month
month_personality() {
	# shellcheck disable=SC2046
	/usr/bin/python3 -c 'import random, sys; print(random.Random(sys.argv[1]).choice(sys.argv[2:]))' "$1" $(personality_names)
}

# start_month: the engine's cluster, and the sources; PERSONALITY says which account the sandbox plays
start_month() {
	local data=$WORK/maria
	start_cluster month 6604 "shared_preload_libraries = 'ingest'
		max_worker_processes = 24
		max_connections = 120
		max_prepared_transactions = 20
		ingest.discovery = 1
		deadlock_timeout = 200ms"
	start_cluster shop 6605 "max_connections = 150"
	start_sandbox_in "$WORK/account" --copy --port 0 --control --control-port 0 --scale 0.05
	MONTH_MARIA_PORT=
	if [ -e "$("$PG_CONFIG" --pkglibdir)/mysql_fdw.so" ] && command -v mariadb-install-db >/dev/null; then
		run_as mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db \
			--datadir="$data" >"$WORK/maria.log" 2>&1 ||
			{ cat "$WORK/maria.log" >&2; die "MariaDB could not be set up"; }
		MONTH_MARIA_PORT=$(/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
	fi
	export MONTH_MARIA_PORT
}

# live_month SECONDS SEED [OPTIONS]: start_month goes before.  Each comparison that held counts as one test, each finding as
# one that failed.
live_month() {
	local seconds=$1 seed=$2 code=0 passed failed
	shift 2
	shown "$WORK/month.out" run_as env MONTH_BIN="$BIN" MONTH_WORK="$WORK" MONTH_SOCKET="$WORK/sock" \
		MONTH_ENGINE_PORT=6604 MONTH_SHOP_PORT=6605 /usr/bin/python3 -B "$WORK/src/test/soak/month.py" --seconds "$seconds" --seed "$seed" "$@" || code=1
	read -r passed failed < <(sed -n 's/^month: \([0-9]*\) held, \([0-9]*\) did not$/\1 \2/p' "$WORK/month.out") || true
	counted "${passed:-0}" "${failed:-1}"
	return $code
}
