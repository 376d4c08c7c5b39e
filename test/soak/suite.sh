# shellcheck shell=bash
# The living month: source it after lib.sh.  Its clusters, and what its driver gets.

# start_month: the engine's cluster, and the PostgreSQL that is its source
start_month() {
	start_cluster month 6604 "shared_preload_libraries = 'ingest'
		max_worker_processes = 24
		max_connections = 120
		ingest.discovery = 1
		deadlock_timeout = 200ms"
	start_cluster shop 6605 "max_connections = 150"
}

# live_month SECONDS SEED [OPTIONS]: start_month and what sources there are go before
live_month() {
	local seconds=$1 seed=$2
	shift 2
	run_as env MONTH_BIN="$BIN" MONTH_WORK="$WORK" MONTH_SOCKET="$WORK/sock" MONTH_ENGINE_PORT=6604 MONTH_SHOP_PORT=6605 \
		/usr/bin/python3 -B "$WORK/src/test/soak/month.py" --seconds "$seconds" --seed "$seed" "$@"
}
