#!/bin/bash
# The model of the events' protocol, through all of its states: test/model/run.sh [FOLDER]
# Each variant must hold, and the earlier protocol must be seen to fail in each, or the model shows nothing.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$(mktemp -d)}
cd "$folder" || exit 1
passed=0 failed=0

# check NAME holds|fails OPTIONS: all states of a variant
check() {
	local name=$1 expected=$2 found=holds
	shift 2
	if ! spin "$@" -a "$here/events.pml" >spin.out 2>&1 || ! gcc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=1500 -o pan pan.c; then
		cat spin.out
		exit 1
	fi
	./pan -m200000 -w24 >pan.out 2>&1
	grep -q 'max search depth too small\|reached -DMEMLIM' pan.out && found=unfinished
	grep -q 'errors: 0$' pan.out || found=fails
	printf '%-40s %s, %s states\n' "$name" "$found" "$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)"
	if [ $found = "$expected" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		tail -n 30 pan.out
	fi
}

check "two emitters" holds -DEMITTERS=2 -DROUNDS=1
check "two emitters, before" fails -DEMITTERS=2 -DROUNDS=1 -DOLD
check "one emitter, a longer consumer" holds -DEMITTERS=1 -DROUNDS=3
check "one emitter, before" fails -DEMITTERS=1 -DROUNDS=3 -DOLD
check "own transaction not listed" fails -DEMITTERS=1 -DROUNDS=2 -DLISTED=false
check "sequence read after the next xid" fails -DEMITTERS=1 -DROUNDS=3 -DLATE
check "one emitter that writes twice" holds -DEMITTERS=1 -DROUNDS=2 -DTWICE
check "two emitters and a crash" holds -DEMITTERS=2 -DROUNDS=1 -DCRASH
check "one emitter and a crash" holds -DEMITTERS=1 -DROUNDS=2 -DCRASH
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
