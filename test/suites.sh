# shellcheck shell=bash
# The tests themselves, each run of which says what it counted (steps.sh)

# shown FILE COMMAND: its output on the screen, and in FILE
shown() {
	local file=$1 code=0 pid
	shift
	: >"$file"
	"$@" >"$file" 2>&1 &
	pid=$!
	tail -n +1 -s 0.2 -f --pid=$pid "$file" &
	wait $pid || code=$?
	wait $!
	return $code
}

# fuzz_target decode|sketch|request|jwt|frame|graphql|csv|rows|unpack|dialect|parquet|xlsx: SOURCES, LIBRARIES, CORPUS, DICTIONARY and the LONGEST input of a fuzzer
fuzz_target() {
	local room
	# shellcheck disable=SC2034
	DICTIONARY=() LIBRARIES=() LONGEST=4096
	case $1 in
	decode)
		SOURCES=("$TOP/test/fuzz/decode_fuzz.c" "$TOP/netsuite_fdw/decode.c" "$TOP/netsuite_fdw/page.c" "$TOP/netsuite_fdw/jsontext.c" "$TOP/common/json.c")
		CORPUS=$TOP/test/fuzz/corpus
		# shellcheck disable=SC2034
		DICTIONARY=("-dict=$TOP/test/fuzz/json.dict")
		;;
	sketch)
		SOURCES=("$TOP/test/fuzz/sketch_fuzz.c")
		for room in form bytes frequent grid distinct quantile moments pattern sample extreme observe sketch column; do
			SOURCES+=("$TOP/ingest_profile/$room.c")
		done
		CORPUS=$TOP/test/fuzz/sketch_corpus
		# one with all parts has 12 to 20 kB
		# shellcheck disable=SC2034
		LONGEST=24576
		;;
	request)
		SOURCES=("$TOP/test/fuzz/request_fuzz.c" "$TOP/gateway/parse.c")
		CORPUS=$TOP/test/fuzz/request_corpus
		;;
	jwt)
		SOURCES=("$TOP/test/fuzz/jwt_fuzz.c" "$TOP/gateway/jwt.c" "$TOP/gateway/buffer.c")
		CORPUS=$TOP/test/fuzz/jwt_corpus
		# shellcheck disable=SC2034,SC2207
		LIBRARIES=($(pkg-config --cflags --libs json-c libcrypto))
		;;
	frame)
		SOURCES=("$TOP/test/fuzz/frame_fuzz.c" "$TOP/common/frame.c")
		CORPUS=$TOP/test/fuzz/frame_corpus
		;;
	graphql)
		SOURCES=("$TOP/test/fuzz/graphql_fuzz.c" "$TOP/ingest_api/graphql/lexer.c" "$TOP/ingest_api/graphql/parser.c")
		CORPUS=$TOP/test/fuzz/graphql_corpus
		# shellcheck disable=SC2034
		DICTIONARY=("-dict=$TOP/test/fuzz/graphql.dict")
		;;
	csv)
		SOURCES=("$TOP/test/fuzz/csv_fuzz.c")
		for room in csv fixed reader complaint; do SOURCES+=("$TOP/files_fdw/$room.c"); done
		CORPUS=$TOP/test/fuzz/csv_corpus
		;;
	rows)
		SOURCES=("$TOP/test/fuzz/rows_fuzz.c")
		for room in json reader complaint; do SOURCES+=("$TOP/files_fdw/$room.c"); done
		CORPUS=$TOP/test/fuzz/rows_corpus
		# shellcheck disable=SC2034
		DICTIONARY=("-dict=$TOP/test/fuzz/json.dict")
		;;
	unpack)
		SOURCES=("$TOP/test/fuzz/unpack_fuzz.c" "$TOP/files_fdw/input.c")
		CORPUS=$TOP/test/fuzz/unpack_corpus
		# shellcheck disable=SC2034
		LIBRARIES=(-lz -lzstd)
		;;
	dialect)
		SOURCES=("$TOP/test/fuzz/dialect_fuzz.c" "$TOP/common/written_number.c" "$TOP/common/written_json.c")
		for room in dialect guess csv fixed fixed_find json json_twice reader complaint moment word; do SOURCES+=("$TOP/files_fdw/$room.c"); done
		CORPUS=$TOP/test/fuzz/dialect_corpus
		;;
	parquet)
		SOURCES=("$TOP/test/fuzz/parquet_fuzz.c" "$TOP/files_fdw/thrift_read.c" "$TOP/files_fdw/reader.c" "$TOP/files_fdw/complaint.c")
		for room in source meta decode codec snappy leaf type nest; do SOURCES+=("$TOP/files_fdw/parquet_$room.c"); done
		CORPUS=$TOP/test/fuzz/parquet_corpus
		# what a page may claim is less than the fuzzer's memory
		# shellcheck disable=SC2034
		LIBRARIES=("-DMOST_PAGE=1048576" -lz -lzstd -llz4)
		;;
	xlsx)
		SOURCES=("$TOP/test/fuzz/xlsx_fuzz.c" "$TOP/files_fdw/zip.c" "$TOP/files_fdw/xml_part.c" "$TOP/files_fdw/complaint.c" "$TOP/files_fdw/reader.c")
		for room in book style text cell read; do SOURCES+=("$TOP/files_fdw/xlsx_$room.c"); done
		CORPUS=$TOP/test/fuzz/xlsx_corpus
		# shellcheck disable=SC2034
		DICTIONARY=("-dict=$TOP/test/fuzz/xlsx.dict") LONGEST=16384
		# shellcheck disable=SC2034
		LIBRARIES=(-lz -lexpat)
		;;
	*) die "there is no fuzzer $1; there are: decode sketch request jwt frame graphql csv rows unpack dialect parquet xlsx" ;;
	esac
}

