# shellcheck shell=bash
# Set-up that demo, check and bench share: packages, build, a copy of the server, throw-away
# clusters owned by an unprivileged user, sandboxes.  Source it; call set_up; everything is
# cleaned up when the script ends, however it ends.

set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C	# messages that are read here, and sort orders
unset LANGUAGE
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH	# Debian's python3 and perl, not another one
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE PGOPTIONS LD_PRELOAD PG_INGEST_WORK || true
WORK=
. "$TOP/test/steps.sh"
. "$TOP/test/suites.sh"

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
	apt_get update || die "apt-get update failed: check the network and /etc/apt/sources.list"
	# shellcheck disable=SC2086
	apt_get -o Dpkg::Options::=--force-confold install -y --no-install-recommends $missing || die "packages could not be installed"
}

# wish_packages WHAT PACKAGES: they are installed where they can be had; WHAT is left out where not
wish_packages() {
	local what=$1 missing
	shift
	missing=$(missing_packages "$@")
	[ -z "$missing" ] || (need_packages "$@") || echo "$what: left out, since packages cannot be had: ${missing//$'\n'/ }"
}

# apt-get, after another one that is at work: apt waits by itself for dpkg's lock, not for those of its lists and archives
apt_get() {
	local said tries=0
	until said=$(as_root env -u PG_INGEST_WORK DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=5 "$@" 2>&1); do
		if ! grep -qE '^E: (Could not get lock|Unable to (acquire|lock))' <<<"$said" || [ $tries -eq 600 ]; then
			tail -n 20 <<<"$said" >&2
			return 1
		fi
		[ $tries -gt 0 ] || echo "Another apt is at work: waiting for its lock, twenty minutes at most"
		tries=$((tries + 1))
		attend sleep 2
	done
}

# where this machine's Debian comes from, and how apt reaches it: for mmdebstrap
debian_mirror() {
	apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | sort -u | head -n 1
}

apt_options() {
	apt-config dump 2>/dev/null | sed -n 's/^\(Acquire::https\{0,1\}::[^ ]*\) "\(.*\)";$/--aptopt=\1 "\2"/p'
}

# debian_root FOLDER SUITE PACKAGES OPTIONS AND SOURCES OF MMDEBSTRAP...: a root that is thrown away needs nothing on its disk, and
# server packages make no clusters in it
debian_root() {
	local root=$1 suite=$2 packages=$3 args=()
	shift 3
	mapfile -t args < <(apt_options)
	mmdebstrap --quiet --variant=minbase "${args[@]}" --dpkgopt=force-unsafe-io --dpkgopt=force-confold --include="$packages" \
		--essential-hook='mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
		"$suite" "$root" "$@" >"$root.log" 2>&1 || { tail -n 20 "$root.log"; return 1; }
}

choose_server() {
	if [ -z "${PG_CONFIG:-}" ]; then
		local default
		need_packages postgresql-common
		default=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\).*/\1/p' | head -n 1)
		if [ -z "$default" ]; then
			apt_get update || die "apt-get update failed: check the network and /etc/apt/sources.list"
			default=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\).*/\1/p' | head -n 1)
		fi
		[ -n "$default" ] || die "no PostgreSQL package is available; name a server with PG_CONFIG=/path/to/pg_config"
		MAJOR=$default
		need_packages "postgresql-$MAJOR" "postgresql-server-dev-$MAJOR"
		PG_CONFIG=/usr/lib/postgresql/$MAJOR/bin/pg_config
	fi
	[ -x "$(command -v "$PG_CONFIG")" ] || die "PG_CONFIG=$PG_CONFIG cannot be run"
	MAJOR=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
	[[ $MAJOR -ge 15 && $MAJOR -le 19 ]] ||
		die "PG_CONFIG=$PG_CONFIG is PostgreSQL $MAJOR; this version of pg_ingest needs 15, 16, 17, 18 or 19"
	BIN=$("$PG_CONFIG" --bindir)
	[ -x "$BIN/initdb" ] || die "there is no server beside PG_CONFIG=$PG_CONFIG: install postgresql-$MAJOR"
	[ -e "$("$PG_CONFIG" --pgxs)" ] || die "PGXS is missing for PG_CONFIG=$PG_CONFIG: install postgresql-server-dev-$MAJOR"
	export PG_CONFIG
}

