//! The source cut into chunks: what stands between white space, with the punctuation around it taken apart.
//!
//! A chunk is what a caption shows as one word. Dashes and dots between words part chunks as well, and a
//! pronunciation given by the user makes a chunk of its own.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::alphabet;
use crate::error::TextError;
use crate::glyphs::{Glyph, Sound, glyphs};
use crate::lexicon::{Entry, Lexicon};
use crate::spoken::Accent;

/// What stands between a chunk and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// They touch: "yes—no".
    Joined,
    Space,
    Line,
    Paragraph,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    /// Letters, digits and symbols to be normalised; empty when the chunk is only punctuation.
    Plain(String),
    /// Fixed phonemes, already in the voice's alphabet.
    Phonemes(String),
    /// Text of a lexicon entry, read in place of the word.
    Alias(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) source: Range<usize>,
    pub(crate) shown: String,
    /// Quotes and brackets before the core.
    pub(crate) lead: String,
    pub(crate) core: Core,
    /// Punctuation after the core.
    pub(crate) trail: String,
    pub(crate) gap: Gap,
}

impl Chunk {
    /// The core when it is ordinary text, else "".
    pub(crate) fn plain(&self) -> &str {
        match &self.core {
            Core::Plain(core) => core,
            _ => "",
        }
    }

    /// Nothing but punctuation or silent characters.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(&self.core, Core::Plain(core) if core.is_empty())
    }
}

/// A stretch of the source whose reading the user has fixed.
struct Fixed {
    source: Range<usize>,
    /// The displayed part of it: all of it, or what is inside the brackets of a mark.
    shown: Range<usize>,
    core: Core,
}

/// Cuts a text into chunks; linear in its length.
///
/// Fails with a letter of an unsupported script outside a fixed reading, or with a bad inline pronunciation.
pub(crate) fn chunks(text: &str, accent: Accent, lexicon: &Lexicon) -> Result<Vec<Chunk>, TextError> {
    cut(text, accent, lexicon, true)
}

/// The same for callers that only look: what cannot be spoken stays as it is.
pub(crate) fn lenient_chunks(text: &str, accent: Accent) -> Vec<Chunk> {
    cut(text, accent, &Lexicon::new(), false).unwrap_or_default()
}

fn cut(text: &str, accent: Accent, lexicon: &Lexicon, strict: bool) -> Result<Vec<Chunk>, TextError> {
    let mut fixed = inline_pronunciations(text, accent, strict)?;
    add_lexicon(&mut fixed, text, accent, lexicon)?;
    let mut row = glyphs(text);
    hide_links(&mut row, text);

    let mut cutter = Cutter { chunks: Vec::new(), open: None };
    let mut next_fixed = fixed.into_iter().peekable();
    let mut index = 0;
    while index < row.len() {
        let glyph = &row[index];
        if let Some(reading) = next_fixed.next_if(|fixed| fixed.source.start <= glyph.source.start) {
            while index < row.len() && row[index].source.start < reading.source.end {
                index += 1;
            }
            cutter.fixed(text, reading);
            // The possessive belongs to the same displayed word.
            index += cutter.possessive(&row[index..], accent);
            continue;
        }
        if let Sound::Foreign(character) = glyph.sound
            && strict
        {
            return Err(TextError::ScriptUnsupported { position: glyph.source.start, character });
        }
        let joined_dash = cutter.parts_before(&row[index..]);
        if joined_dash {
            cutter.close(Gap::Joined);
        }
        cutter.take(glyph);
        index += 1;
    }
    cutter.close(Gap::Paragraph);
    Ok(attach_bare(cutter.chunks))
}

