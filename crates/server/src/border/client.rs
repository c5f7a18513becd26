//! The address of the client, behind the proxies that the settings trust.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use sori_http::ClientAddress;

use crate::config::Config;

/// Puts [`ClientAddress`] into the request's extensions.
pub(super) async fn layer(State(config): State<Arc<Config>>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let address = client(peer.ip(), request.headers(), &config.trusted_proxies);
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

/// Read from the right: each trusted proxy wrote whom it heard from, and the first that is no
/// trusted proxy is the client. What stands further left is the client's own word.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let forwarded = headers.get_all("x-forwarded-for");
    let forwarded = forwarded.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    for hop in forwarded.collect::<Vec<_>>().into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        match address_of(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// Some proxies write the port as well.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], trusted: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let found = client(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("9.9.9.9", &["1.2.3.4"], &[], "9.9.9.9");
        check("9.9.9.9", &["1.2.3.4"], &["10.0.0.0/8"], "9.9.9.9");
        check("10.0.0.1", &["1.2.3.4"], &["10.0.0.0/8"], "1.2.3.4");
        check("::ffff:10.0.0.1", &["1.2.3.4:5678"], &["10.0.0.0/8"], "1.2.3.4");
        check("10.0.0.1", &["[2001:db8::1]:443"], &["10.0.0.0/8"], "2001:db8::1");
        // The client wrote the first itself.
        check("10.0.0.1", &["6.6.6.6, 1.2.3.4"], &["10.0.0.0/8"], "1.2.3.4");
        check("10.0.0.1", &["6.6.6.6", "1.2.3.4, 10.0.0.2"], &["10.0.0.0/8"], "1.2.3.4");
        check("10.0.0.1", &["1.2.3.4, nonsense"], &["10.0.0.0/8"], "10.0.0.1");
        check("10.0.0.1", &[], &["10.0.0.0/8"], "10.0.0.1");
    }
}
