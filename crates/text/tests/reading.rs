//! The reader as a whole: what every result promises, on chosen and on arbitrary texts.

use std::sync::{Arc, LazyLock, Mutex};

use proptest::prelude::*;
use sori_text::{
    Accent, DEFAULT_PHONEMES, LEAST_PHONEMES, Lexicon, MAX_TEXT_BYTES, PhraseEnd, Reader, Spoken, TextError,
    UnknownWord, is_phoneme, is_sound, normalise, sentences,
};

static READER: LazyLock<Reader> = LazyLock::new(Reader::new);

fn read(text: &str) -> Spoken {
    READER.read(text, Accent::American, &Lexicon::new(), DEFAULT_PHONEMES).unwrap()
}

fn phonemes(spoken: &Spoken) -> String {
    spoken.phrases.iter().map(|phrase| phrase.phonemes()).collect::<Vec<_>>().join(" | ")
}

fn words(spoken: &Spoken) -> Vec<&str> {
    spoken.words.iter().map(|word| word.text.as_str()).collect()
}

/// What holds for every result.
fn assert_sound(text: &str, spoken: &Spoken, max_phonemes: usize) {
    let mut end = 0;
    for word in &spoken.words {
        assert!(
            word.source.start >= end && word.source.start < word.source.end,
            "ascending: {word:?} in {text:?}"
        );
        assert!(text.get(word.source.clone()).is_some(), "on character boundaries: {word:?} in {text:?}");
        end = word.source.end;
    }
    let mut spoken_words = vec![false; spoken.words.len()];
    let mut last_word = 0;
    let mut phrase_end = 0;
    for phrase in &spoken.phrases {
        assert!(text.get(phrase.source.clone()).is_some());
        assert!(phrase.source.start >= phrase_end || phrase.end == PhraseEnd::Clause || phrase_end > 0);
        phrase_end = phrase.source.end;
        assert!(phrase.length() <= max_phonemes, "{} > {max_phonemes} in {text:?}", phrase.length());
        assert!(phrase.phonemes().chars().any(is_sound), "a phrase without sound: {phrase:?} in {text:?}");
        for piece in &phrase.pieces {
            assert!(piece.phonemes.chars().all(is_phoneme), "{piece:?} in {text:?}");
            assert!(!piece.phonemes.is_empty());
            if let Some(word) = piece.word {
                assert!(word >= last_word && word < spoken.words.len());
                assert!(piece.phonemes.chars().any(is_sound), "{piece:?} in {text:?}");
                last_word = word;
                spoken_words[word] = true;
            } else {
                assert!(!piece.phonemes.chars().any(is_sound), "{piece:?} in {text:?}");
            }
        }
    }
    assert!(spoken_words.iter().all(|spoken| *spoken), "a silent word: {spoken:?} in {text:?}");
}

#[test]
fn words_are_shown_as_written_and_spoken_in_order() {
    let text = "“Hello,” said Dr. Lee at 7:05 pm — “you owe me $5 million!”";
    let spoken = read(text);
    assert_sound(text, &spoken, DEFAULT_PHONEMES);
    assert_eq!(
        words(&spoken),
        ["“Hello,”", "said", "Dr.", "Lee", "at", "7:05", "pm —", "“you", "owe", "me", "$5", "million!”"]
    );
    for word in &spoken.words {
        assert_eq!(text[word.source.clone()], word.text);
    }
}

#[test]
fn punctuation_stands_between_the_words_of_a_phrase() {
    let spoken = read("Yes, (you) know.");
    assert_eq!(phonemes(&spoken), "jˈɛs, (ju) nˈO.");
    let between: Vec<_> = spoken.phrases[0]
        .pieces
        .iter()
        .filter(|piece| piece.word.is_none())
        .map(|piece| piece.phonemes.as_str())
        .collect();
    assert_eq!(between, [",", " ", "(", ")", " ", "."]);
}

#[test]
fn heteronyms_follow_their_part_of_speech() {
    assert_eq!(phonemes(&read("They record a record.")), "ðˌA ɹəkˈɔɹd ɐ ɹˈɛkəɹd.");
    assert_eq!(phonemes(&read("I read it yesterday.")), "ˌI ɹˈɛd ɪt jˈɛstəɹdˌA.");
}

#[test]
fn weak_forms_follow_the_next_sound() {
    assert_eq!(phonemes(&read("The hour and the year.")), "ði ˈWəɹ ænd ðə jˈɪɹ.");
    assert_eq!(phonemes(&read("The [Uhr](/ˈuɹ/) and the [Yuhr](/jˈuɹ/).")), "ði ˈuɹ ænd ðə jˈuɹ.");
}

