//! Values that both engines store alike.

use sori_contracts::{
    AccountId, ActorId, ApiKeyId, BookmarkId, ContentId, JobId, LineId, MediaId, RenderingId, ScriptId,
    SessionId, ShowId, StreamId,
};
use sqlx::{Arguments as _, postgres::PgArguments, sqlite::SqliteArguments};
use uuid::Uuid;

use crate::DbError;

/// A parameter of a statement. Absent values keep their type, which PostgreSQL needs to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Int(Option<i64>),
    Float(Option<f64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

macro_rules! from {
    ($($source:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant(Some(value.into()))
            }
        }

        impl From<Option<$source>> for Value {
            fn from(value: Option<$source>) -> Self {
                Self::$variant(value.map(Into::into))
            }
        }
    )+};
}

from!(i64 => Int, i32 => Int, u32 => Int, f64 => Float, f32 => Float, bool => Bool, String => Text, &str => Text, &String => Text, Vec<u8> => Bytes, Uuid => Uuid);

macro_rules! from_id {
    ($($id:ty),+) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Uuid(Some(id.0))
            }
        }

        impl From<Option<$id>> for Value {
            fn from(id: Option<$id>) -> Self {
                Self::Uuid(id.map(|id| id.0))
            }
        }
    )+};
}

from_id!(
    ShowId,
    ScriptId,
    LineId,
    ActorId,
    JobId,
    MediaId,
    RenderingId,
    AccountId,
    SessionId,
    ApiKeyId,
    ContentId,
    StreamId,
    BookmarkId
);

/// JSON is stored as text on both engines.
impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        Self::Text(Some(value.to_string()))
    }
}

macro_rules! arguments {
    ($name:ident, $arguments:ty) => {
        pub(crate) fn $name(values: Vec<Value>) -> Result<$arguments, DbError> {
            let mut arguments = <$arguments>::default();
            for value in values {
                match value {
                    Value::Int(v) => arguments.add(v),
                    Value::Float(v) => arguments.add(v),
                    Value::Bool(v) => arguments.add(v),
                    Value::Text(v) => arguments.add(v),
                    Value::Bytes(v) => arguments.add(v),
                    Value::Uuid(v) => arguments.add(v),
                }
                .map_err(|error| DbError::Statement(sqlx::Error::Encode(error)))?;
            }
            Ok(arguments)
        }
    };
}

arguments!(sqlite_arguments, SqliteArguments);
arguments!(postgres_arguments, PgArguments);
