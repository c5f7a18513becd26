//! What can go wrong in the catalog.

use serde_json::{Value, json};
use sori_contracts::{AccountId, ActorId, Fault, Kind, LineId, ScriptId, ShowId, UiLanguage};
use sori_db::DbError;
use sori_http::{AccessFault, RequestFault};
use sori_script::ScriptError;

use crate::problems::Remark;

#[derive(Debug, thiserror::Error)]
pub enum CatalogFault {
    #[error("show {0} not found")]
    ShowNotFound(ShowId),
    #[error("script {0} not found")]
    ScriptNotFound(ScriptId),
    #[error("line {0} not found")]
    LineNotFound(LineId),
    #[error("actor {0} not found")]
    ActorNotFound(ActorId),
    #[error("actor {actor} has no alias {alias:?}")]
    AliasNotFound { actor: ActorId, alias: String },
    /// Someone else saved the script since it was read.
    #[error("script {id} is at revision {current} by now")]
    ScriptChanged { id: ScriptId, current: i64 },
    #[error("{alias:?} already names actor {actor:?}")]
    AliasTaken { alias: String, actor: Option<ActorId> },
    /// A file or a script that breaks the rules of scripts.
    #[error("{error}")]
    Script { error: ScriptError, language: UiLanguage },
    /// Subtitles need to know when each line is heard.
    #[error("script {0} has lines without times")]
    NotTimed(ScriptId),
    /// Nobody to share with.
    #[error("no such account")]
    AccountNotFound,
    #[error("it is not shared with account {0}")]
    ShareNotFound(AccountId),
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
    #[error("the work broke off: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
}

impl CatalogFault {
    /// Remarks on a script travel in the details, which are made without knowing who asks: the
    /// handler says the language.
    #[must_use]
    pub fn told_in(self, language: UiLanguage) -> Self {
        match self {
            Self::Script { error, .. } => Self::Script { error, language },
            other => other,
        }
    }
}

impl From<ScriptError> for CatalogFault {
    fn from(error: ScriptError) -> Self {
        Self::Script { error, language: UiLanguage::En }
    }
}

impl Fault for CatalogFault {
    fn kind(&self) -> Kind {
        match self {
            Self::ShowNotFound(_)
            | Self::ScriptNotFound(_)
            | Self::LineNotFound(_)
            | Self::ActorNotFound(_)
            | Self::AccountNotFound
            | Self::ShareNotFound(_)
            | Self::AliasNotFound { .. } => Kind::NotFound,
            Self::ScriptChanged { .. } | Self::AliasTaken { .. } | Self::NotTimed(_) => Kind::Conflict,
            Self::Script { error: ScriptError::TooLarge(_), .. } => Kind::TooLarge,
            Self::Script { .. } => Kind::Invalid,
            Self::Access(fault) => fault.kind(),
            Self::Request(fault) => fault.kind(),
            Self::Elsewhere(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Stored { .. } | Self::BrokeOff(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ShowNotFound(_) => "SHOW_NOT_FOUND",
            Self::ScriptNotFound(_) => "SCRIPT_NOT_FOUND",
            Self::LineNotFound(_) => "LINE_NOT_FOUND",
            Self::ActorNotFound(_) => "ACTOR_NOT_FOUND",
            Self::AliasNotFound { .. } => "ALIAS_NOT_FOUND",
            Self::ScriptChanged { .. } => "SCRIPT_CHANGED",
            Self::AliasTaken { .. } => "ALIAS_TAKEN",
            Self::Script { error, .. } => error.code(),
            Self::NotTimed(_) => "SCRIPT_NOT_TIMED",
            Self::AccountNotFound => "ACCOUNT_NOT_FOUND",
            Self::ShareNotFound(_) => "SHARE_NOT_FOUND",
            Self::Access(fault) => fault.code(),
            Self::Request(fault) => fault.code(),
            Self::Elsewhere(fault) => fault.code(),
            Self::Db(fault) => fault.code(),
            Self::Stored { .. } | Self::BrokeOff(_) => "INTERNAL",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::ShowNotFound(_) => ("This show does not exist.", "쇼를 찾을 수 없습니다."),
            Self::ScriptNotFound(_) => ("This script does not exist.", "스크립트를 찾을 수 없습니다."),
            Self::LineNotFound(_) => ("This line does not exist.", "대사를 찾을 수 없습니다."),
            Self::ActorNotFound(_) => ("This actor does not exist.", "배우를 찾을 수 없습니다."),
            Self::AliasNotFound { .. } => {
                ("This actor has no such alias.", "이 배우에게 그런 별칭이 없습니다.")
            }
            Self::ScriptChanged { .. } => (
                "The script was changed elsewhere since you opened it. Load it again before saving.",
                "스크립트를 연 뒤에 다른 곳에서 변경되었습니다. 다시 불러온 뒤 저장해 주세요.",
            ),
            Self::AliasTaken { alias, .. } => {
                return language.pick(
                    format!("“{alias}” already names an actor."),
                    format!("‘{alias}’은(는) 이미 다른 배우의 이름이나 별칭입니다."),
                );
            }
            Self::Script { error, .. } => return language.pick(error.message(), error.message_ko()),
            Self::NotTimed(_) => (
                "Subtitles need times: render the script first.",
                "자막에는 시간이 필요합니다. 먼저 스크립트를 렌더링해 주세요.",
            ),
            Self::AccountNotFound => {
                ("There is no account with this address.", "이 주소를 쓰는 계정을 찾을 수 없습니다.")
            }
            Self::ShareNotFound(_) => {
                ("It is not shared with this account.", "이 계정과 공유되어 있지 않습니다.")
            }
            Self::Access(fault) => return fault.message(language),
            Self::Request(fault) => return fault.message(language),
            Self::Elsewhere(fault) => return fault.message(language),
            Self::Db(fault) => return fault.message(language),
            Self::Stored { .. } | Self::BrokeOff(_) => {
                ("Something went wrong on the server.", "서버에 오류가 발생했습니다.")
            }
        };
        language.pick(en, ko).to_owned()
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::ScriptChanged { current, .. } => Some(json!({ "revision": current })),
            Self::AliasTaken { alias, actor } => Some(json!({ "alias": alias, "actor_id": actor })),
            Self::Script { error, language } => {
                let remarks: Vec<_> =
                    error.problems().iter().map(|problem| Remark::of(problem, *language)).collect();
                Some(json!({ "problems": remarks }))
            }
            Self::Request(fault) => fault.details(),
            Self::Elsewhere(fault) => fault.details(),
            _ => None,
        }
    }
}