# replay_corpus TARGET: the fuzzer's corpus with the sanitizers of the compiler at hand
replay_corpus() {
	fuzz_target "$1"
	gcc -g -O0 -fsanitize=address,undefined -fno-sanitize-recover=undefined -DREPLAY -D_GNU_SOURCE -w \
		-I"$TOP" -I"$("$PG_CONFIG" --includedir-server)" -o "$WORK/replay_$1" "${SOURCES[@]}" "${LIBRARIES[@]}" -lm || die "the replay of the corpus of $1 does not build"
	"$WORK/replay_$1" "$CORPUS"/* || die "$1 failed under the sanitizers"
	counted 1 0
}

# fetch_npm NAME OPTIONS: what test/NAME/package.json asks for, into the run's folder.  Scripts of packages are not run.
fetch_npm() {
	local name=$1
	shift
	mkdir -p "$WORK/$name"
	cp "$TOP/test/$name"/package*.json "$WORK/$name"
	(cd "$WORK/$name" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error --logs-max=0 "$@") ||
		die "npm could not install what test/$name/package.json asks for"
	chmod -R a+rX "$WORK/$name"
}

# The clients that this project did not write, from the npm registry, and the Node.js that they need where there is none as
# new; PostGraphile by itself, a peer that wants an older graphql than other packages, and any Node.js.
fetch_peers() {
	local omit=() node
	node=$(node --version 2>/dev/null || echo v0)
	if printf '%s\n' v22.12.0 "$node" | sort -VC; then
		omit=(--omit=optional)
	fi
	fetch_npm npm "${omit[@]}"
	fetch_npm postgraphile
}

use_peers() {
	local node
	export NODE_PATH=$WORK/npm/node_modules POSTGRAPHILE_PATH=$WORK/postgraphile/node_modules
	for node in "$NODE_PATH"/node-linux-*/bin; do
		[ ! -x "$node/node" ] || export PATH="$node:$PATH"
	done
	printf '%s\n' v22.12.0 "$(node --version)" | sort -VC || die "this needs Node.js 22.12 or later, and npm has none for this kind of machine"
}

install_npm() {
	fetch_peers
	use_peers
}

