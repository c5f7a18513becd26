//! From spoken lines to captions that fit a screen: where to cut, and where to break rows.

use crate::{
    Cue,
    anchor::places,
    tidy::one_row,
    tokens::{Ending, Token, tokens},
};

/// The room that a caption has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CueLayout {
    /// Columns of a row; wide characters such as Hangul take two.
    pub max_chars: usize,
    pub max_lines: usize,
}

impl Default for CueLayout {
    /// Two rows of 42 columns, the common guideline for subtitles (BBC 37-42, Netflix 42).
    fn default() -> Self {
        Self { max_chars: 42, max_lines: 2 }
    }
}

/// Cuts cues that do not fit into several, after sentences and clauses where possible, and breaks
/// each into rows of about the same length. Every part takes its words along and lasts from its
/// first word to the first word of the next part; without word times, parts last by their share of
/// the text. No text is lost: joined by blanks (or by nothing where the text has none), the parts
/// are the text with single blanks. A grapheme cluster wider than a row stands alone in one.
///
/// O(n · w) for n tokens and w tokens per cue.
#[must_use]
pub fn layout(cues: &[Cue], layout: &CueLayout) -> Vec<Cue> {
    let room = CueLayout { max_chars: layout.max_chars.max(1), max_lines: layout.max_lines.max(1) };
    cues.iter().flat_map(|cue| lay_out(cue, room)).collect()
}

fn lay_out(cue: &Cue, room: CueLayout) -> Vec<Cue> {
    let text = one_row(&cue.text);
    let tokens = tokens(&text, room.max_chars);
    if tokens.is_empty() {
        return Vec::new();
    }
    let cuts = cut(&tokens, room);
    let times = Times::of(cue, &text);
    let mut parts: Vec<Cue> = Vec::with_capacity(cuts.len());
    let mut from = 0;
    for &end in &cuts {
        let start_ms = if from == 0 { cue.start_ms } else { times.at(tokens[from].start) };
        let text = rows(&tokens[from..end], room).join("\n");
        parts.push(Cue { start_ms, end_ms: cue.end_ms, text, words: Vec::new(), ..cue.clone() });
        from = end;
    }
    for index in 1..parts.len() {
        // A cue shorter than its parts still gives each of them a start of its own, if it can.
        parts[index].start_ms =
            parts[index].start_ms.clamp(parts[index - 1].start_ms, cue.end_ms.max(cue.start_ms));
        parts[index - 1].end_ms = parts[index].start_ms;
    }
    let starts: Vec<usize> =
        std::iter::once(0).chain(cuts.iter().take(cuts.len() - 1).map(|&cut| tokens[cut].start)).collect();
    let mut part = 0;
    for (word, place) in cue.words.iter().zip(places(cue, &text)) {
        // A word without a place stays with the words around it.
        if let Some(place) = place {
            part = starts.partition_point(|start| *start <= place.start).saturating_sub(1).max(part);
        }
        parts[part].words.push(word.clone());
    }
    parts
}

