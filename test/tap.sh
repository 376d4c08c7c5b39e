#!/bin/bash
# Run TAP tests alone: test/tap.sh [t/001_faults.pl ...]; TAP_JOBS of them at once (4)
. "$(dirname "$0")/lib.sh"
in_memory
set_up perl libipc-run-perl
need_packages "postgresql-$MAJOR-cron" sqlsmith zstd
need_peers
run_tap "$@"
