//! A real OpenID Connect provider in a process of its own, and a browser that walks through its pages.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use reqwest::{Client, StatusCode, Url, header, redirect};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// Ends with the test.
pub(crate) struct TestProvider {
    child: Child,
    pub(crate) issuer: String,
    control: String,
}

impl TestProvider {
    /// `settings` are those of `provider.mjs`: the clients and the people.
    pub(crate) async fn start(settings: &Value) -> Self {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the root of the repository");
        let folder = root.join("crates/auth/tests/oidc-provider");
        assert!(
            folder.join("node_modules/oidc-provider").exists(),
            "the provider is not installed: run `make setup-test`"
        );
        let mut child = Command::new(root.join("scripts/node.sh"))
            .arg("node")
            .arg(folder.join("provider.mjs"))
            .arg(settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || BufReader::new(stdout).lines().next());
        let line = line.await.unwrap().expect("the provider says where it is").unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Self { child, issuer: text("issuer"), control: text("control") }
    }

    /// One for all tests that leave it as it is. It ends with the process, when its input does.
    pub(crate) async fn shared() -> Arc<Self> {
        static SHARED: OnceCell<Arc<TestProvider>> = OnceCell::const_new();
        let start = async || Arc::new(Self::start(&json!({"clients": clients(), "people": people()})).await);
        Arc::clone(SHARED.get_or_init(start).await)
    }

    /// Changes the provider: `people`, `down`, `turn_keys` (`"keep"` the old ones or `"drop"` them),
    /// `cacheControl`, `idTokenSeconds`.
    pub(crate) async fn change(&self, changes: &Value) {
        self.ask(changes).await;
    }

    /// How often a path was asked for.
    pub(crate) async fn asked(&self, path: &str) -> u64 {
        self.ask(&json!({})).await["asked"][path].as_u64().unwrap_or(0)
    }

    async fn ask(&self, changes: &Value) -> Value {
        let answer = client().post(&self.control).json(changes).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// What an app gets by a code flow of its own.
    pub(crate) async fn tokens(&self, client_id: &str, login: &str, more: &[(&str, &str)]) -> Value {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let path = match client_id {
            "sori" => "/api/auth/providers/google/callback",
            _ => "/app",
        };
        let redirect_uri = format!("http://127.0.0.1:9{path}");
        let issuer = &self.issuer;
        let mut url = Url::parse(&format!("{issuer}/auth")).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", &redirect_uri),
            ("scope", "openid email profile"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]);
        url.query_pairs_mut().extend_pairs(more);
        let back = Browser::new().pass_provider(url.as_str(), login).await;
        let code = parameter(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let mut form = Url::parse("http://x/").unwrap();
        form.query_pairs_mut().extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
        ]);
        let resource = more.iter().find(|(name, _)| *name == "resource");
        form.query_pairs_mut().extend_pairs(resource);
        // The secret has letters that the header must encode first.
        let coded: String =
            Url::parse_with_params("http://x/", [("", SECRET)]).unwrap().query().unwrap()[1..].into();
        let answer = client()
            .post(format!("{issuer}/token"))
            .basic_auth(client_id, Some(coded))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.query().unwrap().to_owned())
            .send()
            .await
            .unwrap();
        let tokens: Value = answer.json().await.unwrap();
        assert!(tokens["id_token"].is_string(), "{tokens}");
        tokens
    }

    /// The public keys as the provider shows them.
    pub(crate) async fn keys(&self) -> Value {
        client().get(format!("{}/jwks", self.issuer)).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for TestProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap()
}

/// Cookies of each origin, and no redirects followed unseen.
pub(crate) struct Browser {
    client: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    /// The `Set-Cookie` lines.
    pub(crate) set_cookies: Vec<String>,
    pub(crate) body: String,
}

impl Seen {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { client: client(), cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Seen {
        self.send(self.client.get(url), url).await
    }

    pub(crate) async fn post_json(&mut self, url: &str, body: &Value) -> Seen {
        self.send(self.client.post(url).json(body), url).await
    }

    pub(crate) async fn delete(&mut self, url: &str) -> Seen {
        self.send(self.client.delete(url), url).await
    }

