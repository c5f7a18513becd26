//! From where a request came, for limits and for the audit log.

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};

/// The address of the client, behind the proxies that the settings trust. The server's middleware
/// puts it into the request's extensions; a block that is tested alone finds none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// [`ClientAddress`] for handlers.
#[derive(Clone, Copy, Debug)]
pub struct Sender(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<ClientAddress>().map(|address| address.0)))
    }
}

impl ClientAddress {
    /// What is counted as one client: an IPv4 address, or the /64 that one line of an IPv6 provider
    /// has, since a host may take any address of it.
    #[must_use]
    pub fn line(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, line: &str) {
        assert_eq!(ClientAddress(address.parse().unwrap()).line(), line.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn all_addresses_of_one_line_are_one_client() {
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    }
}
