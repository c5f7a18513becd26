#!/usr/bin/env bash
# Fetches the OpenID Connect provider that the sign-in tests start, when its lock file is newer.
set -euo pipefail
cd "$(dirname "$0")/../crates/auth/tests/oidc-provider"
if [ ! -e node_modules/.stamp ] || [ package-lock.json -nt node_modules/.stamp ]; then
    ../../../../scripts/node.sh npm ci --no-audit --no-fund --loglevel=error
    touch node_modules/.stamp
fi
