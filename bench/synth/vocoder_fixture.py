#!/usr/bin/env python3
"""Writes crates/synth/tests/fixtures/vocoder.json: what the reference vocoder makes of real spectra.

Needs numpy, scipy, onnxruntime and hibari-tts==0.2.1 (requirements.txt). Eight hops of a sentence, from silence
into a voiced sound, rounded before the reference sees them; its noise is drawn as silence, so that the result has
no randomness. Run again only when another release of the voice is adopted.
"""

import json
from pathlib import Path

import numpy as np
from hibari import Hibari, dsp

FIXTURE = Path(__file__).resolve().parents[2] / "crates/synth/tests/fixtures/vocoder.json"
SENTENCE = "ˌI hæv bɪn lˈɜɹnɪŋ ˈɪŋɡlɪʃ fɔɹ ɐ lˈɪtᵊl ˈOvəɹ tˈu jˈɪɹz."
FIRST_HOP, HOPS = 21, 8
NAMES = ("harmonic", "harmonic_turn", "noise", "free", "free_phase", "f0_hz")


class Silence:
    @staticmethod
    def standard_normal(shape, dtype):
        return np.zeros(shape, dtype)


def main() -> None:
    voice = Hibari()
    inputs = {"ids": np.array([voice.ids(SENTENCE)]), "speed": np.array([1.0], np.float32)}
    outputs = voice.sess.run(None, inputs)
    crop = slice(FIRST_HOP, FIRST_HOP + HOPS)
    parts = [np.round(output[0][..., crop], 2).astype(np.float32) for output in outputs]
    samples = dsp.synth(*parts, Silence())
    fixture = {name: numbers(part, 2) for name, part in zip(NAMES, parts)}
    fixture["samples"] = numbers(samples, 6)
    FIXTURE.write_text(json.dumps(fixture, separators=(",", ":")) + "\n", encoding="utf-8")


def numbers(array: np.ndarray, digits: int) -> list:
    return [round(float(value), digits) for value in array.reshape(-1)]


if __name__ == "__main__":
    main()
