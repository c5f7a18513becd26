#!/usr/bin/env python3
"""Word onsets in the captions against a forced aligner: `onsets.py FOLDER` prints one row for each voice.

Aligner: pocketsphinx 5.1.1 with its own en-us model and dictionary, told the words of each line; it knows nothing
of the synthesis. It has a constant offset of its own: it lets a word begin before it sounds. The first word of a line
follows silence, so there both captions and aligner are also compared with the sound itself: the first 10 ms louder
than -40 dB of the line's peak (a weak consonant passes that late, so this is no exact truth either). A line is
left out, and counted, where the dictionary lacks one of its words or no path is found.

Exits with 1 when the raw mean is above 50 ms.
"""

import sys
from pathlib import Path

import numpy as np
from pocketsphinx import Decoder

from lines import RATE_HZ, Line, voices

FRAME_MS = 10
AUDIBLE_DB = -40
MUST_MS = 50


def main() -> None:
    met = True
    aligner = Decoder(lm=None, loglevel="FATAL")
    print(
        "| voice | words | lines left out | mean off | median (aligner - caption) | mean off the median | 90 % within"
        " | first sound - caption | aligner - first sound |\n|---|---|---|---|---|---|---|---|---|"
    )
    for voice, lines in voices(Path(sys.argv[1])).items():
        aligned = [(line, align(aligner, line)) for line in lines]
        pairs = [
            (ours, theirs)
            for line, onsets in aligned
            if onsets
            for (_, ours), theirs in zip(line.words, onsets)
        ]
        if not pairs:
            raise SystemExit(f"{voice}: nothing could be aligned")
        off = np.array([theirs - ours for ours, theirs in pairs])
        offset = float(np.median(off))
        away = np.abs(off - offset)
        sound = [audible_ms(line.samples) for line in lines]
        first = np.median([heard - line.words[0][1] for line, heard in zip(lines, sound)])
        early = np.median([onsets[0] - heard for (_, onsets), heard in zip(aligned, sound) if onsets])
        left_out = sum(onsets is None for _, onsets in aligned)
        print(
            f"| {voice} | {len(pairs)} | {left_out} | {np.abs(off).mean():.0f} ms | {offset:+.0f} ms"
            f" | {away.mean():.0f} ms | {np.percentile(away, 90):.0f} ms | {first:+.0f} ms | {early:+.0f} ms |"
        )
        met &= bool(np.abs(off).mean() <= MUST_MS)
    sys.exit(0 if met else 1)


def align(aligner: Decoder, line: Line) -> "list[float] | None":
    """Onset of each word in ms, or None when the dictionary lacks one or the aligner finds no path."""
    words = [spelled(word) for word, _ in line.words]
    if not all(word and aligner.lookup_word(word) for word in words):
        return None
    aligner.set_align_text(" ".join(words))
    aligner.start_utt()
    aligner.process_raw((line.samples * 32767).astype("<i2").tobytes(), full_utt=True)
    aligner.end_utt()
    segments = [segment for segment in aligner.seg() or [] if not segment.word.startswith(("<", "(", "["))]
    if [segment.word.split("(")[0] for segment in segments] != words:
        return None
    return [segment.start_frame * FRAME_MS for segment in segments]


def spelled(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalpha() or letter == "'").strip("'")


def audible_ms(samples: np.ndarray) -> float:
    frame = RATE_HZ * FRAME_MS // 1000
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    level_db = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) / np.abs(samples).max() + 1e-9)
    return float(np.argmax(level_db > AUDIBLE_DB)) * FRAME_MS


if __name__ == "__main__":
    main()
