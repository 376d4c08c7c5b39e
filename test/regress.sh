#!/bin/bash
# Run the regression tests alone and, with ACCEPT=1, take their results over as expected.
. "$(dirname "$0")/lib.sh"
in_memory
set_up perl
start_sandbox --port 0 --control --control-port 0 --scale 1
start_cluster tested 6601
if run_regress "$@"; then
	echo "all as expected"
elif [ -n "${ACCEPT:-}" ]; then
	cp "$WORK"/regress/results/*.out "$TOP/expected/"
else
	cat "$WORK/regress/regression.diffs"
	exit 1
fi
