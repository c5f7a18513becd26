//! Parsers that other people wrote take what is written here.

use proptest::prelude::*;
use sori_captions::{Captions, VttOptions, to_ass, to_srt, to_vtt};

use super::{captions, cue};

fn sample() -> Captions {
    captions(vec![
        cue(0, 1_500, "Mina", "Good morning, everyone & all."),
        cue(1_500, 3_000, "민호", "안녕하세요, 여러분.\n둘째 줄 <b>입니다</b>."),
        cue(3_700_000, 3_705_250, "Mina", "An hour later --> here."),
    ])
}

#[test]
fn subtp_reads_the_webvtt() {
    for karaoke in [false, true] {
        let vtt = to_vtt(&sample(), &VttOptions { karaoke, speakers: true });
        let parsed = subtp::vtt::WebVtt::parse(&vtt).expect("it is WebVTT");
        let cues: Vec<_> = parsed
            .blocks
            .iter()
            .filter_map(|block| match block {
                subtp::vtt::VttBlock::Que(cue) => Some(cue),
                _ => None,
            })
            .collect();
        assert_eq!(cues.len(), 3);
        assert!(cues[0].payload[0].starts_with("<v Mina>Good"), "{:?}", cues[0].payload);
        let start = cues[2].timings.start;
        assert_eq!((start.hours, start.minutes, start.seconds, start.milliseconds), (1, 1, 40, 0));
    }
}

#[test]
fn rsubs_reads_the_srt_and_the_ass() {
    let srt = rsubs_lib::SRT::parse(to_srt(&sample())).expect("it is SubRip");
    assert_eq!(srt.lines.len(), 3);
    assert_eq!(srt.lines[1].text.lines().count(), 2);
    let ass = rsubs_lib::SSA::parse(to_ass(&sample(), true)).expect("it is ASS");
    assert_eq!(ass.events.len(), 3);
    assert_eq!(ass.events[1].name, "민호");
    assert_eq!(ass.styles.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the times and texts are: no blank row, no end before its start, no overlap of one
    /// speaker, nothing that panics.
    #[test]
    fn files_are_sound_for_any_cues(
        cues in proptest::collection::vec((0..5_000_u64, 0..5_000_u64, 0..3_u8, any::<String>(), proptest::collection::vec((any::<String>(), 0..6_000_u64), 0..6)), 0..12)
    ) {
        let cues = cues.into_iter().map(|(start_ms, end_ms, speaker, text, words)| {
            let words = words.into_iter().map(|(text, start_ms)| sori_captions::CueWord {
                text, start_ms, end_ms: start_ms / 2, source: sori_captions::TimeSource::Estimated,
            });
            sori_captions::Cue { start_ms, end_ms, speaker: (speaker > 0).then(|| format!("S{speaker}")), text, words: words.collect(), line: None, line_id: None }
        });
        let captions = captions(cues.collect());
        let laid_out = Captions { cues: sori_captions::layout(&captions.cues, &sori_captions::CueLayout::default()), ..captions.clone() };
        for captions in [&captions, &laid_out] {
            let vtt = to_vtt(captions, &VttOptions { karaoke: true, speakers: true });
            let mut last_end = std::collections::HashMap::new();
            for block in vtt.trim_end().split("\n\n").skip(2) {
                let rows: Vec<&str> = block.lines().collect();
                prop_assert!(rows.len() >= 3, "{:?}", block);
                let (start, end) = rows[1].split_once(" --> ").expect("times come second");
                prop_assert!(start < end, "{}", rows[1]);
                let speaker = rows[2].strip_prefix("<v ").map(|r| r[..2].to_owned());
                if let Some(last) = last_end.insert(speaker, end.to_owned()) {
                    prop_assert!(last.as_str() <= start, "{} after {}", rows[1], last);
                }
                prop_assert!(rows[2..].iter().all(|row| !row.contains("-->")));
            }
            prop_assert!(to_srt(captions).split("\r\n\r\n").all(|block| block.is_empty() || block.lines().count() >= 3));
            let _ = (to_ass(captions, true), sori_captions::to_textgrid(captions), sori_captions::to_json(captions));
        }
    }
}
