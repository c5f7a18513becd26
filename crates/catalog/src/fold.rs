//! Text as it is compared and searched: the same on both engines, whose own idea of upper and
//! lower case differs outside of ASCII.

use unicode_normalization::UnicodeNormalization as _;

/// NFKC, lower case, white space as single blanks. Decomposed Hangul of a macOS file name and
/// full-width Latin are found by what a person types. Characters are lowered one by one: the rule
/// for a Greek final sigma would make a part of a word differ from the whole.
pub(crate) fn fold(text: &str) -> String {
    let lowered: String = text.nfkc().flat_map(char::to_lowercase).collect();
    lowered.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The pattern for `LIKE … ESCAPE '\'` that finds `query` anywhere in folded text.
pub(crate) fn contains(query: &str) -> String {
    format!("%{}%", escape(&fold(query)))
}

/// Takes the meaning from the wildcards of `LIKE`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(fold(text), expected);
    }

    #[test]
    fn case_width_composition_and_blanks_make_no_difference() {
        check("  The\tNight  RADIO ", "the night radio");
        check("ＫＡＦＥ\u{3000}ﬁ", "kafe fi");
        check("ÉCOLE", "école");
        check("\u{1100}\u{1161}\u{11a8}", "각");
        check("ΟΔΟΣ", "οδοσ");
        check("", "");
    }

    #[test]
    fn wildcards_are_letters() {
        assert_eq!(contains("50%_\\X"), "%50\\%\\_\\\\x%");
    }
}
