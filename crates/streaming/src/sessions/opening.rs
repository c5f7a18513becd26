//! Sessions that need no slot are opened together: while one statement is under way, the next ones
//! gather. A thousand listeners who come at once cost a few commits, not a thousand.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{
    SessionFault,
    session::Session,
    slots::{Claim, Claimed, Slots},
};

/// Rows of one statement.
const TOGETHER: usize = 200;
/// Whoever comes when so many wait, waits too.
const WAITING: usize = 4096;

pub(crate) struct Opening(mpsc::Sender<Wish>);

struct Wish {
    session: Arc<Session>,
    now_ms: i64,
    answer: oneshot::Sender<Result<Claimed, SessionFault>>,
}

impl Opening {
    /// Within a runtime: a task writes until this is dropped.
    pub(crate) fn new(slots: Slots) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(slots, receiver));
        Self(sender)
    }

    pub(crate) async fn open(&self, session: Arc<Session>, now_ms: i64) -> Result<Claimed, SessionFault> {
        let (answer, answered) = oneshot::channel();
        let wish = Wish { session, now_ms, answer };
        self.0.send(wish).await.map_err(|_| SessionFault::Closed)?;
        answered.await.map_err(|_| SessionFault::Closed)?
    }
}

async fn write(slots: Slots, mut wishes: mpsc::Receiver<Wish>) {
    let mut together = Vec::new();
    while wishes.recv_many(&mut together, TOGETHER).await > 0 {
        let claims: Vec<Claim<'_>> =
            together.iter().map(|wish| Claim { session: &wish.session, now_ms: wish.now_ms }).collect();
        match slots.open(&claims).await {
            Ok(claimed) => {
                for (wish, claimed) in together.drain(..).zip(claimed) {
                    let _gone_meanwhile = wish.answer.send(Ok(claimed));
                }
            }
            Err(error) => {
                tracing::warn!(%error, sessions = together.len(), "sessions could not be opened");
                let error = Arc::new(error);
                for wish in together.drain(..) {
                    let _gone_meanwhile = wish.answer.send(Err(SessionFault::Db(Arc::clone(&error))));
                }
            }
        }
    }
}
