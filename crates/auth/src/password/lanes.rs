//! Who is hashed next.
//!
//! A few lanes, and a short queue in front of them that is ordered by standing: someone who signed
//! in from this address before comes first, then those with the fewest failures. When the queue is
//! full the worst in it gives way, so that a crowd that guesses pushes out itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

use crate::AuthFault;

/// At 40 ms a hash (two at once on two cores) and two lanes half a second's worth: nobody in the queue
/// waits for longer.
const LONGEST_QUEUE: usize = 24;

/// How much trust a try has earned; the lower the number the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing(u32);

impl Standing {
    /// Has proved itself from here before, or just now.
    pub(crate) const KNOWN: Self = Self(0);
    /// Nothing is known.
    pub(crate) const FRESH: Self = Self(1);

    #[must_use]
    pub(crate) fn after_failures(failures: u32) -> Self {
        Self(failures.saturating_add(1))
    }
}

#[derive(Clone)]
pub(crate) struct Lanes(Arc<Mutex<State>>);

struct State {
    free: usize,
    arrivals: u64,
    /// By standing, and by arrival among equals.
    waiting: BTreeMap<(Standing, u64), oneshot::Sender<Permit>>,
}

/// One lane; it is given back when dropped.
pub(crate) struct Permit(Option<Lanes>);

impl Lanes {
    pub(crate) fn new(lanes: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: lanes.max(1), arrivals: 0, waiting: BTreeMap::new() })))
    }

    /// Waits for a lane. Refused at once when the queue is full of better ones, or later when it
    /// fills with them.
    pub(crate) async fn enter(&self, standing: Standing) -> Result<Permit, AuthFault> {
        let turn = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Permit(Some(self.clone())));
            }
            state.admit(standing).ok_or(BUSY)?
        };
        turn.await.map_err(|_| BUSY)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self) {
        let mut state = self.lock();
        while let Some((_, waiter)) = state.waiting.pop_first() {
            match waiter.send(Permit(Some(self.clone()))) {
                Ok(()) => return,
                // It does not wait any more. The permit must not give itself back while we hold the lock.
                Err(mut permit) => permit.0 = None,
            }
        }
        state.free += 1;
    }
}

const BUSY: AuthFault = AuthFault::TooManyTries { retry_after_s: 1 };

impl State {
    fn admit(&mut self, standing: Standing) -> Option<oneshot::Receiver<Permit>> {
        if self.waiting.len() >= LONGEST_QUEUE {
            self.waiting.retain(|_, waiter| !waiter.is_closed());
        }
        if self.waiting.len() >= LONGEST_QUEUE {
            let worst = *self.waiting.last_key_value()?.0;
            if worst.0 <= standing {
                return None;
            }
            self.waiting.remove(&worst);
        }
        self.arrivals += 1;
        let (sender, receiver) = oneshot::channel();
        self.waiting.insert((standing, self.arrivals), sender);
        Some(receiver)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(lanes) = self.0.take() {
            lanes.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, future::join_all};

    use super::*;

    #[tokio::test]
    async fn the_better_standing_goes_first_and_equals_in_order() {
        let lanes = Lanes::new(1);
        let held = lanes.enter(Standing::FRESH).await.ok().unwrap();
        let order = Mutex::new(Vec::new());
        let waits = [(7, 'e'), (1, 'b'), (0, 'a'), (1, 'c'), (3, 'd')].map(|(failures, name)| {
            let (lanes, order) = (&lanes, &order);
            async move {
                let permit = lanes.enter(Standing(failures)).await;
                assert!(permit.is_ok());
                order.lock().unwrap().push(name);
            }
        });
        let mut all = Box::pin(join_all(waits));
        assert!((&mut all).now_or_never().is_none());
        drop(held);
        all.await;
        assert_eq!(order.into_inner().unwrap(), ['a', 'b', 'c', 'd', 'e']);
    }

    #[tokio::test]
    async fn a_full_queue_lets_the_worst_go() {
        let lanes = Lanes::new(1);
        let held = lanes.enter(Standing::FRESH).await.ok().unwrap();
        let mut guessers: Vec<_> =
            (0..LONGEST_QUEUE).map(|_| Box::pin(lanes.enter(Standing::after_failures(9)))).collect();
        assert!(guessers.iter_mut().all(|guesser| guesser.now_or_never().is_none()));
        let one_more = lanes.enter(Standing::after_failures(9)).await;
        assert!(matches!(one_more, Err(AuthFault::TooManyTries { retry_after_s: 1 })));
        let mut someone = Box::pin(lanes.enter(Standing::FRESH));
        assert!((&mut someone).now_or_never().is_none(), "waits in the place of the last guesser");
        assert!(matches!(guessers.pop().unwrap().now_or_never(), Some(Err(_))));
        drop(held);
        assert!(someone.now_or_never().unwrap().is_ok(), "and is next");
    }

    #[tokio::test]
    async fn who_goes_away_holds_no_lane() {
        let lanes = Lanes::new(1);
        let held = lanes.enter(Standing::FRESH).await.ok().unwrap();
        let mut gone = Box::pin(lanes.enter(Standing::FRESH));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        drop(held);
        assert!(lanes.enter(Standing::FRESH).now_or_never().unwrap().is_ok());
    }
}
