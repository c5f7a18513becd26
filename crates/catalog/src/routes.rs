//! The routes of the catalog. Every handler: extract, ask the catalog, answer.

mod actors;
mod export;
mod import;
mod lines;
mod scripts;
mod shares;
mod shows;

use axum::{
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Catalog, compat};

/// The readers take 8 MiB; JSON around a script and the frame of an upload need a little more.
const MAX_BODY_BYTES: usize = 10 << 20;

impl Catalog {
    #[must_use]
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(shows::routes())
            .merge(scripts::routes())
            .merge(shares::routes())
            .merge(import::routes())
            .merge(export::routes())
            .merge(lines::routes())
            .merge(actors::routes())
            .merge(compat::routes())
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self.clone())
    }
}

/// 201 with the address of what was made.
fn created(location: String, body: impl serde::Serialize) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(body)).into_response()
}
