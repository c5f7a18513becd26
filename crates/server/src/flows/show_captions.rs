//! Captions of what is played: those of the rendering.

use async_trait::async_trait;
use sori_contracts::{Caller, Content, Fault, Kind, UiLanguage};
use sori_http::Problem;
use sori_streaming::hls::{CaptionTrack, CaptionTracks};
use sori_voice::{
    Voice,
    routes::{CaptionFormat, CaptionOptions, write_captions},
};

pub struct ShowCaptions(pub Voice);

#[async_trait]
impl CaptionTracks for ShowCaptions {
    async fn track(
        &self,
        caller: &Caller,
        content: &Content,
    ) -> Result<Option<CaptionTrack>, Box<dyn Fault>> {
        let Some(id) = content.rendering else { return Ok(None) };
        let rendering = match self.0.rendering_for(caller, id).await {
            Ok(rendering) => rendering,
            // Replaced in this moment: the next request finds the new one.
            Err(problem) if problem.fault().kind() == Kind::NotFound => return Ok(None),
            Err(problem) => return Err(Box::new(Asked(problem))),
        };
        let transcript = &rendering.transcript;
        Ok(Some(CaptionTrack {
            name: name_of(&transcript.lang).to_owned(),
            language: transcript.lang.clone(),
            webvtt: write_captions(transcript, CaptionFormat::Vtt, &CaptionOptions::default()),
        }))
    }
}

/// A language in its own words, or its tag.
fn name_of(tag: &str) -> &str {
    const NAMES: [(&str, &str); 6] = [
        ("en", "English"),
        ("ko", "한국어"),
        ("ja", "日本語"),
        ("es", "Español"),
        ("fr", "Français"),
        ("de", "Deutsch"),
    ];
    let language = tag.split('-').next().unwrap_or(tag);
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(language)).map_or(tag, |(_, name)| name)
}

/// A problem of the voices, handed on as it is.
#[derive(Debug, thiserror::Error)]
#[error("captions: {}", .0.fault())]
pub(super) struct Asked(pub(super) Problem);

impl Fault for Asked {
    fn kind(&self) -> Kind {
        self.0.fault().kind()
    }

    fn code(&self) -> &'static str {
        self.0.fault().code()
    }

    fn message(&self, language: UiLanguage) -> String {
        self.0.fault().message(language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_named_in_its_own_words() {
        assert_eq!([name_of("en-US"), name_of("KO"), name_of("xx-Latn")], ["English", "한국어", "xx-Latn"]);
    }
}
