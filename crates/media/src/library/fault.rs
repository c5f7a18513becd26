//! What can go wrong with uploads and what became of them.

use serde_json::{Value, json};
use sori_contracts::{ContentId, Fault, Kind, MediaFault, UiLanguage};
use sori_db::DbError;
use sori_http::{AccessFault, RequestFault};

use crate::sniff::SUPPORTED;

#[derive(Debug, thiserror::Error)]
pub enum LibraryFault {
    #[error("content {0} not found")]
    NotFound(ContentId),
    #[error("upload {0} not found")]
    UploadNotFound(ContentId),
    /// It is not on the list, or FFmpeg finds neither sound nor picture in it.
    #[error("the format is not supported: {reason}")]
    Unsupported { reason: String },
    #[error("more than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("the account has {most} {what}")]
    TooMany { most: u32, what: &'static str },
    /// The disk would be full.
    #[error("no room for {bytes} bytes")]
    NoRoom { bytes: u64 },
    #[error("the header {name} is missing or wrong")]
    Header { name: String },
    #[error("another version of the protocol")]
    OtherVersion,
    #[error("the body is no {0}")]
    OtherBody(&'static str),
    /// The client is somewhere else than the upload.
    #[error("the upload is at {at} of {length} bytes")]
    OtherOffset { at: u64, length: u64 },
    /// Another request went on with it.
    #[error("another request writes this upload")]
    Overtaken,
    #[error("the checksum differs")]
    ChecksumDiffers,
    #[error("the body broke off at {at} bytes: {reason}")]
    BrokeOff { at: u64, reason: String },
    #[error(transparent)]
    Access(#[from] AccessFault),
    #[error(transparent)]
    Request(#[from] RequestFault),
    #[error(transparent)]
    Media(#[from] MediaFault),
    /// Of a block that was asked.
    #[error("{0}")]
    Elsewhere(Box<dyn Fault>),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a stored {what} cannot be read: {source}")]
    Stored { what: &'static str, source: serde_json::Error },
    #[error("a task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Fault for LibraryFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) | Self::UploadNotFound(_) => Kind::NotFound,
            Self::Unsupported { .. }
            | Self::Header { .. }
            | Self::ChecksumDiffers
            | Self::BrokeOff { .. } => Kind::Invalid,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::TooMany { .. } | Self::OtherOffset { .. } | Self::Overtaken => Kind::Conflict,
            Self::NoRoom { .. } => Kind::StorageFull,
            Self::OtherVersion => Kind::PreconditionFailed,
            Self::OtherBody(_) => Kind::UnsupportedMedia,
            Self::Access(fault) => fault.kind(),
            Self::Request(fault) => fault.kind(),
            Self::Media(fault) => fault.kind(),
            Self::Elsewhere(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Stored { .. } | Self::Task(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "CONTENT_NOT_FOUND",
            Self::UploadNotFound(_) => "UPLOAD_NOT_FOUND",
            Self::Unsupported { .. } => "AUDIO_FORMAT_UNSUPPORTED",
            Self::TooLarge { .. } => "CONTENT_TOO_LARGE",
            Self::TooMany { .. } => "CONTENTS_FULL",
            Self::NoRoom { .. } => "STORAGE_FULL",
            Self::Header { .. } => "UPLOAD_HEADER_INVALID",
            Self::OtherVersion => "UPLOAD_VERSION_UNSUPPORTED",
            Self::OtherBody(_) => "UNSUPPORTED_MEDIA_TYPE",
            Self::OtherOffset { .. } => "UPLOAD_OFFSET_DIFFERS",
            Self::Overtaken => "UPLOAD_OVERTAKEN",
            Self::ChecksumDiffers => "UPLOAD_CHECKSUM_DIFFERS",
            Self::BrokeOff { .. } => "BODY_BROKEN",
            Self::Access(fault) => fault.code(),
            Self::Request(fault) => fault.code(),
            Self::Media(fault) => fault.code(),
            Self::Elsewhere(fault) => fault.code(),
            Self::Db(fault) => fault.code(),
            Self::Stored { .. } | Self::Task(_) => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::NotFound(_) => ("The content was not found.", "콘텐츠를 찾을 수 없습니다."),
            Self::UploadNotFound(_) => (
                "There is no such upload; it may have expired.",
                "업로드를 찾을 수 없습니다. 만료되었을 수 있습니다.",
            ),
            Self::Unsupported { .. } => {
                let (en, ko) = (
                    "This format is not supported. Supported:",
                    "지원하지 않는 오디오 형식입니다. 지원 형식:",
                );
                return format!("{} {}", language.pick(en, ko), SUPPORTED.join(", "));
            }
            Self::TooLarge { limit_bytes } => {
                let mb = limit_bytes >> 20;
                let (en, ko) = (
                    format!("The file is too large (at most {mb} MB)."),
                    format!("파일 크기가 너무 큽니다 (최대 {mb}MB)."),
                );
                return language.pick(&en, &ko).to_owned();
            }
            Self::TooMany { .. } => (
                "You have as many uploads as an account may have: delete some.",
                "업로드할 수 있는 개수를 모두 사용했습니다. 일부를 삭제해 주세요.",
            ),
            Self::NoRoom { .. } => ("The server's storage is full.", "서버 저장 공간이 가득 찼습니다."),
            Self::Header { name } => {
                let (en, ko) = (
                    format!("The header {name} is missing or wrong."),
                    format!("{name} 헤더가 없거나 잘못되었습니다."),
                );
                return language.pick(&en, &ko).to_owned();
            }
            Self::OtherVersion => ("This server speaks tus 1.0.0.", "이 서버는 tus 1.0.0을 지원합니다."),
            Self::OtherBody(_) => (
                "The body has another type than this route takes.",
                "이 주소에서 받지 않는 형식의 본문입니다.",
            ),
            Self::OtherOffset { .. } => (
                "The upload stands elsewhere: ask where with HEAD.",
                "업로드 위치가 다릅니다. HEAD로 현재 위치를 확인하세요.",
            ),
            Self::Overtaken => {
                ("Another request went on with this upload.", "다른 요청이 이 업로드를 이어받았습니다.")
            }
            Self::ChecksumDiffers => (
                "What arrived is not what was sent: send it again.",
                "전송된 내용이 손상되었습니다. 다시 보내 주세요.",
            ),
            Self::BrokeOff { .. } => ("The upload broke off.", "업로드가 중단되었습니다."),
            Self::Access(fault) => return fault.message(language),
            Self::Request(fault) => return fault.message(language),
            Self::Media(fault) => return fault.message(language),
            Self::Elsewhere(fault) => return fault.message(language),
            Self::Db(fault) => return fault.message(language),
            Self::Stored { .. } | Self::Task(_) => {
                ("Something went wrong on the server.", "서버에 오류가 발생했습니다.")
            }
        };
        language.pick(en, ko).to_owned()
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::Unsupported { .. } => Some(json!({ "supported": SUPPORTED })),
            Self::TooLarge { limit_bytes } => Some(json!({ "limit_bytes": limit_bytes })),
            Self::OtherOffset { at, length } => Some(json!({ "offset": at, "length": length })),
            Self::Request(fault) => fault.details(),
            Self::Media(fault) => fault.details(),
            Self::Elsewhere(fault) => fault.details(),
            _ => None,
        }
    }
}
