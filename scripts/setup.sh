#!/usr/bin/env bash
# Installs what is missing on a Debian 12 machine. `setup.sh run` is enough to build and serve;
# `setup.sh test` adds what the tests start. SORI_NO_APT=1 only says what is missing.
set -euo pipefail

declare -A needs=(
    [cc]=gcc [make]=make [ffmpeg]=ffmpeg [ffprobe]=ffmpeg [pip]=python3-pip
)
[ "${1:-run}" = test ] && needs+=([chromium]=chromium [openssl]=openssl [curl]=curl [initdb]=postgresql [setpriv]=util-linux [fonts]=fonts-noto-cjk)

have() {
    case $1 in
        pip) python3 -m pip --version >/dev/null 2>&1 ;;
        initdb) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
        fonts) ls /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

command -v cargo >/dev/null || { echo "setup: cargo is missing: install Rust 1.95 or newer with rustup" >&2; exit 1; }
command -v python3 >/dev/null || { echo "setup: python3 is missing" >&2; exit 1; }

missing=()
for tool in "${!needs[@]}"; do
    have "$tool" || missing+=("${needs[$tool]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
echo "setup: installing ${missing[*]}"
if [ "${SORI_NO_APT:-}" = 1 ]; then
    echo "setup: SORI_NO_APT=1 is set: install these yourself" >&2
    exit 1
fi
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
export DEBIAN_FRONTEND=noninteractive
as_root apt-get -o DPkg::Lock::Timeout=300 update -qq
as_root apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
for tool in "${!needs[@]}"; do
    have "$tool" || { echo "setup: ${needs[$tool]} was installed, but $tool is still missing" >&2; exit 1; }
done
