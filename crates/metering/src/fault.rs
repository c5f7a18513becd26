//! What can go wrong with alerts and metrics.

use sori_contracts::{Fault, Kind, UiLanguage};
use sori_db::DbError;

#[derive(Debug, thiserror::Error)]
pub enum MeteringFault {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the metrics could not be written: {0}")]
    Text(#[from] prometheus::Error),
    /// The receiver of alerts answered with this status.
    #[error("the webhook answered {0}")]
    Refused(u16),
    /// The same, and asking again would change nothing.
    #[error("the webhook answered {0} for good")]
    RefusedForGood(u16),
    #[error("an order to tell of an alert cannot be read: {0}")]
    Order(#[source] serde_json::Error),
}

impl Fault for MeteringFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Db(error) => error.kind(),
            Self::Text(_) => Kind::Internal,
            Self::Refused(_) => Kind::Unavailable,
            Self::RefusedForGood(_) | Self::Order(_) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Db(error) => error.code(),
            Self::Text(_) => "INTERNAL",
            Self::Refused(_) | Self::RefusedForGood(_) => "WEBHOOK_REFUSED",
            Self::Order(_) => "JOB_MALFORMED",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::Db(error) => return error.message(language),
            Self::Text(_) => ("Something went wrong on the server.", "서버에 오류가 발생했습니다."),
            Self::Refused(_) | Self::RefusedForGood(_) => {
                ("The receiver of alerts refused the message.", "알림 수신 서버가 메시지를 거부했습니다.")
            }
            Self::Order(_) => ("The job cannot be read.", "작업 내용을 읽을 수 없습니다."),
        };
        language.pick(en, ko).to_owned()
    }
}
