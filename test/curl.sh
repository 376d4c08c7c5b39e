#!/bin/bash
# make check-curl: what speaks to the outside, built as with an older libcurl: CURL_KNOWN=0x074c00 is RHEL 9's 7.76,
# 0x075100 Ubuntu 22.04's 7.81.  Other tests by their names: test/curl.sh t/126_blob.pl
export CURL_KNOWN=${CURL_KNOWN:-0x074c00}
cd "$(dirname "$0")" || exit 1
[ $# -gt 0 ] || set -- t/001_*.pl t/002_*.pl t/004_*.pl t/040_*.pl t/042_*.pl t/07[0-9]_*.pl t/080_*.pl t/126_*.pl
exec ./tap.sh "$@"
