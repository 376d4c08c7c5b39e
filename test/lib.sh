# shellcheck shell=bash
# Set-up that demo, check and bench share: packages, build, a throw-away cluster
# owned by an unprivileged user, the sandbox.  Source it; call set_up; everything
# is cleaned up when the script ends.

set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C	# messages that are read here, and sort orders
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH	# Debian's python3 and perl, not another one
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE PGOPTIONS LD_PRELOAD || true
WORK=

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "\"$*\" needs root: run as root, or install sudo"
	fi
}

# servers refuse to run as root, so they run as postgres, which Debian's package makes
run_as() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

missing_packages() {
	local p
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

need_packages() {
	local missing
	missing=$(missing_packages "$@")
	[ -z "$missing" ] && return
	command -v apt-get >/dev/null || die "these packages are missing and there is no apt-get: ${missing//$'\n'/ }"
	say "Installing packages: ${missing//$'\n'/ }"
	# no cluster of the system's own: tests bring theirs
	local conf=/etc/postgresql-common/createcluster.conf
	if [ ! -e $conf ]; then
		as_root mkdir -p /etc/postgresql-common
		echo 'create_main_cluster = false' | as_root tee $conf >/dev/null
	fi
	export DEBIAN_FRONTEND=noninteractive
	as_root apt-get -qq update || die "apt-get update failed: check the network and /etc/apt/sources.list"
	# shellcheck disable=SC2086
	as_root apt-get -qq -o Dpkg::Options::=--force-confold install -y --no-install-recommends $missing >"${TMPDIR:-/tmp}/pg_ingest-apt.log" 2>&1 ||
		{ tail -n 20 "${TMPDIR:-/tmp}/pg_ingest-apt.log" >&2; die "packages could not be installed"; }
}

choose_server() {
	if [ -z "${PG_CONFIG:-}" ]; then
		local default
		need_packages postgresql-common
		default=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\).*/\1/p' | head -n 1)
		if [ -z "$default" ]; then
			as_root apt-get -qq update
			default=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\).*/\1/p' | head -n 1)
		fi
		[ -n "$default" ] || die "no PostgreSQL package is to be had; name a server with PG_CONFIG=/path/to/pg_config"
		MAJOR=$default
		need_packages "postgresql-$MAJOR" "postgresql-server-dev-$MAJOR"
		PG_CONFIG=/usr/lib/postgresql/$MAJOR/bin/pg_config
	fi
	[ -x "$(command -v "$PG_CONFIG")" ] || die "PG_CONFIG=$PG_CONFIG cannot be run"
	MAJOR=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
	[[ $MAJOR -ge 15 && $MAJOR -le 18 ]] ||
		die "PG_CONFIG=$PG_CONFIG is PostgreSQL $MAJOR; this version of pg_ingest needs 15, 16, 17 or 18"
	BIN=$("$PG_CONFIG" --bindir)
	[ -x "$BIN/initdb" ] || die "there is no server beside PG_CONFIG=$PG_CONFIG: install postgresql-$MAJOR"
	[ -e "$("$PG_CONFIG" --pgxs)" ] || die "PGXS is missing for PG_CONFIG=$PG_CONFIG: install postgresql-server-dev-$MAJOR"
	export PG_CONFIG
}

build() {
	say "Building for PostgreSQL $MAJOR"
	local stamp
	stamp=$TOP/netsuite_fdw/.built-for
	if [ "$(cat "$stamp" 2>/dev/null)" != "$PG_CONFIG" ]; then
		make -s -C "$TOP" clean
		echo "$PG_CONFIG" >"$stamp"
	fi
	make -s -C "$TOP" -j"$(nproc)" 2>&1 | grep -v '^make' || true
	make -s -C "$TOP" || die "the build failed"
}

