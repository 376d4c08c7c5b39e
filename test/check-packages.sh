#!/bin/bash
# make check-packages: Debian's packages, built from the release archive for each PostgreSQL of this machine, read by lintian,
# installed, tried and purged in a bare root of this Debian, which mmdebstrap makes.  Needs root.  DEBS=folder keeps them.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-packages makes a bare root: run it as root"
need_packages build-essential debhelper help2man lintian mmdebstrap postgresql-server-dev-all
choose_server
need_packages libcurl4-openssl-dev libdeflate-dev libicu-dev libjson-c-dev libpq-dev librdkafka-dev libssl-dev libzstd-dev pkg-config zlib1g-dev
make_folder
chmod 755 "$WORK"
before_removal() {
	umount -l "$WORK/root/proc" 2>/dev/null || :
}
VERSION=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$TOP/ingest/ingest.control")
TREE=$WORK/build/pg_ingest-$VERSION

archive() {
	make -s -C "$TOP" dist >/dev/null
	mkdir "$WORK/build"
	tar -xz -C "$WORK/build" -f "$TOP/pg_ingest-$VERSION.tar.gz"
	rm "$TOP/pg_ingest-$VERSION.tar.gz"
	chown -R postgres: "$WORK/build"
}

build_packages() {
	local log=$WORK/packages.log
	(cd "$TREE" && run_as pg_buildext updatecontrol && run_as dpkg-buildpackage -us -uc -b) >"$log" 2>&1 ||
		{ tail -n 30 "$log"; return 1; }
	[ -z "${DEBS:-}" ] || cp "$WORK"/build/*.deb "$DEBS/"
}

# a first upload has no number of a bug to close; whoever publishes packages puts an address of theirs
read_by_lintian() {
	(cd "$WORK/build" && run_as lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog ./*.changes)
}

# with the sources of packages that this machine has: what was built here wants what it was built with
root_of_ours() {
	local suite args=() sources=() line
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mapfile -t sources < <(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' | sort -u)
	while IFS= read -r line; do [ -n "$line" ] && args+=("$line"); done < <(apt-config dump 2>/dev/null | sed -n 's/^\(Acquire::https\{0,1\}::[^ ]*\) "\(.*\)";$/--aptopt=\1 "\2"/p')
	rm "$WORK"/build/*-dbgsym_*.deb
	mmdebstrap --quiet --variant=minbase "${args[@]}" --include=postgresql,make,curl \
		--customize-hook='rm -rf "$1"/var/lib/postgresql/*/main' \
		--customize-hook='find "$1" \( -path "$1/proc" -o -path "$1/sys" -o -path "$1/dev" \) -prune -o -printf "/%P\n" | sort >'"$WORK/before" \
		--customize-hook='mkdir "$1/debs" && cp '"$WORK"'/build/*.deb "$1/debs/"' \
		--customize-hook='chroot "$1" sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends /debs/*.deb"' \
		"$suite" "$WORK/root" "${sources[@]}" >"$WORK/root.log" 2>&1 || { tail -n 30 "$WORK/root.log"; return 1; }
	cp -r "$TREE" "$WORK/root/src"
}

# all of it works where nothing but the packages is: as the server's superuser, by HTTP, and the console's pages
tried_inside() {
	local code=0
	mount -t proc proc "$WORK/root/proc"
	chroot "$WORK/root" /bin/bash -euc '
		trap "echo \"failed: \$BASH_COMMAND\"" ERR
		bin=/usr/lib/postgresql/$(ls /usr/lib/postgresql)/bin
		getent passwd pg_ingest_gateway >/dev/null || { echo "the user of the gateway was not made"; exit 1; }
		mkdir -p /tmp/s && chown postgres: /tmp/s /src
		as() { su postgres -s /bin/bash -c "$1"; }
		as "$bin/initdb -D /tmp/s/data -A trust --no-sync >/dev/null"
		as "$bin/pg_ctl -D /tmp/s/data -w -o \"-k /tmp/s -c listen_addresses=\" -l /tmp/s/log start >/dev/null"
		as "cd /src && make -s installcheck OUTPUTDIR=/tmp/s PGHOST=/tmp/s PG_CONFIG=$bin/pg_config" || { cat /tmp/s/regression.diffs; exit 1; }
		as "psql -qX -h /tmp/s -d postgres -c \"CREATE EXTENSION ingest_api CASCADE; CREATE ROLE fin LOGIN; GRANT ingest_reader TO fin; GRANT fin TO ingest_authenticator\" 2>/dev/null"
		token=$(as "psql -qAtX -h /tmp/s -d postgres -U fin -c \"SELECT ingest_api.create_token(\\\$\\\$try\\\$\\\$)\"")
		test -x $bin/pg_ingest_gateway
		su pg_ingest_gateway -s /bin/bash -c "exec pg_ingest_gateway --listen 127.0.0.1:8088 --dsn \"host=/tmp/s dbname=postgres user=ingest_authenticator\"" 2>/tmp/s/gateway.log &
		trap "kill \$! || :" EXIT
		for i in $(seq 100); do curl -fs http://127.0.0.1:8088/readyz >/dev/null && break; sleep 0.1; done
		curl -fs http://127.0.0.1:8088/readyz >/dev/null || { cat /tmp/s/gateway.log; exit 1; }
		[ "$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:8088/v1/syncs)" = 401 ]
		[ "$(curl -fs -H "Authorization: Bearer $token" http://127.0.0.1:8088/v1/syncs)" = "[]" ]
		curl -fs http://127.0.0.1:8088/console/ | grep -qi "<!doctype html>"
		as "$bin/pg_ctl -D /tmp/s/data -w -m fast stop >/dev/null"
	' || code=1
	umount -l "$WORK/root/proc"
	return $code
}

# what purging leaves is what was there before
purged() {
	chroot "$WORK/root" sh -c 'rm -rf /tmp/s /src /debs && DEBIAN_FRONTEND=noninteractive apt-get purge -y -q "pg-ingest-gateway" "postgresql-*-pg-ingest"' >"$WORK/purge.log" 2>&1 ||
		{ tail -n 20 "$WORK/purge.log"; return 1; }
	find "$WORK/root" -printf '/%P\n' | sort >"$WORK/after"
	comm -13 "$WORK/before" "$WORK/after" | grep -iE 'ingest|netsuite|files_fdw' | grep -v '^/var/lib/dpkg/info' >"$WORK/left" || :
	[ ! -s "$WORK/left" ] || { echo "left behind:"; cat "$WORK/left"; return 1; }
}

# what comes after a step that failed has nothing to stand on
step "release archive" archive
try "packages are built" build_packages
[ "$STEPS_FAILURES" -gt 0 ] || try "lintian has nothing to say" read_by_lintian
[ "$STEPS_FAILURES" -gt 0 ] || try "they install in a bare root" root_of_ours
[ "$STEPS_FAILURES" -gt 0 ] || try "installcheck, gateway, console" tried_inside
[ "$STEPS_FAILURES" -gt 0 ] || try "purging leaves nothing" purged
report check-packages $((20 * 60))