/// Ends of the parts, as token indexes. The best sum of: full use of as few cues as needed, even
/// lengths, and cuts after sentences and clauses.
fn cut(tokens: &[Token<'_>], room: CueLayout) -> Vec<usize> {
    let capacity = room.max_chars * room.max_lines;
    let total: usize = tokens.iter().map(|t| t.width + usize::from(t.spaced)).sum();
    let needed = total.div_ceil(capacity).max(1);
    let ideal = total / needed;
    let mut best: Vec<Option<(u64, usize)>> = vec![None; tokens.len() + 1];
    best[0] = Some((0, 0));
    for from in 0..tokens.len() {
        let Some((cost_so_far, _)) = best[from] else { continue };
        let mut width = 0;
        for end in from + 1..=tokens.len() {
            let token = &tokens[end - 1];
            width += token.width + usize::from(token.spaced && end - 1 > from);
            let fits = width <= room.max_chars || fits(&tokens[from..end], room);
            if !fits && end > from + 1 {
                break;
            }
            let off = width.abs_diff(ideal) as u64;
            let ending = match (token.end, end == tokens.len()) {
                (_, true) | (Ending::Sentence, _) => 0,
                (Ending::Clause, _) => 300,
                (Ending::Open, _) => 1_200,
            };
            // Each cue costs something, so that a text that fits into one is not cut.
            let cost = cost_so_far + off * off + ending + 2_000;
            if best[end].is_none_or(|(known, _)| cost < known) {
                best[end] = Some((cost, from));
            }
        }
    }
    let mut cuts = vec![tokens.len()];
    let mut end = tokens.len();
    while let Some((_, from)) = best[end].filter(|(_, from)| *from > 0) {
        cuts.push(from);
        end = from;
    }
    cuts.reverse();
    cuts
}

/// Whether the tokens go into the rows, filling each in turn.
fn fits(tokens: &[Token<'_>], room: CueLayout) -> bool {
    row_count(tokens, room.max_chars, room.max_lines) <= room.max_lines
}

/// Rows of at most `max_width` columns that the tokens fill; gives up beyond `limit`.
fn row_count(tokens: &[Token<'_>], max_width: usize, limit: usize) -> usize {
    let (mut count, mut width) = (1, 0);
    for token in tokens {
        let gap = usize::from(token.spaced && width > 0);
        if width > 0 && width + gap + token.width > max_width {
            count += 1;
            width = token.width;
            if count > limit {
                break;
            }
        } else {
            width += gap + token.width;
        }
    }
    count
}

/// As few rows as possible, and among those the narrowest block, so that rows are balanced.
fn rows(tokens: &[Token<'_>], room: CueLayout) -> Vec<String> {
    let wanted = row_count(tokens, room.max_chars, usize::MAX);
    let (mut low, mut high) = (1, room.max_chars);
    while low < high {
        let middle = usize::midpoint(low, high);
        if row_count(tokens, middle, wanted) <= wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let mut rows: Vec<String> = vec![String::new()];
    let mut width = 0;
    for token in tokens {
        let gap = usize::from(token.spaced && width > 0);
        if width > 0 && width + gap + token.width > low {
            rows.push(String::new());
            width = token.width;
        } else {
            width += gap + token.width;
        }
        let row = rows.last_mut().expect("there is always a row");
        if token.spaced && !row.is_empty() {
            row.push(' ');
        }
        row.push_str(token.text);
    }
    rows
}

/// Times of text positions: known at words, in proportion between them.
struct Times {
    /// Byte offset and time, both rising.
    known: Vec<(usize, u64)>,
}

impl Times {
    fn of(cue: &Cue, text: &str) -> Self {
        let end = cue.end_ms.max(cue.start_ms);
        let mut known = vec![(0, cue.start_ms)];
        for (word, place) in cue.words.iter().zip(places(cue, text)) {
            let Some(place) = place else { continue };
            let &(last_at, last_ms) = known.last().expect("it begins with one");
            let ms = word.start_ms.clamp(last_ms, end);
            if place.start > last_at {
                known.push((place.start, ms));
            }
        }
        if known.last().is_some_and(|(at, _)| *at < text.len()) {
            known.push((text.len(), end));
        }
        Self { known }
    }

    fn at(&self, offset: usize) -> u64 {
        let after = self.known.partition_point(|(at, _)| *at < offset);
        match (self.known.get(after.wrapping_sub(1)), self.known.get(after)) {
            (_, Some(&(at, ms))) if at == offset => ms,
            (Some(&(a, from)), Some(&(b, to))) => {
                let share = u128::from(to - from) * (offset - a) as u128 / (b - a) as u128;
                from + u64::try_from(share).unwrap_or_default()
            }
            (Some(&(_, ms)), None) | (None, Some(&(_, ms))) => ms,
            (None, None) => 0,
        }
    }
}
