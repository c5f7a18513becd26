//! What `sori-captions` writes, these readers read back: the same times, speakers and texts.

use proptest::prelude::*;
use sori_captions::{Captions, Cue, CueWord, TimeSource, VttOptions, to_ass, to_srt, to_vtt};
use sori_script::{Format, Limits, read};

/// Pieces that a writer has to take care of, between ordinary words of several scripts.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[A-Za-z가-힣]{1,9}[.,!?]?",
        proptest::sample::select(vec![
            "<i>",
            "</b>",
            "<v Ann>",
            "<00:00:01.000>",
            "&amp;",
            "&",
            "&#44032;",
            "AT&T",
            "-->",
            "{\\an8}",
            "{\\k20}",
            "{x}",
            "\\N",
            "\\h",
            "a\\",
            "a<b",
            "1>0",
            "한글",
            "ㅎㅏㄴ",
            "مرحبا",
            "שלום",
            "👩‍👩‍👧",
            "🇰🇷",
            "日本語",
            "é",
            "e\u{301}",
            "3:30",
            "--",
            "5",
        ])
        .prop_map(str::to_owned),
    ];
    // The first word keeps a text from being a dash, a sound, or a name by accident.
    proptest::collection::vec(word, 0..12)
        .prop_map(|words| format!("so {}", words.join(" ")).trim().to_owned())
}

prop_compose! {
    fn captions()(
        lines in proptest::collection::vec((proptest::sample::select(vec!["MINA", "BEN", "DR. KIM"]), texts(), 1..90_u64, 0..50_u64), 1..12),
        offset_hours in prop_oneof![Just(0_u64), 0..150_u64],
    ) -> Captions {
        let mut at = offset_hours * 3_600_000;
        let mut cues = Vec::new();
        for (index, (speaker, text, length, gap)) in lines.into_iter().enumerate() {
            // Whole centiseconds, the coarsest of the formats.
            let (start_ms, end_ms) = (at, at + length * 100);
            let count = text.split(' ').count() as u64;
            let words = text.split(' ').enumerate().map(|(n, word)| CueWord {
                text: word.to_owned(),
                start_ms: start_ms + n as u64 * length * 100 / count,
                end_ms: start_ms + (n as u64 + 1) * length * 100 / count,
                source: TimeSource::Engine,
            });
            let words = words.collect();
            cues.push(Cue { start_ms, end_ms, speaker: Some(speaker.to_owned()), text, words, line: Some(index), line_id: None });
            at = end_ms + gap * 10;
        }
        Captions { title: "T".into(), lang: "ko".into(), duration_ms: at, cues }
    }
}

fn same(captions: &Captions, written: &str, format: Format) -> Result<(), TestCaseError> {
    let parsed = read(written.as_bytes(), format, &Limits::default())
        .map_err(|error| TestCaseError::fail(format!("{error}\n{written}")))?;
    let got: Vec<_> = parsed
        .script
        .lines()
        .map(|(_, line)| {
            (line.start_ms.unwrap(), line.end_ms.unwrap(), line.speaker.clone(), line.text.clone())
        })
        .collect();
    let expected: Vec<_> = captions
        .cues
        .iter()
        .map(|cue| (cue.start_ms, cue.end_ms, cue.speaker.clone().unwrap(), cue.text.clone()))
        .collect();
    prop_assert_eq!(got, expected, "{:?}\n{}", format, written);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn captions_come_back_as_they_were(captions in captions()) {
        for karaoke in [false, true] {
            same(&captions, &to_vtt(&captions, &VttOptions { karaoke, speakers: true }), Format::Vtt)?;
            same(&captions, &to_ass(&captions, karaoke), Format::Ass)?;
        }
        same(&captions, &to_srt(&captions), Format::Srt)?;
    }
}
