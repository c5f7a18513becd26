use sori_synth::{Hibari, PhoneMark, SAMPLE_RATE_HZ, Speech};

use crate::{
    assets,
    phrases::{SENTENCE, phrase},
};

fn heart(threads: usize) -> Option<Hibari> {
    Some(Hibari::load(assets::read("hibari/hibari.onnx")?, threads).unwrap())
}

fn speak(voice: &Hibari, phonemes: &str, speed: f32, seed: u64) -> Speech {
    voice.speak(&phrase(phonemes), speed, seed).unwrap()
}

fn level(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

#[test]
fn a_sentence_sounds_and_every_symbol_has_its_time() {
    let Some(voice) = heart(1) else { return };
    let speech = speak(&voice, SENTENCE, 1.0, 0);
    assert_eq!(speech.sample_rate_hz, SAMPLE_RATE_HZ);
    // The reference implementation gives 135 frames; int8 rounding moves single ones.
    let seconds = speech.samples.len() as f32 / SAMPLE_RATE_HZ as f32;
    assert!((3.2..3.6).contains(&seconds), "{seconds} s");
    let peak = speech.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.1..1.0).contains(&peak), "{peak}");
    let symbols: String = speech.phones.iter().map(|phone| phone.phoneme).collect();
    assert_eq!(symbols, SENTENCE);
    assert!(speech.phones.is_sorted_by(|a, b| a.end == b.start && a.piece <= b.piece));
    assert!(speech.phones.iter().all(|phone| phone.start <= phone.end && phone.end <= speech.samples.len()));
}

#[test]
fn vowels_are_louder_than_the_silence_at_the_ends() {
    let Some(voice) = heart(1) else { return };
    let speech = speak(&voice, SENTENCE, 1.0, 0);
    let heard = |phone: &PhoneMark| level(&speech.samples[phone.start..phone.end]);
    // The voice rises within the pad already.
    let lead = level(&speech.samples[..speech.phones[0].start / 2]);
    for phone in speech.phones.iter().filter(|phone| "IæɜO".contains(phone.phoneme)) {
        assert!(heard(phone) > 10.0 * lead, "{phone:?}: {} and {lead}", heard(phone));
    }
}

#[test]
fn the_same_seed_gives_the_same_samples_on_any_number_of_threads() {
    let (Some(one), Some(two)) = (heart(1), heart(2)) else { return };
    let first = speak(&one, SENTENCE, 1.0, 42);
    assert_eq!(first, speak(&one, SENTENCE, 1.0, 42));
    assert_eq!(first, speak(&two, SENTENCE, 1.0, 42));
    let at_once = std::thread::scope(|scope| {
        let calls = [(); 3].map(|()| scope.spawn(|| speak(&one, SENTENCE, 1.0, 42)));
        calls.map(|call| call.join().unwrap())
    });
    assert!(at_once.iter().all(|speech| *speech == first));
    assert_ne!(first, speak(&one, SENTENCE, 1.0, 43));
}

#[test]
fn speed_divides_the_time() {
    let Some(voice) = heart(1) else { return };
    let length = |speed| speak(&voice, SENTENCE, speed, 0).samples.len() as f32;
    for speed in [0.5, 2.0] {
        let ratio = length(1.0) / length(speed);
        assert!((ratio / speed - 1.0).abs() < 0.15, "{speed}: {ratio}");
    }
}

#[test]
fn the_longest_phrase_is_spoken_and_a_longer_one_refused() {
    let Some(voice) = heart(1) else { return };
    let symbols = |count: usize| SENTENCE.chars().cycle().take(count).collect::<String>();
    let speech = speak(&voice, &symbols(510), 1.0, 0);
    assert_eq!(speech.phones.len(), 510);
    let (first, last) = speech.samples.split_at(speech.samples.len() / 2);
    assert!((0.5..2.0).contains(&(level(first) / level(last))), "{} {}", level(first), level(last));
    let error = voice.speak(&phrase(&symbols(511)), 1.0, 0).unwrap_err();
    assert_eq!(error.code(), "PHRASE_TOO_LONG");
}

#[test]
fn what_cannot_be_spoken_is_an_ordinary_error() {
    let Some(voice) = heart(1) else { return };
    for (phonemes, speed, code) in [
        ("", 1.0, "NOTHING_TO_SPEAK"),
        ("… —", 1.0, "NOTHING_TO_SPEAK"),
        ("하트", 1.0, "NOTHING_TO_SPEAK"),
        ("ˈI", 0.0, "SPEED_OUT_OF_RANGE"),
        ("ˈI", f32::NAN, "SPEED_OUT_OF_RANGE"),
    ] {
        assert_eq!(voice.speak(&phrase(phonemes), speed, 0).unwrap_err().code(), code, "{phonemes}");
    }
}

#[test]
fn a_single_sound_is_spoken() {
    let Some(voice) = heart(1) else { return };
    assert_eq!(speak(&voice, "ɐ", 4.0, 0).phones.len(), 1);
}

#[test]
fn bytes_that_are_no_network_are_refused() {
    assert_eq!(Hibari::load(b"not a model".to_vec(), 1).err().unwrap().code(), "MODEL_INVALID");
    // A model, but not this one.
    let Some(other) = assets::read("hibari/oov.onnx") else { return };
    assert_eq!(Hibari::load(other, 1).err().unwrap().code(), "MODEL_INVALID");
}
