#!/bin/bash
# make fuzz: libFuzzer with ASan and UBSan, FUZZ_SECONDS long each (600), on what parses bytes from
# outside: the page decoder with the reader of documents, the stored form of sketches, the gateway's readers of HTTP and of
# tokens, frames between a worker and its helper, and the reader of GraphQL (FUZZ="decode sketch request jwt frame graphql"),
# and on files: rows of CSV and of JSON, packed ones, sniffing ("csv rows unpack dialect parquet xlsx").
# The corpora are kept; make check replays them.
. "$(dirname "$0")/../lib.sh"
need_packages clang libclang-rt-14-dev libssl-dev libjson-c-dev zlib1g-dev libzstd-dev liblz4-dev libexpat1-dev
choose_server
make_folder
seconds=${FUZZ_SECONDS:-600}

fuzz() {
	local out=$WORK/$1 code=0
	mkdir -p "$out/new"
	fuzz_target "$1"
	clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$TOP" -I"$("$PG_CONFIG" --includedir-server)" \
		-D_GNU_SOURCE -Wno-everything -o "$out/fuzz" "${SOURCES[@]}" "${LIBRARIES[@]}" -lm || die "the fuzzer does not build"
	"$out/fuzz" -max_total_time="$seconds" -max_len="$LONGEST" -print_final_stats=1 -artifact_prefix="$out/" \
		"${DICTIONARY[@]}" "$out/new" "$CORPUS" >"$out/said" 2>&1 || code=$?
	tail -n 25 "$out/said"
	if [ $code -ne 0 ]; then
		for found in "$out"/{crash,leak,timeout,oom}-*; do
			[ ! -e "$found" ] || { cp "$found" /tmp/ && echo "kept: /tmp/$(basename "$found")"; }
		done
		return 1
	fi
	"$out/fuzz" -merge=1 -max_len=32768 "$CORPUS" "$out/new" >/dev/null 2>&1
	counted 1 0
}

for target in ${FUZZ:-decode sketch request jwt frame graphql csv rows unpack dialect parquet xlsx}; do
	say "Fuzzing: $target"
	begin "$target" fuzz "$target"
done
await
report fuzz $((seconds + 600))
