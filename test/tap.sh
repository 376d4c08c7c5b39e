#!/bin/bash
# Run TAP tests alone: test/tap.sh [t/001_faults.pl ...]
. "$(dirname "$0")/lib.sh"
set_up perl libipc-run-perl
need_packages "postgresql-$MAJOR-cron"
start_sandbox --port 0 --control --control-port 0 --scale 1
run_tap "$@"
