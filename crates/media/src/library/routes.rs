//! The routes of uploads and of what became of them.

mod contents;
mod uploads;

use axum::{body::Body, extract::DefaultBodyLimit};
use futures::TryStreamExt;
use sori_contracts::{ByteStream, MediaFault};
use utoipa_axum::router::OpenApiRouter;

use super::Library;

impl Library {
    #[must_use]
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(uploads::routes())
            .merge(contents::routes())
            // Uploads have limits of their own, and are never held in memory.
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }
}

fn pieces(body: Body) -> ByteStream {
    Box::pin(body.into_data_stream().map_err(|error| MediaFault::BodyBroken(error.to_string())))
}
