//! Telling an account's devices at once: sockets of this process, and signals to other processes.
//!
//! What is pushed may be lost with a process or a connection; whoever comes back is sent what stands.

mod hub;
mod limits;
mod messages;
mod signals;
mod socket;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sori_contracts::AccountId;
use sori_db::{Db, DbError, Tx};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use hub::{Hub, Subscription};
pub(crate) use messages::Push;
pub(crate) use socket::{MESSAGE_BYTES, Peer, serve};

use crate::device::DeviceId;

/// Longer than a busy database takes to let one more in.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A push with its addressees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    account: AccountId,
    /// Only this device.
    to: Option<String>,
    /// Not this device, which knows.
    except: Option<String>,
    /// JSON, ready to be sent.
    body: String,
}

impl Envelope {
    pub(crate) fn all(account: AccountId, push: &Push) -> Self {
        Self { account, to: None, except: None, body: push.written() }
    }

    pub(crate) fn but(account: AccountId, device: &DeviceId, push: &Push) -> Self {
        Self { except: Some(device.to_string()), ..Self::all(account, push) }
    }

    pub(crate) fn to(account: AccountId, device: &DeviceId, push: &Push) -> Self {
        Self { to: Some(device.to_string()), ..Self::all(account, push) }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sync {
    pub(crate) db: Db,
    pub(crate) hub: Arc<Hub>,
    /// This process among those that share the database.
    origin: Uuid,
    ears: Arc<Ears>,
    closing: CancellationToken,
}

/// Whether other processes are heard.
#[derive(Default)]
struct Ears {
    open: watch::Sender<bool>,
    /// Somebody may have missed something since they were open the last time.
    missed: AtomicBool,
}

impl Sync {
    /// Within a runtime: a task hears the other processes until [`Sync::close`].
    pub(crate) fn new(db: Db) -> Self {
        let sync = Self {
            db,
            hub: Arc::default(),
            origin: Uuid::new_v4(),
            ears: Arc::default(),
            closing: CancellationToken::new(),
        };
        tokio::spawn(signals::hear(sync.clone()));
        sync
    }

    /// Commits what is news, and tells it.
    pub(crate) async fn commit(&self, mut tx: Tx, news: Vec<Envelope>) -> Result<(), DbError> {
        for envelope in &news {
            signals::send(&mut tx, self.origin, envelope).await?;
        }
        tx.commit().await?;
        news.iter().for_each(|envelope| self.hub.tell(envelope));
        Ok(())
    }

    /// Tells what is kept nowhere: commands. This process's sockets hear it first.
    pub(crate) async fn tell(&self, envelope: Envelope) -> Result<(), DbError> {
        self.hub.tell(&envelope);
        let mut tx = self.db.begin().await?;
        signals::send(&mut tx, self.origin, &envelope).await?;
        tx.commit().await
    }

    /// Waits until other processes are heard: what a socket reads after that, it misses nothing of. If
    /// that takes long it goes on without, and is sent home when they are heard.
    pub(crate) async fn ready(&self) {
        let mut open = self.ears.open.subscribe();
        if timeout(READY_WITHIN, open.wait_for(|open| *open)).await.is_err() {
            self.ears.missed.store(true, Ordering::Relaxed);
        }
    }

    fn open_ears(&self) {
        if self.ears.missed.swap(false, Ordering::Relaxed) {
            self.hub.drop_all();
        }
        self.ears.open.send_replace(true);
    }

    fn close_ears(&self) {
        self.ears.missed.store(true, Ordering::Relaxed);
        self.ears.open.send_replace(false);
    }

    /// Ends all sockets.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }
}
