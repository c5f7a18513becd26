//! Sign-in through a real OpenID Connect provider that the tests start: panva's oidc-provider.

#[path = "oidc/provider.rs"]
mod provider;
#[path = "oidc/sign_in.rs"]
mod sign_in;
#[path = "oidc/tokens.rs"]
mod tokens;
