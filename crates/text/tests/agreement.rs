//! How far the phonemes agree with the reference, the Python package `misaki` 0.9.4, word by word with the
//! punctuation (`bench/g2p/reference.py` wrote the fixtures).
#![allow(clippy::print_stdout, reason = "the measured figures are printed")]

use sori_text::{Accent, DEFAULT_PHONEMES, Lexicon, Reader};

/// Phonemes of each white-space separated word of a sentence.
fn per_word(reader: &Reader, accent: Accent, sentence: &str) -> Vec<String> {
    let spoken = reader.read(sentence, accent, &Lexicon::new(), DEFAULT_PHONEMES).unwrap();
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

/// How many of a sentence's words agree, how many there are, and what differs.
fn compare(reader: &Reader, accent: Accent, line: &str) -> (u32, u32, Vec<String>) {
    let (sentence, expected) = line.split_once('\t').expect("a sentence and its phonemes");
    let expected: Vec<_> = expected.split('|').collect();
    let ours = per_word(reader, accent, sentence);
    let total = u32::try_from(expected.len()).unwrap();
    if ours.len() != expected.len() {
        return (0, total, vec![format!("{} words, expected {}: {sentence}", ours.len(), expected.len())]);
    }
    let differences: Vec<_> = ours
        .iter()
        .zip(&expected)
        .zip(sentence.split_whitespace())
        .filter(|((ours, expected), _)| ours != *expected)
        .map(|((ours, expected), word)| format!("{word}: {ours}, expected {expected} in: {sentence}"))
        .collect();
    (total - u32::try_from(differences.len()).unwrap(), total, differences)
}

#[track_caller]
fn check(accent: Accent, fixture: &str, least_sentences: usize) {
    let reader = Reader::new();
    let lines: Vec<_> = fixture.lines().collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    let results: Vec<_> = std::thread::scope(|scope| {
        let halves = [first, second].map(|half| {
            let reader = &reader;
            scope.spawn(move || half.iter().map(|line| compare(reader, accent, line)).collect::<Vec<_>>())
        });
        halves.into_iter().flat_map(|half| half.join().expect("no sentence panics")).collect()
    });
    let agreeing: u32 = results.iter().map(|(agreeing, ..)| agreeing).sum();
    let total: u32 = results.iter().map(|(_, total, _)| total).sum();
    for difference in results.iter().flat_map(|(.., differences)| differences) {
        println!("{difference}");
    }
    let share = 100.0 * f64::from(agreeing) / f64::from(total);
    println!("{accent:?}: {agreeing} of {total} words agree ({share:.2} %) in {} sentences", lines.len());
    assert!(lines.len() >= least_sentences, "only {} sentences", lines.len());
    assert!(share >= 99.0, "{share:.2} % agree");
}

#[test]
fn american_phonemes_agree_with_the_reference_on_99_percent_of_words() {
    check(Accent::American, include_str!("fixtures/g2p_reference.tsv"), 1000);
}

#[test]
fn british_phonemes_agree_with_the_reference_on_99_percent_of_words() {
    check(Accent::British, include_str!("fixtures/g2p_reference_gb.tsv"), 250);
}
