//! Requests to addresses that somebody else named: webhooks, keys of an issuer, source URLs, engines.
//!
//! A name is resolved once for each connection, every address it has is checked, and the
//! connection goes to one of those and to no other: an answer of the DNS that changes afterwards
//! changes nothing. Redirects are not followed, since they would name a new address unasked.
//! Proxies of the environment are not used, because they would do the resolving.

pub mod address;

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use axum::http::{HeaderMap, Method, StatusCode};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use sori_contracts::{Fault, Kind, UiLanguage};

use self::address::{Reach, reach};

/// What the guarded client allows. The default is the strict one.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Loopback and private networks may be asked. Cloud metadata never may.
    pub allow_private: bool,
    /// `http://` as well as `https://`.
    pub allow_http: bool,
    /// For the whole exchange, from the name to the last byte.
    pub timeout: Duration,
    pub max_body_bytes: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            allow_private: false,
            allow_http: false,
            timeout: Duration::from_secs(10),
            max_body_bytes: 1 << 20,
        }
    }
}

impl Rules {
    /// Plain HTTP is for neighbours: who allows their addresses allows it as well.
    #[must_use]
    pub fn private_if(allowed: bool) -> Self {
        Self { allow_private: allowed, allow_http: allowed, ..Self::default() }
    }
}

/// The guarded client. Cheap to clone; connections are shared.
#[derive(Clone, Debug)]
pub struct Outgoing {
    client: Client,
    rules: Arc<Rules>,
}

/// What came back. Any status is an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// Turns names into addresses. The system's resolver, or a test's.
pub trait Names: Send + Sync + 'static {
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;
}

struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

