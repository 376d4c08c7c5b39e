#!/bin/bash
# The steps of deploy/Dockerfile, which any Debian can take; make check-packages takes them in bare roots.  Needs root.
#   deploy/container.sh build MAJOR FOLDER   builds for PostgreSQL MAJOR and installs into FOLDER: FOLDER/database holds what
#                                            belongs beside that server, FOLDER/gateway the gateway with the console
#   deploy/container.sh libraries            installs the libraries that what was copied from there needs
# Packages come from the sources that the machine, or the image, has.
set -euo pipefail
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

packages() {
	apt-get update -q >/dev/null
	apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

# the packages that hold the libraries which the programs and libraries below a folder are linked with; a package may say /lib
# where /lib is a link to /usr/lib
libraries_of() {
	find "$1" -type f \( -name '*.so' -o -perm -u+x \) -exec ldd {} + 2>/dev/null | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
		while read -r library; do dpkg-query -S "$library" "$(realpath "$library")" "/usr$library" 2>/dev/null || :; done |
		cut -d: -f1 | sort -u | grep .
}

build() {
	local major=$1 folder=$2 config=/usr/lib/postgresql/$1/bin/pg_config part
	# shellcheck disable=SC2046
	packages $(cat deploy/build-packages) librdkafka-dev "postgresql-server-dev-$major"
	make -s PROGRAMS=ingest_kafka PG_CONFIG="$config" install DESTDIR="$folder/database" >/dev/null
	make -s -C gateway PG_CONFIG="$config" bindir=/usr/bin sharedir=/usr/share install DESTDIR="$folder/gateway"
	for part in database gateway; do
		mkdir -p "$folder/$part/usr/share/pg_ingest"
		libraries_of "$folder/$part" >"$folder/$part/usr/share/pg_ingest/$part.packages"
	done
	install -m 755 deploy/database.sh "$folder/database/usr/share/pg_ingest/database.sh"
}

libraries() {
	# shellcheck disable=SC2046
	packages ca-certificates $(cat /usr/share/pg_ingest/*.packages)
	rm -rf /var/lib/apt/lists/*
}

"$@"
