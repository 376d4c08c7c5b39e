#!/bin/bash
# make check-deploy: what this repository says to other programs, held against their own definitions: validate.mjs
set -euo pipefail
cd "$(dirname "$0")"
npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null
exec node validate.mjs