impl Outgoing {
    /// # Panics
    /// Never for want of anything a machine may lack: without root certificates `https` is refused
    /// by the handshake, and plain requests still work.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::with_names(rules, SystemNames)
    }

    /// The same with another way to resolve names.
    #[must_use]
    pub fn with_names(rules: Rules, names: impl Names) -> Self {
        let guard = Guard { names: Arc::new(names), allow_private: rules.allow_private };
        let builder = || {
            Client::builder()
                .no_proxy()
                .redirect(redirect::Policy::none())
                .timeout(rules.timeout)
                .connect_timeout(rules.timeout)
                .pool_max_idle_per_host(2)
                .user_agent(concat!("sori/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(guard.clone())
        };
        let client = builder().build().or_else(|error| {
            tracing::warn!(%error, "no root certificates (apt-get install ca-certificates): https is not possible");
            builder().tls_certs_only([]).build()
        });
        Self { client: client.expect("a client without certificates needs nothing"), rules: Arc::new(rules) }
    }

    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub async fn get(&self, url: &str) -> Result<Answer, OutgoingFault> {
        self.send(Method::GET, url, HeaderMap::new(), Vec::new()).await
    }

    /// Sends `body` as it is; its type belongs into `headers`.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, OutgoingFault> {
        let url = self.check(url)?;
        let request = self.client.request(method, url).headers(headers).body(body);
        // The client's own time-out ends the exchange; this one also ends whatever it does not count.
        match tokio::time::timeout(self.rules.timeout, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(OutgoingFault::TimedOut),
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, OutgoingFault> {
        let mut response = request.send().await.map_err(sort)?;
        let limit = self.rules.max_body_bytes;
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(OutgoingFault::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(sort)? {
            if body.len() + chunk.len() > limit {
                return Err(OutgoingFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
    }

    /// Whether an address may be asked at all, as far as its text tells; for settings and forms that
    /// want to say so at once. A name is resolved, and checked again, when it is used.
    pub fn check(&self, url: &str) -> Result<Url, OutgoingFault> {
        let url = Url::parse(url).map_err(|_| OutgoingFault::BadUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.rules.allow_http => {}
            _ => return Err(OutgoingFault::SchemeForbidden),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutgoingFault::BadUrl);
        }
        // A number never reaches the resolver. The parser has read 0x7f.1 and 2130706433 as what
        // they are.
        let host = url.host_str().ok_or(OutgoingFault::BadUrl)?;
        let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = literal.parse::<IpAddr>()
            && !is_allowed(address, self.rules.allow_private)
        {
            return Err(OutgoingFault::AddressForbidden);
        }
        Ok(url)
    }
}

fn is_allowed(address: IpAddr, allow_private: bool) -> bool {
    match reach(address) {
        Reach::Public => true,
        Reach::Private => allow_private,
        Reach::Never => false,
    }
}

/// Asked by the client for each connection to a name.
#[derive(Clone)]
struct Guard {
    names: Arc<dyn Names>,
    allow_private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.names.addresses(name.as_str().to_owned()).await.map_err(|_| UnknownName)?;
            if addresses.is_empty() {
                return Err(UnknownName.into());
            }
            // One bad address among good ones is somebody trying their luck.
            if !addresses.iter().all(|address| is_allowed(*address, guard.allow_private)) {
                return Err(ForbiddenAddress.into());
            }
            let checked: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(checked)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that must not be asked")]
struct ForbiddenAddress;

#[derive(Debug, thiserror::Error)]
#[error("the name is not known")]
struct UnknownName;

fn sort(error: reqwest::Error) -> OutgoingFault {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<ForbiddenAddress>() {
            return OutgoingFault::AddressForbidden;
        }
        if inner.is::<UnknownName>() {
            return OutgoingFault::UnknownName;
        }
        cause = inner.source();
    }
    if error.is_timeout() { OutgoingFault::TimedOut } else { OutgoingFault::Unreachable(error.without_url()) }
}

#[derive(Debug, thiserror::Error)]
pub enum OutgoingFault {
    #[error("not a web address")]
    BadUrl,
    #[error("only https addresses are asked")]
    SchemeForbidden,
    #[error("the address lies in a network that must not be asked")]
    AddressForbidden,
    #[error("the name of the other server is not known")]
    UnknownName,
    #[error("the other server took too long")]
    TimedOut,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the other server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
}

impl Fault for OutgoingFault {
    fn kind(&self) -> Kind {
        match self {
            Self::BadUrl | Self::SchemeForbidden | Self::AddressForbidden => Kind::Invalid,
            Self::UnknownName | Self::TimedOut | Self::TooLarge | Self::Unreachable(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadUrl => "URL_INVALID",
            Self::SchemeForbidden => "URL_SCHEME_FORBIDDEN",
            Self::AddressForbidden => "URL_ADDRESS_FORBIDDEN",
            Self::UnknownName => "REMOTE_NAME_UNKNOWN",
            Self::TimedOut => "REMOTE_TIMED_OUT",
            Self::TooLarge => "REMOTE_ANSWER_TOO_LARGE",
            Self::Unreachable(_) => "REMOTE_UNREACHABLE",
        }
    }

    fn message(&self, language: UiLanguage) -> String {
        let (en, ko) = match self {
            Self::BadUrl => ("This is not a web address.", "올바른 웹 주소가 아닙니다."),
            Self::SchemeForbidden => {
                ("The address must begin with https.", "주소는 https로 시작해야 합니다.")
            }
            Self::AddressForbidden => (
                "This address lies in a network that the server does not ask.",
                "서버가 접근할 수 없는 네트워크의 주소입니다.",
            ),
            Self::UnknownName => {
                ("The other server's name is not known.", "상대 서버의 이름을 찾을 수 없습니다.")
            }
            Self::TimedOut => ("The other server took too long.", "상대 서버의 응답이 너무 늦습니다."),
            Self::TooLarge => ("The other server's answer is too large.", "상대 서버의 응답이 너무 큽니다."),
            Self::Unreachable(_) => {
                ("The other server cannot be reached.", "상대 서버에 연결할 수 없습니다.")
            }
        };
        language.pick(en, ko).to_owned()
    }
}

#[cfg(test)]
mod tests;
