use sori_synth::OovNetwork;
use sori_text::{Accent, UnknownWord};

use crate::assets;

fn network() -> Option<OovNetwork> {
    Some(
        OovNetwork::load(assets::read("hibari/oov.onnx")?, Some(assets::read("hibari/oov_gb.onnx")?))
            .unwrap(),
    )
}

/// The readings that the Python package hibari-tts 0.2.1 gives with onnxruntime.
#[test]
fn unknown_words_are_read_as_by_the_reference() {
    let Some(network) = network() else { return };
    for (word, american, british) in READINGS {
        assert_eq!(network.pronounce(word, Accent::American).as_deref(), Some(american), "{word}");
        assert_eq!(network.pronounce(word, Accent::British).as_deref(), Some(british), "{word}");
    }
}

#[test]
fn a_word_without_letters_is_not_read() {
    let Some(network) = network() else { return };
    for word in ["", "'", "123", "지우"] {
        assert_eq!(network.pronounce(word, Accent::American), None, "{word}");
    }
}

#[test]
fn a_word_longer_than_the_network_knows_keeps_its_tail() {
    let Some(network) = network() else { return };
    let read = |word: &str| network.pronounce(word, Accent::American).unwrap();
    let long = read("Hippopotomonstrosesquippedaliophobia");
    assert!(long.ends_with("fˈObiə"), "{long}");
    assert!(read(&"Kubernetes".repeat(40)).chars().count() > 300);
}

#[test]
fn without_a_british_network_british_words_are_read_as_american_ones() {
    let Some(american) = assets::read("hibari/oov.onnx") else { return };
    let network = OovNetwork::load(american, None).unwrap();
    assert_eq!(network.pronounce("Jiwoo", Accent::British), network.pronounce("Jiwoo", Accent::American));
}

#[test]
fn bytes_that_are_no_network_are_refused() {
    let error = OovNetwork::load(b"not a model".to_vec(), None).err().unwrap();
    assert_eq!(error.code(), "MODEL_INVALID");
}

/// A word, read by Americans and by Britons.
const READINGS: [(&str, &str, &str); 16] = [
    ("Jiwoo", "ʤˈɪwu", "ʤˈiːwuː"),
    ("Minjun", "mˈɪnʤʌn", "mˈɪnʤʌn"),
    ("Kubernetes", "kjˈubəɹnˌits", "kjˈuːbənˌiːts"),
    ("Gwangju", "ɡwˈæŋʤu", "ɡwˈaŋʤuː"),
    ("Gangnam", "ɡˈæŋnɑm", "ɡˈaŋnɑːm"),
    ("Tchaikovsky", "tˈiʧAkˈɑvski", "tˈiːʧAkˈɒvski"),
    ("flibbertigibbet", "flˈɪbəɹtˌɪʤˌɪbɪt", "flˈɪbətˌɪʤˌɪbɪt"),
    ("yeet", "jˈit", "jˈiːt"),
    ("Sori", "sˈɔɹi", "sˈɔːɹi"),
    ("axum", "ˈæksəm", "ˈaksəm"),
    ("zyxomma", "zˈIksɑmə", "zˈIksɒmə"),
    ("McAllister", "mək ˈælɪstəɹ", "mək ˈalˈɪstə"),
    ("Llanfair", "lænfˈɛɹ", "lanfAə"),
    ("brexit", "bɹˈɛksɪt", "bɹˈɛksɪt"),
    ("unfriendable", "ʌnfɹˈɛndəbᵊl", "ʌnfɹˈˈɛndəbᵊl"),
    ("croissantly", "kɹˈɑsəntli", "kɹˈYsəntli"),
];
