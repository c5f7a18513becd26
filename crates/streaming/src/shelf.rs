//! Open objects, so that a listener who asks for the next range does not open the file again.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use moka::sync::Cache;
use sori_contracts::{MediaFault, MediaFiles, MediaId, Opened, Parts, Place, StoredMedia};

use crate::object::{Object, State};

/// Each has a file descriptor, of which Debian gives a process 1024 when nobody asks for more.
const MOST_OPEN: u64 = 256;
/// A deleted file gives its room back after this time, if nobody is listening to it.
const KEPT_UNUSED: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(20);

/// An object that can be read.
#[derive(Clone)]
pub(crate) enum Found {
    /// It is a file.
    Whole(Arc<Object>),
    /// The store has it in parts, and keeps them open itself.
    Parts(StoredMedia, Arc<dyn Parts>),
}

impl Found {
    pub(crate) fn media(&self) -> &StoredMedia {
        match self {
            Self::Whole(object) => &object.media,
            Self::Parts(media, _) => media,
        }
    }
}

pub(crate) struct Shelf {
    files: Arc<dyn MediaFiles>,
    open: Arc<Cache<MediaId, Arc<Object>>>,
}

impl Shelf {
    /// Within a runtime: a task closes what is not used.
    pub(crate) fn new(files: Arc<dyn MediaFiles>) -> Self {
        let open = Cache::builder().max_capacity(MOST_OPEN).time_to_idle(KEPT_UNUSED).build();
        let open = Arc::new(open);
        tokio::spawn(sweep(Arc::downgrade(&open)));
        Self { files, open }
    }

    pub(crate) async fn place(&self, id: MediaId) -> Place {
        self.files.place(id).await
    }

    /// An object that is whole at this moment.
    pub(crate) async fn get(&self, id: MediaId) -> Result<Found, MediaFault> {
        if let Some(object) = self.open.get(&id) {
            match state(&object)? {
                State::Whole => {
                    self.files.used(id);
                    return Ok(Found::Whole(object));
                }
                // The store knows why: it was deleted, or put there anew from a copy.
                State::Deleted | State::Damaged => self.open.invalidate(&id),
            }
        }
        let (media, file) = match self.files.open_any(id).await? {
            (media, Opened::Whole(file)) => (media, file),
            (media, Opened::Parts(parts)) => return Ok(Found::Parts(media, parts)),
        };
        let object = Arc::new(Object::new(media, file));
        match state(&object)? {
            State::Whole => {}
            State::Deleted => return Err(MediaFault::NotFound(id)),
            State::Damaged => {
                tracing::error!(%id, "the file of an object does not have the length it was stored with");
                return Err(MediaFault::Unavailable(id));
            }
        }
        self.open.insert(id, Arc::clone(&object));
        Ok(Found::Whole(object))
    }
}

fn state(object: &Object) -> Result<State, MediaFault> {
    object.state().map_err(|error| MediaFault::from_io("looking at an object", error))
}

async fn sweep(open: Weak<Cache<MediaId, Arc<Object>>>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(open) = open.upgrade() else { return };
        let is_gone = |object: &Arc<Object>| !matches!(object.state(), Ok(State::Whole));
        let gone: Vec<MediaId> =
            open.iter().filter(|(_, object)| is_gone(object)).map(|(id, _)| *id).collect();
        gone.iter().for_each(|id| open.invalidate(id));
        open.run_pending_tasks();
    }
}
