//! The authorization code flow (OpenID Connect Core 1.0, 3.1) with PKCE (RFC 7636, S256).
//!
//! A browser that goes to the provider takes a secret along in a cookie. The database knows only
//! hashes of the secret and of the state; the nonce and the PKCE verifier are derived from the
//! secret. So an answer is good once, within ten minutes, and in the browser that began, and who
//! can read the database or the address bar cannot finish what somebody else began.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use sori_contracts::AccountId;
use sori_db::Db;
use uuid::Uuid;

use super::{
    OpenIdProvider, Person,
    claims::{Expected, Profile, check_id_token},
    fault::OidcFault,
    metadata::{ClientProof, Metadata},
    return_to::same_site,
};
use crate::random;

/// How long a person may take at the provider.
const LIFETIME_MS: i64 = 600_000;
/// Flows under way at once. Each is a row of some 400 bytes, made by anybody who asks.
const MAX_UNDER_WAY: i64 = 20_000;
const COOKIE_PREFIX: &str = "sori_oidc_";
/// A code or a state longer than this is nobody's.
const MAX_PARAMETER_CHARS: usize = 2_048;

/// A flow that has begun: where the browser goes, and what it takes along.
#[derive(Debug)]
pub struct Begun {
    pub location: String,
    /// One for each flow, so that two tabs do not disturb each other.
    pub cookie_name: String,
    pub cookie_value: String,
}

/// What the provider sends the browser back with.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Answered {
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub code: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    pub error: Option<String>,
    /// The issuer that answers (RFC 9207).
    #[serde(default)]
    pub iss: Option<String>,
}

/// A flow that came to its end: who the person is, and what they wanted.
#[derive(Debug)]
pub struct Finished {
    pub person: Person,
    pub return_to: String,
    /// The account that the identity shall be connected with.
    pub connect: Option<AccountId>,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    browser_sha256: Vec<u8>,
    redirect_uri: String,
    return_to: String,
    connect_account_id: Option<Uuid>,
    expires_at_ms: i64,
}

/// The name of the cookie that belongs to a state.
#[must_use]
pub fn cookie_name(state: &str) -> String {
    let short: String = state.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("{COOKIE_PREFIX}{short}")
}

pub(super) async fn begin(
    db: &Db,
    provider: &OpenIdProvider,
    redirect_uri: &str,
    return_to: Option<&str>,
    connect: Option<AccountId>,
    now_ms: i64,
) -> Result<Begun, OidcFault> {
    let metadata = provider.issuer.metadata(now_ms).await?;
    let (state, secret) = (secret(), secret());
    let mut location = metadata
        .authorization_endpoint
        .as_deref()
        .and_then(|url| reqwest::Url::parse(url).ok())
        .filter(|url| ["https", "http"].contains(&url.scheme()))
        .ok_or(OidcFault::ProviderUnavailable)?;
    location
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", "openid email profile")
        .append_pair("state", &state)
        .append_pair("nonce", &derived(&secret, "nonce"))
        .append_pair("code_challenge", &encoded(&sha256(&derived(&secret, "verifier"))))
        .append_pair("code_challenge_method", "S256");
    if let Some(domain) = &provider.settings.hosted_domain {
        location.query_pairs_mut().append_pair("hd", domain);
    }
    forget_expired(db, now_ms).await?;
    let added = db
        .query(
            "INSERT INTO auth_oidc_state
                (state_sha256, provider, browser_sha256, redirect_uri, return_to, connect_account_id, expires_at_ms)
             SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM auth_oidc_state) < $8",
        )
        .bind(sha256(&state))
        .bind(provider.settings.id.as_str())
        .bind(sha256(&secret))
        .bind(redirect_uri)
        .bind(same_site(return_to))
        .bind(connect)
        .bind(now_ms + LIFETIME_MS)
        .bind(MAX_UNDER_WAY)
        .execute()
        .await?;
    if added == 0 {
        return Err(OidcFault::TooManyStates);
    }
    Ok(Begun { location: location.into(), cookie_name: cookie_name(&state), cookie_value: secret })
}

