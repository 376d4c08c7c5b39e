#!/bin/bash
# make fuzz: libFuzzer with ASan and UBSan on the page decoder, FUZZ_SECONDS long (600).
# The corpus is kept; make check replays it.
. "$(dirname "$0")/../lib.sh"
need_packages clang libclang-rt-14-dev libssl-dev
choose_server
out=$(mktemp -d /tmp/pg_ingest-fuzz.XXXXXX)
trap 'rm -rf "$out"' EXIT
clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$TOP" -I"$("$PG_CONFIG" --includedir-server)" \
	-D_GNU_SOURCE -Wno-everything -o "$out/decode_fuzz" "$TOP/test/fuzz/decode_fuzz.c" "$TOP/netsuite_fdw/decode.c" ||
	die "the fuzzer does not build"
mkdir "$out/new"
"$out/decode_fuzz" -max_total_time="${FUZZ_SECONDS:-600}" -max_len=4096 -print_final_stats=1 -artifact_prefix="$out/" \
	-dict="$TOP/test/fuzz/json.dict" "$out/new" "$TOP/test/fuzz/corpus" 2>&1 | tail -n 25 || { cp "$out"/crash-* /tmp/ 2>/dev/null; exit 1; }
"$out/decode_fuzz" -merge=1 "$TOP/test/fuzz/corpus" "$out/new" >/dev/null 2>&1
