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

# install_sanitized EXTENSION SANITIZER: build it once more, with a sanitizer that a server can load, over the one installed
install_sanitized() {
	local copy=$WORK/sanitized
	say "Building $1 with -fsanitize=$2"
	mkdir -p "$copy"
	cp -r "$TOP/$1" "$TOP/common" "$copy"
	make -s -C "$copy/$1" clean PG_CONFIG="$PG_CONFIG"
	make -s -C "$copy/$1" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" PG_CFLAGS="-O1 -g -w -fvisibility=hidden -fsanitize=$2 -fno-sanitize-recover=$2" \
		LDFLAGS_SL="-fsanitize=$2" install >"$copy/build.log" 2>&1 || { tail -n 5 "$copy/build.log" >&2; die "$1 does not build with the sanitizer"; }
	ldd "$("$PG_CONFIG" --pkglibdir)/$1.so" | grep -q san.so || die "$1 was built without the sanitizer"
}

# run_python SCRIPT ARGUMENTS
run_python() {
	in_queries NS_CONTROL="$NS_CONTROL" QUERIES="${QUERIES:-}" FIXED="${FIXED:-}" LITERALS="${LITERALS:-}" SEED="${SEED:-}" FAMILY="${FAMILY:-}" \
		SKIP="${SKIP:-}" JOBS="${JOBS:-}" OUT="${OUT:-}" ZONE="${ZONE:-America/Los_Angeles}" PERSONALITY="${PERSONALITY:-}" /usr/bin/python3 "$WORLD/$1" "${@:2}"
}

# no_crash: did a server process die, or an assertion or a sanitizer speak?
no_crash() {
	local dead
	dead=$(grep -aE -A 1 'terminated by signal|PANIC:|TRAP:|runtime error:|ERROR: (Address|Undefined)' "$WORK/tested.log" || :)
	[ -z "$dead" ] && return
	say "Crashes: $(grep -acE 'terminated by signal|PANIC:|TRAP:' <<<"$dead"); the first of them"
	head -n 10 <<<"$dead" | cut -c 1-600
	return 1
}
