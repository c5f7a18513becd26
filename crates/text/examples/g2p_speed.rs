//! Prints how long loading and reading take: `cargo run --release -p sori-text --example g2p_speed`.
//! With a text as its argument it prints how that text is read instead.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use sori_text::{Accent, DEFAULT_PHONEMES, Lexicon, Reader, normalise_for};

const SENTENCES: [&str; 4] = [
    "The old harbour lay quiet under the rain, and Nora waited for the last boat of the evening.",
    "On 21 November 2026 the train leaves at 7:05 pm and costs $3.50, which is 20% less than before.",
    "She told Dr. Lee that the record player they record with was made in the 1960s.",
    "Would you read what I read yesterday, please?",
];

fn main() {
    let accent = if std::env::args().nth(2).is_some() { Accent::British } else { Accent::American };
    let reader = Reader::new();
    if let Some(text) = std::env::args().nth(1) {
        let words: Vec<_> = normalise_for(&text, accent)
            .into_iter()
            .map(|token| format!("{}{}{}", token.lead, token.spoken, token.trail))
            .collect();
        println!("{}", words.join(" "));
        match reader.read(&text, accent, &Lexicon::new(), DEFAULT_PHONEMES) {
            Ok(spoken) => {
                for phrase in &spoken.phrases {
                    println!("{} {:?}", phrase.phonemes(), phrase.end);
                }
            }
            Err(error) => println!("{}: {error}", error.code()),
        }
        return;
    }
    let start = Instant::now();
    reader.warm(Accent::American);
    println!("load: {} ms", start.elapsed().as_millis());
    let lexicon = Lexicon::new();
    let rounds = 50;
    let start = Instant::now();
    for _ in 0..rounds {
        for sentence in SENTENCES {
            let spoken = reader.read(sentence, Accent::American, &lexicon, DEFAULT_PHONEMES);
            assert!(spoken.is_ok_and(|spoken| !spoken.phrases.is_empty()));
        }
    }
    let each = start.elapsed().as_secs_f64() * 1000.0 / f64::from(rounds * SENTENCES.len() as u32);
    println!("sentence: {each:.2} ms");
}