/// `cookie` is what the browser sent under [`cookie_name`].
pub(super) async fn finish(
    db: &Db,
    provider: &OpenIdProvider,
    answered: &Answered,
    cookie: Option<&str>,
    now_ms: i64,
) -> Result<Finished, OidcFault> {
    let known = |text: &Option<String>| text.clone().filter(|text| text.len() <= MAX_PARAMETER_CHARS);
    let state = known(&answered.state).ok_or(OidcFault::UnknownState)?;
    let row = take(db, &provider.settings.id, &state).await?.ok_or(OidcFault::UnknownState)?;
    let secret = cookie.filter(|secret| sha256(secret) == row.browser_sha256);
    let secret = secret.filter(|_| now_ms < row.expires_at_ms).ok_or(OidcFault::UnknownState)?;
    let metadata = provider.issuer.metadata(now_ms).await?;
    check_answerer(&metadata, answered)?;
    if let Some(error) = &answered.error {
        return Err(OidcFault::Refused(error.chars().filter(char::is_ascii_graphic).take(64).collect()));
    }
    let code = known(&answered.code).ok_or(OidcFault::UnknownState)?;
    let tokens = exchange(provider, &metadata, &code, &row.redirect_uri, secret).await?;
    let claims = provider.issuer.verify(&tokens.id_token, now_ms).await?;
    let nonce = derived(secret, "nonce");
    check_id_token(
        &claims,
        &Expected {
            issuer: &provider.issuer.name,
            // Only this server's own: the token was given to it just now.
            client_ids: std::slice::from_ref(&provider.settings.client_id),
            nonce: Some(&nonce),
            hosted_domain: provider.settings.hosted_domain.as_deref(),
        },
        now_ms,
    )?;
    let mut person = provider.person(claims.sub, claims.profile);
    if person.profile.email.is_none() {
        complete(provider, &metadata, &tokens, &mut person).await?;
    }
    let connect = row.connect_account_id.map(AccountId);
    Ok(Finished { person, return_to: row.return_to, connect })
}

/// An answer is looked at once, whatever comes of it.
async fn take(db: &Db, provider: &str, state: &str) -> Result<Option<StateRow>, OidcFault> {
    let row = db
        .query(
            "DELETE FROM auth_oidc_state WHERE state_sha256 = $1 AND provider = $2
             RETURNING browser_sha256, redirect_uri, return_to, connect_account_id, expires_at_ms",
        )
        .bind(sha256(state))
        .bind(provider)
        .fetch_optional()
        .await?;
    Ok(row)
}

async fn forget_expired(db: &Db, now_ms: i64) -> Result<(), OidcFault> {
    db.query("DELETE FROM auth_oidc_state WHERE expires_at_ms <= $1").bind(now_ms).execute().await?;
    Ok(())
}

