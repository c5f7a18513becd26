//! What is written is read back as the same, apart from source positions.

use proptest::prelude::*;
use sori_script::{
    CastMember, Chapter, Format, Item, Limits, Line, Pause, Script, read, to_fountain, to_json, to_text,
    validate,
};

/// Texts as readers make them (single blanks), full of signs that mean something somewhere.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[A-Za-z가-힣]{1,8}",
        proptest::sample::select(vec![
            "Note:",
            "MINA:",
            "민호：",
            "*a*",
            "**b**",
            "_c_",
            "[[x]]",
            "[x](/y_z*/)",
            "/*d*/",
            "{e}",
            "(f)",
            "#g",
            "==",
            "//h",
            ">>",
            "@i",
            "~j",
            "^",
            "\\k",
            "\\",
            "\"l\"",
            "3:30",
            "https://x.org/",
            "-",
            "—",
            "!",
            ".n",
            ">o<",
            "&amp;",
            "<i>",
            "é",
            "👩‍👩‍👧",
            "مرحبا",
            "]]",
            "[",
            "🇰🇷",
            "[pause 1s]",
            "\\\\[멈춤 2]",
            "=",
            "CUT",
            "TO:",
            "INT.",
            "]",
            "[1]",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(word, 1..8).prop_map(|words| words.join(" "))
}

fn speakers() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "MINA", "Ben", "민호", "title", "Dr. Kim", "O'Neil", "A:B", "\"Q\"", "R2^", "x (y)", "-z", "#1",
        "@home", "lang", "a\\b", "한 글", "{b}", "*s*", "[n]",
    ])
    .prop_map(str::to_owned)
}

fn ms() -> impl Strategy<Value = u32> {
    prop_oneof![0..600_000_u32, (0..600_u32).prop_map(|s| s * 1_000)]
}

fn speed() -> impl Strategy<Value = f32> {
    (50..=200_u8).prop_map(|percent| f32::from(percent) / 100.0)
}

prop_compose! {
    fn line()(
        speaker in speakers(), text in words(), style in proptest::option::of(words()), speed in proptest::option::of(speed()),
        pause_after_ms in proptest::option::of(ms()), overlap_ms in proptest::option::of(ms()),
        times in proptest::option::of((0..1_000_000_u64, proptest::option::of(1..10_000_u64))),
        translation in proptest::option::of(words()),
    ) -> Line {
        let start_ms = times.map(|t| t.0);
        let end_ms = times.and_then(|t| t.1.map(|length| t.0 + length));
        Line { id: None, speaker, text, style, speed, pause_after_ms, overlap_ms, start_ms, end_ms, translation, origin: None }
    }
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = prop_oneof![
        6 => line().prop_map(Item::Line),
        1 => ms().prop_map(|pause_ms| Item::Pause(Pause { pause_ms, origin: None })),
        1 => words().prop_map(|title| Item::Chapter(Chapter { title, origin: None })),
    ];
    proptest::collection::vec(item, 1..10)
}

prop_compose! {
    fn scripts()(
        items in items(), title in prop_oneof![Just(String::new()), words()], author in proptest::option::of(words()),
        description in proptest::option::of(words()), gap_ms in ms(), with_ids in any::<bool>(),
        members in proptest::collection::btree_map(speakers(), (proptest::option::of("[a-z_]{2,8}(:[a-z]{1,5})?"), proptest::option::of(speed()), proptest::option::of(words())), 0..4),
    ) -> Script {
        let mut script = Script { title, author, description, gap_ms, lang: "ko".to_owned(), items, ..Script::default() };
        script.items.push(Item::Line(Line { speaker: "MINA".to_owned(), text: "Bye.".to_owned(), ..Line::default() }));
        for (index, item) in script.items.iter_mut().enumerate() {
            if let Item::Line(line) = item {
                script.cast.entry(line.speaker.clone()).or_default();
                line.id = with_ids.then(|| format!("l \"{index}\" ]]"));
            }
        }
        for (name, (voice, speed, display)) in members {
            script.cast.insert(name, CastMember { voice, speed, name: display });
        }
        script
    }
}

#[track_caller]
fn same(script: &Script, written: &str, format: Format) -> Result<(), TestCaseError> {
    match read(written.as_bytes(), format, &Limits::default()) {
        Ok(parsed) => prop_assert_eq!(&parsed.script.without_origins(), script, "{}", written),
        Err(error) => return Err(TestCaseError::fail(format!("{error}\n{written}"))),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_script_comes_back_from_every_form(script in scripts()) {
        prop_assume!(validate(&script, &Limits::default()).iter().all(|p| !p.is_error()));
        same(&script, &to_json(&script), Format::Json)?;
        same(&script, &to_text(&script), Format::Text)?;
        same(&script, &to_fountain(&script), Format::Fountain)?;
    }
}

#[test]
fn canonical_json_keeps_the_source_positions_too() {
    let text = include_str!("../data/dialogue.txt");
    let script = read(text.as_bytes(), Format::Text, &Limits::default()).unwrap().script;
    let back = read(to_json(&script).as_bytes(), Format::Json, &Limits::default()).unwrap();
    assert_eq!(back.script, script);
    assert_eq!(back.problems, []);
    let by_serde: Script = serde_json::from_str(&to_json(&script)).unwrap();
    assert_eq!(by_serde, script);
}

#[test]
fn the_text_form_is_what_people_would_type() {
    let text = include_str!("../data/cafe.fountain");
    let script = read(text.as_bytes(), Format::Fountain, &Limits::default()).unwrap().script;
    let written = to_text(&script);
    assert!(written.starts_with("title: At the Café\nlang: en-GB\nauthor: Mina Kim\n@cast BEN\n@cast MINA = af_heart speed 0.95 name \"Mina\"\n"), "{written}");
    assert!(written.contains("\nMINA (whispering): Good morning.\n"), "{written}");
    assert!(written.contains("\nBEN {id \"l9\", speed 1.25}: Good*night*.\n"), "{written}");
}