# The longest path that holds all of the given ones
common_path() {
	local common=$1 p
	for p in "$@"; do
		while [[ $p/ != "$common"/* ]]; do common=${common%/*}; done
	done
	echo "$common"
}

# copy_server NAME: a copy of the server's tree in the work folder.  A server finds its share and lib from where it
# is, so nothing has to be installed over the machine's own, and two runs do not meet.  Sets PG_CONFIG and BIN to it.
copy_server() {
	local share lib include prefix to dir
	share=$("$PG_CONFIG" --sharedir) lib=$("$PG_CONFIG" --pkglibdir) include=$("$PG_CONFIG" --includedir-server)
	BIN=$("$PG_CONFIG" --bindir)
	prefix=$(common_path "$BIN" "$share" "$lib" "$include")
	to=$WORK/$1
	for dir in "$BIN" "$share" "$lib"; do
		[ -d "$to${dir#"$prefix"}" ] && continue
		mkdir -p "$to${dir#"$prefix"}"
		cp -r "$dir/." "$to${dir#"$prefix"}"
	done
	for dir in "$("$PG_CONFIG" --pkgincludedir)" "$include"; do
		[ -d "$to${dir#"$prefix"}" ] && continue
		mkdir -p "$(dirname "$to${dir#"$prefix"}")"
		ln -sn "$dir" "$to${dir#"$prefix"}"
	done
	BIN=$to${BIN#"$prefix"}
	PG_CONFIG=$BIN/pg_config
	chmod -R a+rX "$to"
}

# install_extensions: into the server of PG_CONFIG, which is a copy
install_extensions() {
	make -s -C "$TOP" install PG_CONFIG="$PG_CONFIG" >/dev/null || die "the installation failed"
}

# fuzz_target decode|sketch: SOURCES, CORPUS and DICTIONARY of a fuzzer
fuzz_target() {
	local room
	# shellcheck disable=SC2034
	DICTIONARY=()
	case $1 in
	decode)
		SOURCES="$TOP/test/fuzz/decode_fuzz.c $TOP/netsuite_fdw/decode.c"
		CORPUS=$TOP/test/fuzz/corpus
		# shellcheck disable=SC2034
		DICTIONARY=("-dict=$TOP/test/fuzz/json.dict")
		;;
	sketch)
		SOURCES=$TOP/test/fuzz/sketch_fuzz.c
		for room in form bytes frequent distinct quantile moments pattern sample extreme sketch; do
			SOURCES+=" $TOP/ingest_profile/$room.c"
		done
		CORPUS=$TOP/test/fuzz/sketch_corpus
		;;
	*) die "there is no fuzzer $1; there are: decode sketch" ;;
	esac
}

# replay_corpus TARGET: the fuzzer's corpus with the sanitizers of the compiler at hand
replay_corpus() {
	fuzz_target "$1"
	# shellcheck disable=SC2086
	gcc -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -DREPLAY -D_GNU_SOURCE -w \
		-I"$TOP" -I"$("$PG_CONFIG" --includedir-server)" -o "$WORK/replay" $SOURCES -lm || die "the replay of the corpus of $1 does not build"
	"$WORK/replay" "$CORPUS"/* || die "$1 failed under the sanitizers"
}

clean_up() {
	local code=$? d
	set +e
	[ -n "$WORK" ] || exit $code
	for d in "$WORK"/*/postmaster.pid; do
		[ -e "$d" ] && run_as "$BIN/pg_ctl" -D "$(dirname "$d")" -m immediate stop >/dev/null 2>&1
	done
	[ -e "$WORK/sandbox.pid" ] && run_as kill "$(cat "$WORK/sandbox.pid")" 2>/dev/null
	if [ $code -ne 0 ] && [ -n "${KEEP_ON_FAILURE:-}" ]; then
		echo "kept for a look: $WORK" >&2
	else
		rm -rf "$WORK" 2>/dev/null || as_root rm -rf "$WORK"
	fi
	exit $code
}

make_work() {
	WORK=$(mktemp -d /tmp/pg_ingest.XXXXXX)
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	# the checkout may be unreadable to the servers' user
	mkdir "$WORK/src"
	cp -r "$TOP/test" "$TOP/bench" "$TOP/sql" "$TOP/expected" "$TOP/docs" "$WORK/src/"
	find "$WORK/src" -name __pycache__ -prune -exec rm -rf {} +
	[ "$(id -u)" = 0 ] && chown -R postgres: "$WORK"
	cd "$WORK"
}

# start_cluster NAME: a cluster that is reached by a socket in $WORK/sock alone
start_cluster() {
	run_as mkdir -p "$WORK/sock"
	run_as "$BIN/initdb" -D "$WORK/$1" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$WORK/$1.initdb.log" 2>&1 ||
		{ cat "$WORK/$1.initdb.log" >&2; die "initdb failed"; }
	run_as tee -a "$WORK/$1/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$WORK/sock'
		port = $2
		fsync = off
		shared_buffers = 256MB
		max_wal_size = 4GB
		statement_timeout = 100s
		log_line_prefix = '%m [%p] '
	CONF
	run_as "$BIN/pg_ctl" -D "$WORK/$1" -w -l "$WORK/$1.log" start >/dev/null ||
		{ cat "$WORK/$1.log" >&2; die "the cluster $1 did not start"; }
}

# start_sandbox OPTIONS: in a cluster of its own
start_sandbox() {
	start_cluster sandbox_data 6602
	run_as "$BIN/psql" -X -q -h "$WORK/sock" -p 6602 -U postgres -c 'CREATE DATABASE sandbox' postgres
	run_as mkdir -p "$WORK/state"
	run_as sh -c 'echo $$ >"$1/sandbox.pid"; shift; exec "$@"' sh "$WORK" \
		/usr/bin/python3 "$WORK/src/test/sandbox/netsuite-sandbox" --state "$WORK/state" \
		--ready "$WORK/ready.json" --dsn "host=$WORK/sock port=6602 user=postgres dbname=sandbox" \
		"$@" >"$WORK/sandbox.log" 2>&1 &
	local tries=0
	while [ $((tries += 1)) -le 1800 ]; do
		[ -e "$WORK/ready.json" ] && break
		if ! kill -0 $! 2>/dev/null; then
			cat "$WORK/sandbox.log" >&2
			die "the sandbox did not start"
		fi
		sleep 0.1
	done
	[ -e "$WORK/ready.json" ] || die "the sandbox was not ready within three minutes"
	NS_URL=$(fact url); NS_CA=$(fact ca_file); NS_STATE=$(fact state); NS_READY=$WORK/ready.json
	NS_CONTROL=$(fact control_url)
	export NS_URL NS_CA NS_STATE NS_READY NS_CONTROL
}

fact() {
	/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' "$WORK/ready.json" "$1"
}

# run_regress [TESTS]: against the cluster "tested" and the sandbox
run_regress() {
	REGRESS=$(dirname "$("$PG_CONFIG" --pgxs)")/../test/regress/pg_regress
	run_as mkdir -p "$WORK/regress"
	# shellcheck disable=SC2046
	[ $# -gt 0 ] || set -- $(cat "$WORK/src/sql/schedule")
	[ "$MAJOR" -lt 16 ] || set -- "--expecteddir=$WORK/src" "$@"
	run_as env PGTZ=UTC PG_INGEST_QUERIES="$WORK/src/sql/pushdown_queries.txt" NS_CONTROL="$NS_CONTROL" NS_CONTROL_TOOL="$WORK/src/test/sandbox/control" \
		"$REGRESS" --inputdir="$WORK/src" --outputdir="$WORK/regress" --bindir="$BIN" \
		--host="$WORK/sock" --port=6601 --user=postgres --dbname=regress \
		"$@"
}

# ingest_profile once more, with the sanitizer that a server can load
build_sanitized() {
	local copy=$WORK/sanitized
	mkdir -p "$copy"
	cp "$TOP"/ingest_profile/*.[ch] "$TOP"/ingest_profile/Makefile "$TOP"/ingest_profile/*.sql "$TOP"/ingest_profile/*.control "$copy"
	make -s -C "$copy" -j"$(nproc)" PG_CFLAGS="-O1 -g -w -fvisibility=hidden -fsanitize=undefined -fno-sanitize-recover=undefined" \
		EXTRA_CFLAGS="-I$TOP" SHLIB_LINK="-fsanitize=undefined" >"$copy/build.log" 2>&1 ||
		{ tail -n 5 "$copy/build.log" >&2; die "ingest_profile does not build with the sanitizer"; }
	chmod -R a+rX "$copy"
	PROFILE_LIBRARY=$copy/ingest_profile.so
	export PROFILE_LIBRARY
}

# the logs' ends, and last, where the reader looks first, what failed
report_tap() {
	find "$WORK/tap" -name "regress_log_*" -exec tail -n 25 {} +
	echo "== failed tests"
	find "$WORK/tap" -name "regress_log_*" -exec grep -H -A 12 -E "not ok|died|^Bail out" {} + | sed 's,^.*/regress_log_,,' | tail -n 60
}

# run_tap [FILES]: each starts servers of its own
run_tap() {
	local pgxs perl
	build_sanitized
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
	perl=$pgxs/test/perl
	cd "$WORK/src/test"
	[ $# -gt 0 ] || set -- t/*.pl
	run_as mkdir -p "$WORK/tap"
	run_as env PATH="$BIN:$PATH" PG_REGRESS="$pgxs/test/regress/pg_regress" PERL5LIB="$perl:$WORK/src/test/t" TESTDIR="$WORK/tap" \
		TESTDATADIR="$WORK/tap" PG_SHARE="$("$PG_CONFIG" --sharedir)" TESTLOGDIR="$WORK/tap/log" NS_CONTROL="$NS_CONTROL" prove --timer "$@" ||
		{ report_tap >&2; return 1; }
}

BASE_PACKAGES="gcc make pkg-config libc6-dev libcurl4-openssl-dev libjson-c-dev libssl-dev libdeflate-dev libicu-dev
	python3 python3-psycopg python3-cryptography"

# set_up PACKAGES: everything up to an installed extension and a work directory
set_up() {
	# shellcheck disable=SC2086
	need_packages $BASE_PACKAGES "$@"
	choose_server
	build
	make_work
	copy_server server
	install_extensions
}