/// `[text](/phonemes/)` marks.
fn inline_pronunciations(text: &str, accent: Accent, strict: bool) -> Result<Vec<Fixed>, TextError> {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\[([^\[\]\n]{1,200})\]\((/[^()\n]*/)\)").expect("the pattern is constant")
    });
    let mut fixed = Vec::new();
    for mark in MARK.captures_iter(text) {
        let shown = mark.get(1).map_or(0..0, |shown| shown.range());
        let (written, position) = mark.get(2).map_or(("", 0), |written| (written.as_str(), written.start()));
        match alphabet::pronunciation(written, accent) {
            Ok(phonemes) => {
                fixed.push(Fixed { source: mark.get_match().range(), shown, core: Core::Phonemes(phonemes) });
            }
            Err(fault) if strict => return Err(TextError::PronunciationInvalid { position, fault }),
            Err(_) => {}
        }
    }
    Ok(fixed)
}

/// Adds the user's entries where no inline mark stands; the mark is the closer wish.
fn add_lexicon(
    fixed: &mut Vec<Fixed>,
    text: &str,
    accent: Accent,
    lexicon: &Lexicon,
) -> Result<(), TextError> {
    let marks = fixed.len();
    for found in lexicon.matches(text) {
        let overlaps = fixed[..marks]
            .iter()
            .any(|mark| mark.source.start < found.source.end && found.source.start < mark.source.end);
        if overlaps {
            continue;
        }
        let core = match found.entry {
            Entry::Alias(alias) => Core::Alias(alias.clone()),
            Entry::Phonemes(written) => {
                let phonemes = alphabet::pronunciation(written, accent).map_err(|fault| {
                    TextError::PronunciationInvalid { position: found.source.start, fault }
                })?;
                Core::Phonemes(phonemes)
            }
        };
        fixed.push(Fixed { source: found.source.clone(), shown: found.source, core });
    }
    fixed.sort_by_key(|fixed| fixed.source.start);
    Ok(())
}

/// Markdown links are read by their text alone.
fn hide_links(row: &mut [Glyph], text: &str) {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"!?\[([^\[\]\n]{1,200})\]\([^()\s]*\)").expect("the pattern is constant")
    });
    for link in LINK.captures_iter(text) {
        let (whole, inner) = (link.get_match().range(), link.get(1).map_or(0..0, |m| m.range()));
        let from = row.partition_point(|glyph| glyph.source.start < whole.start);
        for glyph in row[from..].iter_mut().take_while(|glyph| glyph.source.start < whole.end) {
            if !inner.contains(&glyph.source.start) {
                glyph.sound = Sound::Hidden;
            }
        }
    }
}

struct Open {
    source: Range<usize>,
    shown: String,
    spoken: String,
    /// Has a letter or digit been taken? Asked for every sign, so it is not searched for.
    has_word: bool,
    /// Lead and core of a fixed reading; `spoken` then collects the trail.
    fixed: Option<(String, Core)>,
}

struct Cutter {
    chunks: Vec<Chunk>,
    open: Option<Open>,
}

impl Cutter {
    fn take(&mut self, glyph: &Glyph) {
        match &glyph.sound {
            Sound::Space => self.close(Gap::Space),
            Sound::Line => self.close(Gap::Line),
            Sound::Hidden => {
                if let Some(open) = &mut self.open {
                    open.source.end = glyph.source.end;
                }
            }
            Sound::Silent => self.open_at(glyph.source.clone()).shown.push(glyph.shown),
            Sound::Char(c) => {
                let open = self.open_at(glyph.source.clone());
                open.shown.push(glyph.shown);
                open.spoken.push(*c);
                open.has_word |= c.is_alphanumeric();
            }
            Sound::Letters(letters) => {
                let open = self.open_at(glyph.source.clone());
                open.shown.push(glyph.shown);
                open.spoken.push_str(letters);
                open.has_word = true;
            }
            Sound::Foreign(c) => {
                let open = self.open_at(glyph.source.clone());
                open.shown.push(glyph.shown);
                open.spoken.push(*c);
            }
        }
    }

    fn open_at(&mut self, source: Range<usize>) -> &mut Open {
        let open = self.open.get_or_insert_with(|| Open {
            source: source.clone(),
            shown: String::new(),
            spoken: String::new(),
            has_word: false,
            fixed: None,
        });
        open.source.end = source.end;
        open
    }

