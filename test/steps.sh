# shellcheck shell=bash
# A run in steps: the time of each, what it counted, several at once, and a table at the end that is held against a budget.
#
#   step NAME COMMAND      now, in this shell; a failure ends the run
#   begin NAME COMMAND     in the background, its output in a file
#   await                  until all that began have ended: shows the output of each, of those that failed at the end
#   report TARGET SECONDS  the table, and as the last line "N passed, N failed"; fails if anything did or took too long
#
# A COMMAND says what it counted with: counted PASSED FAILED

STEP_TABLE=() STEPS_RUNNING=() STEPS_FAILED=() STEPS_TOLD=()

# tenths of a second since the script began
tenths() {
	local now=${EPOCHREALTIME//[!0-9]/}
	echo $((now / 100000))
}
STEPS_BEGAN=$(tenths)

# enter NAME TENTHS PASSED FAILED: a row of the table
enter() {
	STEP_TABLE+=("$(printf '%-28s %6d.%d %8s %8s' "$1" $(($2 / 10)) $(($2 % 10)) "$3" "$4")")
}

step() {
	local name=$1 began
	shift
	began=$(tenths)
	"$@"
	enter "$name" $(($(tenths) - began)) "" ""
}

# The lines of a suite's output that say what failed, for the end of the run, where whoever reads only that finds them
told() {
	local lines
	lines=$(grep -E -A 6 '^#  +Failed test|\(Wstat: |^not ok |^test .* FAILED|^FAIL|^error: ' "$1" | cut -c 1-300 | head -n 60) || lines=
	echo "${lines:-$(tail -n 5 "$1" | cut -c 1-300)}"
}

counted() {
	[ -z "${STEP:-}" ] || echo "$1 $2" >>"$STEP/counts"
}

begin() {
	local name=$1
	shift
	mkdir -p "$WORK/steps/$name"
	(
		STEP=$WORK/steps/$name
		began=$(tenths) code=0
		(set -e; "$@") &
		wait $! || code=$?
		echo "$code $(($(tenths) - began))" >"$STEP/end.new"
		mv "$STEP/end.new" "$STEP/end"
	) >"$WORK/steps/$name/output" 2>&1 </dev/null &
	echo $! >"$WORK/steps/$name/pid"
	STEPS_RUNNING+=("$name")
}

# A step that has ended: its row; its output now if all is well
ended() {
	local folder=$WORK/steps/$1 code=1 took=0 passed=0 failed=0
	[ ! -e "$folder/end" ] || read -r code took <"$folder/end"
	[ ! -e "$folder/counts" ] || read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p, f }' "$folder/counts")
	[ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	enter "$1" "$took" "$passed" "$failed"
	STEPS_PASSED=$((${STEPS_PASSED:-0} + passed)) STEPS_FAILURES=$((${STEPS_FAILURES:-0} + failed))
	if [ "$failed" -gt 0 ]; then
		STEPS_FAILED+=("$1")
		STEPS_TOLD+=("$1: $(told "$folder/output")")
		say "$1: FAILED, see below"
	else
		say "$1"
		cat "$folder/output"
	fi
}

await() {
	local name still
	while [ ${#STEPS_RUNNING[@]} -gt 0 ]; do
		still=()
		for name in "${STEPS_RUNNING[@]}"; do
			if [ -e "$WORK/steps/$name/end" ] || ! kill -0 "$(cat "$WORK/steps/$name/pid")" 2>/dev/null; then
				ended "$name"
			else
				still+=("$name")
			fi
		done
		STEPS_RUNNING=(${still[@]+"${still[@]}"})
		[ ${#still[@]} -eq 0 ] || attend sleep 2
	done
	for name in ${STEPS_FAILED[@]+"${STEPS_FAILED[@]}"}; do
		say "$name: FAILED"
		cat "$WORK/steps/$name/output"
	done
	STEPS_FAILED=()
}

report() {
	local took row
	took=$(($(tenths) - STEPS_BEGAN))
	say "Time"
	printf '%-28s %8s %8s %8s\n' step seconds passed failed
	for row in "${STEP_TABLE[@]}"; do echo "$row"; done
	if [ $((took / 10)) -gt "$2" ]; then
		STEPS_FAILURES=$((${STEPS_FAILURES:-0} + 1))
		enter "FAILED: over the budget" "$took" "" 1
	else
		enter "$1, of $2 seconds allowed" "$took" "" ""
	fi
	echo "${STEP_TABLE[-1]}"
	[ ${#STEPS_TOLD[@]} -eq 0 ] || printf '%s\n' "${STEPS_TOLD[@]}"
	echo "${STEPS_PASSED:-0} passed, ${STEPS_FAILURES:-0} failed"
	[ "${STEPS_FAILURES:-0}" -eq 0 ]
}

# try NAME COMMAND: a step that counts as one test
try() {
	local name=$1 began code=0
	shift
	began=$(tenths)
	attend "$@" || code=1
	enter "$name" $(($(tenths) - began)) $((1 - code)) $code
	STEPS_PASSED=$((${STEPS_PASSED:-0} + 1 - code)) STEPS_FAILURES=$((${STEPS_FAILURES:-0} + code))
}
