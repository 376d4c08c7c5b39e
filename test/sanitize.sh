# shellcheck shell=bash
# Runs with the connector built by a sanitizer: source it after lib.sh, call sanitize after set_up, no_crash at the end.

# sanitize EXTENSION: with SANITIZE=undefined, build it once more over the one installed.  AddressSanitizer is not among
# them: a server that had its library first hung at its start; the decoder runs under it in fuzz and its replay.
sanitize() {
	[ -n "${SANITIZE:-}" ] || return 0
	[ "$SANITIZE" = undefined ] || die "SANITIZE may be undefined"
	step "sanitizer" install_sanitized "$1" "$SANITIZE"
}

install_sanitized() {
	local copy=$WORK/sanitized
	say "Building $1 with -fsanitize=$2"
	mkdir -p "$copy"
	cp -r "$TOP/$1" "$TOP/common" "$copy"
	make -s -C "$copy/$1" clean PG_CONFIG="$PG_CONFIG"
	make -s -C "$copy/$1" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" PG_CFLAGS="-O1 -g -w -fvisibility=hidden -fsanitize=$2 -fno-sanitize-recover=$2" \
		LDFLAGS_SL="-fsanitize=$2" install >"$copy/build.log" 2>&1 || { tail -n 5 "$copy/build.log" >&2; die "$1 does not build with the sanitizer"; }
	ldd "$("$PG_CONFIG" --pkglibdir)/$1.so" | grep -q san.so || die "$1 was built without the sanitizer"
}

# no_crash CLUSTER: did a server process die, or an assertion or a sanitizer speak?
no_crash() {
	local dead
	dead=$(grep -aE -A 1 'terminated by signal|PANIC:|TRAP:|runtime error:|ERROR: (Address|Undefined)' "$WORK/$1.log" || :)
	[ -z "$dead" ] && return
	say "Crashes: $(grep -acE 'terminated by signal|PANIC:|TRAP:' <<<"$dead"); the first of them"
	head -n 10 <<<"$dead" | cut -c 1-600
	return 1
}