    /// Must the open chunk end before these glyphs? After a dash or dots that a word follows, and between a
    /// fixed reading and letters that touch it.
    fn parts_before(&self, rest: &[Glyph]) -> bool {
        let Some(open) = &self.open else { return false };
        let Some(Sound::Char(next)) = rest.first().map(|glyph| &glyph.sound) else { return false };
        if open.fixed.is_some() {
            return next.is_alphanumeric() && !open.spoken.ends_with(['\'', '’']);
        }
        if !next.is_alphanumeric() && !"\"“'‘$£€".contains(*next) {
            return false;
        }
        let range = |dash: &str| {
            // A dash between two numbers is a range, not a pause.
            next.is_ascii_digit()
                && open
                    .spoken
                    .strip_suffix(dash)
                    .is_some_and(|head| head.ends_with(|c: char| c.is_ascii_digit()))
        };
        open.has_word
            && ((open.spoken.ends_with('—') && !range("—"))
                || (open.spoken.ends_with('–')
                    && !range("–")
                    && next.is_alphabetic()
                    && open.spoken.len() > 5)
                || open.spoken.ends_with("--")
                || open.spoken.ends_with('…')
                || open.spoken.ends_with("..."))
    }

    fn fixed(&mut self, text: &str, reading: Fixed) {
        let touches_word = self.open.as_ref().is_some_and(|open| open.fixed.is_some() || open.has_word);
        if touches_word {
            self.close(Gap::Joined);
        }
        let open = self.open_at(reading.source);
        open.shown.push_str(&text[reading.shown]);
        open.fixed = Some((std::mem::take(&mut open.spoken), reading.core));
    }

    /// Takes `'s` after a fixed reading into it; returns how many glyphs that used.
    fn possessive(&mut self, rest: &[Glyph], accent: Accent) -> usize {
        let sound = |index: usize| match rest.get(index).map(|glyph| &glyph.sound) {
            Some(Sound::Char(c)) => Some(*c),
            _ => None,
        };
        let is_possessive = matches!(sound(0), Some('\'' | '’'))
            && matches!(sound(1), Some('s' | 'S'))
            && !sound(2).is_some_and(char::is_alphanumeric);
        let Some(open) = self.open.as_mut().filter(|_| is_possessive) else { return 0 };
        open.shown.extend(rest[..2].iter().map(|glyph| glyph.shown));
        open.source.end = rest[1].source.end;
        if let Some((_, core)) = &mut open.fixed {
            match core {
                Core::Phonemes(phonemes) => *phonemes = alphabet::with_s(phonemes, accent),
                Core::Alias(alias) => alias.push_str("'s"),
                Core::Plain(_) => {}
            }
        }
        2
    }

    fn close(&mut self, gap: Gap) {
        let Some(open) = self.open.take() else {
            // White space after white space: the widest of them counts.
            if let Some(last) = self.chunks.last_mut() {
                last.gap = match (last.gap, gap) {
                    (Gap::Line, Gap::Line) | (Gap::Paragraph, _) | (_, Gap::Paragraph) => Gap::Paragraph,
                    (Gap::Line, _) | (_, Gap::Line) => Gap::Line,
                    _ => Gap::Space,
                };
            }
            return;
        };
        let (lead, core, trail) = match open.fixed {
            Some((lead, core)) => (lead, core, open.spoken),
            None => {
                let (lead, core, trail) = take_apart(&open.spoken);
                (lead.to_owned(), Core::Plain(core.to_owned()), trail.to_owned())
            }
        };
        self.chunks.push(Chunk { source: open.source, shown: open.shown, lead, core, trail, gap });
    }
}

const LEADING: &str = "\"“”'‘’([{<*_`~|•·—–-¿¡…,;:!?\\>.";
const TRAILING: &str = "\"“”'‘’)]}>*_`|•·—–-…,;:!?.\\~";

