//! Ids are UUIDs of version 7 (RFC 9562): they sort by the time they were made, so lists page by
//! id. Each thing has its own type, so that a line's id cannot be handed over as a script's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later in order than all before it.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A series: several scripts under one title.
    ShowId
);
id!(ScriptId);
id!(
    /// One spoken line of a script; the older API calls it a token.
    LineId
);
id!(ActorId);
id!(JobId);
id!(
    /// An immutable object in the media store.
    MediaId
);
id!(
    /// One finished voicing of a script: its audio files and its timeline.
    RenderingId
);
id!(
    /// A person's account.
    AccountId
);
id!(
    /// One sign-in on one device, from log-in to log-out.
    SessionId
);
id!(ApiKeyId);
id!(
    /// Something to listen to or to watch: the id of a script, or of an upload.
    ContentId
);
id!(
    /// One viewer at one content.
    StreamId
);
id!(
    /// A span of a content that somebody marked.
    BookmarkId
);
