#!/bin/bash
# make check: every test, from a fresh Debian machine.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/personalities/suite.sh"
. "$(dirname "$0")/soak/suite.sh"

in_memory

# packages from npm come while the compiler is at work
before_build() {
	step "packages of tests" need_test_packages
	(fetch_peers) >"$WORK/npm.log" 2>&1 &
	FETCHING=$!
}

peers() {
	wait "$FETCHING" || { cat "$WORK/npm.log"; exit 1; }
	use_peers
}

set_up perl libipc-run-perl
step "packages of sources" month_packages
step "packages from npm" peers
step "console" install_console
start_store
drawn=$(drawn_personalities)
unset PERSONALITY
sandbox=(--copy --port 0 --control --control-port 0 --scale 1)

sandbox_tests() {
	start_sandbox_in "$WORK/unit" "${sandbox[@]}"
	run_sandbox_tests
}

regression_tests() {
	start_sandbox_in "$WORK/regression" "${sandbox[@]}"
	start_cluster tested 6601
	run_regress || { cat "$WORK/regress/regression.diffs"; return 1; }
}

other_personalities() {
	start_sandbox_in "$WORK/personalities" "${sandbox[@]}"
	start_answering
	# shellcheck disable=SC2086
	check_personalities $drawn
}

# 25 seconds of the living month: seed and account are drawn by the date
living_month() {
	local seed=${SEED:-$(date +%F)}
	PERSONALITY=$(month_personality "$seed") start_month
	live_month 25 "$seed" --week 25
}

# numbers, times and layout of the console, by vitest
console_tests() {
	local out=$WORK/console_tests
	shown "$out" make -s -C "$TOP/console" test NO_COLOR=1 || :
	# shellcheck disable=SC2046
	counted $(sed -n 's/^ *Tests  *\(.*\)$/\1/p' "$out" | awk '{ p = f = 0; for (i = 2; i <= NF; i++) { if ($i ~ /passed/) p = $(i - 1); if ($i ~ /failed/) f = $(i - 1) } print p, f }' | grep . || echo 0 1)
}

replays() {
	replay_corpus decode
	replay_corpus sketch
	replay_corpus request
	replay_corpus jwt
	replay_corpus frame
	replay_corpus graphql
	replay_corpus csv
	replay_corpus rows
	replay_corpus unpack
	replay_corpus dialect
	replay_corpus parquet
	replay_corpus xlsx
}

events_model() {
	local out=$WORK/model/checked
	need_packages spin
	mkdir -p "$WORK/model"
	shown "$out" "$TOP/test/model/run.sh" "$WORK/model" || :
	# shellcheck disable=SC2046
	counted $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$out" | grep . || echo 0 1)
}

say "All tests at once: what each says comes when it has ended"
begin "TAP tests" run_tap
begin "regression tests" regression_tests
begin "answers on $drawn" other_personalities
begin "sandbox's own tests" sandbox_tests
begin "living month" living_month
begin "console's own tests" console_tests
begin "replays under sanitizers" replays
begin "model of the events' protocol" events_model
await
report check $((45 * 60))
