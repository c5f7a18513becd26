//! Praat `TextGrid`, the long text form (Praat manual, "`TextGrid` file formats").
//!
//! Two interval tiers per speaker, `NAME` with the lines and `NAME - words`. Intervals of a tier
//! follow each other without gap or overlap from 0 to the end; silence is an empty interval.

use std::fmt::Write;

use crate::{
    Captions, Cue,
    tidy::{one_row, tidy},
};

struct Interval {
    start_ms: u64,
    end_ms: u64,
    text: String,
}

#[must_use]
pub fn to_textgrid(captions: &Captions) -> String {
    let cues = tidy(&captions.cues, 1);
    let mut speakers: Vec<&str> = Vec::new();
    for cue in &cues {
        let speaker = name(cue);
        if !speakers.contains(&speaker) {
            speakers.push(speaker);
        }
    }
    let mut tiers: Vec<(String, Vec<Interval>)> = Vec::new();
    for speaker in speakers {
        let of_speaker = || cues.iter().filter(|cue| name(cue) == speaker);
        let lines = of_speaker().map(|cue| interval(cue.start_ms, cue.end_ms, &cue.text));
        let words = of_speaker().flat_map(|cue| &cue.words).map(|w| interval(w.start_ms, w.end_ms, &w.text));
        tiers.push((speaker.to_owned(), in_sequence(lines.collect())));
        tiers.push((format!("{speaker} - words"), in_sequence(words.collect())));
    }
    let last = tiers.iter().flat_map(|(_, tier)| tier.last()).map(|i| i.end_ms).max().unwrap_or_default();
    let end_ms = captions.duration_ms.max(last).max(1);
    write_file(&tiers, end_ms)
}

fn write_file(tiers: &[(String, Vec<Interval>)], end_ms: u64) -> String {
    let end = seconds(end_ms);
    let mut out = String::from("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n");
    let _ = writeln!(out, "xmin = 0\nxmax = {end}");
    if tiers.is_empty() {
        out.push_str("tiers? <absent>\n");
        return out;
    }
    let _ = writeln!(out, "tiers? <exists>\nsize = {}\nitem []:", tiers.len());
    for (index, (name, intervals)) in tiers.iter().enumerate() {
        let filled = fill(intervals, end_ms);
        let _ = writeln!(out, "    item [{}]:\n        class = \"IntervalTier\"", index + 1);
        let _ = writeln!(out, "        name = {}\n        xmin = 0\n        xmax = {end}", quote(name));
        let _ = writeln!(out, "        intervals: size = {}", filled.len());
        for (number, (start_ms, end_ms, text)) in filled.iter().enumerate() {
            let _ = writeln!(out, "        intervals [{}]:", number + 1);
            let _ = writeln!(out, "            xmin = {}", seconds(*start_ms));
            let _ = writeln!(out, "            xmax = {}", seconds(*end_ms));
            let _ = writeln!(out, "            text = {}", quote(text));
        }
    }
    out
}

/// Intervals by start, none overlapping the next, each at least a millisecond long.
fn in_sequence(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|interval| !interval.text.is_empty());
    intervals.sort_by_key(|interval| interval.start_ms);
    let mut free = 0;
    for interval in &mut intervals {
        interval.start_ms = interval.start_ms.max(free);
        free = interval.start_ms + 1;
    }
    let mut next = u64::MAX;
    for interval in intervals.iter_mut().rev() {
        interval.end_ms = interval.end_ms.max(interval.start_ms + 1).min(next);
        next = interval.start_ms;
    }
    intervals
}

fn fill(intervals: &[Interval], end_ms: u64) -> Vec<(u64, u64, &str)> {
    let mut out = Vec::with_capacity(2 * intervals.len() + 1);
    let mut at = 0;
    for interval in intervals {
        if interval.start_ms > at {
            out.push((at, interval.start_ms, ""));
        }
        out.push((interval.start_ms, interval.end_ms, interval.text.as_str()));
        at = interval.end_ms;
    }
    if at < end_ms {
        out.push((at, end_ms, ""));
    }
    out
}

fn interval(start_ms: u64, end_ms: u64, text: &str) -> Interval {
    Interval { start_ms, end_ms, text: one_row(text) }
}

fn name(cue: &Cue) -> &str {
    cue.speaker.as_deref().unwrap_or("speech")
}

fn quote(text: &str) -> String {
    format!("\"{}\"", one_row(text).replace('"', "\"\""))
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
