//! Names of voices: `af_heart`, `hibari:heart`, `tone:440`, or a blend `af_heart*0.6+bm_george*0.4`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A voice as an author writes it, split into engine and the engine's own name.
///
/// The bare name belongs to Kokoro, the engine with the choice of voices; others are named with
/// their engine in front.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VoiceName {
    pub engine: String,
    pub name: String,
}

pub const DEFAULT_ENGINE: &str = "kokoro";
/// Longer names are refused before anything is parsed.
const MAX_NAME_CHARS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a voice name")]
pub struct BadVoiceName(pub String);

impl FromStr for VoiceName {
    type Err = BadVoiceName;

    fn from_str(text: &str) -> Result<Self, BadVoiceName> {
        let text = text.trim();
        let refused = || BadVoiceName(text.chars().take(60).collect());
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.*+".contains(c);
        let (engine, name) = text.split_once(':').unwrap_or((DEFAULT_ENGINE, text));
        let is_short = text.chars().count() <= MAX_NAME_CHARS;
        if is_short
            && !engine.is_empty()
            && !name.is_empty()
            && engine.chars().all(is_allowed)
            && name.chars().all(is_allowed)
        {
            Ok(Self { engine: engine.to_owned(), name: name.to_owned() })
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for VoiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.engine == DEFAULT_ENGINE {
            f.write_str(&self.name)
        } else {
            write!(f, "{}:{}", self.engine, self.name)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gender {
    Female,
    Male,
    /// Not a person: the test tone.
    None,
}

/// A voice in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VoiceInfo {
    /// What a script's cast names.
    #[schema(example = "af_heart")]
    pub id: String,
    pub engine: String,
    /// For people.
    #[schema(example = "Heart")]
    pub name: String,
    pub gender: Gender,
    /// BCP 47.
    #[schema(example = "en-US")]
    pub lang: String,
    /// How good it is said to be by those who trained it: `A` to `F`, with `+` and `-`.
    pub grade: Option<String>,
    /// Whether its model is on this machine.
    pub available: bool,
}

#[cfg(test)]
mod tests {
    use super::VoiceName;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let parsed = text.parse::<VoiceName>().ok();
        let parsed = parsed.as_ref().map(|v| (v.engine.as_str(), v.name.as_str()));
        assert_eq!(parsed, expected, "{text}");
    }

    #[test]
    fn a_bare_name_belongs_to_kokoro_and_others_name_their_engine() {
        check("af_heart", Some(("kokoro", "af_heart")));
        check(" bm_george ", Some(("kokoro", "bm_george")));
        check("hibari:heart", Some(("hibari", "heart")));
        check("af_heart*0.6+bm_george*0.4", Some(("kokoro", "af_heart*0.6+bm_george*0.4")));
        check("", None);
        check(":", None);
        check("hibari:", None);
        check("../../etc/passwd", None);
        check("민호", None);
        check(&"a".repeat(300), None);
    }

    #[test]
    fn a_name_is_written_as_it_was_read() {
        for name in ["af_heart", "hibari:heart", "tone:440"] {
            assert_eq!(name.parse::<VoiceName>().unwrap().to_string(), name);
        }
    }
}
