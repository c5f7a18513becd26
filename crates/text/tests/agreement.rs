//! How far the phonemes agree with the reference, the Python package `misaki` 0.9.4, word by word with the
//! punctuation, on 1,000 sentences (`bench/g2p/reference.py` wrote the fixture).

use sori_text::{Accent, DEFAULT_PHONEMES, Lexicon, Reader};

/// Phonemes of each white-space separated word of a sentence.
fn per_word(reader: &Reader, sentence: &str) -> Vec<String> {
    let spoken = reader.read(sentence, Accent::American, &Lexicon::new(), DEFAULT_PHONEMES).unwrap();
    let mut words = Vec::new();
    for phrase in spoken.phrases {
        words.push(String::new());
        for piece in phrase.pieces {
            if piece.word.is_none() && piece.phonemes == " " {
                words.push(String::new());
            } else {
                words.last_mut().unwrap().push_str(&piece.phonemes);
            }
        }
    }
    words
}

#[test]
fn phonemes_agree_with_the_reference_on_99_percent_of_words() {
    let fixture = include_str!("fixtures/g2p_reference.tsv");
    let reader = Reader::new();
    let (mut sentences, mut words, mut agreeing) = (0, 0, 0);
    let mut differences = Vec::new();
    for line in fixture.lines() {
        let (sentence, expected) = line.split_once('\t').expect("a sentence and its phonemes");
        let expected: Vec<_> = expected.split('|').collect();
        let ours = per_word(&reader, sentence);
        sentences += 1;
        words += expected.len();
        if ours.len() != expected.len() {
            differences.push(format!("{} words, expected {}: {sentence}", ours.len(), expected.len()));
            continue;
        }
        for ((ours, expected), word) in ours.iter().zip(&expected).zip(sentence.split_whitespace()) {
            if ours == expected {
                agreeing += 1;
            } else {
                differences.push(format!("{word}: {ours}, expected {expected} in: {sentence}"));
            }
        }
    }
    let share = 100.0 * f64::from(agreeing) / words as f64;
    println!("{}", differences.join("\n"));
    println!("{agreeing} of {words} words agree ({share:.2} %) in {sentences} sentences");
    assert!(sentences >= 1000, "only {sentences} sentences");
    assert!(share >= 99.0, "{share:.2} % agree");
}
