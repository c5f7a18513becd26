use std::sync::LazyLock;

use sori_synth::{Blend, Kokoro, Speech, VoiceVectors, join};
use sori_text::{Phrase, PhraseEnd, Piece};

use crate::assets;

/// "It stops." with a stop and a fricative at its very end, and a word boundary in the middle.
const IT_STOPS: [&str; 4] = ["ɪt", " ", "stˈɑps", "."];

/// Loaded once for all tests; a call has one thread.
static KOKORO: LazyLock<Option<Kokoro>> = LazyLock::new(|| load(1));

fn load(threads: usize) -> Option<Kokoro> {
    let vocab = assets::read("kokoro/vocab.json")?;
    Some(Kokoro::load(assets::read("kokoro/model.onnx")?, &vocab, threads).unwrap())
}

fn voice(name: &str) -> VoiceVectors {
    VoiceVectors::from_bytes(&assets::read(&format!("kokoro/voices/{name}.bin")).unwrap()).unwrap()
}

fn phrase(pieces: &[&str]) -> Phrase {
    let piece = |phonemes: &&str| Piece { phonemes: (*phonemes).to_owned(), word: None };
    Phrase { source: 0..0, pieces: pieces.iter().map(piece).collect(), end: PhraseEnd::Sentence }
}

fn level(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

fn bits(speech: &Speech) -> Vec<u32> {
    speech.samples.iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn every_symbol_has_its_time_and_sound_is_where_the_marks_say() {
    let Some(kokoro) = KOKORO.as_ref() else { return };
    let speech = kokoro.speak(&phrase(&IT_STOPS), &voice("af_heart"), 1.0, 0).unwrap();
    assert_eq!(speech.sample_rate_hz, 24_000);
    let spoken: String = speech.phones.iter().map(|phone| phone.phoneme).collect();
    assert_eq!(spoken, IT_STOPS.concat());
    let pieces: Vec<usize> = speech.phones.iter().map(|phone| phone.piece).collect();
    assert_eq!(pieces, [0, 0, 1, 2, 2, 2, 2, 2, 2, 3]);
    for pair in speech.phones.windows(2) {
        assert!(pair[0].start < pair[0].end && pair[0].end == pair[1].start, "{pair:?}");
    }
    let heard = |phoneme: char| {
        let phone = speech.phones.iter().find(|phone| phone.phoneme == phoneme).unwrap();
        level(&speech.samples[phone.start..phone.end])
    };
    assert!(heard('ɑ') > 10.0 * heard('.'), "{} and {}", heard('ɑ'), heard('.'));
    // The vowel at the beginning is audible where its mark says, give or take two frames of 25 ms.
    let audible = speech.samples.iter().position(|sample| sample.abs() > 0.3 * heard('ɪ')).unwrap();
    assert!(audible.abs_diff(speech.phones[0].start) <= 1200, "{audible} and {}", speech.phones[0].start);
}

#[test]
fn nothing_clicks_at_the_ends_and_the_last_consonant_is_whole() {
    let Some(kokoro) = KOKORO.as_ref() else { return };
    let speech = kokoro.speak(&phrase(&["ðə", " ", "hˈWs"]), &voice("bm_george"), 1.0, 0).unwrap();
    assert!(speech.samples.iter().all(|sample| sample.abs() < 1.0), "louder than full scale");
    let loud = level(&speech.samples);
    let (head, tail) = (&speech.samples[..2400], &speech.samples[speech.samples.len() - 2400..]);
    assert!(level(head) < 0.01 * loud && level(tail) < 0.02 * loud, "{} {} {loud}", level(head), level(tail));
    // What join() keeps still ends in silence: the fricative has died away.
    let line = join(vec![(speech, PhraseEnd::Sentence)]);
    let end = &line.samples[line.samples.len() - 240..];
    assert!(level(end) < 0.01 * loud, "{} of {loud}", level(end));
}

#[test]
fn the_same_phrase_is_the_same_samples_on_any_number_of_threads() {
    let (Some(kokoro), Some(on_two)) = (KOKORO.as_ref(), load(2)) else { return };
    let (phrase, voice) = (phrase(&["nˈO", "."]), voice("am_fenrir"));
    let alone = kokoro.speak(&phrase, &voice, 1.0, 1).unwrap();
    let at_once: Vec<Speech> = std::thread::scope(|scope| {
        let speak = || kokoro.speak(&phrase, &voice, 1.0, 2).unwrap();
        let lanes = [scope.spawn(speak), scope.spawn(speak)];
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    for speech in at_once.iter().chain([&on_two.speak(&phrase, &voice, 1.0, 3).unwrap()]) {
        assert_eq!(bits(speech), bits(&alone));
        assert_eq!(speech.phones, alone.phones);
    }
}

#[test]
fn speed_shortens_and_lengthens() {
    let Some(kokoro) = KOKORO.as_ref() else { return };
    let (phrase, voice) = (phrase(&IT_STOPS), voice("af_heart"));
    let length = |speed| kokoro.speak(&phrase, &voice, speed, 0).unwrap().samples.len() as f32;
    let (slow, fast) = (length(0.75), length(1.5));
    assert!((1.6..2.4).contains(&(slow / fast)), "{slow} and {fast} samples for a ratio of 2");
}

#[test]
fn a_blend_speaks_and_is_neither_of_its_parts() {
    let Some(kokoro) = KOKORO.as_ref() else { return };
    let blend: Blend = "af_heart*0.5+bm_george*0.5".parse().unwrap();
    let voices: Vec<_> = blend.parts().iter().map(|(name, share)| (*share, voice(name))).collect();
    let parts: Vec<_> = voices.iter().map(|(share, voice)| (*share, voice)).collect();
    let blended = VoiceVectors::blend(&parts).unwrap();
    let phrase = phrase(&["ˈI", "."]);
    let speak = |voice| kokoro.speak(&phrase, voice, 1.0, 0).unwrap();
    let between = speak(&blended);
    assert!(level(&between.samples) > 0.01);
    for (_, part) in &voices {
        assert_ne!(bits(&speak(part)), bits(&between));
    }
}

#[test]
fn what_cannot_be_spoken_is_an_ordinary_error() {
    let Some(kokoro) = KOKORO.as_ref() else { return };
    let voice = voice("af_heart");
    let code = |pieces: &[&str], speed| kokoro.speak(&phrase(pieces), &voice, speed, 0).unwrap_err().code();
    assert_eq!(code(&["a"; 511], 1.0), "PHRASE_TOO_LONG");
    assert_eq!(code(&[], 1.0), "NOTHING_TO_SPEAK");
    assert_eq!(code(&[" ", "—", "…"], 1.0), "NOTHING_TO_SPEAK");
    assert_eq!(code(&["a"], 0.0), "SPEED_OUT_OF_RANGE");
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    for model in [Vec::new(), b"not a model at all".to_vec(), vec![0; 4096], vec![0xFF; 4096]] {
        let error = Kokoro::load(model, br#"{"a": 1}"#, 1).err().unwrap();
        assert_eq!(error.code(), "MODEL_INVALID");
    }
}
