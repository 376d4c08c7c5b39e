#!/bin/bash
# make site: the book as static, searchable pages, in docs/site or the folder that is named.  They ask nobody else for
# anything: fonts are the reader's, scripts and the index of the search lie beside them.
#   test/site.sh [--no-packages] [FOLDER]
. "$(dirname "$0")/lib.sh"
packages=1
[ "${1:-}" != --no-packages ] || { packages=; shift; }
[ -z "$packages" ] || need_packages mkdocs mkdocs-material
make_folder
# pages link to each other as they lie in the checkout, so they are gathered as they lie there
mkdir -p "$WORK/source/test/sandbox"
cp "$TOP"/*.md "$TOP/LICENSE" "$WORK/source/"
cp -r "$TOP/docs" "$WORK/source/docs"
rm -rf "$WORK/source/docs/site" "$WORK/source/docs/mkdocs.yml"
cp "$TOP/test/sandbox/README.md" "$WORK/source/test/sandbox/"
cp "$TOP/test/rights.expected" "$WORK/source/test/"
export SITE_SOURCE=$WORK/source SITE_OUTPUT=${1:-$TOP/docs/site}
# warnings of links that lead nowhere are errors
attend mkdocs --quiet build --strict --clean -f "$TOP/docs/mkdocs.yml" || die "the site could not be built"
[ -n "${1:-}" ] || say "docs/site/README.html: open it, or serve the folder"
