#!/usr/bin/env python3
"""Measures of the whole path, by the true binary: `product.py [speed|change|memory|hour]...`.

speed    30 s of audio by each engine, from a cold cache, the process start included
change   one changed line of a hundred (tones, about five minutes): how long it takes beyond that line
memory   peak memory of renders of 1 and 4 minutes by Kokoro, and of an hour by hibari
hour     peak memory of an hour by Kokoro (a quarter of an hour of work)

Exits with 1 when a measure is missed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SORI = ROOT / "target/release/sori"
# About 16 s of speech, by each of two voices in turn.
LINES = [
    "Good evening, and welcome back to the programme about the sea.",
    "Last week we listened to the fishermen of a small northern harbour.",
    "Tonight we follow their catch on its long way to the market.",
    "It begins at four in the morning, when the ice is still blue.",
]


def render(text: str, folder: Path, extra: list[str] = []) -> tuple[dict, float, int]:
    """The answer, wall seconds, and peak resident bytes of one render."""
    (folder / "script.txt").write_text(text, encoding="utf-8")
    command = [SORI, "render", folder / "script.txt", "-o", folder / "out.mp3", "--json", *extra]
    environment = {**os.environ, "SORI_CACHE_DIR": str(folder / "cache")}
    started = time.monotonic()
    with open(folder / "answer.json", "wb") as answer:
        process = subprocess.Popen(list(map(str, command)), stdout=answer, stderr=subprocess.PIPE, env=environment)
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status != 0:
        raise SystemExit(f"the render failed: {error.decode()}")
    return json.loads((folder / "answer.json").read_text()), wall, usage.ru_maxrss * 1024


def script(voices: tuple[str, str], lines: int) -> str:
    head = f"@cast A = {voices[0]}\n@cast B = {voices[1]}\n"
    body = (f"{'AB'[n % 2]}: {LINES[n % len(LINES)]} Part {n}.\n" for n in range(lines))
    return head + "".join(body)


def speed() -> bool:
    met = True
    print("| engine | audio | wall, cold cache | for 30 s | must |\n|---|---|---|---|---|")
    for engine, voices, must in [("Kokoro", ("af_heart", "bm_george"), 8.0), ("hibari", ("hibari:heart",) * 2, 1.0)]:
        walls = []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                answer, wall, _ = render(script(voices, 7), Path(folder))
                walls.append(wall)
        seconds = answer["transcript"]["duration_ms"] / 1000
        wall = sorted(walls)[1]
        for_30 = wall * 30 / seconds
        met &= for_30 <= must
        print(f"| {engine} | {seconds:.1f} s | {wall:.2f} s | {for_30:.2f} s | {must:g} s |")
    return met


def change() -> bool:
    words = " ".join(["word"] * 14)
    lines = [f"A: line {n} {words}" for n in range(100)]
    with tempfile.TemporaryDirectory() as folder:
        render("@cast A = tone:440\n" + "\n".join(lines), Path(folder))
        lines[41] = f"A: another {words}"
        answer, wall, _ = render("@cast A = tone:440\n" + "\n".join(lines), Path(folder))
    minutes = answer["transcript"]["duration_ms"] / 60000
    spoken = 100 - answer["lines_cached"]
    print(f"\n{minutes:.1f} min of audio, 1 of 100 lines changed: {spoken} line spoken, {wall:.2f} s in all (must: 1 line, 3 s)")
    return spoken == 1 and wall <= 3.0


def memory(hours: list[tuple[str, tuple[str, str], int]]) -> bool:
    met = True
    print("\n| render | audio | peak memory | must |\n|---|---|---|---|")
    for name, voices, lines in hours:
        with tempfile.TemporaryDirectory() as folder:
            answer, _, peak = render(script(voices, lines), Path(folder))
        minutes = answer["transcript"]["duration_ms"] / 60000
        met &= peak < 600e6
        print(f"| {name} | {minutes:.1f} min | {peak / 1e6:.0f} MB | 600 MB |", flush=True)
    return met


KOKORO, HIBARI = ("af_heart", "bm_george"), ("hibari:heart", "hibari:heart")
MEASURES = {
    "speed": speed,
    "change": change,
    "memory": lambda: memory([("Kokoro", KOKORO, 13), ("Kokoro", KOKORO, 52), ("hibari", HIBARI, 760)]),
    "hour": lambda: memory([("Kokoro", KOKORO, 780)]),
}

if __name__ == "__main__":
    wanted = sys.argv[1:] or ["speed", "change", "memory"]
    sys.exit(0 if all([MEASURES[name]() for name in wanted]) else 1)
