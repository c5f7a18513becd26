//! What travels over the socket: `docs/sync.md` tells it to clients.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sori_contracts::ContentId;

use crate::{devices::DeviceView, playback::PlaybackView, progress::Progress, routes::time::ClientTime};

/// From the server.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Push {
    /// The first message: everything as it stands.
    State {
        device_id: String,
        server_time_ms: i64,
        devices: Vec<DeviceView>,
        progress: Vec<Progress>,
    },
    /// Another device is at a new position.
    Progress {
        progress: Progress,
    },
    /// A device came, went, or plays something else.
    Device {
        device: DeviceView,
    },
    DeviceRemoved {
        device_id: String,
    },
    /// Speed or repeat were changed elsewhere.
    Playback {
        playback: PlaybackView,
    },
    /// Bookmarks of this content were changed elsewhere.
    Bookmarks {
        content_id: ContentId,
    },
    /// Another device asks this one to do something.
    Command {
        from: String,
        command: Command,
    },
    /// Another device goes on with this content: pause, and tell where you were.
    TakenOver {
        content_id: ContentId,
        by: String,
    },
    /// The answer to `progress`: it was saved.
    Saved {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
        progress: Progress,
    },
    /// The answer to `progress`: something else stands.
    Conflict {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
        reason: &'static str,
        progress: Progress,
    },
    /// The answer to `command` and `take_over`.
    Done {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
        /// Of the content that was taken over, as far as it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
    },
    /// The answer to what could not be done.
    Error {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Value>,
        error: Value,
    },
    Pong,
}

impl Push {
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(self).expect("a push can be written as JSON")
    }
}

/// From a device.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    /// Anything; comes back with the answer.
    #[serde(rename = "ref")]
    pub(crate) reference: Option<Value>,
    #[serde(flatten)]
    pub(crate) said: Said,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Said {
    Progress {
        content_id: ContentId,
        position_ms: u64,
        duration_ms: Option<u64>,
        playing: Option<bool>,
        speed: Option<f64>,
        client_time: Option<ClientTime>,
        base_version: Option<i64>,
        #[serde(default)]
        seek: bool,
    },
    Command {
        to: String,
        command: Command,
    },
    /// "Continue here".
    TakeOver {
        content_id: ContentId,
    },
    Ping,
}

/// What one device asks of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(crate) enum Command {
    Pause,
    Resume,
    Seek {
        position_ms: u64,
    },
    Speed {
        speed: f64,
    },
    /// Hand-over: go on there with this.
    Play {
        content_id: ContentId,
        position_ms: u64,
        speed: Option<f64>,
    },
}
