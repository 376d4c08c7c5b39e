#!/bin/bash
# make check-quickstart: README's quick starts on bare machines, by its text alone: a root of each Debian release, with nothing
# but what the release calls minimal, sudo, and Python for who types here and for NetSuite's sandbox.  Needs root.
#   SUITES="bookworm:15 trixie:17"   PAGE=file: another README than that of the last commit
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || die "make check-quickstart makes bare roots: run it as root"
need_packages mmdebstrap iproute2
SUITES=${SUITES:-bookworm:15 trixie:17}
MIRROR=${MIRROR:-$(debian_mirror)}
make_folder
before_removal() {
	local proc
	for proc in "$WORK"/*/proc; do umount -l "$proc" 2>/dev/null || :; done
}

# quickstart_in SUITE MAJOR
quickstart_in() {
	local suite=$1 major=$2 root=$WORK/$1 args=()
	mapfile -t args < <(apt_options)
	# a root that is thrown away needs nothing on its disk
	mmdebstrap --quiet --variant=minbase "${args[@]}" --dpkgopt=force-unsafe-io --include=sudo,python3,python3-psycopg,python3-cryptography --skip=cleanup/apt \
		--aptopt='APT::Get::Assume-Yes "true"' "$suite" "$root" "$MIRROR" >"$WORK/$suite.log" 2>&1 ||
		{ tail -n 5 "$WORK/$suite.log"; die "no root of Debian $suite could be made"; }
	mkdir -p "$root/src"
	git -C "$TOP" archive HEAD | tar -x -C "$root/src"
	[ -z "${PAGE:-}" ] || cp "$PAGE" "$root/src/README.md"
	cp "$TOP/test/quickstart/run.py" "$root/tmp/"
	# what an installer writes, and mmdebstrap does not
	[ -e "$root/etc/hosts" ] || printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
	[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	mount -t proc proc "$root/proc"
	in_root "$root" python3 /tmp/run.py install "$major"
	# a network of its own: the server's port is its own, and nothing outside is asked for
	unshare --net --pid --fork --kill-child bash -c 'ip link set lo up && mount -t proc proc "$1/proc" && chroot "$1" /bin/sh -c "cd /src && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 python3 /tmp/run.py start $2"' start "$root" "$major"
}

in_root() {
	chroot "$1" /bin/sh -c 'cd /src && exec env -i DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"' sh "${@:2}"
}

quickstart() {
	local code=0
	(set -e; quickstart_in "$@") || code=1
	# twice: what starts the examples mounts its own over it
	umount -l "$WORK/$1/proc" 2>/dev/null || :
	umount -l "$WORK/$1/proc" 2>/dev/null || :
	rm -rf --one-file-system "${WORK:?}/$1"
	counted $((1 - code)) $code
	return $code
}

# all at once: a root waits for the network and for one compiler at a time
for pair in $SUITES; do
	say "README on a bare Debian ${pair%%:*}"
	begin "quick starts, ${pair%%:*}" quickstart "${pair%%:*}" "${pair##*:}"
done
await
report check-quickstart $((60 * 60))