# build: in the checkout, one run at a time
build() {
	say "Building for PostgreSQL $MAJOR"
	attend flock "$TOP" bash -c '
		stamp=$1/netsuite_fdw/.built-for
		for="$PG_CONFIG${CURL_KNOWN:+ as with libcurl $CURL_KNOWN}"
		if [ "$(cat "$stamp" 2>/dev/null)" != "$for" ]; then
			make -s -C "$1" clean
			echo "$for" >"$stamp"
		fi
		make -s -C "$1" -j"$(nproc)" 2>&1 | grep -v "^make"
		make -s -C "$1"' build "$TOP" || die "the build failed"
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

# attend COMMAND: run it so that a signal to this script is heard at once, not when the command has ended
attend() {
	"$@" &
	wait $!
}

# This run's servers, and its other processes: these have inherited PG_INGEST_WORK, or live in a root within its folder
servers() {
	find /proc -mindepth 2 -maxdepth 2 -name exe -lname "$WORK/*/bin/postgres*" 2>/dev/null | cut -d/ -f3
}

others() {
	{
		grep -lszF "PG_INGEST_WORK=$WORK" /proc/[0-9]*/environ || :
		find /proc -mindepth 2 -maxdepth 2 -name root -lname "$WORK/*" 2>/dev/null || :
	} | cut -d/ -f3 | grep -vxF -e 0 -f <(servers) || :
}

# Every process of this run: first who could start others, then servers, as they should end, then what is left.
# A postmaster that was killed leaves shared memory, which its successor takes away.
end_processes() {
	local tries=0 file pid
	export -n PG_INGEST_WORK
	pid=$(jobs -p)
	disown -a
	# shellcheck disable=SC2086
	kill -KILL $pid 2>/dev/null
	while pid=$(others); [ -n "$pid" ] && [ $((tries += 1)) -le 50 ]; do
		# shellcheck disable=SC2086
		kill -KILL $pid 2>/dev/null
		sleep 0.05
	done
	# not in what is mounted there: a root's /proc is that of the machine
	while read -r file; do
		kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
	done < <(find "$WORK" -xdev -name postmaster.pid)
	tries=0
	while [ -n "$(servers)" ] && [ $((tries += 1)) -le 50 ]; do sleep 0.1; done
	# shellcheck disable=SC2046
	kill -KILL $(servers) 2>/dev/null
	while read -r file; do
		run_as timeout 30 "${BIN:-}/postgres" --single -D "$(dirname "$file")" postgres </dev/null >/dev/null 2>&1
	done < <(find "$WORK" -xdev -name postmaster.pid)
}

# for a script that has more to take back
before_removal() { :; }

clean_up() {
	local code=$?
	trap '' EXIT INT TERM HUP
	set +e
	[ -n "$WORK" ] || exit $code
	cd /
	end_processes
	before_removal
	if [ $code -ne 0 ] && [ -n "${KEEP_ON_FAILURE:-}" ]; then
		echo "kept for a look: $WORK" >&2
	else
		rm -rf --one-file-system "$WORK" 2>/dev/null || as_root rm -rf --one-file-system "$WORK"
	fi
	exit $code
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Tests make and remove servers by the hundred, a few thousand files each, and ext4 looks long for a file's number that was not
# free a moment ago; what is measured, and what a person may keep, stays on the disk.
PLACE=/tmp
in_memory() {
	local free probe
	free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
	[ "${free:-0}" -ge $((8 << 20)) ] && [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -ge $((12 << 20)) ] || return 0
	probe=$(mktemp /dev/shm/pg_ingest.XXXXXX 2>/dev/null) || return 0
	# programs must run from there
	cp /bin/true "$probe" && chmod 755 "$probe" && "$probe" 2>/dev/null && PLACE=/dev/shm
	rm -f "$probe"
}

# A folder that goes with the run, and its mark on what the run starts
make_folder() {
	WORK=$(mktemp -d "$PLACE/pg_ingest.XXXXXX")
	export PG_INGEST_WORK=$WORK
}

make_work() {
	make_folder
	# the checkout may be unreadable to the servers' user
	mkdir "$WORK/src" "$WORK/tmp"
	cp -r "$TOP/test" "$TOP/bench" "$TOP/sql" "$TOP/expected" "$TOP/docs" "$TOP/common" "$TOP/netsuite_fdw" "$TOP/files_fdw" "$TOP/ingest_profile" "$TOP/ingest_api" "$TOP/deploy" "$TOP"/*.md "$TOP/LICENSE" "$WORK/src/"
	find "$WORK/src" -name __pycache__ -prune -exec rm -rf {} +
	[ "$(id -u)" = 0 ] && chown -R postgres: "$WORK"
	cd "$WORK"
}

# What initdb makes, made once: clusters begin with a copy of it.  test/tools/initdb does so for TAP tests.
make_template() {
	INITDB_COPY=$WORK/initdb INITDB_REAL=$BIN/initdb
	export INITDB_COPY INITDB_REAL
	run_as mkdir -p "$WORK/sock"
	run_as "$BIN/initdb" -D "$INITDB_COPY" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$WORK/initdb.log" 2>&1 ||
		{ cat "$WORK/initdb.log" >&2; die "initdb failed"; }
	# loading LLVM takes longer than what tests ask
	echo "jit = off" | run_as tee -a "$INITDB_COPY/postgresql.conf" >/dev/null
}

# start_cluster NAME PORT [SETTINGS]: a cluster that is reached by a socket in $WORK/sock alone.  Connections that it makes
# itself are postgres', whoever runs it.
start_cluster() {
	run_as cp -r "$INITDB_COPY" "$WORK/$1"
	run_as tee -a "$WORK/$1/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$WORK/sock'
		port = $2
		fsync = off
		shared_buffers = 256MB
		max_wal_size = 4GB
		statement_timeout = 100s
		log_line_prefix = '%m [%p] '
		${3:-}
	CONF
	run_as env PGUSER=postgres "$BIN/pg_ctl" -D "$WORK/$1" -w -l "$WORK/$1.log" start >/dev/null ||
		{ cat "$WORK/$1.log" >&2; die "the cluster $1 did not start"; }
}

# start_store: the cluster in which each sandbox has a database of its own
start_store() {
	[ -z "${NS_STORE:-}" ] || return 0
	start_cluster sandbox_data 6602 "max_connections = 300"
	export NS_STORE="host=$WORK/sock port=6602 user=postgres"
}

# start_sandbox OPTIONS: the only one of a run; PERSONALITY says which account it plays
start_sandbox() {
	start_sandbox_in "$WORK" "$@"
}

# start_sandbox_in FOLDER OPTIONS: its files are in FOLDER, which gives its database its name.  With --copy among the
# options its data are a copy of what the first one of that scale generated.
start_sandbox_in() {
	local folder=$1 name=sandbox tries=0 pid
	shift
	start_store
	[ "$folder" = "$WORK" ] || name=$(basename "$folder")
	run_as mkdir -p "$folder/state"
	NS_READY=$folder/ready.json
	run_as /usr/bin/python3 "$WORK/src/test/sandbox/netsuite-sandbox" --state "$folder/state" \
		--ready "$NS_READY" --dsn "$NS_STORE dbname=$name" --create ${PERSONALITY:+--personality "$PERSONALITY"} "$@" >"$folder/sandbox.log" 2>&1 &
	pid=$!
	while [ ! -e "$NS_READY" ]; do
		if ! kill -0 $pid 2>/dev/null; then
			cat "$folder/sandbox.log" >&2
			die "the sandbox did not start"
		fi
		[ $((tries += 1)) -le 1800 ] || die "the sandbox was not ready within three minutes"
		sleep 0.1
	done
	NS_URL=$(fact url); NS_CA=$(fact ca_file); NS_STATE=$(fact state)
	NS_CONTROL=$(fact control_url) NS_OPTIONS=$(fact server_options) NS_MAPPING=$(fact mapping_options)
	export NS_URL NS_CA NS_STATE NS_READY NS_CONTROL NS_OPTIONS NS_MAPPING
}

fact() {
	/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' "$NS_READY" "$1"
}

BASE_PACKAGES="$(cat "$TOP/deploy/build-packages") python3 python3-psycopg python3-cryptography"
# zones such as CET, which tests use, stand in a package of their own since Debian 13
if [ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" = debian ] && [ "$(. /etc/os-release && echo "${VERSION_ID:-99}")" -ge 13 ]; then
	BASE_PACKAGES+=" tzdata-legacy"
fi

# need_optional PACKAGES: false where they are not available; what needs them is left out, and it says so
need_optional() {
	local missing
	missing=$(missing_packages "$@")
	[ -z "$missing" ] && return
	# shellcheck disable=SC2086
	apt-cache show $missing >/dev/null 2>&1 || { echo "not available: ${missing//$'\n'/ }"; return 1; }
	# nothing of it is to be started here: each has a folder of its own in the run's
	# shellcheck disable=SC2086
	apt_get install -y --no-install-recommends $missing || { echo "could not be installed: ${missing//$'\n'/ }"; return 1; }
}

# Peers of alerts: a mail server, and Alertmanager, which is not to run as a service of the machine
need_peers() {
	[ ! -d /run/systemd/system ] || [ -z "$(missing_packages prometheus-alertmanager)" ] || as_root systemctl --quiet mask prometheus-alertmanager
	need_optional prometheus-alertmanager || :
	need_optional python3-aiosmtpd || :
	# foreign writers of workbooks
	need_optional python3-openpyxl python3-xlsxwriter || :
	local proxy
	for proxy in nginx caddy; do
		[ ! -d /run/systemd/system ] || [ -n "$(command -v $proxy)" ] || as_root systemctl --quiet mask $proxy
	done
	need_optional nginx-light || :
	need_optional caddy || :
	need_optional chromium || :
	need_optional mkdocs mkdocs-material || :
	need_prometheus
}

# Who reads metrics, likewise not as services
need_prometheus() {
	[ ! -d /run/systemd/system ] || [ -z "$(missing_packages prometheus)" ] || as_root systemctl --quiet mask prometheus prometheus-node-exporter
	[ ! -d /run/systemd/system ] || [ -z "$(missing_packages prometheus-postgres-exporter)" ] || as_root systemctl --quiet mask prometheus-postgres-exporter
	need_optional prometheus prometheus-postgres-exporter python3-prometheus-client || :
}

# What tests need besides: another Node.js than Debian's will do
need_test_packages() {
	need_packages "postgresql-$MAJOR-cron" sqlsmith zstd
	command -v npm >/dev/null || need_packages nodejs npm
	need_peers
}

# for a script that has something to fetch meanwhile
before_build() { :; }

# set_up PACKAGES: everything up to an installed extension and a work directory
set_up() {
	# shellcheck disable=SC2086
	step "packages" need_packages $BASE_PACKAGES "$@"
	step "server's packages" choose_server
	step "Kafka's packages" wish_packages "Kafka" librdkafka-dev kcat
	make_work
	before_build
	step "build" build
	step "copy of the server" copy_and_install
}

# build_console: its static files, which an installation takes along; they need npm
build_console() {
	command -v npm >/dev/null || need_packages nodejs npm
	attend flock "$TOP/console" make -s -C "$TOP/console" || die "the console does not build"
}

# install_console: into the server that is tested, where the gateway looks for it
install_console() {
	build_console
	make -s -C "$TOP/gateway" install PG_CONFIG="$PG_CONFIG" >/dev/null || die "the console could not be installed"
	chmod -R a+rX "$("$PG_CONFIG" --sharedir)"
	# a copy that tests may read: they compile it with the API's document
	mkdir -p "$WORK/console"
	cp -r "$TOP/console/src" "$TOP/console/tsconfig.json" "$TOP/console/vite.config.ts" "$TOP/console/node_modules" "$WORK/console/"
	rm -rf "$WORK"/console/node_modules/node-linux-*
	chmod -R a+rX "$WORK/console"
	export CONSOLE_SOURCE=$WORK/console
}

copy_and_install() {
	copy_server server
	install_extensions
	make_template
}
