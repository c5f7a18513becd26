//! Which issuers this server knows, as the settings name them.

use std::fmt;

use serde::{Deserialize, Serialize};

pub const GOOGLE_ISSUER: &str = "https://accounts.google.com";
/// The name of Google in addresses and lists.
pub const GOOGLE_ID: &str = "google";

/// Everything about issuers. Empty by default: nobody is trusted.
#[derive(Clone, Debug, Default)]
pub struct OidcSettings {
    /// Google first, when there is one.
    pub providers: Vec<Provider>,
    pub trusted: Vec<TrustedIssuer>,
}

/// A provider that people sign in with: `[[oidc]]` in the settings, or Google.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// In addresses: letters, digits, `-` and `_`.
    pub id: String,
    /// On the button.
    #[serde(default)]
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// None for a public client; PKCE is used in any case.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Client ids of apps whose ID tokens are taken as well, such as an Android app's.
    #[serde(default)]
    pub other_client_ids: Vec<String>,
    /// Whether a verified e-mail of this provider proves that an existing account with the same
    /// e-mail is the same person's. Only for a provider that itself makes sure of it.
    #[serde(default)]
    pub trusts_email: bool,
    /// Google Workspace: accounts of this domain only.
    #[serde(default)]
    pub hosted_domain: Option<String>,
}

/// An issuer whose bearer tokens are taken as they are: `[[trusted_issuers]]` in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    pub issuer: String,
    /// What must be among the token's audiences.
    pub audience: String,
    /// Its key set; asked of the issuer's discovery document when left out.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// See [`Provider::trusts_email`].
    #[serde(default)]
    pub trusts_email: bool,
}

impl Provider {
    /// Google verifies the e-mail of every account.
    #[must_use]
    pub fn google(client_id: String, client_secret: Option<String>, issuer: Option<String>) -> Self {
        Self {
            id: GOOGLE_ID.into(),
            name: "Google".into(),
            issuer: issuer.unwrap_or_else(|| GOOGLE_ISSUER.into()),
            client_id,
            client_secret,
            other_client_ids: Vec::new(),
            trusts_email: true,
            hosted_domain: None,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    pub(super) fn client_ids(&self) -> Vec<String> {
        std::iter::once(&self.client_id).chain(&self.other_client_ids).cloned().collect()
    }
}

impl OidcSettings {
    /// What cannot work is said at the start.
    pub fn check(&self) -> Result<(), &'static str> {
        let is_id = |id: &str| {
            (1..=32).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        for (place, provider) in self.providers.iter().enumerate() {
            if !is_id(&provider.id) {
                return Err("the id of a sign-in provider has letters, digits, - and _ only");
            }
            if self.providers[..place].iter().any(|other| other.id == provider.id) {
                return Err("two sign-in providers have the same id");
            }
            if provider.client_id.is_empty() {
                return Err("a sign-in provider needs a client_id");
            }
        }
        if self.trusted.iter().any(|trusted| trusted.audience.is_empty()) {
            return Err("a trusted issuer needs an audience");
        }
        let issuers = self.providers.iter().map(|provider| &provider.issuer);
        if !issuers.chain(self.trusted.iter().map(|trusted| &trusted.issuer)).all(is_web) {
            return Err("an issuer begins with https:// (or http:// in a private network)");
        }
        if !self.trusted.iter().filter_map(|trusted| trusted.jwks_url.as_ref()).all(is_web) {
            return Err("jwks_url begins with https:// (or http:// in a private network)");
        }
        Ok(())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.id)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret.as_ref().map(|_| "(hidden)"))
            .field("trusts_email", &self.trusts_email)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn google() -> Provider {
        Provider::google("123.apps.example".into(), Some("GOCSPX-secret".into()), None)
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = OidcSettings { providers: vec![google()], trusted: Vec::new() };
        let shown = format!("{settings:?}");
        assert!(shown.contains("123.apps.example") && !shown.contains("GOCSPX"), "{shown}");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let check = |provider: Provider| {
            OidcSettings { providers: vec![google(), provider], trusted: Vec::new() }.check()
        };
        assert_eq!(check(Provider { id: "school".into(), ..google() }), Ok(()));
        assert!(check(google()).is_err());
        for id in ["", "a/b", "학교", &"x".repeat(33)] {
            assert!(check(Provider { id: id.into(), ..google() }).is_err(), "{id}");
        }
        assert!(check(Provider { id: "a".into(), client_id: String::new(), ..google() }).is_err());
        assert!(check(Provider { id: "a".into(), issuer: "id.example".into(), ..google() }).is_err());
        let trusted = TrustedIssuer {
            issuer: "https://x.supabase.co/auth/v1".into(),
            audience: "authenticated".into(),
            jwks_url: None,
            trusts_email: false,
        };
        let check = |trusted| OidcSettings { providers: Vec::new(), trusted: vec![trusted] }.check();
        assert_eq!(check(trusted.clone()), Ok(()));
        assert!(check(TrustedIssuer { audience: String::new(), ..trusted.clone() }).is_err());
        assert!(check(TrustedIssuer { jwks_url: Some("/keys".into()), ..trusted }).is_err());
    }
}