/// Parts a chunk into leading punctuation, core and trailing punctuation.
///
/// Signs that belong to what they touch stay in the core: the apostrophe of `'90s` and `'tis`, the point of
/// `.5`, the minus of `-5`, the tilde of `~5`, the primes of `5'11"`, the trailing plus of `C++`.
fn take_apart(spoken: &str) -> (&str, &str, &str) {
    let Some(first) = spoken.char_indices().find(|&(at, c)| !LEADING.contains(c) || belongs(&spoken[at..]))
    else {
        // Only punctuation.
        return ("", "", spoken);
    };
    let (lead, rest) = spoken.split_at(first.0);
    let core_end = rest
        .char_indices()
        .rev()
        .find(|&(_, c)| !TRAILING.contains(c))
        .map_or(0, |(at, c)| at + c.len_utf8());
    // Feet and inches, and a degree of arc: the primes are read.
    let primes =
        rest[core_end..].chars().take_while(|c| "'\"’”".contains(*c)).map(char::len_utf8).sum::<usize>();
    let core_end =
        if primes > 0 && is_height(&rest[..core_end + primes], lead) { core_end + primes } else { core_end };
    let (core, trail) = rest.split_at(core_end);
    (lead, core, trail)
}

/// Does the punctuation sign that `rest` begins with belong to the word after it?
fn belongs(rest: &str) -> bool {
    const CLIPPED: [&str; 22] = [
        "tis", "twas", "twere", "twill", "twould", "em", "cause", "til", "till", "bout", "round", "n",
        "neath", "un", "im", "er", "ere", "twixt", "tween", "cept", "fraid", "gainst",
    ];
    let mut characters = rest.chars();
    let sign = characters.next();
    let after = characters.as_str();
    let digit_follows = after.starts_with(|c: char| c.is_ascii_digit());
    match sign {
        Some('\'' | '’' | '‘') => {
            let word: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
            let decade = word.len() == 3 && digit_follows && word.ends_with('s');
            let year = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_digit());
            decade
                || (year && !after[2..].starts_with(['\'', '’']))
                || CLIPPED.contains(&word.to_ascii_lowercase().as_str())
        }
        Some('-' | '–') => digit_follows || after.starts_with(['$', '£', '€', '.']),
        Some('.') => digit_follows || after.starts_with("NET"),
        Some('~' | '<' | '>') => digit_follows || after.starts_with(['$', '£', '€', '=']),
        Some('\\') => false,
        _ => false,
    }
}

/// `6'`, `5'11"`, `12"`: a number with primes, unless a quotation mark is open before it.
fn is_height(core: &str, lead: &str) -> bool {
    static HEIGHT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^\d{1,4}(['’]|['’]\d{1,2}(["”]|'')?|["”])$"#).expect("the pattern is constant")
    });
    !lead.contains(['"', '“', '\'', '‘']) && HEIGHT.is_match(core)
}