    /// The names of the cookies that the browser has for a site.
    pub(crate) fn names(&self, url: &str) -> Vec<String> {
        self.cookies.get(&origin(url)).map(|jar| jar.keys().cloned().collect()).unwrap_or_default()
    }

    /// Puts a cookie where an attacker, or another browser, would.
    pub(crate) fn set_cookie(&mut self, url: &str, name: &str, value: &str) {
        self.cookies.entry(origin(url)).or_default().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) async fn send(&mut self, request: reqwest::RequestBuilder, url: &str) -> Seen {
        let jar = self.cookies.entry(origin(url)).or_default();
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request;
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(token) = jar.get("sori_csrf") {
            request = request.header("x-csrf-token", token);
        }
        let answer = request.send().await.unwrap();
        let text = |value: &header::HeaderValue| value.to_str().unwrap().to_owned();
        let set_cookies: Vec<_> = answer.headers().get_all(header::SET_COOKIE).iter().map(text).collect();
        for line in &set_cookies {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let is_gone = rest.contains("Max-Age=0") || rest.contains("expires=Thu, 01 Jan 1970");
            if is_gone {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = answer.headers().get(header::LOCATION).map(text);
        let location = location.map(|to| Url::parse(url).unwrap().join(&to).unwrap().to_string());
        Seen { status: answer.status(), location, set_cookies, body: answer.text().await.unwrap() }
    }

    /// Signs in at the provider and agrees; the address that the provider sends the browser back to.
    pub(crate) async fn pass_provider(&mut self, authorization_url: &str, login: &str) -> String {
        let mut url = authorization_url.to_owned();
        let home = origin(authorization_url);
        let mut seen = self.get(&url).await;
        for _ in 0..12 {
            if let Some(location) = seen.location {
                if origin(&location) != home {
                    return location;
                }
                url = location;
                seen = self.get(&url).await;
                continue;
            }
            assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
            let action = between(&seen.body, "action=\"", "\"").expect("a form").to_owned();
            let prompt = between(&seen.body, "name=\"prompt\" value=\"", "\"").expect("a prompt").to_owned();
            let form = format!("prompt={prompt}&login={login}&password=x");
            let request = self
                .client
                .post(&action)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form);
            url = action;
            seen = self.send(request, &url).await;
        }
        panic!("the provider does not come to an end: {url}");
    }
}

fn origin(url: &str) -> String {
    Url::parse(url).unwrap().origin().ascii_serialization()
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Letters that the header of RFC 6749 has to encode.
pub(crate) const SECRET: &str = "c+l/i:e%n t-secret-secret-secret";

/// Clients of the provider: this server's, another one's, and one that signs with an elliptic curve.
pub(crate) fn clients() -> Value {
    let client = |id: &str, path: &str, more: Value| {
        let mut client = json!({
            // A native client may come from any port of the loopback address.
            "client_id": id, "client_secret": SECRET, "application_type": "native",
            "redirect_uris": [format!("http://127.0.0.1{path}")],
            "grant_types": ["authorization_code"], "response_types": ["code"],
        });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    };
    json!([
        client("sori", "/api/auth/providers/google/callback", json!({})),
        client(
            "sori-post",
            "/api/auth/providers/post/callback",
            json!({"token_endpoint_auth_method": "client_secret_post"})
        ),
        client("sori-app", "/app", json!({})),
        client("sori-ec", "/app", json!({"id_token_signed_response_alg": "ES256"})),
        client("sori-pss", "/app", json!({"id_token_signed_response_alg": "PS256"})),
        client("sori-hs", "/app", json!({"id_token_signed_response_alg": "HS256"})),
        client("other", "/app", json!({})),
    ])
}

pub(crate) fn people() -> Value {
    json!({
        "mina": {"email": "mina@example.org", "email_verified": true, "name": "Mina", "locale": "ko-KR"},
        "jun": {"email": "jun@example.org", "email_verified": true, "name": "Jun"},
        "unproved": {"email": "mina@example.org", "email_verified": false, "name": "Mallory"},
        "nobody": {"name": "No e-mail"},
    })
}
