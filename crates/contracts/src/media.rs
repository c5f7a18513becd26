//! Objects: bytes that are written once, never changed, and read by range.

use std::{ops::Range, path::Path, pin::Pin, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};

use crate::{Fault, Kind, MediaId, UiLanguage};

pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, MediaFault>> + Send>>;

/// What the store knows of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMedia {
    pub id: MediaId,
    /// A media type such as `audio/mpeg`.
    pub content_type: String,
    pub size_bytes: u64,
    /// Lower-case hexadecimal; also the strong entity tag.
    pub sha256: String,
    pub created_at_ms: i64,
}

/// Implementations: a local folder now, S3 later. All of them share one conformance test.
#[async_trait]
pub trait MediaStore: Send + Sync {
    /// Stores a stream of at most `limit_bytes`. Nothing is visible before all of it is durable.
    async fn put(
        &self,
        id: MediaId,
        content_type: &str,
        body: ByteStream,
        limit_bytes: u64,
    ) -> Result<StoredMedia, MediaFault>;

    /// Stores a finished local file, taking it over (it is gone from `path` afterwards).
    async fn put_file(&self, id: MediaId, content_type: &str, path: &Path)
    -> Result<StoredMedia, MediaFault>;

    async fn stat(&self, id: MediaId) -> Result<StoredMedia, MediaFault>;

    /// The bytes of `range` (whole object without one). A range beyond the end is
    /// [`MediaFault::RangeNotSatisfiable`].
    async fn get(
        &self,
        id: MediaId,
        range: Option<Range<u64>>,
    ) -> Result<(StoredMedia, ByteStream), MediaFault>;

    /// Deleting what is not there is no error.
    async fn delete(&self, id: MediaId) -> Result<(), MediaFault>;
}

/// Where bytes are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A fast local disk.
    Ssd,
    /// The slow origin.
    Nas,
}

impl Source {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ssd => "ssd",
            Self::Nas => "nas",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub source: Source,
    /// Nothing has to be fetched from the origin.
    pub cache_hit: bool,
}

/// What the bytes of an object are read from.
#[derive(Debug)]
pub enum Opened {
    /// It holds the object from its first byte to its last, and nobody writes to it again.
    Whole(std::fs::File),
    Parts(Arc<dyn Parts>),
}

/// An object of which some parts are here and others are fetched when they are asked for.
#[async_trait]
pub trait Parts: Send + Sync + std::fmt::Debug {
    /// Bytes from the beginning of the span on: at least one, at most all. Beyond the end of the object
    /// there are none: `UnexpectedEof`.
    async fn read(&self, span: Range<u64>) -> std::io::Result<Vec<u8>>;
}

/// A store whose objects are files of this machine: what streaming sends without copying.
#[async_trait]
pub trait MediaFiles: Send + Sync {
    /// The file holds the object from its first byte to its last, and nobody writes to it again.
    async fn open(&self, id: MediaId) -> Result<(StoredMedia, std::fs::File), MediaFault>;

    /// The same for who reads parts as well: nothing has to be fetched first.
    async fn open_any(&self, id: MediaId) -> Result<(StoredMedia, Opened), MediaFault> {
        self.open(id).await.map(|(media, file)| (media, Opened::Whole(file)))
    }

    /// Somebody read from a file that was opened before: it is not the first to be given up.
    fn used(&self, _id: MediaId) {}

    /// From where its bytes would come now. A store of one tier has nothing else.
    async fn place(&self, _id: MediaId) -> Place {
        Place { source: Source::Ssd, cache_hit: true }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MediaFault {
    #[error("media {0} not found")]
    NotFound(MediaId),
    /// The store knows the object and does not have its bytes, or not all of them.
    #[error("the file of media {0} is gone or damaged")]
    Unavailable(MediaId),
    #[error("range not satisfiable in {size_bytes} bytes")]
    RangeNotSatisfiable { size_bytes: u64 },
    /// The object is not the one that `If-Match` names.
    #[error("precondition failed")]
    PreconditionFailed,
    #[error("object is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("the storage is full")]
    StorageFull,
    #[error("{0} already exists")]
    AlreadyExists(MediaId),
    #[error("FFmpeg is not installed or cannot be started")]
    FfmpegMissing,
    #[error("FFmpeg failed: {0}")]
    Ffmpeg(String),
    #[error("the work was cancelled")]
    Cancelled,
    #[error("the request body broke off: {0}")]
    BodyBroken(String),
    #[error("storage failed while {doing}")]
    Io {
        doing: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl MediaFault {
    /// Sorts an IO error: a full disk is a condition of its own, everything else a surprise.
    #[must_use]
    pub fn from_io(doing: &'static str, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::StorageFull,
            _ => Self::Io { doing, source },
        }
    }
}

impl Fault for MediaFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::RangeNotSatisfiable { .. } => Kind::RangeNotSatisfiable,
            Self::PreconditionFailed => Kind::PreconditionFailed,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::StorageFull => Kind::StorageFull,
            Self::AlreadyExists(_) | Self::Cancelled => Kind::Conflict,
            Self::FfmpegMissing | Self::Unavailable(_) => Kind::Unavailable,
            Self::BodyBroken(_) => Kind::Invalid,
            Self::Ffmpeg(_) | Self::Io { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "CONTENT_NOT_FOUND",
            Self::Unavailable(_) => "STREAM_FILE_UNAVAILABLE",
            Self::RangeNotSatisfiable { .. } => "RANGE_NOT_SATISFIABLE",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::TooLarge { .. } => "BODY_TOO_LARGE",
            Self::StorageFull => "STORAGE_FULL",
            Self::AlreadyExists(_) => "MEDIA_EXISTS",
            Self::FfmpegMissing => "FFMPEG_MISSING",
            Self::Cancelled => "CANCELLED",
            Self::BodyBroken(_) => "BODY_BROKEN",
            Self::Ffmpeg(_) => "ENCODING_FAILED",
            Self::Io { .. } => "STORAGE_FAILED",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::NotFound(_) => ("The content was not found.", "콘텐츠를 찾을 수 없습니다."),
            Self::Unavailable(_) => ("The file cannot be read at the moment.", "파일을 찾을 수 없습니다."),
            Self::RangeNotSatisfiable { .. } => {
                ("The requested range lies outside the file.", "요청한 범위가 파일을 벗어났습니다.")
            }
            Self::PreconditionFailed => {
                ("The file is not the one that If-Match names.", "If-Match에 적힌 파일과 다른 파일입니다.")
            }
            Self::TooLarge { .. } => ("The file is too large.", "파일 크기가 너무 큽니다."),
            Self::StorageFull => ("The server's storage is full.", "서버 저장 공간이 가득 찼습니다."),
            Self::AlreadyExists(_) => ("This object exists already.", "이미 존재하는 항목입니다."),
            Self::FfmpegMissing => (
                "FFmpeg is needed for this format: install it (apt-get install ffmpeg).",
                "이 형식에는 FFmpeg가 필요합니다. 설치해 주세요 (apt-get install ffmpeg).",
            ),
            Self::Cancelled => ("The work was cancelled.", "작업이 취소되었습니다."),
            Self::BodyBroken(_) => ("The upload broke off.", "업로드가 중단되었습니다."),
            Self::Ffmpeg(_) => ("The audio could not be encoded.", "오디오를 인코딩하지 못했습니다."),
            Self::Io { .. } => ("The storage failed.", "저장소에 오류가 발생했습니다."),
        };
        language.pick(en, ko).to_owned()
    }
}
