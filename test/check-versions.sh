#!/bin/bash
# make check-versions: build without warnings and run the regression tests with every PostgreSQL
# from 15 to 19 that Debian has, each in a root of its own that mmdebstrap makes.  Needs root.
#   SUITES="bookworm:15 trixie:17 sid:18 experimental:19"   MIRROR=address of a Debian mirror (default: this machine's)
# Versions that no release of Debian has come from apt.postgresql.org: SUITES="bookworm-pgdg:16"
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-versions makes roots of other Debian releases: run it as root"
need_packages mmdebstrap postgresql-common
SUITES=${SUITES:-bookworm:15 trixie:17 sid:18 experimental:19}
MIRROR=${MIRROR:-$(debian_mirror)}
PGDG=${PGDG:-http://apt.postgresql.org/pub/repos/apt}
make_folder
before_removal() {
	local proc
	for proc in "$WORK"/*/proc; do umount -l "$proc" 2>/dev/null || :; done
}

# packages within a root: as lib.sh names them
inside="$(tr -s ' \n' ,, <"$TOP/deploy/build-packages" | sed 's/,$//'),librdkafka-dev,python3,python3-psycopg,python3-cryptography,perl,sudo,tzdata"

# test_in SUITE MAJOR: in a root of that release
test_in() {
	local suite=${1%-pgdg} major=$2 root=$WORK/$1 config=/usr/lib/postgresql/$2/bin/pg_config sources=("$MIRROR") code=0 more=
	# experimental is unstable and some packages beside it, of which only this server's are wanted
	if [ "$suite" = experimental ]; then
		suite=sid
		sources=("deb [trusted=yes] $MIRROR experimental main"
			'--setup-hook=printf "Package: src:postgresql-'"$major"'\nPin: release a=experimental\nPin-Priority: 990\n" >"$1/etc/apt/preferences.d/server"')
	fi
	# unstable is signed with keys that a stable release's keyring does not have yet, and a
	# mirror's copy of it may be some days past its date
	if [ "$suite" = sid ]; then
		[ "$1" != sid ] || sources=()
		sources+=("deb [trusted=yes] $MIRROR sid main" '--aptopt=Acquire::Check-Valid-Until "false"')
	fi
	# zones such as CET stand in a package of their own since Debian 13
	[ "$suite" = bookworm ] || more=,tzdata-legacy
	if [ "$suite-pgdg" = "$1" ]; then
		sources=("deb $MIRROR $suite main" "deb [signed-by=/usr/share/postgresql-common/pgdg/apt.postgresql.org.gpg] $PGDG $1 main")
	fi
	debian_root "$root" "$suite" "$inside$more,postgresql-$major,postgresql-server-dev-$major" "${sources[@]}" ||
		die "no root of Debian $suite could be made"
	mkdir -p "$root/src"
	git -C "$TOP" archive HEAD | tar -x -C "$root/src"
	mount -t proc proc "$root/proc"
	# for which it is built: regress.sh does not build it again
	echo "$config" >"$root/src/netsuite_fdw/.built-for"
	chroot "$root" /bin/bash -c "cd /src && make -s -j$(nproc) PG_CONFIG=$config >/tmp/build.log 2>&1; built=\$?
		grep -E ': (warning|(fatal )?error):' /tmp/build.log | head -n 60; [ \$built = 0 ] && ! grep -qE ': (warning|(fatal )?error):' /tmp/build.log && PG_CONFIG=$config test/regress.sh" || code=1
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
