//! Whether a request was meant for this server, and whether a browser sends a change on behalf of
//! another site.
//!
//! A page of another site can make a browser send requests here under its own name, by letting that
//! name lead to this address (DNS rebinding). So only names are answered that are known to be ours.
//! A number cannot be rebound; away from loopback it is answered as well.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sori_http::{AccessFault, Problem, RequestFault};

use crate::config::Config;

#[derive(Clone, Debug)]
pub(super) struct Hosts(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    names: BTreeSet<String>,
    any_name: bool,
    any_number: bool,
    origins: BTreeSet<String>,
    any_origin: bool,
}

impl Hosts {
    pub(super) fn of(config: &Config) -> Self {
        let lower = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        let public = config.public_url.iter().map(|url| host_of(authority_of(url)).to_ascii_lowercase());
        let names = config.allowed_hosts.iter().map(|host| host_of(host).to_ascii_lowercase());
        let ours =
            config.public_url.iter().map(|url| lower(&public_origin(url).unwrap_or_else(|| url.clone())));
        Self(Arc::new(Known {
            names: names.chain(public).collect(),
            any_name: config.allowed_hosts.iter().any(|host| host == "*"),
            any_number: !config.listen.ip().is_loopback(),
            origins: config.cors_origins.iter().map(|origin| lower(origin)).chain(ours).collect(),
            any_origin: config.cors_origins.iter().any(|origin| origin == "*"),
        }))
    }

    fn refusal(&self, request: &Request) -> Option<Problem> {
        let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let host = request.uri().authority().map(Authority::as_str).or_else(|| text(header::HOST));
        if let Some(host) = host
            && !self.0.answers_to(host_of(host))
        {
            return Some(RequestFault::ForbiddenHost(host.to_owned()).into());
        }
        // A socket says whatever it wants, and its handshake is a GET.
        if request.method().is_safe() && !is_upgrade(request.headers()) {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN)?.to_str().unwrap_or("null");
        (!self.0.accepts_changes_from(origin, host)).then(|| AccessFault::CrossSite.into())
    }
}

impl Known {
    fn answers_to(&self, host: &str) -> bool {
        is_loopback(host)
            || self.any_name
            || self.names.contains(&host.to_ascii_lowercase())
            || (self.any_number && host.parse::<IpAddr>().is_ok())
    }

    /// Our own pages, and those of the origins that the settings name.
    fn accepts_changes_from(&self, origin: &str, host: Option<&str>) -> bool {
        is_same_origin(origin, host) || self.any_origin || self.origins.contains(&origin.to_ascii_lowercase())
    }
}

/// A request that becomes a socket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(header::UPGRADE).into_iter().filter_map(|value| value.to_str().ok());
    asked.flat_map(|line| line.split(',')).any(|name| name.trim().eq_ignore_ascii_case("websocket"))
}

/// Whether a page that this server sent, or one of this machine, asks.
fn is_same_origin(origin: &str, host: Option<&str>) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    host.is_some_and(|host| {
        // A page that this machine serves from another port, as developers have it.
        authority.eq_ignore_ascii_case(host)
            || (is_loopback(host_of(host)) && is_loopback(host_of(authority)))
    })
}

/// Whether a browser says that it asks for a page of ours, and of nobody the settings merely let in:
/// what a cookie asks for when no token can be repeated.
pub(super) fn is_from_our_page(config: &Config, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let public = config.public_url.as_deref().and_then(public_origin);
    is_same_origin(origin, text(header::HOST)) || public.is_some_and(|ours| ours.eq_ignore_ascii_case(origin))
}

/// `https://name:port` of an address.
fn public_origin(url: &str) -> Option<String> {
    url.split_once("://").map(|(scheme, _)| format!("{scheme}://{}", authority_of(url)))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `https://name:port/path` without the scheme and the path.
fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// Without the port, and without the brackets of an IPv6 address.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

pub(super) async fn layer(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match hosts.refusal(&request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(config: &Config, host: &str, origin: Option<&str>, method: &str) -> Option<&'static str> {
        let mut request = Request::builder().method(method).uri("/v1/scripts").header(header::HOST, host);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        Hosts::of(config).refusal(&request).map(|problem| problem.fault().code())
    }

    const HOST: Option<&str> = Some("HOST_FORBIDDEN");
    const ORIGIN: Option<&str> = Some("ORIGIN_FORBIDDEN");

    #[test]
    fn on_loopback_only_this_machines_names_are_answered() {
        let config = Config::default();
        let check = |host, origin, method, expected| {
            assert_eq!(code(&config, host, origin, method), expected, "{host} {origin:?} {method}");
        };
        check("localhost:8000", None, "GET", None);
        check("127.0.0.1:8000", Some("http://127.0.0.1:8000"), "POST", None);
        check("[::1]:8000", Some("http://[::1]:8000"), "DELETE", None);
        check("localhost:8000", Some("http://localhost:5173"), "POST", None);
        check("evil.example", None, "GET", HOST);
        check("localhost.evil.example", None, "GET", HOST);
        check("10.0.0.1", None, "GET", HOST);
        check("localhost:8000", Some("https://evil.example"), "POST", ORIGIN);
        check("localhost:8000", Some("https://evil.example"), "GET", None);
        check("localhost:8000", Some("null"), "POST", ORIGIN);
    }

    #[test]
    fn elsewhere_numbers_and_the_names_of_the_settings_are_answered() {
        let config = Config {
            listen: "0.0.0.0:8000".parse().unwrap(),
            public_url: Some("https://sori.example.org".into()),
            allowed_hosts: vec!["sori.local".into()],
            cors_origins: vec!["https://app.example.org".into()],
            ..Config::default()
        };
        let check = |host, origin, method, expected| {
            assert_eq!(code(&config, host, origin, method), expected, "{host} {origin:?} {method}");
        };
        check("192.168.1.5:8000", Some("http://192.168.1.5:8000"), "POST", None);
        check("Sori.Example.org", Some("https://sori.example.org"), "POST", None);
        check("sori.local:8000", Some("http://sori.local:8000"), "POST", None);
        check("sori.local", Some("https://app.example.org"), "POST", None);
        check("evil.example", None, "GET", HOST);
        check("192.168.1.5:8000", Some("http://192.168.1.5:9000"), "POST", ORIGIN);
        check("192.168.1.5:8000", Some("http://localhost:8000"), "POST", ORIGIN);
        check("sori.example.org", Some("https://app.example.org.evil.example"), "PUT", ORIGIN);
    }
}
