//! Who watches, and on which device.

use std::{fmt, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use sori_contracts::{AccountId, Caller, Role};
use sori_http::{ClientAddress, Problem, RequestFault};

const MOST_DEVICE_CHARS: usize = 64;

/// What makes two requests those of one viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Viewer {
    Account(AccountId),
    /// Without an account: a line of a provider.
    Address(IpAddr),
    /// A router that was called without a connection.
    Unknown,
}

impl Viewer {
    pub(crate) fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(account),
            Self::Address(_) | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// The one who asks for a stream; an extractor. The device is what `device_id` of the query says.
#[derive(Clone, Debug)]
pub struct Listener {
    pub(crate) caller: Caller,
    pub(crate) viewer: Viewer,
    /// Empty when the player did not name itself.
    pub(crate) device: String,
}

impl Listener {
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.caller.member().map(|member| member.role)
    }

    /// The name of the device, if the player told one.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        Some(self.device.as_str()).filter(|device| !device.is_empty())
    }

    /// The same with the caller whom another credential than the usual ones stands for.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        let viewer = caller.account().map_or(self.viewer, Viewer::Account);
        Self { caller, viewer, ..self }
    }

    /// The same on a device that was named elsewhere than in the query.
    ///
    /// # Errors
    /// When it is no name of a device.
    pub fn on(self, device: Option<&str>) -> Result<Self, RequestFault> {
        match device {
            None => Ok(self),
            Some(device) if is_device(device) => Ok(Self { device: device.to_owned(), ..self }),
            Some(_) => Err(RequestFault::Field {
                field: "device_id",
                en: format!("device_id takes 1 to {MOST_DEVICE_CHARS} letters, digits and -_.: signs."),
                ko: format!("device_id는 영문자, 숫자, -_.: 기호로 된 1~{MOST_DEVICE_CHARS}자여야 합니다."),
            }),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Listener {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().copied().unwrap_or(Caller::Visitor);
        let line = parts.extensions.get::<ClientAddress>().map(|address| address.line());
        let viewer = match (caller.account(), line) {
            (Some(account), _) => Viewer::Account(account),
            (None, Some(line)) => Viewer::Address(line),
            (None, None) => Viewer::Unknown,
        };
        let query = parts.uri.query().unwrap_or_default();
        let device = query.split('&').find_map(|pair| pair.strip_prefix("device_id="));
        Ok(Self { caller, viewer, device: String::new() }.on(device)?)
    }
}

/// These letters need no escape in an address.
fn is_device(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MOST_DEVICE_CHARS).contains(&name.len()) && name.bytes().all(is_sign)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn listener(uri: &str, address: &str) -> Result<Listener, &'static str> {
        let mut request = Request::builder().uri(uri).body(()).unwrap();
        request.extensions_mut().insert(ClientAddress(address.parse().unwrap()));
        let (mut parts, ()) = request.into_parts();
        Listener::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.fault().code())
    }

    #[tokio::test]
    async fn visitors_of_one_line_are_one_viewer_and_devices_have_plain_names() {
        let first = listener("/x?a=1&device_id=web:1", "2001:db8::1").await.unwrap();
        let second = listener("/x", "2001:db8::2").await.unwrap();
        assert_eq!((first.viewer, first.device.as_str()), (second.viewer, "web:1"));
        assert_eq!(second.device, "");
        for wrong in ["/x?device_id=", "/x?device_id=a%20b", &format!("/x?device_id={}", "x".repeat(65))] {
            assert_eq!(listener(wrong, "192.0.2.1").await.unwrap_err(), "FIELD_INVALID", "{wrong}");
        }
    }
}
