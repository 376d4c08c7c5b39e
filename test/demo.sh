#!/bin/bash
# make demo: from nothing to SELECT … FROM netsuite.transaction, against the sandbox.  CHAPTER=delivery: how events leave the database. CHAPTER=api: the gateway.
# CHAPTER=files: a folder.
# CHAPTER=console: what one looks at; KEEP=1 leaves it up, and make screenshots takes its pictures.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/suites.sh"
started=$SECONDS

netsuite() {
	set_up
	say "Starting the NetSuite sandbox with a company of 120,000 transaction lines, and an empty PostgreSQL"
	start_sandbox --port "${DEMO_PORT:-0}" --control --control-port 0 --scale 6
	start_cluster demo 6601
	say "Ready after $((SECONDS - started)) seconds. The sandbox answers at $NS_URL"
}

# peer NAME COMMAND: in the background, until it listens at its port
peer() {
	local name=$1 port=$2 tries=0
	shift 2
	run_as "$@" >"$WORK/$name.out" 2>&1 </dev/null &
	until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		[ $((tries += 1)) -le 300 ] || { cat "$WORK/$name.out" >&2; die "$name did not start"; }
		sleep 0.1
	done
}

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# a broker, where the packages are there; BROKER is where it is
kafka() {
	export BROKER=
	[ -z "$(missing_packages librdkafka-dev kcat)" ] || return 0
	gcc -O1 -w -o "$WORK/kafka_mock" "$peers/kafka_mock.c" -lrdkafka
	# it ends with its input
	tail -f /dev/null | run_as "$WORK/kafka_mock" 4 >"$WORK/broker" &
	until [ -s "$WORK/broker" ]; do sleep 0.1; done
	BROKER=$(head -n 1 "$WORK/broker")
}

delivery() {
	local peers web mail manager
	set_up
	peers=$WORK/src/test/delivery
	need_peers
	[ -z "$(missing_packages prometheus-alertmanager python3-aiosmtpd)" ] || die "this chapter needs prometheus-alertmanager and python3-aiosmtpd"
	say "Starting a receiver of webhooks, a mail server, Debian's Alertmanager, and an empty PostgreSQL"
	web=$(free_port) mail=$(free_port) manager=$(free_port)
	HOOK_SECRET=whsec_$(head -c 32 /dev/urandom | base64)
	MAIL_PASSWORD=$(head -c 12 /dev/urandom | base64)
	run_as openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout "$WORK/key" -out "$WORK/cert" 2>/dev/null
	cat "$WORK/key" "$WORK/cert" | run_as tee "$WORK/both" >/dev/null
	printf 'route:\n  receiver: none\nreceivers:\n  - name: none\n' | run_as tee "$WORK/alertmanager.yml" >/dev/null
	peer receiver "$web" /usr/bin/python3 -B "$peers/receiver.py" --port "$web" --log "$WORK/webhooks" --secret "$HOOK_SECRET" --whole
	peer mailbox "$mail" /usr/bin/python3 -B "$peers/mailbox.py" --port "$mail" --log "$WORK/mails" --cert "$WORK/both" --user bot --password "$MAIL_PASSWORD"
	peer alertmanager "$manager" prometheus-alertmanager --config.file="$WORK/alertmanager.yml" --storage.path="$WORK/alertmanager" \
		--web.listen-address="127.0.0.1:$manager" --cluster.listen-address=
	kafka
	start_cluster demo 6601 "shared_preload_libraries = 'ingest'"
	export WEB=http://127.0.0.1:$web MAIL=smtp://127.0.0.1:$mail MANAGER=http://127.0.0.1:$manager CA=$WORK/cert
	export HOOK_SECRET MAIL_PASSWORD SHOW="/usr/bin/python3 -B $peers/show.py $WORK"
	say "Ready after $((SECONDS - started)) seconds"
}

