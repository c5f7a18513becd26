//! The pieces a text may be broken between, and how wide they are on a screen.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A piece that is never broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Byte offset in the source text.
    pub(crate) start: usize,
    /// A blank stands before it when both are on one row.
    pub(crate) spaced: bool,
    /// Columns: wide characters (Hangul, Han, kana, emoji) take two (Unicode Annex 11).
    pub(crate) width: usize,
    /// What a break after this token costs: low after a sentence or a clause.
    pub(crate) end: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Sentence,
    Clause,
    Open,
}

/// Splits at white space; text that is written without blanks (Han, kana) between characters, but
/// never before a closing sign; and what is wider than a row between grapheme clusters.
pub(crate) fn tokens(text: &str, max_width: usize) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    for (start, word) in words(text) {
        let first = out.len();
        if word.chars().any(breaks_anywhere) || word.width() > max_width {
            pieces(word, start, max_width, &mut out);
        } else {
            out.push(token(word, start));
        }
        if let Some(token) = out.get_mut(first) {
            token.spaced = first > 0;
        }
    }
    out
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn token(text: &str, start: usize) -> Token<'_> {
    Token { text, start, spaced: false, width: text.width(), end: ending(text) }
}

/// Runs of graphemes: one Han or kana sign each, other letters together, closing signs with what
/// they close, none wider than a row.
fn pieces<'a>(word: &'a str, start: usize, max_width: usize, out: &mut Vec<Token<'a>>) {
    let mut from = 0;
    let mut previous: Option<&str> = None;
    for (at, grapheme) in word.grapheme_indices(true) {
        let too_wide = word[from..at + grapheme.len()].width() > max_width;
        let may_break = previous.is_some_and(|previous| {
            let free = previous.chars().any(breaks_anywhere) || grapheme.chars().any(breaks_anywhere);
            free && !grapheme.starts_with(is_closing) && !previous.ends_with(is_opening)
        });
        if at > from && (too_wide || may_break) {
            out.push(token(&word[from..at], start + from));
            from = at;
        }
        previous = Some(grapheme);
    }
    out.push(token(&word[from..], start + from));
}

fn ending(text: &str) -> Ending {
    let bare = text.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']', '」', '』', '）']);
    match bare.chars().next_back() {
        Some('.' | '!' | '?' | '…' | '。' | '！' | '？' | '؟' | '۔' | '।') => Ending::Sentence,
        Some(',' | ';' | ':' | '–' | '—' | '、' | '，' | '；' | '：' | '،' | '؛') => Ending::Clause,
        _ => Ending::Open,
    }
}

/// Scripts without blanks between words. Hangul has blanks and is not one of them.
fn breaks_anywhere(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Signs that do not begin a row (JIS X 4051, the common part), and small kana and long marks.
fn is_closing(c: char) -> bool {
    "、。，．・：；？！）］｝〉》」』】〕ー々…‥ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.!?:;)]}\"'”’"
        .contains(c)
}

fn is_opening(c: char) -> bool {
    "（［｛〈《「『【〔([{“‘".contains(c)
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[track_caller]
    fn check(text: &str, max_width: usize, expected: &[&str]) {
        let got: Vec<_> = tokens(text, max_width).iter().map(|t| t.text).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn words_stay_whole_where_blanks_part_them() {
        check("  Well,  hi\nthere ", 42, &["Well,", "hi", "there"]);
        check("안녕하세요, 여러분!", 42, &["안녕하세요,", "여러분!"]);
    }

    #[test]
    fn text_without_blanks_breaks_between_signs_but_not_before_closing_ones() {
        check("「漢字」とカナ。", 42, &["「漢", "字」", "と", "カ", "ナ。"]);
    }

    #[test]
    fn what_is_wider_than_a_row_breaks_between_graphemes() {
        check("abcdefgh", 3, &["abc", "def", "gh"]);
        check("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 4, &["👩‍👩‍👧👩‍👩‍👧", "👩‍👩‍👧"]);
        check("한글한글", 5, &["한글", "한글"]);
    }
}
