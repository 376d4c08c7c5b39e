#!/bin/bash
# make lint: format, static checks of C, shell and Python.
. "$(dirname "$0")/lib.sh"
need_packages clang-format cppcheck shellcheck pkg-config libcurl4-openssl-dev
choose_server
cd "$TOP" || exit 1
code=0
say "clang-format"
clang-format --dry-run --Werror netsuite_fdw/*.[ch] files_fdw/*.[ch] ingest_profile/*.[ch] ingest/*.[ch] ingest/*/*.[ch] ingest_delivery/*.[ch] ingest_api/*.[ch] ingest_api/*/*.[ch] ingest_kafka/*.[ch] common/*.[ch] gateway/*.[ch] test/fuzz/*.c test/delivery/*.c || code=1
say "cppcheck"
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr -I. '-Dereport(level,...)=abort()' \
	'-Dpg_noreturn=__attribute__((noreturn))' \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=syntaxError common netsuite_fdw files_fdw ingest_profile ingest ingest_delivery ingest_kafka ingest_api gateway || code=1
say "Who acts"
# one room alone becomes somebody else; locks that others could take are no locks
if grep -nE "SetUserIdAndSecContext|SetUserId\(" ingest/*.c ingest/*/*.c | grep -v "^ingest/base/door.c:"; then
	echo "only ingest/base/door.c switches identity" >&2
	code=1
fi
if grep -nE "SetUserIdAndSecContext|SetUserId\(" ingest_delivery/*.c ingest_api/*.c ingest_api/*/*.c common/*.c | grep -v "^common/door.c:"; then
	echo "only common/door.c switches identity, besides ingest's own" >&2
	code=1
fi
if grep -nE '#include "(ingest|ingest_delivery|netsuite_fdw|ingest_profile)/' ingest_api/*.[ch] ingest_api/*/*.[ch] gateway/*.[ch]; then
	echo "ingest_api and the gateway include no header of another extension" >&2
	code=1
fi
# what the engine asks as itself is a constant: nothing is put together for it
if perl -0777 -ne 'while (/\b(repo_\w+\((?:\s*&?\w+,)*\s*psprintf(?!\("DROP TABLE)[^\n]*)/g) { print "$ARGV: $1\n"; $bad = 1 } END { exit !$bad }' ingest/*.c ingest/*/*.c; then
	echo "statements of the engine are constants, with parameters" >&2
	code=1
fi
# a session of the gateway's is everybody's in turn: what runs as who asks leaves nothing in it
if grep -nE "\\bbecome\\(" ingest_api/*.c ingest_api/*/*.c | grep -v SECURITY_RESTRICTED_OPERATION; then
	echo "what a request runs is a restricted operation: SECURITY_RESTRICTED_OPERATION" >&2
	code=1
fi
# one extension knows another by SQL alone
if grep -nE '#include "(ingest|netsuite_fdw|ingest_profile)/' ingest_delivery/*.[ch]; then
	echo "ingest_delivery includes no header of another extension" >&2
	code=1
fi
if grep -nE "pg_(try_)?advisory" ingest/*.c ingest/*/*.c ingest/*/*.sql; then
	echo "advisory locks are anybody's: ingest/base/lock.h has others" >&2
	code=1
fi
# a name may hold a quote: the statement that a hint names must be the one that it seems
if grep -nE "errhint\(.*'%s'" ingest/*/*.c; then
	echo "names in hints go through quote_literal_cstr" >&2
	code=1
fi
# scripts and messages are in the encoding of whatever database they come to
if git ls-files 'netsuite_fdw/*.sql' 'files_fdw/*.sql' 'ingest*/*.sql' | xargs grep -nP '[^\x00-\x7f]' ||
	git ls-files 'common/*.[ch]' 'netsuite_fdw/*.[ch]' 'files_fdw/*.[ch]' 'ingest*/*.[ch]' | xargs grep -nP '^(?!.*/\*.*[^\x00-\x7f]).*"[^"]*[^\x00-\x7f]'; then
	echo "SQL and strings of C are ASCII: not every encoding has anything else" >&2
	code=1
