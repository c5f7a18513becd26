//! The two languages of messages: Korean and English.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UiLanguage {
    #[default]
    En,
    Ko,
}

impl UiLanguage {
    /// Chooses by an `Accept-Language` value (RFC 9110, 12.5.4): the supported language with the
    /// highest weight wins, the earlier one on a tie, English when neither is named.
    #[must_use]
    pub fn from_accept_language(value: &str) -> Self {
        let mut best = (Self::En, 0.0_f32);
        for range in value.split(',').take(32) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q=").map(|q| q.trim().parse().unwrap_or(0.0)))
                .unwrap_or(1.0_f32);
            let language = match tag.split('-').next() {
                Some("ko") => Self::Ko,
                Some("en") => Self::En,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// Picks one of two texts.
    #[must_use]
    pub fn pick<T>(self, en: T, ko: T) -> T {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UiLanguage::{self, En, Ko};

    #[track_caller]
    fn check(header: &str, expected: UiLanguage) {
        assert_eq!(UiLanguage::from_accept_language(header), expected, "{header}");
    }

    #[test]
    fn the_heaviest_supported_language_wins() {
        check("", En);
        check("ko", Ko);
        check("ko-KR,ko;q=0.9,en-US;q=0.8", Ko);
        check("en;q=0.5, ko;q=0.4", En);
        check("fr, ko;q=0.1", Ko);
        check("ko;q=0, en;q=0.1", En);
        check("ko;q=abc", En);
    }
}
