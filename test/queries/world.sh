# shellcheck shell=bash
# What the differential runs share: the world of world.py, served by the sandbox, and its copy in the cluster "tested".
# Source it after lib.sh.

WORLD=$WORK/src/test/queries

# in_queries COMMAND: as the servers' user, with the cluster "tested" as its server
in_queries() {
	run_as env PGHOST="$WORK/sock" PGPORT=6601 PGUSER=postgres PGDATABASE=postgres PYTHONDONTWRITEBYTECODE=1 "$@"
}

# start_world: the world on both sides
start_world() {
	start_cluster tested 6601 "log_line_prefix = '%m [%p] %u %e '"
	in_queries ZONE="${ZONE:-America/Los_Angeles}" /usr/bin/python3 "$WORLD/world.py" write "$WORK/world" || die "the world could not be written"
	start_sandbox --port 0 --control --control-port 0 --scale 0.02 --csv "$WORK/world/source"
	in_queries NS_CONTROL="$NS_CONTROL" PERSONALITY="${PERSONALITY:-}" ZONE="${ZONE:-America/Los_Angeles}" /usr/bin/python3 "$WORLD/world.py" load "$WORK/world" || die "the world could not be loaded"
}

# run_python SCRIPT ARGUMENTS
run_python() {
	in_queries NS_CONTROL="$NS_CONTROL" QUERIES="${QUERIES:-}" FIXED="${FIXED:-}" LITERALS="${LITERALS:-}" SEED="${SEED:-}" FAMILY="${FAMILY:-}" \
		SKIP="${SKIP:-}" JOBS="${JOBS:-}" OUT="${OUT:-}" ZONE="${ZONE:-America/Los_Angeles}" PERSONALITY="${PERSONALITY:-}" /usr/bin/python3 "$WORLD/$1" "${@:2}"
}
