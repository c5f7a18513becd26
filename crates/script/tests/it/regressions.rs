//! What fuzzing found, kept small.

use sori_script::{Format, Limits, Parsed, read, to_fountain, to_text};

fn parse(text: &str, format: Format) -> Parsed {
    read(text.as_bytes(), format, &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check_text_round_trip(text: &str, format: Format) {
    let script = parse(text, format).script.without_origins();
    let written = to_text(&script);
    assert_eq!(parse(&written, Format::Text).script.without_origins(), script, "{written}");
}

#[test]
fn a_pause_in_brackets_of_another_format_stays_text_in_ours() {
    check_text_round_trip("MINA\nBoth at once.[[pause 1.5s]Adn", Format::Fountain);
    check_text_round_trip(r#"[{"speaker":"A","text":"x \\[pause 1s] y"}]"#, Format::Json);
}

#[test]
fn ids_and_fields_of_json_lose_their_outer_blanks() {
    let json = r#"{"title":" T ","author":" ","cast":{"A":{"name":" Ann ","voice":" v "}},"script":[{"id":" l3","speaker":"A","text":"x"}]}"#;
    check_text_round_trip(json, Format::Json);
    let script = parse(json, Format::Json).script;
    assert_eq!((script.title.as_str(), script.author.as_deref()), ("T", None));
    assert_eq!(script.lines().next().unwrap().1.id.as_deref(), Some("l3"));
}

#[test]
fn a_translation_without_words_is_none() {
    check_text_round_trip("A: x\n\n>>\nA: y\n>>\n", Format::Text);
}

#[test]
fn a_name_may_hold_the_sign_of_a_remark() {
    check_text_round_trip("@R # 2\nHi.", Format::Fountain);
}

#[test]
fn a_title_that_looks_like_a_scene_number_stays() {
    let script = parse(". #3#\n\n@c\ne", Format::Fountain).script.without_origins();
    assert_eq!(parse(&to_fountain(&script), Format::Fountain).script.without_origins(), script);
}
