#!/bin/bash
# deploy/version.sh VERSION: all extensions and packages are of that version from now on, which is not released yet
# deploy/version.sh --freeze: this version is released: its scripts, as they are built, are those of a release
# make release VERSION_TO=… does both; who releases commits and tags what it leaves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
EXTENSIONS="netsuite_fdw files_fdw ingest_profile ingest ingest_delivery ingest_api"
OLD=$(sed -n "s/^default_version = '\(.*\)'/\1/p" ingest/ingest.control)

freeze() {
	local e
	for e in $EXTENSIONS; do
		[ -e "$e/$e--$OLD.sql" ] || { echo "error: $e/$e--$OLD.sql is not there: make first" >&2; exit 1; }
		if [ -e "test/released/$e--$OLD.sql" ]; then
			cmp "$e/$e--$OLD.sql" "test/released/$e--$OLD.sql" || { echo "error: $e $OLD was released as something else" >&2; exit 1; }
		else
			cp "$e/$e--$OLD.sql" test/released/
		fi
	done
	sed -i "s/^Version $OLD, not yet released\./Version $OLD./" README.md
	sed -i "s/^## Unreleased ($OLD)$/## $OLD/" CHANGELOG.md
}

# full scripts of earlier versions are not needed to come from those: upgrade scripts are
move_script() {
	local from=$1/$1--$OLD.sql to=$1/$1--$2.sql
	if git ls-files --error-unmatch "$from" >/dev/null 2>&1; then
		git mv "$from" "$to"
	else
		rm -f "$from"
	fi
}

# from a version that was released there is a way, which begins empty; one that never was takes its way along
begin_way() {
	local e=$1 new=$2 way
	if [ -e "test/released/$e--$OLD.sql" ]; then
		mkdir -p "$e/upgrade"
		printf '%s\n' "\echo Use \"ALTER EXTENSION $e UPDATE\" to load this file. \quit" >"$e/upgrade/$e--$OLD--$new.sql"
	else
		for way in "$e/upgrade/$e"--*"--$OLD.sql"; do
			[ ! -e "$way" ] || mv "$way" "${way%"--$OLD.sql"}--$new.sql"
		done
	fi
}

set_version() {
	local new=$1 e
	[[ $new =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]] || { echo "error: a version is two or three numbers, such as 0.2" >&2; exit 1; }
	[ "$new" != "$OLD" ] || return 0
	for e in $EXTENSIONS; do
		sed -i "s/^default_version = .*/default_version = '$new'/" "$e/$e.control"
		move_script "$e" "$new"
		begin_way "$e" "$new"
	done
	sed -i "/\"meta-spec\"/,/}/!{ s/--$OLD\.sql/--$new.sql/; s/\"version\": \".*\"/\"version\": \"$(semantic "$new")\"/; }" META.json
	sed -i "1i pg-ingest ($new-1) unstable; urgency=medium\n\n  * Version $new: see CHANGELOG.md.\n\n -- pg_ingest contributors <pg_ingest@localhost>  $(LC_ALL=C date -R)\n" debian/changelog
	sed -i "s/^\(Version: *\).*/\1$new/; s/^%changelog$/&\n* $(LC_ALL=C date '+%a %b %d %Y') pg_ingest contributors <pg_ingest@localhost> - $new-1\n- See CHANGELOG.md.\n/" deploy/pg_ingest.spec
	sed -i "s/newTag: \".*\"/newTag: \"$new\"/" deploy/kubernetes/kustomization.yaml
	sed -i "s/^Version [0-9.]*[0-9]\(, not yet released\)\?\./Version $new, not yet released./" README.md
	if grep -q '^## Unreleased' CHANGELOG.md; then
		sed -i "s/^## Unreleased.*/## Unreleased ($new)/" CHANGELOG.md
	else
		sed -i "0,/^## /s/^## /## Unreleased ($new)\n\n&/" CHANGELOG.md
	fi
}

# PGXN wants three numbers
semantic() {
	[[ $1 =~ ^[0-9]+\.[0-9]+$ ]] && echo "$1.0" || echo "$1"
}

case ${1:-} in
	--freeze) freeze ;;
	'' | -*) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
	*) set_version "$1" ;;
esac
