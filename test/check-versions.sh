#!/bin/bash
# make check-versions: build without warnings and run the regression tests with every PostgreSQL
# from 15 to 18 that Debian has, each in a root of its own that mmdebstrap makes.  Needs root.
#   SUITES="bookworm:15 trixie:17 sid:18"   MIRROR=address of a Debian mirror (default: this machine's)
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-versions makes roots of other Debian releases: run it as root"
need_packages mmdebstrap
SUITES=${SUITES:-bookworm:15 trixie:17 sid:18}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | sort -u | head -n 1)}
ROOTS=$(mktemp -d /tmp/pg_ingest-roots.XXXXXX)
trap 'for m in "$ROOTS"/*/proc; do umount "$m" 2>/dev/null || :; done; rm -rf --one-file-system "$ROOTS"' EXIT

# packages within a root: as lib.sh names them
inside="gcc,make,pkg-config,libc6-dev,libcurl4-openssl-dev,libjson-c-dev,libssl-dev,libdeflate-dev,libicu-dev,python3,python3-psycopg,python3-cryptography,perl,sudo,tzdata"
results=
for pair in $SUITES; do
	suite=${pair%%:*} major=${pair##*:} root=$ROOTS/$suite
	say "PostgreSQL $major in Debian $suite"
	config=$(apt-config dump 2>/dev/null | sed -n 's/^\(Acquire::https\{0,1\}::[^ ]*\) "\(.*\)";$/--aptopt=\1 "\2"/p')
	# unstable is signed with keys that a stable release's keyring does not have yet, and a
	# mirror's copy of it may be some days past its date
	source=$MIRROR
	args=()
	if [ "$suite" = sid ]; then
		source="deb [trusted=yes] $MIRROR sid main"
		args=('--aptopt=Acquire::Check-Valid-Until "false"')
	fi
	while IFS= read -r line; do [ -n "$line" ] && args+=("$line"); done <<<"$config"
	if ! mmdebstrap --quiet --variant=minbase "${args[@]}" \
		--include="$inside,postgresql-$major,postgresql-server-dev-$major" \
		--customize-hook='rm -rf "$1"/var/lib/postgresql/*/main' "$suite" "$root" "$source" >"$ROOTS/$suite.log" 2>&1; then
		tail -n 5 "$ROOTS/$suite.log" >&2
		results+="$suite: no root could be made"$'\n'
		continue
	fi
	mkdir -p "$root/src"
	git -C "$TOP" archive HEAD | tar -x -C "$root/src"
	mount -t proc proc "$root/proc"
	if chroot "$root" /bin/bash -c "cd /src && make -s PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config 2>&1 | tee /tmp/build.log | grep -E ': (warning|(fatal )?error):'; ! grep -qE ': (warning|(fatal )?error):' /tmp/build.log && PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config test/regress.sh"; then
		results+="PostgreSQL $major ($suite): passed"$'\n'
	else
		results+="PostgreSQL $major ($suite): FAILED"$'\n'
	fi
	umount "$root/proc"
	rm -rf --one-file-system "$root"
done
say "Results"
printf '%s' "$results"
! grep -qE 'FAILED|no root' <<<"$results"
