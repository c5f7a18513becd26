//! One socket: what stands first, then what changes; in between, what its device says.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use serde_json::{Value, json};
use sori_contracts::{Caller, Fault, Member, Recheck, UiLanguage};
use sori_db::now_ms;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    Envelope, Push, Subscription,
    limits::Allowance,
    messages::{Command, Message, Said},
};
use crate::{
    Listening, ListeningFault,
    device::DeviceId,
    devices::{CONNECTED_MS, Introduction},
    progress::Report,
    routes::input,
};

/// A message of a device; the longest has some 300 bytes.
pub(crate) const MESSAGE_BYTES: usize = 16 << 10;
/// Proxies drop what is silent for a minute.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Three pings without an answer: it is gone.
const SILENT_FOR: Duration = Duration::from_secs(65);
/// One message to a client that does not read.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// Of credentials that cannot be asked about again.
const LONGEST: Duration = Duration::from_secs(15 * 60);
const RECENT: u32 = 50;

/// Close codes: those of RFC 6455, and of ours the ones that say what to do.
mod close {
    pub(super) const AWAY: u16 = 1001;
    pub(super) const NOT_TEXT: u16 = 1003;
    pub(super) const POLICY: u16 = 1008;
    pub(super) const INTERNAL: u16 = 1011;
    /// Come back with a fresh credential.
    pub(super) const CREDENTIAL: u16 = 4401;
    /// Too slow, or something was missed: come back, and be sent what stands.
    pub(super) const BEHIND: u16 = 4408;
    pub(super) const TOO_MUCH: u16 = 4429;
}

/// Who is at the other end.
pub(crate) struct Peer {
    pub(crate) member: Member,
    pub(crate) device: DeviceId,
    pub(crate) introduction: Introduction,
    pub(crate) recheck: Option<Arc<dyn Recheck>>,
    pub(crate) language: UiLanguage,
}

type Step = ControlFlow<(u16, &'static str)>;

/// Until one side ends it.
pub(crate) async fn serve(
    listening: Listening,
    mut socket: WebSocket,
    peer: Peer,
    subscription: Subscription,
) {
    let mut session = Session {
        listening: &listening,
        peer: &peer,
        subscription,
        heard_at: Instant::now(),
        since: Instant::now(),
        allowance: Allowance::new(Instant::now()),
    };
    let (code, reason) = session.run(&mut socket).await;
    let farewell = Frame::Close(Some(CloseFrame { code, reason: reason.into() }));
    // It may be gone already.
    let _gone = timeout(Duration::from_secs(1), socket.send(farewell)).await;
    drop(session);
    let account = peer.member.account;
    if !listening.0.sync.hub.has(account, peer.device.as_str())
        && let Err(error) =
            listening.connected(account, &peer.device, &Introduction::default(), 0, true).await
    {
        tracing::debug!(%error, "a device that left is marked later");
    }
}

struct Session<'a> {
    listening: &'a Listening,
    peer: &'a Peer,
    subscription: Subscription,
    heard_at: Instant,
    since: Instant,
    allowance: Allowance,
}

