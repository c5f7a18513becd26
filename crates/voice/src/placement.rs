//! Step two of a render: where each spoken line stands. Pure.

use sori_audio::{AudioError, PlanOptions, PlannedLine, Timeline, plan, resampled_length};
use sori_script::{Item, Script};

use crate::{cast::CastLine, voicing::VoicedLine};

/// Silence after the last word, so that players do not cut its end: 200 ms.
const LEAD_OUT_MS: u64 = 200;

/// Pauses and overlaps of the script as a timeline at `sample_rate_hz`.
///
/// An explicit pause replaces the gap that would have been there. A line with a fixed start that
/// the line before it overruns begins when that one has ended: nobody is talked over, and the next
/// pause lets the timing catch up.
pub fn place(
    script: &Script,
    lines: &[CastLine<'_>],
    voiced: &[VoicedLine],
    sample_rate_hz: u32,
) -> Result<Timeline, AudioError> {
    let samples = |ms: u64| ms.saturating_mul(u64::from(sample_rate_hz)).saturating_add(500) / 1000;
    let mut planned = Vec::with_capacity(lines.len());
    let mut end_of_fixed = 0;
    for (index, (line, voiced)) in lines.iter().zip(voiced).enumerate() {
        let previous = index.checked_sub(1).map_or(0, |i| lines[i].item + 1);
        let next = lines.get(index + 1).map_or(script.items.len(), |next| next.item);
        let written_before = if index == 0 { pauses(&script.items[previous..line.item]) } else { None };
        let is_last = index + 1 == lines.len();
        let gap_ms = match (pauses(&script.items[line.item + 1..next]), line.line.pause_after_ms) {
            (Some(written), pause_after) => written + u64::from(pause_after.unwrap_or(0)),
            (None, Some(pause_after)) => u64::from(pause_after),
            (None, None) if is_last => 0,
            (None, None) => u64::from(script.gap_ms),
        };
        let length = resampled_length(voiced.shape.sample_count, voiced.shape.sample_rate_hz, sample_rate_hz);
        let at = line.line.start_ms.map(|start| samples(start).max(end_of_fixed));
        if let Some(at) = at {
            end_of_fixed = at + length;
        }
        planned.push(PlannedLine {
            length,
            pause_before: samples(written_before.unwrap_or(0)),
            pause_after: samples(gap_ms),
            overlap: line.line.overlap_ms.map_or(0, |ms| samples(u64::from(ms))),
            at,
            gain_db: 0.0,
        });
    }
    plan(&planned, &PlanOptions { lead_out: samples(LEAD_OUT_MS), ..PlanOptions::new(sample_rate_hz) })
}

/// The sum of the written pauses, if any was written.
fn pauses(items: &[Item]) -> Option<u64> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Pause(pause) => Some(u64::from(pause.pause_ms)),
            Item::Line(_) | Item::Chapter(_) => None,
        })
        .reduce(u64::saturating_add)
}

/// How much faster a timed line has to be spoken so that it ends before the next one begins, and
/// not beyond what still sounds natural. 1.0 when it fits.
pub fn fitting_speed(lines: &[CastLine<'_>], index: usize, spoken_ms: u64) -> f32 {
    /// Faster speech is understood badly; the rest of the overrun is passed on to the next pause.
    const FASTEST: f32 = 1.25;
    let Some(start) = lines[index].line.start_ms else { return 1.0 };
    let next_start = lines.get(index + 1).and_then(|next| next.line.start_ms);
    let Some(end) = next_start.or(lines[index].line.end_ms) else { return 1.0 };
    let slot_ms = end.saturating_sub(start);
    if slot_ms == 0 || spoken_ms <= slot_ms { 1.0 } else { (spoken_ms as f32 / slot_ms as f32).min(FASTEST) }
}
