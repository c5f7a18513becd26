//! What can go wrong between a script and its sound.

use serde_json::json;
use sori_audio::AudioError;
use sori_contracts::{Fault, Kind, MediaFault, UiLanguage};
use sori_script::{Line, ScriptError};
use sori_text::TextError;

use crate::engine::EngineError;

#[derive(Debug, thiserror::Error)]
pub enum RenderFault {
    #[error("the script has no line to speak")]
    Empty,
    /// Its reader or the checks of the model refused the script.
    #[error(transparent)]
    Script(ScriptError),
    /// Every line that cannot be spoken, so that all can be mended at once.
    #[error("{} lines cannot be spoken, the first: {}", .0.len(), .0[0].error)]
    BadLines(Vec<BadLine>),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("mixing failed: {0}")]
    Audio(#[from] AudioError),
    #[error(transparent)]
    Media(#[from] MediaFault),
    #[error("the work was cancelled")]
    Cancelled,
    #[error("{en}")]
    BadRequest { code: &'static str, en: String, ko: String },
    #[error("rendering {0} not found")]
    NotFound(String),
    #[error("internal: {0}")]
    Internal(String),
}

/// A line that cannot be spoken, and where it stands in the author's file.
#[derive(Debug)]
pub struct BadLine {
    /// 1 is the first item of the script.
    pub number: usize,
    pub line_id: Option<String>,
    pub speaker: String,
    /// 1-based line and column of the source file.
    pub at: Option<(u32, u32)>,
    pub error: EngineError,
}

impl BadLine {
    pub fn of(item: usize, line: &Line, error: EngineError) -> Self {
        Self {
            number: item + 1,
            line_id: line.id.clone(),
            speaker: line.speaker.clone(),
            at: line.origin.as_ref().map(|origin| (origin.line, origin.column)),
            error,
        }
    }

    fn place(&self, language: UiLanguage) -> String {
        match (self.at, language) {
            (Some((line, column)), UiLanguage::En) => format!("line {line}, column {column}"),
            (Some((line, column)), UiLanguage::Ko) => format!("{line}번째 줄 {column}번째 칸"),
            (None, UiLanguage::En) => format!("item {}", self.number),
            (None, UiLanguage::Ko) => format!("{}번째 항목", self.number),
        }
    }
}

impl Fault for RenderFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Script(ScriptError::TooLarge(_)) => Kind::TooLarge,
            Self::Empty | Self::Script(_) | Self::BadRequest { .. } => Kind::Invalid,
            // A missing model is the server's lack, wrong text is the author's.
            Self::BadLines(lines) => lines
                .iter()
                .map(|line| line.error.kind())
                .find(|kind| *kind != Kind::Invalid)
                .unwrap_or(Kind::Invalid),
            Self::Engine(error) => error.kind(),
            Self::Media(fault) => fault.kind(),
            Self::Cancelled => Kind::Conflict,
            Self::NotFound(_) => Kind::NotFound,
            Self::Audio(_) | Self::Internal(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "SCRIPT_EMPTY",
            Self::Script(error) => error.code(),
            Self::BadLines(lines) => lines[0].error.code(),
            Self::Engine(error) => error.code(),
            Self::Audio(error) => error.code(),
            Self::Media(fault) => fault.code(),
            Self::Cancelled => "CANCELLED",
            Self::BadRequest { code, .. } => code,
            Self::NotFound(_) => "RENDERING_NOT_FOUND",
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        match self {
            Self::Empty => {
                language.pick("The script has no line to speak.", "스크립트에 읽을 대사가 없습니다.").into()
            }
            Self::Script(error) => language.pick(error.message(), error.message_ko()),
            Self::BadLines(lines) => {
                let first = format!("{}: {}", lines[0].place(language), lines[0].error.message(language));
                match (lines.len() - 1, language) {
                    (0, _) => first,
                    (more, UiLanguage::En) => format!("{first} (and {more} more lines)"),
                    (more, UiLanguage::Ko) => format!("{first} (외 {more}줄)"),
                }
            }
            Self::Engine(error) => error.message(language),
            Self::Audio(_) => {
                language.pick("The audio could not be mixed.", "오디오를 믹싱하지 못했습니다.").into()
            }
            Self::Media(fault) => fault.message(language),
            Self::Cancelled => language.pick("The work was cancelled.", "작업이 취소되었습니다.").into(),
            Self::BadRequest { en, ko, .. } => language.pick(en, ko).clone(),
            Self::NotFound(_) => {
                language.pick("This rendering does not exist.", "렌더링을 찾을 수 없습니다.").into()
            }
            Self::Internal(_) => {
                language.pick("Something went wrong on the server.", "서버에 오류가 발생했습니다.").into()
            }
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        let lines = match self {
            Self::Script(error) => return Some(json!({ "problems": error.problems() })),
            Self::BadLines(lines) => lines,
            _ => return None,
        };
        let problems: Vec<_> = lines
            .iter()
            .take(200)
            .map(|bad| {
                json!({
                    "severity": "error",
                    "code": bad.error.code(),
                    "message": bad.error.message(UiLanguage::En),
                    "message_ko": bad.error.message(UiLanguage::Ko),
                    "item": bad.number,
                    "line_id": bad.line_id,
                    "speaker": bad.speaker,
                    "line": bad.at.map(|at| at.0),
                    "column": bad.at.map(|at| at.1),
                })
            })
            .collect();
        Some(json!({ "problems": problems }))
    }
}

/// An error of a pure library as a sentence: a capital first, a full stop last.
pub(crate) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

/// The text crate speaks English only; this is what an author reads in Korean.
pub(crate) fn text_error_ko(error: &TextError) -> String {
    match error {
        TextError::TooLong { limit_bytes, .. } => {
            format!("텍스트가 너무 깁니다. 한 번에 {limit_bytes}바이트까지 읽을 수 있습니다.")
        }
        TextError::NothingToSpeak => "읽을 내용이 없습니다.".into(),
        TextError::ScriptUnsupported { character, .. } => {
            format!(
                "영어 목소리는 '{character}' 문자를 읽을 수 없습니다. [글자](/발음 기호/)로 발음을 적어 주세요."
            )
        }
        TextError::PronunciationInvalid { .. } => "발음 표기 [단어](/발음 기호/)가 올바르지 않습니다.".into(),
        TextError::LexiconInvalid { entry, .. } => {
            format!("발음 사전의 {entry}번째 항목이 올바르지 않습니다.")
        }
        _ => "이 텍스트를 읽을 수 없습니다.".into(),
    }
}