# run_sandbox_tests: against a running sandbox, with what install_npm brought
run_sandbox_tests() {
	local code=0 ran failed
	cd "$WORK/src/test/sandbox" || return
	shown "$WORK/sandbox_tests.out" run_as env SANDBOX_DSN="$NS_STORE" /usr/bin/python3 -B -m unittest -v test_sandbox || code=1
	ran=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$WORK/sandbox_tests.out")
	failed=$(sed -n 's/^FAILED (\(.*\))$/\1/p' "$WORK/sandbox_tests.out" | tr ', ' '\n' | awk -F= '/^(failures|errors|unexpected)/ { n += $2 } END { print n + 0 }')
	counted $((${ran:-0} - failed)) "$failed"
	return $code
}

# check_events FILE …: the events that tests wrote, against the schemas of their types
check_events() {
	[ -d "${NODE_PATH:-}/ajv" ] && [ -s "$1" ] || return 0
	if node "$TOP/test/events/schemas.cjs" "$@"; then
		counted 1 0
		return 0
	fi
	counted 0 1
	return 1
}

# run_regress [TESTS]: against the cluster "tested", or the one at REGRESS_PORT, and the sandbox
run_regress() {
	local regress new=() code=0 failed folder=${REGRESS_FOLDER:-$WORK/regress}
	regress=$(dirname "$("$PG_CONFIG" --pgxs)")/../test/regress/pg_regress
	run_as mkdir -p "$folder"
	# shellcheck disable=SC2046
	[ $# -gt 0 ] || set -- $(cat "$WORK/src/sql/schedule")
	[ "$MAJOR" -lt 16 ] || new=("--expecteddir=$WORK/src")
	shown "$folder.out" run_as env PGTZ=UTC PG_INGEST_QUERIES="$WORK/src/sql/pushdown_queries.txt" NS_CONTROL="$NS_CONTROL" NS_CONTROL_TOOL="$WORK/src/test/sandbox/control" \
		"$regress" --inputdir="$WORK/src" --outputdir="$folder" --bindir="$BIN" \
		--host="$WORK/sock" --port="${REGRESS_PORT:-6601}" --user=postgres --dbname=regress \
		"${new[@]}" "$@" || code=1
	failed=$(grep -cE '^not ok |\.\.\. FAILED' "$folder.out") || true
	counted "$(grep -cE '^ok |\.\.\. ok ' "$folder.out")" "$failed"
	"$BIN/psql" -XAtq -h "$WORK/sock" -p "${REGRESS_PORT:-6601}" -U postgres -d regress -c "SELECT jsonb_build_object('type', e.type, 'schema', t.schema, 'data', e.data, 'file', 'regress') FROM ingest.event e JOIN ingest.event_type t USING (type)" \
		>"$folder.events" 2>/dev/null || true
	check_events "$folder.events" || code=1
	return $code
}

# ingest_profile once more, from a copy of its source, with the sanitizer that a server can load
build_sanitized() {
	local copy=$WORK/sanitized
	mkdir -p "$copy"
	cp -r "$TOP/common" "$TOP/ingest_profile" "$copy"
	make -s -C "$copy/ingest_profile" clean >/dev/null
	make -s -C "$copy/ingest_profile" -j"$(nproc)" PG_CFLAGS="-O1 -g -w -fvisibility=hidden -fsanitize=undefined -fno-sanitize-recover=undefined" \
		SHLIB_LINK="-fsanitize=undefined" >"$copy/build.log" 2>&1 ||
		{ tail -n 5 "$copy/build.log" >&2; die "ingest_profile does not build with the sanitizer"; }
	chmod -R a+rX "$copy"
	PROFILE_LIBRARY=$copy/ingest_profile/ingest_profile.so
	export PROFILE_LIBRARY
}

# the gateway once more, likewise, for tests of what reads bytes from outside; a process of which nobody may see the memory
# is none whose leaks are looked for
build_sanitized_gateway() {
	local copy=$WORK/sanitized
	mkdir -p "$copy"
	cp -r "$TOP/gateway" "$TOP/ingest_api" "$copy"
	make -s -C "$copy/gateway" clean >/dev/null
	make -s -C "$copy/gateway" -j"$(nproc)" CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE" >"$copy/gateway.log" 2>&1 ||
		{ tail -n 5 "$copy/gateway.log" >&2; die "the gateway does not build with sanitizers"; }
	chmod -R a+rX "$copy"
	GATEWAY_SANITIZED=$copy/gateway/pg_ingest_gateway ASAN_OPTIONS=detect_leaks=0:abort_on_error=0
	export GATEWAY_SANITIZED ASAN_OPTIONS
}

# an extension with a service, for the tests of services alone
install_test_service() {
	local from=$TOP/test/service
	# shellcheck disable=SC2046
	gcc -O1 -g -w -fPIC -shared -I"$("$PG_CONFIG" --includedir-server)" -D'PGDLLEXPORT=__attribute__((visibility("default")))' \
		-o "$("$PG_CONFIG" --pkglibdir)/test_service.so" "$from/test_service.c" || die "the tests' service does not build"
	cp "$from/test_service.control" "$from/test_service--1.sql" "$("$PG_CONFIG" --sharedir)/extension/"
	chmod -R a+rX "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)/extension"
}

# report_tap FILES: the logs' ends of those that failed and last, where the reader looks first, what failed
report_tap() {
	local file log=$WORK/tap/tmp_check/log/regress_log_
	for file in "$@"; do tail -n 25 "$log$(basename "$file" .pl)"; done
	echo "== failed tests"
	for file in "$@"; do
		echo "-- $file"
		grep -B 3 -A 12 -E "(^|\) )not ok|^Bail out|\bat .* line [0-9]+\.$" "$log$(basename "$file" .pl)" | tail -n 60
	done
}

# The version that t/127_versions.pl rehearses with: what is there and a change, and the way there
install_rehearsal() {
	local to now
	to=$("$PG_CONFIG" --sharedir)/extension
	now=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$TOP/ingest/ingest.control")
	cp "$TOP/test/rehearsal.sql" "$to/ingest--$now--99.9.sql"
	cat "$TOP/ingest/ingest--$now.sql" "$TOP/test/rehearsal.sql" >"$to/ingest--99.9.sql"
}

# The commit of the release VERSION: who froze its scripts last.  No tag is asked, since a checkout may have none; a history that
# was cut off may show its first commit instead, which is not asked either.
commit_of_release() {
	local commit
	commit=$(git -C "$TOP" log -n 1 --format=%H -- "test/released/*--$1.sql" 2>/dev/null) || commit=
	if [ -z "$commit" ]; then
		echo "there is no history here, from which $1 could be built: test in a clone of the repository"
	elif grep -qsx "$commit" "$(git -C "$TOP" rev-parse --path-format=absolute --git-path shallow)"; then
		echo "the history here may be cut off after the release $1: git fetch --unshallow (in actions/checkout, fetch-depth: 0)"
	else
		echo "$commit"
		return 0
	fi
	return 1
}

# RELEASED_SERVER: one with the last release's extensions, for who upgrades from there.  None where nothing was released, or
# where this is the release; where it cannot be made, RELEASED_MISSING says why.
build_released() {
	local last now commit saved=$PG_CONFIG bin=$BIN
	now=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$TOP/ingest/ingest.control")
	last=$(find "$TOP/test/released" -name 'ingest--*.sql' | sed 's/.*--\(.*\)\.sql/\1/' | sort -V | tail -n 1)
	[ -n "$last" ] && [ "$last" != "$now" ] || return 0
	export RELEASED_MISSING RELEASED_SERVER
	commit=$(commit_of_release "$last") || { RELEASED_MISSING=$commit; return 0; }
	mkdir "$WORK/released_source"
	git -C "$TOP" archive "$commit" | tar -x -C "$WORK/released_source"
	copy_server released
	make -s -C "$WORK/released_source" -j"$(nproc)" install PROGRAMS= PG_CONFIG="$PG_CONFIG" >"$WORK/released.log" 2>&1 ||
		{ tail -n 5 "$WORK/released.log" >&2; RELEASED_MISSING="release $last, commit $commit, does not build"; }
	chmod -R a+rX "$WORK/released"
	RELEASED_SERVER=$BIN PG_CONFIG=$saved BIN=$bin
	export PG_CONFIG
}

# prove_tap JOBS FILES: RAN is how many tests, FAILED how many failed, BAD the files.  Prove tells of each file that failed:
# (Wstat: 256 (exited 1) Tests: 7 Failed: 2); one that failed no test died
prove_tap() {
	local pgxs code=0
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/..
	shown "$WORK/tap.out" run_as env PATH="$WORK/src/test/tools:$BIN:$PATH" PG_REGRESS="$pgxs/test/regress/pg_regress" \
		PERL5LIB="$pgxs/test/perl:$WORK/src/test/t" TESTDIR="$WORK/tap" TESTDATADIR="$WORK/tap" TESTLOGDIR="$WORK/tap/log" TMPDIR="$WORK/tmp" PG_INGEST_EVENTS="$WORK/events" PG_TEST_TIMEOUT_DEFAULT="${PG_TEST_TIMEOUT_DEFAULT:-600}" \
		PG_SHARE="$("$PG_CONFIG" --sharedir)" NS_SANDBOX="$WORK/src/test/sandbox/netsuite-sandbox" prove --timer -j"$1" "${@:2}" || code=1
	RAN=$(sed -n 's/^Files=.*, Tests=\([0-9]*\),.*/\1/p' "$WORK/tap.out")
	FAILED=$(sed -n 's/^t\/.*(Wstat: .* Failed: \([0-9]*\))$/\1/p' "$WORK/tap.out" | awk '{ n += $1 ? $1 : 1 } END { print n + 0 }')
	mapfile -t BAD < <(sed -n 's/^\(t\/[^ ]*\) *(Wstat: .*/\1/p' "$WORK/tap.out")
	return $code
}

# Whether all that failed in a file is how long something took (Timed.pm), and it got to its end
only_timed() {
	local log
	log=$WORK/tap/tmp_check/log/regress_log_$(basename "$1" .pl)
	grep -qE '^(\[.*\) )?not ok ' "$log" && ! grep -E '^(\[.*\) )?not ok ' "$log" | grep -vqF '[timed]' && grep -qE '^(\[.*\) )?1\.\.[0-9]+$' "$log"
}

# run_tap [FILES]: several at once (TAP_JOBS, 4), each with servers and a sandbox of its own.  Files that failed by the time
# alone that something took beside the others run again by themselves, and that counts.
run_tap() {
	local code=0 ran failed file other=0
	start_store
	build_sanitized
	build_sanitized_gateway
	install_test_service
	install_rehearsal
	cd "$WORK/src/test" || return
	# the longest first, as their size lets guess
	# shellcheck disable=SC2046
	[ $# -gt 0 ] || set -- $(ls -S t/*.pl)
	[[ " $* " != *" t/127_versions.pl "* ]] || build_released
	run_as mkdir -p "$WORK/tap" "$WORK/events"
	prove_tap "${TAP_JOBS:-4}" "$@" || code=1
	ran=${RAN:-0} failed=$FAILED
	for file in ${BAD[@]+"${BAD[@]}"}; do only_timed "$file" || other=1; done
	if [ $code -ne 0 ] && [ $other -eq 0 ] && [ ${#BAD[@]} -gt 0 ]; then
		say "What took too long beside others, by itself: ${BAD[*]}"
		code=0
		for file in "${BAD[@]}"; do rm -rf "$WORK/tap/tmp_check/t_$(basename "$file" .pl)_"*; done
		prove_tap 1 "${BAD[@]}" || code=1
		failed=$FAILED
	fi
	counted $((ran - failed)) "$failed"
	check_events "$WORK"/events/* || code=1
	[ $code -eq 0 ] || report_tap ${BAD[@]+"${BAD[@]}"}
	return $code
}
