# shellcheck shell=bash
# The answers on other personalities of the sandbox: source it after lib.sh.  They have a cluster of their own, so that
# they can run beside the regression tests.

personality_names() {
	/usr/bin/python3 -c 'import json, sys; print(*(p["name"] for p in json.load(open(sys.argv[1]))))' \
		"$TOP/test/sandbox/netsuite_sandbox/personalities.json"
}

# Two of them, drawn by the date or as PERSONALITY says: "amber khaki"
drawn_personalities() {
	if [ -n "${PERSONALITY:-}" ]; then
		echo "$PERSONALITY"
	else
		personality_names | tr ' ' '\n' | tail -n +2 | shuf -n 2 --random-source=<(yes "$(date +%F)") | paste -sd ' '
	fi
}

# become NAME: the sandbox plays this account; NS_OPTIONS and NS_MAPPING are what its administrator would set
become() {
	local reply
	reply=$(/usr/bin/python3 "$TOP/test/sandbox/control" personality "name=$1") || return 1
	NS_OPTIONS=$(/usr/bin/python3 -c 'import json, sys; print(json.loads(sys.argv[1])["server"])' "$reply")
	NS_MAPPING=$(/usr/bin/python3 -c 'import json, sys; print(json.loads(sys.argv[1])["mapping"])' "$reply")
	export NS_OPTIONS NS_MAPPING
}

start_answering() {
	start_cluster answering 6603
}

# check_personalities NAMES: the same answers on each of them
check_personalities() {
	local name failed=
	export REGRESS_PORT=6603 REGRESS_FOLDER=$WORK/answers
	for name in "$@"; do
		say "Personality $name"
		become "$name" || die "there is no personality $name; there are: $(personality_names)"
		# shellcheck disable=SC2046
		if ! run_regress $(cat "$WORK/src/sql/answers"); then
			failed+=" $name"
			cat "$REGRESS_FOLDER/regression.diffs"
		fi
	done
	[ -z "$failed" ] && return
	echo "other answers on$failed; again: PERSONALITY=\"${failed# }\" make check-personalities"
	return 1
}
