//! Advanced `SubStation` Alpha v4.00+, with a style per speaker.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    Captions, Cue,
    anchor::timed_pieces,
    tidy::{one_row, tidy},
};

/// Text colours by speaker, `&HAABBGGRR`: bright, and apart from each other on dark pictures and
/// for colour-blind viewers (after Okabe and Ito 2008).
const COLOURS: [&str; 8] = [
    "&H00FFFFFF",
    "&H0000E5FF",
    "&H00E9B456",
    "&H00A6D854",
    "&H00C6A0F0",
    "&H0042E4F0",
    "&H00F0C8A0",
    "&H0080C8FF",
];

/// Writes an ASS file; `karaoke` marks words with `{\k}`. The format has centiseconds: times are
/// rounded from the start of the file and karaoke steps are differences of rounded times, so
/// nothing adds up.
#[must_use]
pub fn to_ass(captions: &Captions, karaoke: bool) -> String {
    let cues = tidy(&captions.cues, 10);
    let mut styles: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order = Vec::new();
    for speaker in cues.iter().filter_map(|cue| cue.speaker.as_deref()) {
        styles.entry(speaker).or_insert_with(|| {
            order.push(speaker);
            order.len() - 1
        });
    }
    let mut out = header(&one_row(&captions.title), &order);
    for cue in &cues {
        let style = cue.speaker.as_deref().and_then(|speaker| styles.get(speaker));
        let style = style.map_or("Default".to_owned(), |index| style_name(*index, order[*index]));
        let start = centis(cue.start_ms);
        let end = centis(cue.end_ms).max(start + 1);
        let name = field(cue.speaker.as_deref().unwrap_or_default());
        let text = if karaoke { karaoke_text(cue, start, end) } else { escape(&cue.text) };
        let _ = writeln!(out, "Dialogue: 0,{},{},{style},{name},0,0,0,,{text}", clock(start), clock(end));
    }
    out
}

fn header(title: &str, speakers: &[&str]) -> String {
    let mut out = String::from("[Script Info]\n");
    if !title.is_empty() {
        let _ = writeln!(out, "Title: {title}");
    }
    out.push_str(
        "ScriptType: v4.00+\nWrapStyle: 0\nScaledBorderAndShadow: yes\nPlayResX: 1920\nPlayResY: 1080\n\n",
    );
    out.push_str(
        "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
         Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, \
         MarginL, MarginR, MarginV, Encoding\n",
    );
    let mut style = |name: &str, colour: &str| {
        let _ = writeln!(
            out,
            "Style: {name},Arial,60,{colour},&H00A0A0A0,&H00101010,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,50,1"
        );
    };
    style("Default", COLOURS[0]);
    for (index, speaker) in speakers.iter().enumerate() {
        style(&style_name(index, speaker), COLOURS[index % COLOURS.len()]);
    }
    out.push_str(
        "\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
    );
    out
}

/// Names may be alike after cleaning, so a style carries its number too.
fn style_name(index: usize, speaker: &str) -> String {
    format!("{} {}", index + 1, field(speaker))
}

/// `{\k20}` before each word: how long it is marked, in centiseconds.
fn karaoke_text(cue: &Cue, start: u64, end: u64) -> String {
    let pieces = timed_pieces(cue, &cue.text);
    let mut out = String::new();
    let mut from = start;
    for (index, (_, piece)) in pieces.iter().enumerate() {
        let until = match pieces.get(index + 1) {
            Some((Some(ms), _)) => centis(*ms).clamp(from, end),
            _ => end,
        };
        let _ = write!(out, "{{\\k{}}}{}", until - from, escape(piece));
        from = until;
    }
    out
}

fn centis(ms: u64) -> u64 {
    (ms + 5) / 10
}

fn clock(centis: u64) -> String {
    let (hours, minutes, seconds) = (centis / 360_000, centis / 6_000 % 60, centis / 100 % 60);
    format!("{hours}:{minutes:02}:{seconds:02}.{:02}", centis % 100)
}

/// A field ends at a comma, so a full-width one stands for it.
fn field(text: &str) -> String {
    one_row(text).replace(',', "，")
}

/// Braces are escaped; a backslash that would begin an escape is parted from its letter.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (offset, c) in text.char_indices() {
        match c {
            '\n' => out.push_str("\\N"),
            '{' => out.push_str("\\{"),
            '}' => out.push_str("\\}"),
            '\\' => {
                out.push('\\');
                if text[offset + 1..].starts_with(['N', 'n', 'h', '{', '}', '\n']) {
                    out.push('\u{200B}');
                }
            }
            _ => out.push(c),
        }
    }
    out
}
