//! WebVTT (W3C Candidate Recommendation 2019, section 4).

use std::fmt::Write;

use crate::{
    Captions,
    anchor::timed_pieces,
    tidy::{clock, one_row, tidy},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VttOptions {
    /// A time stamp before each word, so that players can mark it (section 4.2.2).
    pub karaoke: bool,
    /// `<v Name>` in front of each cue.
    pub speakers: bool,
}

impl Default for VttOptions {
    fn default() -> Self {
        Self { karaoke: false, speakers: true }
    }
}

/// Writes a `WebVTT` file. Cues are numbered from 1; the title stands in a note.
#[must_use]
pub fn to_vtt(captions: &Captions, options: &VttOptions) -> String {
    let mut out = String::from("WEBVTT\n");
    let title = one_row(&captions.title);
    if !title.is_empty() {
        // A note ends at a blank row and may not hold an arrow.
        let _ = write!(out, "\nNOTE {}\n", title.replace("-->", "→"));
    }
    for (index, cue) in tidy(&captions.cues, 1).iter().enumerate() {
        let (start, end) = (clock(cue.start_ms, '.'), clock(cue.end_ms, '.'));
        let _ = write!(out, "\n{}\n{start} --> {end}\n", index + 1);
        if let Some(speaker) = cue.speaker.as_deref().filter(|_| options.speakers) {
            let _ = write!(out, "<v {}>", escape(speaker));
        }
        if options.karaoke {
            for (ms, piece) in timed_pieces(cue, &cue.text) {
                if let Some(ms) = ms {
                    let _ = write!(out, "<{}>", clock(ms, '.'));
                }
                out.push_str(&escape(piece));
            }
        } else {
            out.push_str(&escape(&cue.text));
        }
        out.push('\n');
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
