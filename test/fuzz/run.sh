#!/bin/bash
# make fuzz: libFuzzer with ASan and UBSan, FUZZ_SECONDS long each (600), on what parses bytes from
# outside: the page decoder and the stored form of sketches (FUZZ="decode sketch").
# The corpora are kept; make check replays them.
. "$(dirname "$0")/../lib.sh"
need_packages clang libclang-rt-14-dev libssl-dev
choose_server
out=$(mktemp -d /tmp/pg_ingest-fuzz.XXXXXX)
trap 'rm -rf "$out"' EXIT
for target in ${FUZZ:-decode sketch}; do
	say "Fuzzing: $target"
	fuzz_target "$target"
	# shellcheck disable=SC2086
	clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$TOP" -I"$("$PG_CONFIG" --includedir-server)" \
		-D_GNU_SOURCE -Wno-everything -o "$out/$target" $SOURCES -lm || die "the fuzzer does not build"
	mkdir "$out/new"
	"$out/$target" -max_total_time="${FUZZ_SECONDS:-600}" -max_len=4096 -print_final_stats=1 -artifact_prefix="$out/" \
		"${DICTIONARY[@]}" "$out/new" "$CORPUS" 2>&1 | tail -n 25 || { cp "$out"/crash-* /tmp/ 2>/dev/null; exit 1; }
	"$out/$target" -merge=1 -max_len=32768 "$CORPUS" "$out/new" >/dev/null 2>&1
	rm -rf "$out/new"
done
