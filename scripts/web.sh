#!/usr/bin/env bash
# Builds the web app when its sources are newer than the last build.
set -euo pipefail
cd "$(dirname "$0")/../web"
node=../scripts/node.sh
if [ ! -e node_modules/.stamp ] || [ package-lock.json -nt node_modules/.stamp ]; then
    "$node" npm ci --no-audit --no-fund --loglevel=error
    touch node_modules/.stamp
fi
if [ ! -e dist/index.html ] || [ -n "$(find . -path ./node_modules -prune -o -path ./dist -prune -o -newer dist/index.html -type f -print -quit)" ]; then
    "$node" npm run build --silent
fi
