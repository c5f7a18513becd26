//! The source as a row of glyphs: what each character of it is for the reader, with its byte range.
//!
//! Tags left over from HTML are hidden, entities are decoded, letters with diacritics become the plain letters
//! the lexicons are written in, emoji and invisible characters are silent, and the letters of a script no
//! English voice can read are marked so that an error can point at them.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// What one glyph contributes to the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    /// A space or a tab, a line feed counts apart.
    Space,
    Line,
    /// Shown but not spoken: an emoji, a soft hyphen.
    Silent,
    /// Neither shown nor spoken: a tag, the marks of a pronunciation.
    Hidden,
    Char(char),
    /// A ligature or letter that is spelled with several plain letters.
    Letters(&'static str),
    /// A letter of a script that is not read.
    Foreign(char),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub(crate) source: Range<usize>,
    pub(crate) sound: Sound,
    /// The character as displayed; differs from the source only for entities.
    pub(crate) shown: char,
}

/// One glyph per character of the text; linear in its length.
pub(crate) fn glyphs(text: &str) -> Vec<Glyph> {
    let mut row = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some((length, sound)) = tag(rest) {
            row.push(Glyph { source: at..at + length, sound, shown: ' ' });
            at += length;
        } else if let Some((length, decoded)) = entity(rest) {
            row.push(Glyph { source: at..at + length, sound: sound_of(decoded), shown: decoded });
            at += length;
        } else {
            let length = first.len_utf8();
            row.push(Glyph { source: at..at + length, sound: sound_of(first), shown: first });
            at += length;
        }
    }
    row
}

/// A tag at the start of `rest`: `<i>`, `</p>`, `<br/>`, `<!-- -->`. A breaking tag counts as white space.
fn tag(rest: &str) -> Option<(usize, Sound)> {
    const LONGEST: usize = 300;
    let inside = rest.strip_prefix('<')?;
    let name = inside.strip_prefix('/').unwrap_or(inside);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!') {
        return None;
    }
    let window = &rest.as_bytes()[..rest.len().min(LONGEST)];
    let end = window.iter().position(|&byte| byte == b'>')?;
    if window[1..end].contains(&b'<') {
        return None;
    }
    // "a <b and c> d" is mathematics, not a tag: the name must be followed by a space, '/', '>' or '='.
    let known = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .is_some_and(|name| TAGS.contains(&name.to_ascii_lowercase().as_str()));
    if !known && !name.starts_with('!') {
        return None;
    }
    let breaking = ["br", "p", "div", "li", "tr", "h1", "h2", "h3", "td"];
    let lower = name.to_ascii_lowercase();
    let breaks = breaking.iter().any(|tag| {
        lower.strip_prefix(tag).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    });
    Some((end + 1, if breaks { Sound::Line } else { Sound::Hidden }))
}

const TAGS: [&str; 41] = [
    "a",
    "abbr",
    "b",
    "big",
    "blockquote",
    "br",
    "c",
    "cite",
    "code",
    "div",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "i",
    "img",
    "lang",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "td",
    "th",
    "tr",
    "tt",
    "u",
    "ul",
    "v",
];

/// A named or numbered character reference of HTML at the start of `rest`.
fn entity(rest: &str) -> Option<(usize, char)> {
    const LONGEST: usize = 10;
    if !rest.starts_with('&') {
        return None;
    }
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = rest.get(1..end)?;
    let decoded = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "deg" => '°',
        "euro" => '€',
        "pound" => '£',
        "times" => '×',
        "frac12" => '½',
        "frac14" => '¼',
        "frac34" => '¾',
        "eacute" => 'é',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    };
    Some((end + 1, decoded))
}

/// Symbols that rules of the normaliser read or that shape the phrase.
const READ_SYMBOLS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\
    ‘’“”–—…£€¥₩₹₽¢°²³¹½¼¾⅓⅔⅛⅜⅝⅞⅕⅖⅗⅘⅙⅚±×÷≈≠≤≥∞√§©®™№℃℉µ−‰→•·";

const GREEK: &str = "αβγδεζηθικλμνξοπρστυφχψωςΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ";

