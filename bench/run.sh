#!/usr/bin/env bash
# Every measure, as Markdown for docs/benchmarks.md. `bench/run.sh [product|audio|synth|api|hour|streaming|sync]...`
set -uo pipefail
cd "$(dirname "$0")/.."
wanted=${*:-product audio synth api}
cargo build --release --locked --quiet
echo "Machine: $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores. Date: $(date -u +%F)."
missed=0
for part in $wanted; do
    echo
    echo "## $part"
    case $part in
        product) python3 bench/product.py || missed=1 ;;
        hour) python3 bench/product.py hour || missed=1 ;;
        audio) cargo run --release --locked --quiet -p sori-media --example audio_bench || missed=1 ;;
        streaming)
            cargo build --release --locked --quiet -p sori-streaming --example streaming_bench &&
                bench/streaming/run.py || missed=1
            bench/streaming/hls.py || missed=1 ;;
        sync) cargo run --release --locked --quiet -p sori-listening --example sync_bench || missed=1 ;;
        synth) cargo run --release --locked --quiet -p sori-synth --example speed && bench/synth/run.sh || missed=1 ;;
        api) cargo run --release --locked --quiet -p sori-server --example api_bench -- target/release/sori || missed=1 ;;
        *) echo "bench: no part called $part" >&2; exit 2 ;;
    esac
done
exit $missed
