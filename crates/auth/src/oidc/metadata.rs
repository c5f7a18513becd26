//! What a provider says about itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;

use super::jwk::Algorithm;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207: the answer at the redirect address names its issuer.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// How this server proves to the provider that it is the client (OpenID Connect Core 1.0, 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientProof {
    Basic,
    Post,
}

impl Metadata {
    pub(super) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// `issuer` with the well-known path after it, whatever path it has itself.
    pub(super) fn address(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    pub(super) fn announces(&self, algorithm: Algorithm) -> bool {
        self.id_token_signing_alg_values_supported.iter().any(|name| name == algorithm.as_str())
    }

    pub(super) fn client_proof(&self) -> ClientProof {
        let offers = |method: &str| {
            self.token_endpoint_auth_methods_supported
                .as_ref()
                .is_some_and(|methods| methods.iter().any(|name| name == method))
        };
        // Without the list it is the header.
        if offers("client_secret_post") && !offers("client_secret_basic") {
            ClientProof::Post
        } else {
            ClientProof::Basic
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(methods: &str) -> Metadata {
        let text = format!(
            r#"{{"issuer": "https://id.example", "jwks_uri": "https://id.example/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"], "claims_supported": ["sub"]
                {methods}}}"#
        );
        Metadata::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_is_announced_and_understood_counts() {
        let metadata = read("");
        assert!(metadata.announces(Algorithm::Rs256));
        assert!(!metadata.announces(Algorithm::Es256));
    }

    #[test]
    fn the_client_proves_itself_by_the_header_unless_only_the_form_is_taken() {
        let proof = |methods: &str| {
            read(&format!(r#", "token_endpoint_auth_methods_supported": {methods}"#)).client_proof()
        };
        assert_eq!(read("").client_proof(), ClientProof::Basic);
        assert_eq!(proof(r#"["client_secret_post", "client_secret_basic"]"#), ClientProof::Basic);
        assert_eq!(proof(r#"["client_secret_post", "private_key_jwt"]"#), ClientProof::Post);
    }

    #[test]
    fn the_well_known_path_follows_the_issuer() {
        for issuer in ["https://id.example/realms/a", "https://id.example/realms/a/"] {
            let expected = "https://id.example/realms/a/.well-known/openid-configuration";
            assert_eq!(Metadata::address(issuer), expected);
        }
    }
}
