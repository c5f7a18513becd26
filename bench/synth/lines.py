"""Rendered lines for the measures: every NAME.wav with its NAME.json (captions as `sori render --captions json`
writes them) in a folder, cut into lines at 16 kHz."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

RATE_HZ = 16_000
# Kept around a line, so that nothing is cut that is heard outside its cue; less than half of a pause.
MARGIN_MS = 100


@dataclass
class Line:
    text: str
    # (word as displayed, onset in ms of the cut line)
    words: list[tuple[str, float]]
    samples: np.ndarray


def voices(folder: Path) -> dict[str, list[Line]]:
    """The lines of each rendering, by the name of its files."""
    found = {path.stem: lines(path) for path in sorted(folder.glob("*.wav")) if path.with_suffix(".json").is_file()}
    if not found:
        raise SystemExit(f"{folder}: no NAME.wav with a NAME.json")
    return found


def lines(path: Path) -> list[Line]:
    samples, rate_hz = read_wav(path)
    captions = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return [cut(samples, rate_hz, cue) for cue in captions["cues"] if cue["words"]]


def cut(samples: np.ndarray, rate_hz: int, cue: dict) -> Line:
    start_ms = max(0, cue["start_ms"] - MARGIN_MS)
    end_ms = cue["end_ms"] + MARGIN_MS
    part = samples[start_ms * rate_hz // 1000 : end_ms * rate_hz // 1000]
    words = [(word["text"], word["start_ms"] - start_ms) for word in cue["words"]]
    return Line(cue["text"], words, resample_poly(part, RATE_HZ, rate_hz).astype(np.float32))


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2 or file.getnchannels() != 1:
            raise SystemExit(f"{path}: 16-bit mono is needed")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / 32768, file.getframerate()
