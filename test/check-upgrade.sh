#!/bin/bash
# make check-upgrade: from PostgreSQL 15 to 17 with all six extensions, by pg_upgrade and by logical replication, in a root of
# Debian 13 that mmdebstrap makes.  15 is Debian 12's, which this has to be, with what is built here; 17 is built there.  Needs
# root.
#   MIRROR=address of a Debian mirror (default: this machine's)   TREE=commit that is built there (HEAD)
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-upgrade makes a root of another Debian release: run it as root"
need_packages mmdebstrap
choose_server
[ "$MAJOR" = 15 ] || die "make check-upgrade upgrades from Debian 12's PostgreSQL 15, and this is $MAJOR"
# shellcheck disable=SC2086
need_packages $BASE_PACKAGES
MIRROR=${MIRROR:-$(debian_mirror)}
make_folder
before_removal() {
	umount -l "$WORK/root/proc" 2>/dev/null || :
}

make_root() {
	local inside old=()
	# 15 as this machine has it, with its security updates: what is built here calls functions that their headers name
	mapfile -t old < <(apt-get indextargets --format 'deb [trusted=yes] $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' | sort -u)
	inside="$(tr -s ' \n' ,, <"$TOP/deploy/build-packages" | sed 's/,$//'),librdkafka-dev,libipc-run-perl,perl,python3,tzdata-legacy"
	debian_root "$WORK/root" trixie "$inside,postgresql-17,postgresql-server-dev-17,postgresql-15" \
		"deb [trusted=yes] $MIRROR trixie main" "${old[@]}" || return 1
	mkdir "$WORK/root/src"
	git -C "$TOP" archive "${TREE:-HEAD}" | tar -x -C "$WORK/root/src"
	mount -t proc proc "$WORK/root/proc"
}

install_old() {
	make -s -C "$TOP" install DESTDIR="$WORK/root" PG_CONFIG="$PG_CONFIG" >"$WORK/old.log" 2>&1 || { tail -n 20 "$WORK/old.log"; return 1; }
}

install_new() {
	chroot "$WORK/root" make -s -C /src -j"$(nproc)" install PG_CONFIG=/usr/lib/postgresql/17/bin/pg_config >"$WORK/new.log" 2>&1 ||
		{ tail -n 20 "$WORK/new.log"; return 1; }
}

# t/038, and a new server that follows the old one (t/129), with the old server's tree
upgraded() {
	local pgxs=/usr/lib/postgresql/17/lib/pgxs/src
	chroot "$WORK/root" /bin/bash -c "mkdir /t && chown -R postgres: /t /src && cd /src/test && exec su postgres -s /bin/bash -c 'LC_ALL=C OLD_SERVER=/usr/lib/postgresql/15 \
		PATH=/usr/lib/postgresql/17/bin:\$PATH PERL5LIB=$pgxs/test/perl:t PG_REGRESS=$pgxs/test/regress/pg_regress TESTDIR=/t TESTDATADIR=/t TESTLOGDIR=/t/log TMPDIR=/tmp \
		PG_INGEST_EVENTS=/t prove --timer t/038_upgrade.pl t/129_blue_green.pl'" || { grep -rhE 'not ok|error running|ERROR|FATAL|PANIC|could not' "$WORK"/root/t --include='regress_log_*' --include='*.log' | head -n 40; return 1; }
}

next() {
	[ "${STEPS_FAILURES:-0}" -gt 0 ] || try "$@"
}
# at once: the root waits for the network
begin "build for PostgreSQL 15" build
begin "a root of Debian 13 with both" make_root
await
next "15: what is built here" install_old
next "17: built there" install_new
next "pg_upgrade, and blue and green" upgraded
report check-upgrade $((30 * 60))
