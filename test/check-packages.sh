#!/bin/bash
# make check-packages: Debian's packages and the containers' steps.  Packages are built from the release archive for
# each PostgreSQL of this machine, read by lintian, installed, tried and purged in a bare root of this Debian, which
# mmdebstrap makes; rpmlint reads the spec of an RPM.  Needs root.  DEBS=folder keeps them.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-packages makes a bare root: run it as root"
need_packages build-essential debhelper help2man lintian mmdebstrap postgresql-server-dev-all rpm rpmlint
choose_server
# shellcheck disable=SC2046
need_packages $(cat "$TOP/deploy/build-packages") librdkafka-dev
make_folder
chmod 755 "$WORK"
before_removal() {
	umount -l "$WORK"/{root,image}/proc 2>/dev/null || :
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

# its warnings are that the archive is named by no address, and that there is no BuildRoot, which rpm has not asked for since 4.6
read_by_rpmlint() {
	rpmlint "$TOP/deploy/pg_ingest.spec"
}

# bare_root NAME HOOK...: in $WORK/NAME, with the server and the sources of packages that this machine has, since what was built
# here wants what it was built with
bare_root() {
	local name=$1 suite args=() sources=() line
	shift
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mapfile -t sources < <(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' | sort -u)
	while IFS= read -r line; do [ -n "$line" ] && args+=("$line"); done < <(apt-config dump 2>/dev/null | sed -n 's/^\(Acquire::https\{0,1\}::[^ ]*\) "\(.*\)";$/--aptopt=\1 "\2"/p')
	for line in "$@"; do args+=("--customize-hook=$line"); done
	mmdebstrap --quiet --variant=minbase --include="postgresql-$MAJOR,make,curl" --customize-hook='rm -rf "$1"/var/lib/postgresql/*/main' \
		"${args[@]}" "$suite" "$WORK/$name" "${sources[@]}" >"$WORK/$name.log" 2>&1 || { tail -n 30 "$WORK/$name.log"; return 1; }
}

installed() {
	rm "$WORK"/build/*-dbgsym_*.deb
	bare_root root 'find "$1" \( -path "$1/proc" -o -path "$1/sys" -o -path "$1/dev" \) -prune -o -printf "/%P\n" | sort >'"$WORK/before" \
		'mkdir "$1/debs" && cp '"$WORK"'/build/*.deb "$1/debs/"' \
		'chroot "$1" sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends /debs/*.deb"'
	cp -r "$TREE" "$WORK/root/src"
}

# the Dockerfile's steps: one root builds, another one gets what came of it and the libraries for that
from_container_steps() {
	bare_root builder 'cp -r '"$TREE"' "$1/src"' 'chroot "$1" /src/deploy/container.sh build '"$MAJOR"' /out' || return 1
	bare_root image 'cp -r '"$WORK"'/builder/out/database/. '"$WORK"'/builder/out/gateway/. "$1/"' \
		'mkdir -p "$1/usr/share/pg_ingest/deploy" && cp '"$TREE"'/deploy/container.sh "$1/usr/share/pg_ingest/deploy/"' \
		'chroot "$1" /usr/share/pg_ingest/deploy/container.sh libraries' \
		'chroot "$1" useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin pg_ingest_gateway' || return 1
	cp -r "$TREE" "$WORK/image/src"
	rm -rf "$WORK/builder"
}

# tried_in ROOT: all of it works where nothing else is: as the server's superuser, by HTTP as a role with a token, and the
# console's pages.  The database is made ready by the script of the image.
tried_in() {
	local root=$WORK/$1 code=0
	mount -t proc proc "$root/proc"
	cp "$TREE/deploy/database.sh" "$root/tmp/"
	chroot "$root" /bin/bash -c '
		set -euE
		trap "echo \"failed: \$BASH_COMMAND\"" ERR
		bin=/usr/lib/postgresql/'"$MAJOR"'/bin
		getent passwd pg_ingest_gateway >/dev/null || { echo "the user of the gateway was not made"; exit 1; }
		mkdir -p /tmp/s && chown -R postgres: /tmp/s /src
		as() { su postgres -s /bin/bash -c "$1"; }
		as "$bin/initdb -D /tmp/s/data -A scram-sha-256 --auth-local=trust --pwfile=<(echo secret) --no-sync >/dev/null"
		as "$bin/pg_ctl -D /tmp/s/data -w -o \"-k /tmp/s -c listen_addresses=127.0.0.1 -c shared_preload_libraries=netsuite_fdw,ingest\" -l /tmp/s/log start >/dev/null"
		trap "as \"$bin/pg_ctl -D /tmp/s/data -m immediate stop >/dev/null\"" EXIT
		as "cd /src && make -s installcheck OUTPUTDIR=/tmp/s PGHOST=/tmp/s PG_CONFIG=$bin/pg_config" || { cat /tmp/s/regression.diffs; exit 1; }
		echo word-of-the-gateway >/tmp/s/word
		as "PGHOST=/tmp/s POSTGRES_USER=postgres PG_INGEST_GATEWAY_PASSWORD_FILE=/tmp/s/word bash /tmp/database.sh"
		! grep -r word-of-the-gateway /tmp/s/log /tmp/s/data || { echo "the password is on the disk"; exit 1; }
		sql() { as "psql -qAtX -v ON_ERROR_STOP=1 -h /tmp/s -d postgres $1"; }
		sql "-c \"CREATE ROLE fin LOGIN; GRANT ingest_reader TO fin; GRANT fin TO ingest_authenticator\""
		token=$(sql "-U fin -c \"SELECT ingest_api.create_token(\\\$\\\$try\\\$\\\$)\"")
		echo "host=127.0.0.1 dbname=postgres user=ingest_authenticator password=word-of-the-gateway" >/tmp/s/dsn
		su pg_ingest_gateway -s /bin/bash -c "exec pg_ingest_gateway --listen 127.0.0.1:8088 --dsn-file /tmp/s/dsn" 2>/tmp/s/gateway.log &
		for i in $(seq 100); do curl -fs http://127.0.0.1:8088/readyz >/dev/null && break; sleep 0.1; done
		curl -fs http://127.0.0.1:8088/readyz >/dev/null || { cat /tmp/s/gateway.log; exit 1; }
		[ "$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:8088/v1/syncs)" = 401 ]
		[ "$(curl -fs -H "Authorization: Bearer $token" http://127.0.0.1:8088/v1/syncs)" = "[]" ]
		curl -fs http://127.0.0.1:8088/console/ | grep -qi "<!doctype html>"
		kill %1
	' || code=1
	umount -l "$root/proc"
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

# Kubernetes' objects, Compose's and the Dockerfile against who defines them
well_formed() {
	"$TOP/test/deploy/run.sh"
}

# what comes after a step that failed has nothing to stand on
next() {
	[ "${STEPS_FAILURES:-0}" -gt 0 ] || try "$@"
}
step "release archive" archive
next "packages are built" build_packages
next "lintian has nothing to say" read_by_lintian
next "rpmlint finds no error" read_by_rpmlint
next "they install in a bare root" installed
next "installcheck, gateway, console" tried_in root
next "purging leaves nothing" purged
next "the Dockerfile's steps" from_container_steps
next "and what they make works" tried_in image
next "deploy/ is well-formed" well_formed
report check-packages $((20 * 60))
