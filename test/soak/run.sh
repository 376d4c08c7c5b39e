#!/bin/bash
# make soak SECONDS=3600 SEED=…: the living month (docs/testing.md).  WEEK is the seconds of life between two judgements,
# PERSONALITY the sandbox's account, SOAK holds further options of test/soak/month.py.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../personalities/suite.sh"
. "$(dirname "$0")/suite.sh"
set_up
step "packages of sources" month_packages
SEED=${SEED:-$(date +%s)}
if [ -z "${PERSONALITY:-}" ]; then
	PERSONALITY=$(month_personality "$SEED")
fi
export PERSONALITY
say "The sandbox plays $PERSONALITY"
step "servers" start_month
# STEPS names a file for the list of steps
before_removal() { [ -z "${STEPS:-}" ] || cp "$WORK/month.steps" "$STEPS" || :; }
# shellcheck disable=SC2086
try "month" live_month "${SECONDS_OF_LIFE:-3600}" "$SEED" --week "${WEEK:-120}" ${SOAK:-}
report soak $((${SECONDS_OF_LIFE:-3600} * 3 + 900))
