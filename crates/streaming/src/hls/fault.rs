//! Why there is no playlist.

use sori_contracts::{ContentId, Fault, Kind, MediaFault, UiLanguage};
use sori_db::DbError;

#[derive(Debug, thiserror::Error)]
pub enum HlsFault {
    #[error("{0} has no such rendition")]
    NoRendition(ContentId),
    /// Its first segments are not there yet; asking again helps.
    #[error("{0} is being packaged")]
    Preparing(ContentId),
    /// The file is damaged, or of a kind that is not packaged; the original can be played.
    #[error("{content} cannot be packaged: {code}")]
    NotPackaged { content: ContentId, code: String },
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Media(#[from] MediaFault),
    #[error("what is stored of a package cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Fault for HlsFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NoRendition(_) => Kind::NotFound,
            Self::Preparing(_) => Kind::Unavailable,
            Self::NotPackaged { .. } => Kind::Conflict,
            Self::Db(fault) => fault.kind(),
            Self::Media(fault) => fault.kind(),
            Self::Unreadable(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoRendition(_) => "RENDITION_NOT_FOUND",
            Self::Preparing(_) => "STREAM_PREPARING",
            Self::NotPackaged { .. } => "STREAM_NOT_PACKAGED",
            Self::Db(fault) => fault.code(),
            Self::Media(fault) => fault.code(),
            Self::Unreadable(_) => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::NoRendition(_) => ("This rendition does not exist.", "해당 화질/음질을 찾을 수 없습니다."),
            Self::Preparing(_) => (
                "The stream is being prepared: try again in a moment.",
                "재생을 준비하고 있습니다. 잠시 후 다시 시도하세요.",
            ),
            Self::NotPackaged { .. } => (
                "This file can only be played as a whole, not in several qualities.",
                "이 파일은 여러 음질로 나눌 수 없어 원본으로만 재생할 수 있습니다.",
            ),
            Self::Db(fault) => return fault.message(language),
            Self::Media(fault) => return fault.message(language),
            Self::Unreadable(_) => ("Something went wrong on the server.", "서버에 오류가 발생했습니다."),
        };
        language.pick(en, ko).to_owned()
    }
}