/// RFC 9207, 2.4: an answer that names another issuer was mixed up on its way, and a provider that
/// always names itself does so here.
fn check_answerer(metadata: &Metadata, answered: &Answered) -> Result<(), OidcFault> {
    match &answered.iss {
        Some(issuer) if *issuer != metadata.issuer => Err(OidcFault::UnknownState),
        None if metadata.authorization_response_iss_parameter_supported => Err(OidcFault::UnknownState),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: Option<String>,
}

async fn exchange(
    provider: &OpenIdProvider,
    metadata: &Metadata,
    code: &str,
    redirect_uri: &str,
    secret: &str,
) -> Result<Tokens, OidcFault> {
    let endpoint = metadata.token_endpoint.as_deref().ok_or(OidcFault::ProviderUnavailable)?;
    let verifier = derived(secret, "verifier");
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", &verifier),
    ];
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let client_id = provider.settings.client_id.as_str();
    match (&provider.settings.client_secret, metadata.client_proof()) {
        (Some(client_secret), ClientProof::Basic) => {
            headers.insert(header::AUTHORIZATION, basic(client_id, client_secret));
        }
        (Some(client_secret), ClientProof::Post) => {
            form.extend([("client_id", client_id), ("client_secret", client_secret)]);
        }
        (None, _) => form.push(("client_id", client_id)),
    }
    let answer = provider.http.send(Method::POST, endpoint, headers, urlencoded(&form).into_bytes()).await;
    let answer = answer.map_err(|fault| {
        tracing::warn!(provider = provider.settings.id, %fault, "the provider gave no tokens");
        OidcFault::ProviderUnavailable
    })?;
    if answer.status.is_client_error() {
        // A code that was used, was made for another client, or is too old.
        let error: Result<TokenError, _> = answer.json();
        let error = error.map_or_else(|_| "unknown".into(), |told| told.error);
        tracing::warn!(provider = provider.settings.id, error, "the provider refused the code");
        return Err(OidcFault::Refused(error));
    }
    let tokens = answer.status.is_success().then(|| answer.json().ok()).flatten();
    tokens.ok_or(OidcFault::ProviderUnavailable)
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

/// Providers may keep the e-mail out of the ID token and tell it at the userinfo endpoint (Core 1.0, 5.4).
async fn complete(
    provider: &OpenIdProvider,
    metadata: &Metadata,
    tokens: &Tokens,
    person: &mut Person,
) -> Result<(), OidcFault> {
    #[derive(Deserialize)]
    struct UserInfo {
        sub: String,
        #[serde(flatten)]
        profile: Profile,
    }
    let (Some(endpoint), Some(token)) = (&metadata.userinfo_endpoint, &tokens.access_token) else {
        return Ok(());
    };
    let Ok(bearer) = HeaderValue::try_from(format!("Bearer {token}")) else { return Ok(()) };
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
    let answer = provider.http.send(Method::GET, endpoint, headers, Vec::new()).await;
    let info: Option<UserInfo> = answer.ok().filter(|a| a.status.is_success()).and_then(|a| a.json().ok());
    let info = info.ok_or(OidcFault::ProviderUnavailable)?;
    // Core 1.0, 5.3.2: otherwise somebody else's profile could be slipped in.
    if info.sub == person.subject {
        person.profile = info.profile;
    }
    Ok(())
}

/// RFC 6749, 2.3.1: both parts are form-encoded before they are put together.
fn basic(client_id: &str, client_secret: &str) -> HeaderValue {
    let coded = |text: &str| urlencoded(&[("", text)]).split_off(1);
    let pair = format!("{}:{}", coded(client_id), coded(client_secret));
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(text).expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

fn urlencoded(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form/").expect("a constant");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// 256 bits, as 43 letters that may stand anywhere in an address.
fn secret() -> String {
    encoded(&random::bytes::<32>())
}

fn derived(secret: &str, purpose: &str) -> String {
    encoded(&random::mac(secret.as_bytes(), &[purpose.as_bytes()]))
}

pub(super) fn sha256(text: &str) -> Vec<u8> {
    random::sha256(text.as_bytes()).to_vec()
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_as_forms() {
        assert_eq!(urlencoded(&[("a", "1 +&="), ("b", "소리")]), "a=1+%2B%26%3D&b=%EC%86%8C%EB%A6%AC");
    }

    #[test]
    fn the_client_proves_itself_with_encoded_parts() {
        // RFC 6749, 2.3.1 and its errata: a colon in the id must not end it.
        let text = basic("a:b", "c d/é");
        let pair = format!("Basic {}", STANDARD.encode("a%3Ab:c+d%2F%C3%A9"));
        assert_eq!(text, pair.as_str());
    }

    #[test]
    fn what_is_derived_from_a_secret_tells_nothing_of_the_rest() {
        let secret = secret();
        let verifier = derived(&secret, "verifier");
        assert_ne!(verifier, derived(&secret, "nonce"));
        assert_eq!(verifier, derived(&secret, "verifier"));
        // RFC 7636, 4.1: 43 to 128 letters.
        assert_eq!(verifier.len(), 43);
    }

    #[test]
    fn a_cookie_name_holds_nothing_but_letters() {
        assert_eq!(cookie_name("ab;=\r\n-_cd"), "sori_oidc_abcd");
    }

    #[test]
    fn an_answer_of_another_issuer_is_not_taken() {
        let read = |more: &str| {
            let text =
                format!(r#"{{"issuer": "https://id.example", "jwks_uri": "https://id.example/k"{more}}}"#);
            Metadata::read(text.as_bytes()).unwrap()
        };
        let says = |iss: Option<&str>| Answered { iss: iss.map(str::to_owned), ..Answered::default() };
        let always = r#", "authorization_response_iss_parameter_supported": true"#;
        for (more, iss, is_taken) in [
            ("", None, true),
            ("", Some("https://id.example"), true),
            ("", Some("https://evil.example"), false),
            (always, None, false),
            (always, Some("https://id.example"), true),
        ] {
            assert_eq!(check_answerer(&read(more), &says(iss)).is_ok(), is_taken, "{more} {iss:?}");
        }
    }
}
