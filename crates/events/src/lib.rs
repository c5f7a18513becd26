//! The bus of one process: what happened is told to whoever listens at that moment.
//!
//! Losing an event makes a screen late and nothing worse: what must not be lost is a row or a job.

use sori_contracts::{Announce, Event};
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

/// Whoever falls behind further than this loses the oldest.
const KEPT: usize = 1024;

/// Clones are the same bus.
#[derive(Clone, Debug)]
pub struct Bus(broadcast::Sender<Event>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Bus {
    /// Hears everything that is announced from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl Announce for Bus {
    fn announce(&self, event: Event) {
        // An error says that nobody listens, which is no error.
        let _heard_by = self.0.send(event);
    }
}

#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Event>);

impl Subscription {
    /// The next event; `None` when the bus is gone. Safe to drop and to call again.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(lost)) => tracing::warn!(lost, "a listener of events is too slow"),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next event, if it is there already.
    pub fn try_next(&mut self) -> Option<Event> {
        loop {
            match self.0.try_recv() {
                Ok(event) => return Some(event),
                Err(TryRecvError::Lagged(lost)) => tracing::warn!(lost, "a listener of events is too slow"),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sori_contracts::MediaId;
    use uuid::Uuid;

    use super::*;

    fn event(n: i64) -> Event {
        Event::FileMissing { media_id: MediaId(Uuid::nil()), content_id: None, at_ms: n }
    }

    #[tokio::test]
    async fn everybody_hears_what_is_announced_after_they_came() {
        let bus = Bus::default();
        bus.announce(event(0));
        let mut first = bus.subscribe();
        bus.announce(event(1));
        let mut second = bus.clone().subscribe();
        bus.announce(event(2));
        assert_eq!((first.next().await, first.next().await), (Some(event(1)), Some(event(2))));
        assert_eq!((second.next().await, second.try_next()), (Some(event(2)), None));
        drop(bus);
        assert_eq!(first.next().await, None);
    }

    #[tokio::test]
    async fn who_is_slow_loses_the_oldest_and_holds_nobody_up() {
        let bus = Bus::default();
        let mut slow = bus.subscribe();
        for n in 0..=KEPT as i64 {
            bus.announce(event(n));
        }
        assert_eq!(slow.next().await, Some(event(1)));
        let rest = std::iter::from_fn(|| slow.try_next()).count();
        assert_eq!(rest, KEPT - 1);
    }
}
