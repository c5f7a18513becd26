//! The sockets of this process, by account.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::ws::Utf8Bytes;
use sori_contracts::AccountId;
use tokio::sync::{Notify, mpsc, mpsc::error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::Envelope;

/// What may wait for a slow reader: some 40 KB. Beyond it the reader is dropped, and comes back to
/// what stands by then.
const QUEUE: usize = 64;
/// One for every device of an account.
const MOST_OF_ACCOUNT: usize = 20;
/// Each costs some 20 KB.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Hub {
    sockets: Mutex<Sockets>,
    next_id: AtomicU64,
    /// Told when the first socket comes.
    pub(super) woken: Notify,
}

#[derive(Default)]
struct Sockets {
    by_account: HashMap<AccountId, Vec<Socket>>,
    count: usize,
}

struct Socket {
    id: u64,
    device: String,
    queue: mpsc::Sender<Utf8Bytes>,
    dropped: CancellationToken,
}

/// One socket's place in the hub; leaving the scope gives it back.
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    account: AccountId,
    id: u64,
    pub(crate) queue: mpsc::Receiver<Utf8Bytes>,
    /// The socket reads too slowly, or should send itself what stands anew.
    pub(crate) dropped: CancellationToken,
}

impl Hub {
    /// `None` when the account, or the process, has too many.
    pub(crate) fn subscribe(self: &Arc<Self>, account: AccountId, device: &str) -> Option<Subscription> {
        let mut sockets = self.lock();
        let of_account = sockets.by_account.get(&account).map_or(0, Vec::len);
        if of_account >= MOST_OF_ACCOUNT || sockets.count >= MOST {
            return None;
        }
        let (sender, queue) = mpsc::channel(QUEUE);
        let (id, dropped) = (self.next_id.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        let socket = Socket { id, device: device.to_owned(), queue: sender, dropped: dropped.clone() };
        sockets.by_account.entry(account).or_default().push(socket);
        sockets.count += 1;
        drop(sockets);
        self.woken.notify_one();
        Some(Subscription { hub: Arc::clone(self), account, id, queue, dropped })
    }

    pub(super) fn tell(&self, envelope: &Envelope) {
        let mut sockets = self.lock();
        let Some(of_account) = sockets.by_account.get_mut(&envelope.account) else { return };
        let body = Utf8Bytes::from(envelope.body.as_str());
        for socket in of_account {
            let is_meant = envelope.to.as_ref().is_none_or(|to| *to == socket.device)
                && envelope.except.as_ref().is_none_or(|except| *except != socket.device);
            if is_meant && let Err(TrySendError::Full(_)) = socket.queue.try_send(body.clone()) {
                socket.dropped.cancel();
            }
        }
    }

    /// Everybody comes back and is sent what stands: something may have been missed.
    pub(super) fn drop_all(&self) {
        let sockets = self.lock();
        sockets.by_account.values().flatten().for_each(|socket| socket.dropped.cancel());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().count == 0
    }

    pub(crate) fn has(&self, account: AccountId, device: &str) -> bool {
        let sockets = self.lock();
        sockets.by_account.get(&account).is_some_and(|all| all.iter().any(|socket| socket.device == device))
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut sockets = self.hub.lock();
        if let Some(of_account) = sockets.by_account.get_mut(&self.account) {
            of_account.retain(|socket| socket.id != self.id);
            if of_account.is_empty() {
                sockets.by_account.remove(&self.account);
            }
            sockets.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device::DeviceId, sync::Push};

    fn device(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    #[tokio::test]
    async fn each_socket_hears_what_is_meant_for_it() {
        let hub = Arc::new(Hub::default());
        let (ours, theirs) = (AccountId::generate(), AccountId::generate());
        let mut phone = hub.subscribe(ours, "phone").unwrap();
        let mut laptop = hub.subscribe(ours, "laptop").unwrap();
        let mut stranger = hub.subscribe(theirs, "phone").unwrap();
        hub.tell(&Envelope::all(ours, &Push::Pong));
        hub.tell(&Envelope::but(ours, &device("phone"), &Push::Pong));
        hub.tell(&Envelope::to(ours, &device("phone"), &Push::Pong));
        hub.tell(&Envelope::to(ours, &device("laptop"), &Push::Pong));
        assert_eq!((phone.queue.len(), laptop.queue.len(), stranger.queue.len()), (2, 3, 0));
        assert!(phone.queue.try_recv().is_ok() && laptop.queue.try_recv().is_ok());
        assert!(stranger.queue.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_socket_that_does_not_read_is_dropped_and_no_other() {
        let hub = Arc::new(Hub::default());
        let account = AccountId::generate();
        let slow = hub.subscribe(account, "slow").unwrap();
        let mut quick = hub.subscribe(account, "quick").unwrap();
        for _ in 0..QUEUE {
            hub.tell(&Envelope::all(account, &Push::Pong));
            quick.queue.recv().await.unwrap();
        }
        assert!(!slow.dropped.is_cancelled());
        hub.tell(&Envelope::all(account, &Push::Pong));
        assert!(slow.dropped.is_cancelled() && !quick.dropped.is_cancelled());
        assert_eq!(slow.queue.len(), QUEUE);
    }

    #[tokio::test]
    async fn places_are_limited_and_given_back() {
        let hub = Arc::new(Hub::default());
        let account = AccountId::generate();
        let mut all: Vec<_> =
            (0..MOST_OF_ACCOUNT).map(|_| hub.subscribe(account, "phone").unwrap()).collect();
        assert!(hub.subscribe(account, "phone").is_none());
        assert!(hub.subscribe(AccountId::generate(), "phone").is_some());
        all.pop();
        assert!(hub.subscribe(account, "phone").is_some());
        drop(all);
        assert!(hub.is_empty() && !hub.has(account, "phone"));
    }
}