impl Session<'_> {
    /// Answers with the code and the words to close with.
    async fn run(&mut self, socket: &mut WebSocket) -> (u16, &'static str) {
        let (closing, dropped) = (self.listening.0.sync.closing.clone(), self.subscription.dropped.clone());
        // In the middle of a write too: a client that does not read must not hold up the end.
        tokio::select! {
            () = closing.cancelled() => (close::AWAY, "the server stops"),
            () = dropped.cancelled() => (close::BEHIND, "behind"),
            ended = self.talk(socket) => ended,
        }
    }

    async fn talk(&mut self, socket: &mut WebSocket) -> (u16, &'static str) {
        self.listening.0.sync.ready().await;
        // The place in the hub was taken before: nothing falls between this and what is read now.
        let state = match self.state().await {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!(%error, "a socket could not be told what stands");
                return (close::INTERNAL, "try again");
            }
        };
        if let ControlFlow::Break(end) = send(socket, Frame::text(state.written())).await {
            return end;
        }
        let (mut ping, mut check) = (interval(PING_EVERY), interval(self.listening.0.check_every));
        for timer in [&mut ping, &mut check] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
            timer.reset();
        }
        loop {
            let step = tokio::select! {
                push = self.subscription.queue.recv() => match push {
                    Some(push) => send(socket, Frame::Text(push)).await,
                    None => Step::Break((close::AWAY, "the server stops")),
                },
                frame = socket.recv() => match frame {
                    Some(Ok(frame)) => self.hear(socket, frame).await,
                    Some(Err(_)) | None => Step::Break((close::AWAY, "gone")),
                },
                _ = ping.tick() => match self.heard_at.elapsed() > SILENT_FOR {
                    true => Step::Break((close::AWAY, "silent")),
                    false => send(socket, Frame::Ping(Vec::new().into())).await,
                },
                _ = check.tick() => self.check().await,
            };
            if let ControlFlow::Break(end) = step {
                return end;
            }
        }
    }

    async fn state(&self) -> Result<Push, ListeningFault> {
        let (account, device) = (self.peer.member.account, &self.peer.device);
        self.listening.connected(account, device, &self.peer.introduction, CONNECTED_MS, true).await?;
        Ok(Push::State {
            device_id: device.to_string(),
            server_time_ms: now_ms(),
            devices: self.listening.devices(account).await?,
            progress: self.listening.recent(account, None, RECENT).await?,
        })
    }

    async fn check(&self) -> Step {
        let is_good = match &self.peer.recheck {
            Some(recheck) => recheck.is_still_good().await,
            None => self.since.elapsed() < LONGEST,
        };
        if !is_good {
            return Step::Break((close::CREDENTIAL, "sign in again"));
        }
        let account = self.peer.member.account;
        let nothing_new = Introduction::default();
        if let Err(error) =
            self.listening.connected(account, &self.peer.device, &nothing_new, CONNECTED_MS, false).await
        {
            tracing::debug!(%error, "a device's mark was not renewed");
        }
        Step::Continue(())
    }

    async fn hear(&mut self, socket: &mut WebSocket, frame: Frame) -> Step {
        self.heard_at = Instant::now();
        if !self.allowance.take(self.heard_at) {
            return Step::Break((close::TOO_MUCH, "too many messages"));
        }
        let text = match frame {
            Frame::Text(text) => text,
            Frame::Ping(_) | Frame::Pong(_) => return Step::Continue(()),
            Frame::Binary(_) => return Step::Break((close::NOT_TEXT, "text only")),
            Frame::Close(_) => return Step::Break((1000, "")),
        };
        let answer = match serde_json::from_str::<Message>(&text) {
            Ok(Message { reference, said }) => match self.answer(reference.clone(), said).await {
                Ok(answer) => answer,
                Err(fault) => Push::Error { reference, error: self.told(&fault) },
            },
            Err(error) => {
                let fault = sori_http::RequestFault::Malformed(error.to_string());
                Push::Error { reference: None, error: self.told(&fault) }
            }
        };
        send(socket, Frame::text(answer.written())).await
    }

    fn told(&self, fault: &dyn Fault) -> Value {
        if matches!(fault.kind(), sori_contracts::Kind::Internal) {
            tracing::error!(%fault, "a message of a socket failed");
        }
        json!({ "code": fault.code(), "message": fault.message(self.peer.language), "details": fault.details() })
    }

    async fn answer(&self, reference: Option<Value>, said: Said) -> Result<Push, ListeningFault> {
        let (member, device) = (self.peer.member, &self.peer.device);
        match said {
            Said::Ping => Ok(Push::Pong),
            Said::Progress {
                content_id,
                position_ms,
                duration_ms,
                playing,
                speed,
                client_time,
                base_version,
                seek,
            } => {
                let report = Report {
                    content: content_id,
                    position_ms: input::position(position_ms)?,
                    duration_ms: duration_ms.map(input::position).transpose()?,
                    device: device.clone(),
                    client_time_ms: client_time.map(|time| time.ms()),
                    base_version,
                    sought: seek,
                    playing,
                    speed: speed.map(input::speed).transpose()?,
                };
                let outcome = self.listening.save(member, report).await?;
                Ok(match outcome.lost {
                    None => Push::Saved { reference, progress: outcome.progress },
                    Some(reason) => {
                        Push::Conflict { reference, reason: reason.as_str(), progress: outcome.progress }
                    }
                })
            }
            Said::Command { to, command } => {
                self.command(&to, command).await?;
                Ok(Push::Done { reference, progress: None })
            }
            Said::TakeOver { content_id } => {
                self.listening.0.contents.content(&Caller::Account(member), content_id).await?;
                let push = Push::TakenOver { content_id, by: device.to_string() };
                self.listening.0.sync.tell(Envelope::but(member.account, device, &push)).await?;
                let progress = match self.listening.progress_of(member.account, content_id).await {
                    Ok(progress) => Some(progress),
                    Err(ListeningFault::NoProgress(_)) => None,
                    Err(fault) => return Err(fault),
                };
                Ok(Push::Done { reference, progress })
            }
        }
    }

    async fn command(&self, to: &str, command: Command) -> Result<(), ListeningFault> {
        let account = self.peer.member.account;
        match &command {
            Command::Pause | Command::Resume => {}
            Command::Seek { position_ms } => drop(input::position(*position_ms)?),
            Command::Speed { speed } => drop(input::speed(*speed)?),
            Command::Play { content_id, position_ms, speed } => {
                input::position(*position_ms)?;
                speed.map(input::speed).transpose()?;
                self.listening.0.contents.content(&Caller::Account(self.peer.member), *content_id).await?;
            }
        }
        let to = DeviceId::parse(to)?;
        let devices = self.listening.devices(account).await?;
        if !devices.iter().any(|device| device.id == to.as_str() && device.online) {
            return Err(ListeningFault::DeviceNotFound);
        }
        let push = Push::Command { from: self.peer.device.to_string(), command };
        Ok(self.listening.0.sync.tell(Envelope::to(account, &to, &push)).await?)
    }
}

async fn send(socket: &mut WebSocket, frame: Frame) -> Step {
    match timeout(SEND_WITHIN, socket.send(frame)).await {
        Ok(Ok(())) => Step::Continue(()),
        Ok(Err(_)) => Step::Break((close::AWAY, "gone")),
        Err(_) => Step::Break((close::POLICY, "does not read")),
    }
}