fn sound_of(c: char) -> Sound {
    if c.is_ascii_alphanumeric() || READ_SYMBOLS.contains(c) || GREEK.contains(c) {
        return Sound::Char(c);
    }
    match c {
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => return Sound::Line,
        '\u{2010}' | '\u{2011}' | '\u{2043}' | '\u{fe63}' | '\u{ff0d}' => return Sound::Char('-'),
        '\u{2012}' => return Sound::Char('–'),
        '\u{2015}' | '⸺' | '⸻' => return Sound::Char('—'),
        '‚' | '‛' | '′' | '´' | '‹' | '›' | '＇' | 'ʼ' => return Sound::Char('’'),
        '„' | '«' | '「' | '『' | '《' => return Sound::Char('“'),
        '‟' | '″' | '»' | '」' | '』' | '》' => return Sound::Char('”'),
        '。' => return Sound::Char('.'),
        '、' => return Sound::Char(','),
        '⁄' => return Sound::Char('/'),
        'Ω' => return Sound::Char('Ω'),
        'ß' => return Sound::Letters("ss"),
        'æ' => return Sound::Letters("ae"),
        'Æ' => return Sound::Letters("Ae"),
        'œ' => return Sound::Letters("oe"),
        'Œ' => return Sound::Letters("Oe"),
        'ø' => return Sound::Letters("o"),
        'Ø' => return Sound::Letters("O"),
        'đ' | 'ð' => return Sound::Letters("d"),
        'Đ' | 'Ð' => return Sound::Letters("D"),
        'þ' => return Sound::Letters("th"),
        'Þ' => return Sound::Letters("Th"),
        'ł' => return Sound::Letters("l"),
        'Ł' => return Sound::Letters("L"),
        'ı' => return Sound::Letters("i"),
        'ħ' => return Sound::Letters("h"),
        'ﬁ' => return Sound::Letters("fi"),
        'ﬂ' => return Sound::Letters("fl"),
        'ﬀ' => return Sound::Letters("ff"),
        'ﬃ' => return Sound::Letters("ffi"),
        'ﬄ' => return Sound::Letters("ffl"),
        _ if c.is_whitespace() => return Sound::Space,
        _ => {}
    }
    // Full-width forms and letters with diacritics; a letter that stays outside ASCII is another script's.
    let mut plain = c.nfkd().filter(|part| !unicode_normalization::char::is_combining_mark(*part));
    match (plain.next(), plain.next()) {
        (Some(base), None) if base.is_ascii_alphanumeric() || READ_SYMBOLS.contains(base) => {
            Sound::Char(base)
        }
        _ if is_emoji_letter(c) => Sound::Silent,
        _ if c.is_alphabetic() || c.is_numeric() => Sound::Foreign(c),
        _ => Sound::Silent,
    }
}

/// Enclosed letters and digits are pictures in running text (circled numbers, flags, "OK" buttons).
fn is_emoji_letter(c: char) -> bool {
    matches!(u32::from(c), 0x2460..=0x24FF | 0x2700..=0x27BF | 0x3200..=0x33FF | 0x1F000..=0x1FBEF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str) -> String {
        glyphs(text)
            .into_iter()
            .map(|glyph| match glyph.sound {
                Sound::Space => " ".to_owned(),
                Sound::Line => "\n".to_owned(),
                Sound::Silent | Sound::Hidden => String::new(),
                Sound::Char(c) => c.to_string(),
                Sound::Letters(letters) => letters.to_owned(),
                Sound::Foreign(_) => "?".to_owned(),
            })
            .collect()
    }

    #[test]
    fn diacritics_and_ligatures_become_plain_letters() {
        assert_eq!(spoken("café naïve Ærø ﬁre ＡＢ１"), "cafe naive Aero fire AB1");
    }

    #[test]
    fn tags_are_hidden_and_breaks_kept() {
        assert_eq!(spoken("a <i>b</i><br/>c &amp; d&#39;s"), "a b\nc & d's");
        assert_eq!(spoken("a < b and c > d"), "a < b and c > d");
        assert_eq!(spoken("&bogus; &"), "&bogus; &");
    }

    #[test]
    fn emoji_are_silent_and_other_scripts_foreign() {
        assert_eq!(spoken("hi 👋🏽 ok👍"), "hi  ok");
        assert_eq!(spoken("안녕 привет"), "?? ??????");
    }
}