#[test]
fn a_pronunciation_in_the_text_is_used_and_shown_without_its_marks() {
    let text = "[Sori](/sˈɔɹi/)'s voice, [민호](/mˈinhO/)!";
    let spoken = read(text);
    assert_sound(text, &spoken, DEFAULT_PHONEMES);
    assert_eq!(words(&spoken), ["Sori's", "voice,", "민호!"]);
    assert_eq!(phonemes(&spoken), "sˈɔɹiz vˈYs, mˈinhO!");
    assert_eq!(phonemes(&read("I [read](/ɹˈɛd/) it, I [read](/ɹˈid/) it.")), "ˌI ɹˈɛd ɪt, ˌI ɹˈid ɪt.");
}

#[test]
fn the_users_lexicon_wins_over_rules_and_lexicons() {
    let lexicon = Lexicon::from_lines("hello = /jˈO/\n7:30 = half past seven\nNew York = /ɡˈɑθəm/").unwrap();
    let spoken = READER.read("Hello, New York! It is 7:30.", Accent::American, &lexicon, 400).unwrap();
    assert_eq!(phonemes(&spoken), "jˈO, ɡˈɑθəm! | ˌɪt ɪz hˈæf pˈæst sˈɛvən.");
    assert_eq!(words(&spoken), ["Hello,", "New York!", "It", "is", "7:30."]);
}

#[test]
fn accents_differ_in_sounds_and_words() {
    let read = |accent| READER.read("It is 105 metres.", accent, &Lexicon::new(), 400).unwrap();
    assert_eq!(phonemes(&read(Accent::American)), "ˌɪt ɪz wˈʌn hˈʌndɹəd fˈIv mˈiTəɹz.");
    assert_eq!(phonemes(&read(Accent::British)), "ˌɪt ɪz wˈʌn hˈʌndɹəd and fˈIv mˈiːtəz.");
}

struct Recorder(Arc<Mutex<Vec<String>>>);

impl UnknownWord for Recorder {
    fn pronounce(&self, word: &str, _: Accent) -> Option<String> {
        self.0.lock().unwrap().push(word.to_owned());
        (word != "Zzyzx").then(|| "ʤˈiwu".to_owned())
    }
}

#[test]
fn unknown_words_are_asked_for_and_spelled_when_nobody_knows() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let reader = Reader::new().with_unknown(Box::new(Recorder(asked.clone())));
    let read = |text| phonemes(&reader.read(text, Accent::American, &Lexicon::new(), 400).unwrap());
    assert_eq!(read("Jiwoo's boat."), "ʤˈiwuz bˈOt.");
    assert_eq!(read("A Jiwoo-style boat."), "ɐ ʤˈiwu stˈIl bˈOt.");
    assert_eq!(read("Zzyzx."), "zˌizˌiwˌIzˌiˈɛks.");
    assert_eq!(asked.lock().unwrap().iter().filter(|word| *word == "Jiwoo").count(), 2);
}

#[test]
fn long_sentences_are_cut_at_clauses_and_then_at_words() {
    let clause = "the boat went slowly over the quiet water";
    let text = format!("At noon {clause}, {clause}, and then {clause}.");
    let whole = read(&text);
    assert_eq!(whole.phrases.len(), 1);
    let cut = READER.read(&text, Accent::American, &Lexicon::new(), 80).unwrap();
    assert_sound(&text, &cut, 80);
    assert!(cut.phrases.len() > 2);
    assert!(cut.phrases[0].phonemes().ends_with(','), "{}", phonemes(&cut));
    assert_eq!(
        cut.phrases.iter().filter(|phrase| phrase.end == PhraseEnd::Clause).count(),
        cut.phrases.len() - 1
    );
    assert_eq!(phonemes(&whole), phonemes(&cut).replace(" | ", " "));
}

#[test]
fn one_endless_word_is_cut_too() {
    for text in ["a".repeat(5000), "1".repeat(5000), "B".repeat(5000), "ab-".repeat(2000), "x1".repeat(3000)]
    {
        let spoken = READER.read(&text, Accent::American, &Lexicon::new(), LEAST_PHONEMES).unwrap();
        assert_sound(&text, &spoken, LEAST_PHONEMES);
    }
}

#[test]
fn texts_without_an_end_are_normalised_in_linear_time() {
    for part in ["12 ", "1/2 ", "—\"", "(", "a—", "5 - ", "[a](/a/)", "A.", "<i", "&", "'", "Dr. "] {
        let long = part.repeat(10_000);
        assert_eq!(sentences(&long).is_empty(), normalise(&long).is_empty(), "{part}");
    }
}

