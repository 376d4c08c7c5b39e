#!/bin/bash
# make check-versions: build without warnings and run the regression tests with every PostgreSQL
# from 15 to 18 that Debian has, each in a root of its own that mmdebstrap makes.  Needs root.
#   SUITES="bookworm:15 trixie:17 sid:18"   MIRROR=address of a Debian mirror (default: this machine's)
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-versions makes roots of other Debian releases: run it as root"
need_packages mmdebstrap
SUITES=${SUITES:-bookworm:15 trixie:17 sid:18}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | sort -u | head -n 1)}
make_folder
before_removal() {
	local proc
	for proc in "$WORK"/*/proc; do umount -l "$proc" 2>/dev/null || :; done
}

# packages within a root: as lib.sh names them
inside="$(tr -s ' \n' ,, <"$TOP/deploy/build-packages" | sed 's/,$//'),librdkafka-dev,python3,python3-psycopg,python3-cryptography,perl,sudo,tzdata"

# test_in SUITE MAJOR: in a root of that release
test_in() {
	local suite=$1 major=$2 root=$WORK/$1 config source=$MIRROR args=() line code=0 more=
	config=$(apt-config dump 2>/dev/null | sed -n 's/^\(Acquire::https\{0,1\}::[^ ]*\) "\(.*\)";$/--aptopt=\1 "\2"/p')
	# unstable is signed with keys that a stable release's keyring does not have yet, and a
	# mirror's copy of it may be some days past its date
	if [ "$suite" = sid ]; then
		source="deb [trusted=yes] $MIRROR sid main"
		args=('--aptopt=Acquire::Check-Valid-Until "false"')
	fi
	# zones such as CET stand in a package of their own since Debian 13
	[ "$suite" = bookworm ] || more=,tzdata-legacy
	while IFS= read -r line; do [ -n "$line" ] && args+=("$line"); done <<<"$config"
	mmdebstrap --quiet --variant=minbase "${args[@]}" \
		--include="$inside$more,postgresql-$major,postgresql-server-dev-$major" \
		--customize-hook='rm -rf "$1"/var/lib/postgresql/*/main' "$suite" "$root" "$source" >"$WORK/$suite.log" 2>&1 ||
		{ tail -n 5 "$WORK/$suite.log"; die "no root of Debian $suite could be made"; }
	mkdir -p "$root/src"
	git -C "$TOP" archive HEAD | tar -x -C "$root/src"
	mount -t proc proc "$root/proc"
	chroot "$root" /bin/bash -c "cd /src && make -s PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config 2>&1 | tee /tmp/build.log | grep -E ': (warning|(fatal )?error):'; ! grep -qE ': (warning|(fatal )?error):' /tmp/build.log && PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config test/regress.sh" || code=1
	umount -l "$root/proc"
	rm -rf --one-file-system "$root"
	counted $((1 - code)) $code
	return $code
}

for pair in $SUITES; do
	say "PostgreSQL ${pair##*:} in Debian ${pair%%:*}"
	begin "PostgreSQL ${pair##*:} (${pair%%:*})" test_in "${pair%%:*}" "${pair##*:}"
	await
done
report check-versions $((60 * 60))
