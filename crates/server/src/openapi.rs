//! The OpenAPI document: written from the handlers, so it cannot drift from them.

use axum::Router;
use utoipa::{
    OpenApi as _,
    openapi::{OpenApi, tag::TagBuilder},
};

use crate::border::access;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Sori",
    description = "Script-driven spoken media: scripts in, voices and captions exact to the word out.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Base;

/// The frame that every block's routes are added to.
#[must_use]
pub(crate) fn base() -> OpenApi {
    let tags = [
        ("scripts", "Shows, scripts, their lines and words"),
        ("voices", "Synthesis, renderings, captions"),
        ("jobs", "Work under way"),
        ("actors", "People and characters, with their other names"),
        ("legacy", "Names that earlier clients use"),
        ("server", "Health"),
    ];
    let mut document = Base::openapi();
    document.tags =
        Some(tags.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build()).into());
    document
}

/// `/openapi.json` and, on it, Swagger UI at `/docs` from files in the binary.
pub(crate) fn routes(document: OpenApi) -> Router {
    utoipa_swagger_ui::SwaggerUi::new("/docs").url("/openapi.json", document).into()
}

/// The document as clients read it.
pub(crate) fn publish(mut document: OpenApi) -> OpenApi {
    access::publish(&mut document);
    document
}
