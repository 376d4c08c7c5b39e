#!/bin/bash
# make soak SECONDS=3600 SEED=…: the living month (docs/testing.md).  SOAK holds further options of test/soak/month.py.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/suite.sh"
set_up
start_month
# shellcheck disable=SC2086
attend live_month "${SECONDS_OF_LIFE:-3600}" "${SEED:-$RANDOM}" --week "${WEEK:-120}" ${SOAK:-}
