#!/bin/bash
# make check: every test, from a fresh Debian machine.
. "$(dirname "$0")/lib.sh"

set_up perl libipc-run-perl
need_packages "postgresql-$MAJOR-cron"
# another Node.js than Debian's will do
command -v npm >/dev/null || need_packages nodejs npm
BASE=$WORK/src

say "The decoder and the stored form of sketches under ASan and UBSan"
replay_corpus decode
replay_corpus sketch

say "Sandbox"
start_sandbox --port 0 --control --control-port 0 --scale 1
start_cluster tested 6601
export PGHOST=$WORK/sock PGPORT=6601 PGUSER=postgres PGDATABASE=postgres

say "The sandbox's own tests"
# a client that this project did not write, from the npm registry
(cd "$WORK" && run_as mkdir -p npm && cd npm && run_as env HOME="$WORK" npm install --silent --no-audit --no-fund --no-save netsuite-rest@1.0.9 >"$WORK/npm.log" 2>&1) ||
	die "npm could not install the client that the sandbox is tested with: $(tail -n 3 "$WORK/npm.log")"
(cd "$BASE/test/sandbox" && run_as env SANDBOX_DSN="host=$WORK/sock port=6602 user=postgres" NODE_PATH="$WORK/npm/node_modules" /usr/bin/python3 -B -m unittest -v test_sandbox) || die "the sandbox's tests failed"

say "Regression tests"
run_regress || { cat "$WORK/regress/regression.diffs" >&2; die "regression tests failed"; }

say "TAP tests"
run_tap
