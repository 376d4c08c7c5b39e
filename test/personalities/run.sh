#!/bin/bash
# make check-personalities: the connector's answers and copies are the same on every personality of the
# sandbox; PERSONALITY="amber khaki" chooses some of them; SANITIZE=undefined builds the connector with
# UBSan.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/suite.sh"
. "$(dirname "$0")/../sanitize.sh"
set_up perl
sanitize netsuite_fdw
names=${PERSONALITY:-$(personality_names)}
unset PERSONALITY
start_sandbox --port 0 --control --control-port 0 --scale 1
start_answering
# shellcheck disable=SC2086
begin "answers" check_personalities $names
await
try "no crash" no_crash answering
report check-personalities $((30 * 60))
