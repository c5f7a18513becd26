//! The routes of the block.

mod admin;
pub(crate) mod answer;
mod keys;
mod me;
mod password;
mod session;

use utoipa_axum::router::OpenApiRouter;

use crate::Auth;

impl Auth {
    #[must_use]
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(session::routes())
            .merge(password::routes())
            .merge(me::routes())
            .merge(keys::routes())
            .merge(admin::routes())
            .merge(crate::oidc::routes())
            .with_state(self.clone())
    }
}