fi
say "Older libcurl"
# its names have one door, which knows what RHEL 9's does not have
if grep -rnE '#include <curl/' --include='*.[ch]' common gateway netsuite_fdw files_fdw ingest ingest_profile ingest_delivery ingest_kafka ingest_api | grep -v '^common/curl_compat.h:'; then
	echo "libcurl is included by common/curl_compat.h" >&2
	code=1
fi
while read -r file; do
	gcc -fsyntax-only -w -D_GNU_SOURCE -DCURL_KNOWN=0x074c00 '-DEXTENSION_VERSION=""' -I. -I"$("$PG_CONFIG" --includedir-server)" -I"$("$PG_CONFIG" --includedir)" \
		-include postgres.h "$file" || code=1
done < <(grep -lE '"common/(curl_compat|curl_memory|http_transfer)\.h"' common/*.c ingest*/*.c files_fdw/*.c netsuite_fdw/*.c)
for file in gateway/keys.c gateway/export.c; do
	# shellcheck disable=SC2046
	gcc -fsyntax-only -w -D_GNU_SOURCE -DCURL_KNOWN=0x074c00 -DGATEWAY_VERSION='""' -I. -I"$("$PG_CONFIG" --includedir)" $(pkg-config --cflags json-c) "$file" || code=1
done
say "Comments and widths"
# functions say what they are for, and why they do it so; lines fit on a screen
/usr/bin/python3 -B test/commented.py ingest 95 || code=1
/usr/bin/python3 -B test/commented.py ingest_api 0 --sql || code=1
say "Console"
# what is stored enters a page as text alone
if grep -rnE 'innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|new Function' console/src --include='*.ts' --include='*.tsx'; then
	echo "text becomes no markup and no script" >&2
	code=1
fi
# a lock file names packages and their hashes, and nobody's host
if grep -n '"resolved"' console/package-lock.json test/npm/package-lock.json; then
	echo "npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts" >&2
	code=1
fi
say "shellcheck"
shellcheck -x -e SC2016,SC1091,SC2154 test/*.sh bench/*.sh test/*/*.sh .ci/run || code=1
say "Units of systemd"
# where the program is not installed, another one stands for it
if command -v systemd-analyze >/dev/null; then
	units=$(mktemp -d)
	sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#; s#^\(User\|Group\)=.*#\1=root#' deploy/pg_ingest_gateway.service >"$units/pg_ingest_gateway.service"
	said=$(systemd-analyze verify --man=no "$units/pg_ingest_gateway.service" 2>&1) || code=1
	if [ -n "$said" ]; then
		echo "$said" >&2
		code=1
	fi
	rm -r "$units"
fi
say "Perl"
# what returns 0 when it waited in vain lets tests pass that should fail: Sandbox.pm has poll_until, which dies
grep -nE '\b(poll_query_until|pump_until)\b' test/t/*.pl test/t/*.pm && { echo "use poll_until of Sandbox.pm, which dies when it waits in vain"; code=1; }
# a file is spoken of by its number
for number in $(basename -a test/t/[0-9]*.pl | cut -c1-3 | uniq -d); do
	echo "more than one TAP file has the number $number" >&2
	code=1
done
say "Python"
/usr/bin/python3 -B -m py_compile test/commented.py test/tools/initdb test/sandbox/netsuite_sandbox/*.py test/sandbox/*.py test/queries/*.py test/soak/*.py test/delivery/*.py test/gateway/*.py test/api/*.py test/profile/*.py test/files/*.py test/quickstart/*.py bench/*.py || code=1
find test bench -name __pycache__ -prune -exec rm -rf {} +
[ $code = 0 ] && echo "nothing to complain about"
exit $code
