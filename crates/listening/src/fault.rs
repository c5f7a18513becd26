//! What can go wrong with listening.

use serde_json::Value;
use sori_contracts::{BookmarkId, ContentId, Fault, Kind, UiLanguage};
use sori_db::DbError;
use sori_http::{AccessFault, RequestFault};

#[derive(Debug, thiserror::Error)]
pub enum ListeningFault {
    /// The caller has not begun it.
    #[error("no progress in content {0}")]
    NoProgress(ContentId),
    /// Another position stands; the details say which, as the route writes positions.
    #[error("an update lost against what stands ({reason})")]
    Lost { reason: &'static str, standing: Value },
    #[error("nothing to take back in content {0}")]
    NothingLost(ContentId),
    #[error("no such device")]
    DeviceNotFound,
    #[error("bookmark {0} not found")]
    BookmarkNotFound(BookmarkId),
    #[error("the account has {most} bookmarks")]
    TooManyBookmarks { most: i64 },
    #[error("clip {0} not found")]
    ClipNotFound(ContentId),
    #[error("the account has {most} clips")]
    TooManyClips { most: i64 },
    /// It has none, or not of this kind.
    #[error("clip {0} has no such captions")]
    NoCaptions(ContentId),
    #[error("too many sockets")]
    TooManySockets,
    #[error(transparent)]
    Access(#[from] AccessFault),
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// Of a block that was asked.
    #[error("{0}")]
    Elsewhere(Box<dyn Fault>),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a stored {what} cannot be read: {source}")]
    Stored { what: &'static str, source: serde_json::Error },
}

impl From<Box<dyn Fault>> for ListeningFault {
    fn from(fault: Box<dyn Fault>) -> Self {
        Self::Elsewhere(fault)
    }
}

impl Fault for ListeningFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NoProgress(_)
            | Self::NothingLost(_)
            | Self::DeviceNotFound
            | Self::BookmarkNotFound(_)
            | Self::ClipNotFound(_)
            | Self::NoCaptions(_) => Kind::NotFound,
            Self::Lost { .. } | Self::TooManyBookmarks { .. } | Self::TooManyClips { .. } => Kind::Conflict,
            Self::Access(fault) => fault.kind(),
            Self::TooManySockets => Kind::Busy,
            Self::Request(fault) => fault.kind(),
            Self::Elsewhere(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Stored { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoProgress(_) => "PROGRESS_NOT_FOUND",
            Self::Lost { .. } => "PROGRESS_CONFLICT",
            Self::NothingLost(_) => "NOTHING_TO_UNDO",
            Self::DeviceNotFound => "DEVICE_NOT_FOUND",
            Self::BookmarkNotFound(_) => "BOOKMARK_NOT_FOUND",
            Self::TooManyBookmarks { .. } => "BOOKMARKS_FULL",
            Self::ClipNotFound(_) => "CLIP_NOT_FOUND",
            Self::TooManyClips { .. } => "CLIPS_FULL",
            Self::NoCaptions(_) => "CAPTIONS_NOT_FOUND",
            Self::TooManySockets => "SYNC_FULL",
            Self::Access(fault) => fault.code(),
            Self::Request(fault) => fault.code(),
            Self::Elsewhere(fault) => fault.code(),
            Self::Db(fault) => fault.code(),
            Self::Stored { .. } => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::NoProgress(_) => ("You have not begun this yet.", "아직 시작하지 않은 콘텐츠입니다."),
            Self::Lost { .. } => (
                "You have listened further elsewhere; the newer position is kept.",
                "다른 곳에서 더 들은 위치가 있어 그 위치를 유지합니다.",
            ),
            Self::NothingLost(_) => ("There is no earlier position.", "되돌릴 위치가 없습니다."),
            Self::DeviceNotFound => ("This device does not exist.", "기기를 찾을 수 없습니다."),
            Self::BookmarkNotFound(_) => ("This bookmark does not exist.", "북마크를 찾을 수 없습니다."),
            Self::TooManyBookmarks { .. } => {
                ("You have too many bookmarks; delete some.", "북마크가 너무 많습니다. 일부를 삭제해 주세요.")
            }
            Self::ClipNotFound(_) => ("This clip does not exist.", "클립을 찾을 수 없습니다."),
            Self::TooManyClips { .. } => {
                ("You have too many clips; delete some.", "클립이 너무 많습니다. 일부를 삭제해 주세요.")
            }
            Self::NoCaptions(_) => ("There are no such captions.", "해당 자막이 없습니다."),
            Self::TooManySockets => (
                "Too many connections are open; close one of them.",
                "열린 연결이 너무 많습니다. 하나를 닫아 주세요.",
            ),
            Self::Access(fault) => return fault.message(language),
            Self::Request(fault) => return fault.message(language),
            Self::Elsewhere(fault) => return fault.message(language),
            Self::Db(fault) => return fault.message(language),
            Self::Stored { .. } => ("Something went wrong on the server.", "서버에 오류가 발생했습니다."),
        };
        language.pick(en, ko).to_owned()
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::Lost { reason, standing } => {
                Some(serde_json::json!({ "reason": reason, "progress": standing }))
            }
            Self::Request(fault) => fault.details(),
            Self::Elsewhere(fault) => fault.details(),
            _ => None,
        }
    }
}
