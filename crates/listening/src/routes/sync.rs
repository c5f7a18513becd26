//! `GET /api/sync`: the socket that keeps an account's devices together. `docs/sync.md` tells what is said.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade},
    response::Response,
};
use serde::Deserialize;
use sori_contracts::Recheck;
use sori_http::{Problem, ProblemBody, Query, SignedIn, Ui};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{devices::NAME_CHARS, input};
use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    devices::Introduction,
    sync::{MESSAGE_BYTES, Peer, serve},
};

const KIND_CHARS: usize = 20;
/// The library flushes after each message; beyond this a write waits for the client.
const WRITE_BUFFER_BYTES: usize = 16 << 10;
const MOST_BUFFERED_BYTES: usize = 256 << 10;

pub(super) fn routes() -> OpenApiRouter<Listening> {
    OpenApiRouter::new().routes(routes!(open_sync))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Opening {
    /// A name that the player gives itself and keeps; its sign-in when left out.
    device_id: Option<String>,
    /// For the listener's eyes, until they call it something else.
    device_name: Option<String>,
    /// `phone`, `web`, …
    device_kind: Option<String>,
}

/// Open the socket between your devices
///
/// A WebSocket (RFC 6455) of JSON messages: positions, what plays where, "continue here", remote
/// pause. The first message is everything as it stands, so a client that lost its connection simply
/// opens a new one. All messages are told in `docs/sync.md`.
#[utoipa::path(get, path = "/api/sync", operation_id = "open_sync", tag = "listening",
    security(("account" = ["scripts:read"])),
    params(Opening),
    responses(
        (status = 101, description = "The socket is open"),
        (status = 400, description = "Not a WebSocket handshake", body = ProblemBody),
        (status = 429, description = "`SYNC_FULL`: too many sockets of this account", body = ProblemBody),
    ))]
async fn open_sync(
    State(listening): State<Listening>,
    SignedIn(member): SignedIn,
    Ui(language): Ui,
    Query(opening): Query<Opening>,
    recheck: Option<Extension<Arc<dyn Recheck>>>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let device = DeviceId::given_or_of(opening.device_id.as_deref(), &member)?;
    let introduction = Introduction {
        name: input::optional_text("device_name", opening.device_name.as_deref(), NAME_CHARS)?,
        kind: input::optional_text("device_kind", opening.device_kind.as_deref(), KIND_CHARS)?,
    };
    let subscription = listening.0.sync.hub.subscribe(member.account, device.as_str());
    let subscription = subscription.ok_or(ListeningFault::TooManySockets)?;
    let peer = Peer { member, device, introduction, recheck: recheck.map(|Extension(it)| it), language };
    let upgrade = upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MOST_BUFFERED_BYTES);
    Ok(upgrade.on_upgrade(move |socket| serve(listening, socket, peer, subscription)))
}