#[test]
fn ends_tell_sentences_from_paragraphs() {
    let ends: Vec<_> = read("One. Two.\n\nThree.").phrases.iter().map(|phrase| phrase.end).collect();
    assert_eq!(ends, [PhraseEnd::Sentence, PhraseEnd::Paragraph, PhraseEnd::Paragraph]);
}

#[track_caller]
fn check_error(text: &str, code: &str, position: Option<usize>) {
    let error = READER.read(text, Accent::American, &Lexicon::new(), 400).unwrap_err();
    assert_eq!((error.code(), error.position()), (code, position), "{error}");
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_place() {
    check_error("", "TEXT_NOTHING_TO_SPEAK", None);
    check_error(" … !!! 👋 \n", "TEXT_NOTHING_TO_SPEAK", None);
    check_error("Hello, 안녕", "TEXT_SCRIPT_UNSUPPORTED", Some(7));
    check_error("Привет", "TEXT_SCRIPT_UNSUPPORTED", Some(0));
    check_error("It is ٣.", "TEXT_SCRIPT_UNSUPPORTED", Some(6));
    check_error("Say [this](/9/).", "PRONUNCIATION_INVALID", Some(11));
    check_error("Say [this](//).", "PRONUNCIATION_INVALID", Some(11));
    check_error(&"a ".repeat(MAX_TEXT_BYTES), "TEXT_TOO_LONG", None);
    let error = READER.read("Hi.", Accent::American, &Lexicon::new(), LEAST_PHONEMES - 1).unwrap_err();
    assert_eq!(error.code(), "PHRASE_LIMIT_TOO_SMALL");
}

/// Texts made of what trips readers: numbers, signs, marks, quotes, other scripts, odd white space.
fn tricky_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-Z']{1,8}",
        "[0-9.,:/%$€£-]{1,10}",
        "[A-Z][0-9A-Za-z-]{0,6}",
        "[ \t\n]{1,3}",
        "[\\[\\](){}<>/\"'“”‘’«»*_~`#@&+=|^\\\\-]{1,4}",
        "[.,;:!?…—–]{1,4}",
        Just("[Sori](/sˈɔɹi/)".to_owned()),
        Just("<i>ing</i>".to_owned()),
        Just("—ing’ed‘s".to_owned()),
        Just("&amp;&#233;".to_owned()),
        Just("½²°C№§π👋🏽\u{200d}é".to_owned()),
        Just("St. Dr. No. 5 p.m. etc.".to_owned()),
        Just("Nov 21, 2026 7:05 pm".to_owned()),
    ];
    proptest::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
}

fn survives(text: &str, accent: Accent, max_phonemes: usize) {
    let mut end = 0;
    for sentence in sentences(text) {
        assert!(sentence.start >= end && text.get(sentence.clone()).is_some());
        end = sentence.end;
    }
    let mut end = 0;
    for token in normalise(text) {
        assert!(token.source.start >= end && text.get(token.source.clone()).is_some());
        end = token.source.end;
    }
    match READER.read(text, accent, &Lexicon::new(), max_phonemes) {
        Ok(spoken) => assert_sound(text, &spoken, max_phonemes),
        Err(TextError::ScriptUnsupported { position, character }) => {
            assert!(text[position..].starts_with(character));
        }
        Err(TextError::PronunciationInvalid { position, .. }) => assert!(text.is_char_boundary(position)),
        Err(error) => assert_eq!(error.code(), "TEXT_NOTHING_TO_SPEAK", "{text:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tricky_texts_are_read_soundly(text in tricky_text(), british in any::<bool>(), limit in 20_usize..120) {
        survives(&text, if british { Accent::British } else { Accent::American }, limit);
    }

    #[test]
    fn arbitrary_unicode_never_panics(text in any::<String>()) {
        survives(&text, Accent::American, LEAST_PHONEMES);
    }

    #[test]
    fn any_lexicon_text_is_entries_or_an_error(lines in any::<String>(), text in "[a-zA-Z =/ˈ'\n]{0,40}") {
        for lines in [lines, text.clone()] {
            if let Ok(lexicon) = Lexicon::from_lines(&lines) {
                let used = lexicon.entries_used_in(&text);
                assert!(used.len() <= lexicon.len());
                if let Ok(spoken) = READER.read(&text, Accent::American, &lexicon, 100) {
                    assert_sound(&text, &spoken, 100);
                }
            }
        }
    }
}
