//! What every request passes before a handler sees it, and what every answer passes on its way out.
//!
//! From the outside in: `observe` (trace, log line, problem bodies, security headers), [`hosts`] (is
//! this server meant), CORS, then for the routes of the API [`limits`] (addresses and blocks),
//! [`authenticate`] (who calls), [`access`] (may they), limits per account, [`patience`] (how long),
//! [`crate::idempotency`] (was it done before), and the handler.
//!
//! Not in here: whether a thing belongs to the caller. That is for the block that has the thing.

pub mod access;
pub mod authenticate;
pub mod client;
pub mod cors;
pub mod credentials;
pub mod hosts;
pub mod limits;
pub mod patience;
pub mod secret;

use std::sync::Arc;

use axum::{
    Router,
    http::Method,
    middleware::{from_fn, from_fn_with_state},
};
use sori_contracts::Identity;
use sori_http::{Outgoing, UrlSigner};
use utoipa::openapi::OpenApi;

use crate::{config::Config, idempotency::Idempotency};

pub use access::{Access, AccessTable};
pub use limits::Limiter;
pub use secret::Secret;

/// What the border needs to know; cheap to clone.
#[derive(Clone)]
pub struct Border {
    pub(crate) config: Arc<Config>,
    pub(crate) access: Arc<AccessTable>,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) limiter: Limiter,
    pub(crate) signer: UrlSigner,
    pub(crate) idempotency: Idempotency,
}

impl Border {
    #[must_use]
    pub fn new(
        config: &Config,
        document: &OpenApi,
        identity: Arc<dyn Identity>,
        signer: UrlSigner,
        idempotency: Idempotency,
    ) -> Self {
        Self {
            config: Arc::new(config.clone()),
            access: Arc::new(AccessTable::of(document)),
            identity,
            limiter: Limiter::new(&config.limits),
            signer,
            idempotency,
        }
    }

    /// Every route with what it asks.
    #[must_use]
    pub fn routes(&self) -> Vec<(Method, String, Access)> {
        self.access.rows()
    }

    /// Around the routes of the API. The last layer is the first that a request meets.
    pub fn around_api(&self, routes: Router) -> Router {
        routes
            .layer(from_fn_with_state(self.clone(), crate::idempotency::layer))
            .layer(from_fn(patience::layer))
            .layer(from_fn_with_state(self.clone(), limits::per_account))
            .layer(from_fn_with_state(self.clone(), access::layer))
            .layer(from_fn_with_state(self.clone(), authenticate::layer))
            .layer(from_fn_with_state(self.clone(), limits::per_address))
    }

    /// Around everything, inside of `observe`.
    pub fn around_all(&self, routes: Router) -> Router {
        let routes = match cors::layer(&self.config.cors_origins) {
            Some(cors) => routes.layer(cors),
            None => routes,
        };
        routes
            .layer(from_fn_with_state(hosts::Hosts::of(&self.config), hosts::layer))
            .layer(from_fn_with_state(Arc::clone(&self.config), client::layer))
    }
}

/// The guarded client as the settings want it.
#[must_use]
pub fn outgoing(config: &Config) -> Outgoing {
    Outgoing::new(sori_http::outgoing::Rules::private_if(config.allow_private_addresses))
}
