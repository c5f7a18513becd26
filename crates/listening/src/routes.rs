//! Routes of the block. The names of earlier clients are in `old`.

mod bookmarks;
mod clips;
mod devices;
pub(crate) mod input;
mod old;
mod playback;
mod progress;
mod radio;
mod sync;
pub(crate) mod time;

use utoipa_axum::router::OpenApiRouter;

use crate::Listening;

impl Listening {
    #[must_use]
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(old::routes())
            .merge(radio::routes())
            .merge(progress::routes())
            .merge(devices::routes())
            .merge(playback::routes())
            .merge(bookmarks::routes())
            .merge(clips::routes())
            .merge(sync::routes())
            .with_state(self.clone())
    }
}
