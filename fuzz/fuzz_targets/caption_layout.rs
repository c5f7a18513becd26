//! Any captions can be laid out and written, and no text is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sori_captions::{
    Captions, Cue, CueLayout, CueWord, TimeSource, VttOptions, layout, to_ass, to_json, to_srt, to_textgrid, to_vtt,
};

type Word = (String, u32, u32);
type Input = (u8, u8, Vec<(u32, u32, Option<String>, String, Vec<Word>)>);

fuzz_target!(|input: Input| {
    let (max_chars, max_lines, cues) = input;
    let cues: Vec<Cue> = cues
        .into_iter()
        .map(|(start_ms, end_ms, speaker, text, words)| Cue {
            start_ms: start_ms.into(),
            end_ms: end_ms.into(),
            speaker,
            text,
            words: words
                .into_iter()
                .map(|(text, start_ms, end_ms)| CueWord {
                    text,
                    start_ms: start_ms.into(),
                    end_ms: end_ms.into(),
                    source: TimeSource::Aligned,
                })
                .collect(),
            line: None,
            line_id: None,
        })
        .collect();
    let room = CueLayout { max_chars: max_chars.into(), max_lines: usize::from(max_lines % 6) };
    let parts = layout(&cues, &room);
    let squeeze = |cues: &[Cue]| -> String {
        cues.iter().flat_map(|cue| cue.text.chars()).filter(|c| !c.is_whitespace() && !c.is_control()).collect()
    };
    assert_eq!(squeeze(&parts), squeeze(&cues));
    assert!(parts.iter().all(|part| part.text.lines().count() <= room.max_lines.max(1)));
    for cues in [cues, parts] {
        let captions = Captions { title: String::new(), lang: String::new(), duration_ms: 0, cues };
        let vtt = to_vtt(&captions, &VttOptions { karaoke: true, speakers: true });
        for times in vtt.lines().filter_map(|row| row.split_once(" --> ")) {
            assert!(times.0.len() != times.1.len() || times.0 < times.1, "{times:?}");
        }
        let _ = (to_srt(&captions), to_ass(&captions, true), to_json(&captions), to_textgrid(&captions));
    }
});
