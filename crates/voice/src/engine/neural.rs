//! What Kokoro and hibari share: text to phrases, phrases over the threads, phrases to a line.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use sori_contracts::Cancel;
use sori_synth::{Speech, SynthError};
use sori_text::{Accent, Phrase, Spoken, TextError};

use super::{EngineError, LineRequest, Reading, SpokenLine, SpokenPhone, SpokenWord};
use crate::{
    engines::TextReader,
    fault::{sentence, text_error_ko},
};

/// Kokoro takes 510 symbols. Half of that is about 17 s of speech, for which its layers need 180 MB on each core.
const MAX_PHONEMES: usize = 250;

pub(super) fn read(
    text: &TextReader,
    line: &LineRequest<'_>,
    accent: Accent,
) -> Result<Reading, EngineError> {
    let spoken = text.get().read(line.text, accent, line.lexicon, MAX_PHONEMES).map_err(bad_text)?;
    Ok(Reading { phrases: Some(spoken) })
}

pub(super) fn phrases<'a>(engine: &'static str, reading: &'a Reading) -> Result<&'a Spoken, EngineError> {
    let foreign = || EngineError::Failed { engine, reason: "the line was read by another engine".into() };
    reading.phrases.as_ref().ok_or_else(foreign)
}

fn bad_text(error: TextError) -> EngineError {
    EngineError::BadText {
        code: error.code(),
        en: sentence(&error),
        ko: text_error_ko(&error),
        at: error.position(),
    }
}

pub(super) fn failed(engine: &'static str) -> impl Fn(SynthError) -> EngineError {
    move |error| EngineError::Failed { engine, reason: error.to_string() }
}

/// Speaks the phrases on up to `line.lanes` threads and joins them in order.
pub(super) fn speak(
    spoken: &Spoken,
    line: &LineRequest<'_>,
    cancel: &Cancel,
    speak_phrase: impl Fn(&Phrase) -> Result<Speech, EngineError> + Sync,
) -> Result<SpokenLine, EngineError> {
    let phrases = &spoken.phrases;
    let next = AtomicUsize::new(0);
    let spoken_phrases: Mutex<Vec<Option<Speech>>> = Mutex::new(vec![None; phrases.len()]);
    let failure: Mutex<Option<EngineError>> = Mutex::new(None);
    let lane = || {
        while let Some((index, phrase)) = take(&next, phrases) {
            let outcome =
                if cancel.is_cancelled() { Err(EngineError::Cancelled) } else { speak_phrase(phrase) };
            match outcome {
                Ok(speech) => {
                    spoken_phrases.lock().expect("no lane panics with the lock")[index] = Some(speech)
                }
                Err(error) => {
                    next.store(phrases.len(), Ordering::Relaxed);
                    failure.lock().expect("no lane panics with the lock").get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..line.lanes.min(phrases.len()) {
            scope.spawn(lane);
        }
        lane();
    });
    if let Some(error) = failure.into_inner().expect("the lanes have ended") {
        return Err(error);
    }
    let parts = spoken_phrases.into_inner().expect("the lanes have ended").into_iter().flatten();
    Ok(assemble(spoken, parts.zip(phrases.iter().map(|phrase| phrase.end)).collect()))
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

fn assemble(spoken: &Spoken, parts: Vec<(Speech, sori_text::PhraseEnd)>) -> SpokenLine {
    let joined = sori_synth::join(parts);
    let words = sori_synth::word_marks(&joined, spoken)
        .into_iter()
        .map(|mark| {
            let word = &spoken.words[mark.word];
            SpokenWord {
                text: word.text.clone(),
                source: word.source.clone(),
                start: mark.start as u64,
                end: mark.end as u64,
            }
        })
        .collect();
    let phones = joined
        .phones
        .iter()
        .map(|phone| SpokenPhone {
            phoneme: phone.phoneme,
            word: spoken.phrases[phone.phrase].pieces[phone.piece].word,
            start: phone.start as u64,
            end: phone.end as u64,
        })
        .collect();
    SpokenLine { sample_rate_hz: joined.sample_rate_hz, samples: joined.samples, words, phones }
}
