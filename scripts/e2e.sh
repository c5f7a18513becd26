#!/usr/bin/env bash
# Starts a real server on a free port with the demo show, and drives it with a real browser.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --locked
folder=$(mktemp -d)
"${CARGO_TARGET_DIR:-target}/debug/sori" serve --data-dir "$folder/data" --listen 127.0.0.1:0 2>"$folder/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
url=
link=
for _ in $(seq 1 600); do
    url=$(sed -n 's/^Sori is at \(http:[^ ]*\).*/\1/p' "$folder/log")
    # The last thing that a new server prints is the link that makes its first account.
    link=$(grep -o 'http://[^ ]*/#/setup?token=[^ ]*' "$folder/log" | head -n 1 || true)
    [ -n "$link" ] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
done
[ -n "$url" ] || { echo "e2e: the server did not start:" >&2; cat "$folder/log" >&2; exit 1; }
[ -n "$link" ] || { echo "e2e: the server printed no link to set it up" >&2; exit 1; }
shots=${SORI_SHOTS:-$folder/shots}
(cd web && ../scripts/node.sh node e2e/run.mjs --base-url "$url" --setup-link "$link" --shots "$shots") || {
    echo "e2e: the last lines of the server:" >&2
    tail -n 20 "$folder/log" >&2
    exit 1
}
