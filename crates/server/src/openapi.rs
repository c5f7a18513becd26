//! The OpenAPI document: written from the handlers, so it cannot drift from them.

use axum::{Router, http::Method};
use utoipa::{
    OpenApi as _,
    openapi::{
        ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
        tag::TagBuilder,
    },
};

use crate::border::access::{self, Access};

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
        ("auth", "Coming in and going out"),
        ("account", "One's own account, devices and keys"),
        ("admin", "Accounts of others, and the log of what was done"),
        ("scripts", "Shows, scripts, their lines and words"),
        ("voices", "Synthesis, renderings, captions"),
        ("jobs", "Work under way"),
        ("contents", "Sound and pictures that were uploaded"),
        ("listening", "Positions on every device, bookmarks, clips"),
        ("actors", "People and characters, with their other names"),
        ("subsonic", "For music players of phones (OpenSubsonic)"),
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

/// The document as clients read it: with what the border asks and answers on every route.
pub(crate) fn publish(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for (method, operation) in access::operations_mut(item) {
            add_answers(&method, operation);
        }
    }
    access::publish(&mut document);
    document
}

/// Those a block need not name again and again.
fn add_answers(method: &Method, operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let creates = *method == Method::POST && !matches!(Access::of(operation), Access::Public);
    let answers = [
        ("400", has_body || has_parameters || creates, "The request is malformed"),
        ("401", true, "`AUTH_INVALID_TOKEN`: no valid credential"),
        (
            "403",
            true,
            "`AUTH_FORBIDDEN`, `AUTH_USER_PENDING`, `AUTH_USER_SUSPENDED`, or a request of another site",
        ),
        ("409", creates, "`IDEMPOTENCY_KEY_IN_USE`: the same request is under way"),
        ("413", has_body, "`BODY_TOO_LARGE`"),
        ("415", has_body, "`MEDIA_TYPE_UNSUPPORTED`"),
        ("422", creates, "`IDEMPOTENCY_KEY_REUSED`: the key came with another body before"),
        ("429", true, "`RATE_LIMITED` or `ADDRESS_BLOCKED`; `Retry-After` says for how long"),
        ("503", true, "`DATABASE_UNAVAILABLE` or `REQUEST_TIMED_OUT`: try again"),
    ];
    for (status, applies, text) in answers {
        if applies {
            let known = &mut operation.responses.responses;
            known.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(text)));
        }
    }
    if creates {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("Sent again with the same key within a day, the request is done once and answered with the first answer."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255))
                .pattern(Some("^[!-~]+$"))))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(key));
    }
}

fn problem(text: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
    ResponseBuilder::new().description(text).content("application/json", body).build()
}
