//! One request at a time writes an upload. The connection of the one before may be long gone without
//! this side knowing: so a later request ends it and takes its place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sori_contracts::ContentId;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<ContentId, Turn>>>);

#[derive(Default)]
struct Turn {
    lock: Arc<tokio::sync::Mutex<()>>,
    /// Of whoever has it.
    holder: CancellationToken,
    /// How many have it or wait for it.
    count: usize,
}

/// The right to write an upload, until it is dropped.
pub(super) struct Held {
    /// Somebody else wants to go on.
    pub(super) overtaken: CancellationToken,
    _guard: OwnedMutexGuard<()>,
    _place: Place,
}

impl Turns {
    /// Asks whoever writes now to stop, and waits until they did.
    pub(super) async fn take(&self, id: ContentId) -> Held {
        let place = Place { turns: Arc::clone(&self.0), id };
        let mutex = {
            let mut turns = lock(&self.0);
            let turn = turns.entry(id).or_default();
            turn.count += 1;
            turn.holder.cancel();
            Arc::clone(&turn.lock)
        };
        let guard = mutex.lock_owned().await;
        let overtaken = CancellationToken::new();
        if let Some(turn) = lock(&self.0).get_mut(&id) {
            turn.holder = overtaken.clone();
        }
        Held { overtaken, _guard: guard, _place: place }
    }
}

/// One that has an upload or waits for it. What nobody wants is forgotten.
struct Place {
    turns: Arc<Mutex<HashMap<ContentId, Turn>>>,
    id: ContentId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut turns = lock(&self.turns);
        if let Some(turn) = turns.get_mut(&self.id) {
            turn.count -= 1;
            if turn.count == 0 {
                turns.remove(&self.id);
            }
        }
    }
}

/// A panic elsewhere leaves nothing half-done in this map.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_later_one_ends_the_one_before() {
        let turns = Arc::new(Turns::default());
        let id = ContentId::generate();
        let first = turns.take(id).await;
        assert!(!first.overtaken.is_cancelled());
        let second = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take(id).await }
        });
        first.overtaken.cancelled().await;
        assert!(!second.is_finished());
        drop(first);
        let second = second.await.unwrap();
        assert!(!second.overtaken.is_cancelled());
        drop(second);
        assert!(lock(&turns.0).is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_nothing() {
        let turns = Turns::default();
        let id = ContentId::generate();
        let first = turns.take(id).await;
        assert!(futures::poll!(Box::pin(turns.take(id))).is_pending());
        drop(first);
        assert!(lock(&turns.0).is_empty());
    }
}
