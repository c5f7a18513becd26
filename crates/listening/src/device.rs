//! What players call themselves.

use std::fmt;

use sori_contracts::{Credential, Member};
use sori_http::RequestFault;

const MOST_CHARS: usize = 64;

/// Chosen by the player and kept by it; the same name of two accounts means two devices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeviceId(String);

impl DeviceId {
    pub(crate) fn parse(text: &str) -> Result<Self, RequestFault> {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if (1..=MOST_CHARS).contains(&text.len()) && text.bytes().all(is_sign) {
            return Ok(Self(text.to_owned()));
        }
        Err(RequestFault::Field {
            field: "device_id",
            en: format!("device_id takes 1 to {MOST_CHARS} letters, digits and -_.: signs."),
            ko: format!("device_id는 영문자, 숫자, -_.: 기호로 된 1~{MOST_CHARS}자여야 합니다."),
        })
    }

    /// A player that does not name itself is known by how it signed in: once on each device.
    pub(crate) fn of(member: &Member) -> Self {
        Self(match member.credential {
            Credential::Session(id) => format!("session:{id}"),
            Credential::ApiKey(id) => format!("key:{id}"),
            Credential::External => "external".to_owned(),
            Credential::Link => "link".to_owned(),
        })
    }

    /// The name that was given, or that of the sign-in.
    pub(crate) fn given_or_of(given: Option<&str>, member: &Member) -> Result<Self, RequestFault> {
        given.map_or_else(|| Ok(Self::of(member)), Self::parse)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceId;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "web-0194c7e2", "session:0194c7e2-aaaa", &"x".repeat(64)] {
            assert!(DeviceId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "two words", "한국어", "a/b", "a\0", &"x".repeat(65)] {
            assert!(DeviceId::parse(bad).is_err(), "{bad}");
        }
    }
}
