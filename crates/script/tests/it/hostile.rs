//! Files made to break readers: each is an ordinary error, quickly. The time limits are far above
//! what a loaded machine needs and far below what a quadratic reader would take.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sori_script::{Format, Limits, read};

fn codes(bytes: &[u8], format: Format) -> Vec<(&'static str, u32, u32)> {
    let start = Instant::now();
    let result = read(bytes, format, &Limits::default());
    assert!(start.elapsed() < Duration::from_secs(30), "{format:?} took {:?}", start.elapsed());
    match result {
        Ok(parsed) => panic!("{format:?} took it: {:?}", parsed.script.items.first()),
        Err(error) => {
            assert!(!error.message().is_empty() && !error.message_ko().is_empty());
            error.problems().iter().map(|p| (p.code, p.line, p.column)).collect()
        }
    }
}

#[track_caller]
fn check_all(bytes: &[u8], expected: (&str, u32, u32)) {
    for format in Format::ALL {
        assert_eq!(codes(bytes, format)[0], expected, "{format:?}");
    }
}

#[test]
fn a_picture_a_huge_file_and_a_broken_encoding_are_refused_by_every_reader() {
    check_all(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ("NOT_TEXT", 1, 1));
    check_all(&vec![b'a'; 10 << 20], ("TOO_LARGE", 1, 1));
    check_all(b"MINA: Hi\nBEN: \xC0\xAF", ("BROKEN_UTF8", 2, 6));
    check_all(
        "미나: 안녕".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>().as_slice(),
        ("BROKEN_UTF8", 1, 1),
    );
}

#[test]
fn a_line_of_five_megabytes_is_an_error_at_its_place() {
    let long = "a".repeat(5 << 20);
    assert_eq!(codes(format!("A: x\nB: {long}").as_bytes(), Format::Text)[0], ("LINE_TOO_LONG", 2, 5_001));
    assert_eq!(codes(format!("A\n{long}").as_bytes(), Format::Fountain)[0], ("LINE_TOO_LONG", 2, 5_001));
    assert_eq!(
        codes(format!("[{{\"speaker\":\"A\",\"text\":\"{long}\"}}]").as_bytes(), Format::Json)[0],
        ("LINE_TOO_LONG", 1, 2)
    );
}

#[test]
fn a_million_levels_are_too_deep() {
    for open in ["[", "{\"a\":"] {
        assert_eq!(codes(open.repeat(1_000_000).as_bytes(), Format::Json)[0].0, "JSON_TOO_DEEP");
    }
}

#[test]
fn control_characters_and_direction_tricks_are_errors_at_their_place() {
    assert_eq!(codes(b"A: x\nB: y\0z", Format::Text), [("CONTROL_CHARACTER", 2, 5)]);
    assert_eq!(codes("A: x\u{202E}y".as_bytes(), Format::Text), [("BIDI_OVERRIDE", 1, 5)]);
    assert_eq!(
        codes(b"[{\"speaker\":\"A\",\"text\":\"x\\u0000\"}]", Format::Json),
        [("CONTROL_CHARACTER", 1, 2)]
    );
    assert_eq!(codes(b"[{\"speaker\":\"A\",\"text\":\"\\ud800\"}]", Format::Json)[0].0, "JSON_TYPE");
}

#[test]
fn more_lines_or_speakers_than_allowed_are_refused_once() {
    let lines = "A: x\n".repeat(20_001);
    assert_eq!(codes(lines.as_bytes(), Format::Text), [("TOO_MANY_LINES", 20_001, 1)]);
    let speakers: String = (0..201).map(|i| format!("S{i}: x\n")).collect();
    assert_eq!(codes(speakers.as_bytes(), Format::Text), [("TOO_MANY_SPEAKERS", 201, 1)]);
    let cues: String = (0..20_001).map(|i| format!("{i}\n00:00:01,000 --> 00:00:02,000\nx{i}\n\n")).collect();
    assert!(codes(cues.as_bytes(), Format::Srt).iter().any(|c| c.0 == "TOO_MANY_LINES"));
}

#[test]
fn patterns_that_invite_quadratic_time_stay_quick() {
    let row = |piece: &str| format!("MINA\n{}\n", piece.repeat(4_000 / piece.len()));
    for piece in ["[[", "/*", "[", "*a ", "_", "\\", "[x](/", "(", "&", "<"] {
        let text = row(piece).repeat(60);
        let start = Instant::now();
        for (format, head) in Format::ALL.into_iter().zip([
            "",
            "",
            "",
            "00:01,0 --> 00:02,0\n",
            "WEBVTT\n\n00:01.0 --> 00:02.0\n",
            "[Events]\nDialogue:,,,,,,,,,",
        ]) {
            let text = format!("{head}{text}");
            let _ = read(text.as_bytes(), format, &Limits::default());
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{piece:?} took {:?}", start.elapsed());
    }
}

/// Pieces that mean something in one of the formats, so that random files get past the first row.
fn pieces() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "MINA",
        "민호",
        ":",
        "：",
        " ",
        "\n",
        "\r\n",
        "\n\n",
        "(",
        ")",
        "{",
        "}",
        "speed 1.1",
        "[pause 1s]",
        "[[",
        "]]",
        "/*",
        "*/",
        "@",
        "@cast ",
        "=",
        "==",
        "#",
        "~",
        "^",
        ">",
        "<v Mina>",
        "</v>",
        "<i>",
        "&amp;",
        "-->",
        "00:00:01,000 --> 00:00:02,000",
        "00:01.000",
        "WEBVTT\n\n",
        "[Events]\n",
        "Dialogue: 0,0:00:01.00,0:00:02.00,D,N,0,0,0,,",
        "{\\k20}",
        "{\\p1}",
        "\\N",
        "\"",
        "\\",
        "{\"script\":[",
        "{\"speaker\":\"A\",\"text\":\"b\"}",
        "]}",
        ",",
        "title: ",
        "INT. ",
        "- ",
        ">> ",
        "*",
        "_",
        "[x](/y/)",
        "\u{202A}",
        "1",
        "♪",
    ]);
    proptest::collection::vec(prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()], 0..40)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_what_is_read_is_valid(text in pieces()) {
        for format in Format::ALL {
            if let Ok(parsed) = read(text.as_bytes(), format, &Limits::default()) {
                prop_assert!(parsed.problems.iter().all(|p| !p.is_error()));
                let problems = sori_script::validate(&parsed.script, &Limits::default());
                prop_assert!(problems.iter().all(|p| !p.is_error()), "{:?}", problems);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in Format::ALL {
            let _ = read(&bytes, format, &Limits::default());
        }
        let _ = Format::detect(Some("a.txt"), &bytes);
    }
}
