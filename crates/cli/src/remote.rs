//! A server somewhere else, as a command talks to it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use sori_contracts::UiLanguage;
use sori_http::{
    Outgoing,
    outgoing::{Answer, Rules},
};

use crate::{
    credentials::{Credential, Store},
    failure::Failure,
};

/// Renewed this long before the end, so that no request is refused on its way.
const EARLY_MS: i64 = 30_000;

/// A server and how we prove to it who we are.
pub(crate) struct Remote {
    http: Outgoing,
    /// Without a slash at its end.
    pub(crate) url: String,
    language: UiLanguage,
    proof: Proof,
}

enum Proof {
    None,
    /// A token or a key that is not stored.
    Given(String),
    /// What `sori login` keeps.
    Stored,
}

impl Remote {
    /// Nobody is signed in there yet.
    pub(crate) fn unknown(url: &str, language: UiLanguage) -> Result<Self, Failure> {
        Self::new(url, language, Proof::None)
    }

    /// The server that was asked for, or the one that was signed in to last. `SORI_API_KEY` wins
    /// over what is stored.
    pub(crate) fn signed_in(url: Option<&str>, language: UiLanguage) -> Result<Self, Failure> {
        let stored = Self::stored(url, language)?;
        Ok(match std::env::var("SORI_API_KEY") {
            Ok(key) if !key.is_empty() => Self { proof: Proof::Given(key), ..stored },
            _ => stored,
        })
    }

    /// With what is stored, whatever the environment says.
    pub(crate) fn stored(url: Option<&str>, language: UiLanguage) -> Result<Self, Failure> {
        let url = match url {
            Some(url) => url.to_owned(),
            None => Store::open()?.read()?.default.ok_or_else(not_signed_in)?,
        };
        Self::new(&url, language, Proof::Stored)
    }

    /// The same server with a credential that is not stored yet.
    pub(crate) fn known_by(&self, credential: &Credential) -> Self {
        let token = match credential {
            Credential::Session { access_token, .. } => access_token,
            Credential::ApiKey { api_key } => api_key,
        };
        Self {
            http: self.http.clone(),
            url: self.url.clone(),
            language: self.language,
            proof: Proof::Given(token.clone()),
        }
    }

    pub(crate) fn has_session(&self) -> Result<bool, Failure> {
        match Store::open()?.read()?.servers.get(&self.url) {
            None => Err(not_signed_in()),
            Some(credential) => Ok(matches!(credential, Credential::Session { .. })),
        }
    }

    fn new(url: &str, language: UiLanguage, proof: Proof) -> Result<Self, Failure> {
        let http = Outgoing::new(Rules::private_if(true));
        let url = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
        let parsed = http.check(&url)?;
        // A password or a token that goes over a network in the clear is everybody's.
        if parsed.scheme() == "http" && !is_this_machine(parsed.host_str().unwrap_or_default()) {
            return Err(Failure::Usage(format!("{url}: only https, except on this machine")));
        }
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), language, proof })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, None).await
    }

    /// Every item of a list that comes in pages.
    pub(crate) async fn all(&self, path: &str, query: &str) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}?{query}{cursor}")).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encoded(next)),
                None => return Ok(items),
            }
        }
    }

    /// A server without a public address answers with paths.
    pub(crate) fn link(&self, link: &str) -> String {
        if link.starts_with('/') { format!("{}{link}", self.url) } else { link.to_owned() }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let bearer = match &self.proof {
            Proof::None => None,
            Proof::Given(key) => Some(key.clone()),
            Proof::Stored => Some(self.kept().await?),
        };
        read(self.send(method, path, body, bearer.as_deref()).await?)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        bearer: Option<&str>,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, text: &str| -> Result<(), Failure> {
            let value = HeaderValue::from_str(text)
                .map_err(|_| Failure::Usage("this is no credential: it holds other letters".into()))?;
            headers.insert(name, value);
            Ok(())
        };
        add(header::ACCEPT, "application/json")?;
        add(header::ACCEPT_LANGUAGE, self.language.pick("en", "ko"))?;
        if body.is_some() {
            add(header::CONTENT_TYPE, "application/json")?;
        }
        if let Some(token) = bearer {
            add(header::AUTHORIZATION, &format!("Bearer {token}"))?;
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.http.send(method, &format!("{}{path}", self.url), headers, body).await;
        Ok(answer?)
    }

    /// The stored credential, renewed when it is about to end.
    async fn kept(&self) -> Result<String, Failure> {
        let store = Store::open()?;
        let mut all = store.read()?;
        match all.servers.get(&self.url).cloned() {
            None => Err(not_signed_in()),
            Some(Credential::ApiKey { api_key }) => Ok(api_key),
            Some(Credential::Session { access_token, expires_at_ms, .. })
                if now_ms() < expires_at_ms - EARLY_MS =>
            {
                Ok(access_token)
            }
            Some(Credential::Session { refresh_token, .. }) => {
                let body = json!({ "refresh_token": refresh_token });
                let answer = self.send(Method::POST, "/api/auth/refresh", Some(&body), None).await?;
                let renewed = session(&read(answer)?)?;
                let Credential::Session { access_token, .. } = &renewed else {
                    unreachable!("it is a session")
                };
                let token = access_token.clone();
                all.servers.insert(self.url.clone(), renewed);
                store.write(&all)?;
                Ok(token)
            }
        }
    }
}

/// What a server answers to a sign-in or a renewal.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: i64,
}

pub(crate) fn session(answer: &Value) -> Result<Credential, Failure> {
    let tokens = Tokens::deserialize(answer)
        .map_err(|error| Failure::Other(format!("the server's answer is not understood: {error}")))?;
    Ok(Credential::Session {
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        expires_at_ms: now_ms() + tokens.expires_in * 1_000,
    })
}

/// JSON, or what the server says is wrong.
fn read(answer: Answer) -> Result<Value, Failure> {
    let value: Option<Value> = answer.json().ok();
    if answer.status.is_success() {
        let is_empty = answer.body.is_empty();
        return match value {
            Some(value) => Ok(value),
            None if is_empty => Ok(Value::Null),
            None => Err(Failure::Other("this is no Sori server: its answer is not JSON".into())),
        };
    }
    let error = value.as_ref().map(|value| &value["error"]);
    let text = |name: &str| error.and_then(|error| error[name].as_str()).map(str::to_owned);
    match (text("code"), text("message")) {
        (Some(code), Some(message)) => {
            Err(Failure::Answered { status: answer.status.as_u16(), code, message })
        }
        _ => Err(Failure::Other(format!("the server answered {}", answer.status))),
    }
}

fn not_signed_in() -> Failure {
    Failure::Answered {
        status: StatusCode::UNAUTHORIZED.as_u16(),
        code: "NOT_SIGNED_IN".into(),
        message: "nobody is signed in there: run `sori login --server URL` first".into(),
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// For a query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

pub(crate) fn now_ms() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
