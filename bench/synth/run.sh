#!/usr/bin/env bash
# Word onsets and intelligibility of rendered speech, judged by programs that know nothing of the synthesis:
# `bench/synth/run.sh [VOICE]...`. Renders 50 sentences by each voice with target/release/sori (or $SORI).
# The judges live in a Python environment in the cache folder, made at the first run (about 600 MB).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sori=${SORI:-$here/../../target/release/sori}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sori
judges=$cache/judges
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- kokoro:af_heart kokoro:am_michael kokoro:bm_george hibari:heart

if ! cmp -s "$here/requirements.txt" "$judges/requirements.txt"; then
    python3 -m venv "$judges"
    "$judges/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$judges/requirements.txt"
fi
sed 's/^/READER: /' "$here/sentences.txt" >"$work/script.txt"
mkdir "$work/rendered"
for voice in "$@"; do
    "$sori" render "$work/script.txt" -o "$work/rendered/${voice/:/-}.wav" --captions json \
        --cast "READER=$voice" --cache-dir "$cache/bench-lines" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
done
export PYTHONDONTWRITEBYTECODE=1
echo "### Word onsets against a forced aligner"
echo
missed=0
"$judges/bin/python" "$here/onsets.py" "$work/rendered" || missed=1
echo
echo "### Words understood by a recogniser"
echo
"$judges/bin/python" "$here/wer.py" "$work/rendered" || missed=1
exit $missed