# the gateway, with Swagger UI where npm has it
api() {
	local port static
	set_up curl
	static=$WORK/static
	mkdir -p "$static/docs"
	cp "$TOP"/ingest_api/swagger/* "$static/docs"
	export DOCS=
	if type npm >/dev/null 2>&1; then
		install_npm
		cp "$NODE_PATH"/swagger-ui-dist/swagger-ui.css "$NODE_PATH"/swagger-ui-dist/swagger-ui-bundle.js "$static/docs"
		DOCS=yes
	fi
	chmod -R a+rX "$static"
	start_cluster demo 6601 "shared_preload_libraries = 'ingest'"
	port=${DEMO_PORT:-0}
	[ "$port" != 0 ] || port=$(free_port)
	peer gateway "$port" "$BIN/pg_ingest_gateway" --listen "127.0.0.1:$port" --static "$static" --dsn "host=$WORK/sock port=6601 dbname=postgres user=ingest_authenticator"
	export API=http://127.0.0.1:$port
	say "Ready after $((SECONDS - started)) seconds. The gateway listens at $API"
}

# nothing but an empty PostgreSQL: the folder is made on the way
files() {
	set_up
	export DUCK=
	if type npm >/dev/null 2>&1; then
		fetch_npm duckdb
		export DUCK=$WORK/src/test/tools/duck DUCKDB_PATH=$WORK/duckdb/node_modules
	fi
	start_cluster demo 6601
	say "Ready after $((SECONDS - started)) seconds"
}

# the console: all of it at once, and life that goes on
console() {
	local peers web port
	[ -e "$TOP/console/dist/index.html" ] || step "console" build_console
	set_up curl
	peers=$WORK/src/test/delivery
	say "Starting the NetSuite sandbox, a receiver of webhooks, and an empty PostgreSQL"
	start_sandbox --port 0 --control --control-port 0 --scale "${DEMO_SCALE:-2}"
	web=$(free_port)
	HOOK_SECRET=whsec_$(head -c 32 /dev/urandom | base64)
	echo '{"/planning": {"status": 503}}' | run_as tee "$WORK/behave" >/dev/null
	peer receiver "$web" /usr/bin/python3 -B "$peers/receiver.py" --port "$web" --log "$WORK/webhooks" --secret "$HOOK_SECRET" --behave "$WORK/behave"
	start_cluster demo 6601 "shared_preload_libraries = 'netsuite_fdw,ingest'
		max_worker_processes = 24"
	export WEB=http://127.0.0.1:$web HOOK_SECRET
	port=${DEMO_PORT:-0}
	[ "$port" != 0 ] || port=$(free_port)
	API=http://127.0.0.1:$port
	say "Ready after $((SECONDS - started)) seconds"
}

# an address that logs in once
login_address() {
	"$BIN/psql" -XAtq -c "SET ingest_api.console_url = '$API/console'; SET SESSION AUTHORIZATION erin; SELECT ingest_api.login_link(1440)"
}

# what is after the script: the gateway, an address with a login for once, and some life as long as it is up
console_up() {
	peer gateway "${API##*:}" "$BIN/pg_ingest_gateway" --listen "${API#http://}" --dsn "host=$WORK/sock port=6601 dbname=postgres user=ingest_authenticator"
	run_as env PATH="$BIN:$PATH" "$WORK/src/test/tools/life" >"$WORK/life.out" 2>&1 &
	say "The console: $(login_address)"
}

case ${CHAPTER:-netsuite} in
netsuite | delivery | api | files | console) "${CHAPTER:-netsuite}" ;;
*) die "there is no chapter $CHAPTER; there are delivery, api, files and console, and without one the tour" ;;
esac
script=demo
[ "${CHAPTER:-netsuite}" = netsuite ] || script=demo_$CHAPTER
export PGHOST=$WORK/sock PGPORT=6601 PGUSER=postgres PGDATABASE=postgres
attend run_as env PATH="$BIN:$PATH" NS_CONTROL_TOOL="$WORK/src/test/sandbox/control" NS_CONTROL="${NS_CONTROL:-}" NS_URL="${NS_URL:-}" NS_CA="${NS_CA:-}" NS_STATE="${NS_STATE:-}" \
	"$BIN/psql" -X -q -v ON_ERROR_STOP=1 -P pager=off -f "$WORK/src/test/$script.sql" || die "the demo failed"
if [ "${CHAPTER:-netsuite}" = console ]; then
	console_up
	if [ -n "${SHOOT:-}" ]; then
		need_optional chromium || die "screenshots need Chromium"
		install_npm
		mkdir -p "$TOP/docs/images"
		# so that what happens has happened
		attend sleep 45
		attend node "$TOP/test/console/shoot.cjs" "$(login_address)" "$TOP/docs/images" || die "there are no screenshots"
	fi
	if [ -n "${KEEP:-}" ]; then
		say "It stays up until this ends: Ctrl-C"
		attend sleep infinity
	fi
fi
say "Done in $((SECONDS - started)) seconds; everything was thrown away again. Next: README.md, docs/ingest.md, docs/ingest_delivery.md, docs/ingest_api.md, docs/netsuite_fdw.md, docs/ingest_profile.md"