/// Punctuation that stands alone joins the word before it (or the next one, at the start of a paragraph), so
/// that captions lose nothing. Its spoken form moves into that word's trail or lead.
fn attach_bare(chunks: Vec<Chunk>) -> Vec<Chunk> {
    let mut kept: Vec<Chunk> = Vec::with_capacity(chunks.len());
    let mut waiting: Option<Chunk> = None;
    let mut rest = chunks.into_iter().peekable();
    while let Some(mut chunk) = rest.next() {
        if chunk.is_bare() && is_operator(kept.last(), &chunk, rest.peek()) {
            chunk.core = Core::Plain(std::mem::take(&mut chunk.trail));
        }
        if chunk.is_bare() {
            let opens = chunk.trail.ends_with(['“', '‘', '(', '[']);
            match kept.last_mut() {
                Some(last)
                    if waiting.is_none() && !opens && !matches!(last.gap, Gap::Line | Gap::Paragraph) =>
                {
                    let space = if last.gap == Gap::Space { " " } else { "" };
                    last.shown.push_str(space);
                    last.shown.push_str(&chunk.shown);
                    last.trail.push_str(space);
                    last.trail.push_str(&chunk.trail);
                    last.source.end = chunk.source.end;
                    last.gap = chunk.gap;
                }
                _ => {
                    waiting = Some(match waiting.take() {
                        Some(before) => before_and(before, chunk),
                        None => chunk,
                    });
                }
            }
            continue;
        }
        if let Some(before) = waiting.take() {
            chunk.source.start = before.source.start;
            let space = if before.gap == Gap::Joined { "" } else { " " };
            chunk.shown = format!("{}{space}{}", before.shown, chunk.shown);
            chunk.lead = format!("{}{}", before.trail, chunk.lead);
        }
        kept.push(chunk);
    }
    if let (Some(last), Some(rest)) = (kept.last_mut(), waiting) {
        last.source.end = rest.source.end;
        last.shown.push(' ');
        last.shown.push_str(&rest.shown);
        last.trail.push_str(&rest.trail);
        last.gap = rest.gap;
    }
    kept
}

/// A sign between two terms is arithmetic: `5 - 3`, `a * b`, `x > 5`.
fn is_operator(before: Option<&Chunk>, sign: &Chunk, after: Option<&Chunk>) -> bool {
    let term = |chunk: &Chunk| {
        let core = chunk.plain();
        core.starts_with(|c: char| c.is_ascii_digit() || "-.$£€".contains(c))
            || (core.len() == 1 && core != "I" && core != "a")
    };
    matches!(sign.trail.as_str(), "-" | "–" | "*" | "<" | ">" | "·" | ">=" | "<=")
        && before.is_some_and(|chunk| chunk.trail.is_empty() && chunk.gap == Gap::Space && term(chunk))
        && after.is_some_and(term)
}

fn before_and(before: Chunk, chunk: Chunk) -> Chunk {
    Chunk {
        source: before.source.start..chunk.source.end,
        shown: format!("{} {}", before.shown, chunk.shown),
        trail: before.trail + &chunk.trail,
        ..chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let lexicon = Lexicon::from_lines("Gangnam = /ɡˈɑŋnɑm/").unwrap();
        chunks(text, Accent::American, &lexicon).unwrap().into_iter().map(|chunk| chunk.shown).collect()
    }

    #[test]
    fn white_space_dashes_and_dots_part_words() {
        assert_eq!(shown("Yes—no, maybe…perhaps  so"), ["Yes—", "no,", "maybe…", "perhaps", "so"]);
        assert_eq!(
            shown("well-known 10–20 St. Paul--really"),
            ["well-known", "10–20", "St.", "Paul--", "really"]
        );
    }

    #[test]
    fn lone_punctuation_joins_its_neighbour() {
        assert_eq!(shown("yes - no ! — \n— Hello 👋 there"), ["yes -", "no ! —", "— Hello 👋", "there"]);
    }

    #[test]
    fn a_mark_shows_only_its_text() {
        assert_eq!(shown("“[Sori](/sˈɔɹi/)’s,” Gangnam-style"), ["“Sori’s,”", "Gangnam-", "style"]);
        assert_eq!(shown("see [the site](https://a.b) <b>now</b>!"), ["see", "the", "site", "now!"]);
    }

    #[test]
    fn punctuation_is_taken_apart_but_signs_stay() {
        let apart = |text: &'static str| take_apart(text);
        assert_eq!(apart("(\"Hello,\""), ("(\"", "Hello", ",\""));
        assert_eq!(apart("'90s."), ("", "'90s", "."));
        assert_eq!(apart("-5,"), ("", "-5", ","));
        assert_eq!(apart("5'11\"."), ("", "5'11\"", "."));
        assert_eq!(apart("“12”"), ("“", "12", "”"));
        assert_eq!(apart("C++"), ("", "C++", ""));
        assert_eq!(apart("..."), ("", "", "..."));
    }
}
