//! What a request brings to prove who sends it.

use axum::http::{HeaderMap, header};

/// The cookies of the web app.
pub const ACCESS_COOKIE: &str = "sori_access";
pub const CSRF_COOKIE: &str = "sori_csrf";
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Instead of the body's hash, for uploads that a client does not want to read twice.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    Nothing,
    Bearer(&'a str),
    Key(&'a str),
    Signed(SignatureHeaders<'a>),
    /// Sent by a browser without being asked, so it proves less: see [`has_csrf_token`].
    Cookie(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureHeaders<'a> {
    pub key: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub signature: &'a str,
}

impl<'a> Carried<'a> {
    /// The strongest that is there: a signature, a key, a token, the cookie. Schemes of
    /// `Authorization` that are not ours belong to a proxy in front of us.
    #[must_use]
    pub fn by(headers: &'a HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
        if let Some(signature) = text("x-sori-signature") {
            return Self::Signed(SignatureHeaders {
                key: text("x-sori-key").unwrap_or_default(),
                timestamp: text("x-sori-timestamp").unwrap_or_default(),
                nonce: text("x-sori-nonce").unwrap_or_default(),
                signature,
            });
        }
        if let Some(key) = text("x-api-key").or_else(|| text("x-sori-key")) {
            return Self::Key(key);
        }
        if let Some((scheme, token)) =
            text(header::AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '))
            && scheme.eq_ignore_ascii_case("bearer")
        {
            return Self::Bearer(token.trim());
        }
        match cookie(headers, ACCESS_COOKIE) {
            Some(token) if !token.is_empty() => Self::Cookie(token),
            _ => Self::Nothing,
        }
    }

    /// Sent on purpose, unlike a cookie.
    #[must_use]
    pub fn is_header(&self) -> bool {
        matches!(self, Self::Bearer(_) | Self::Key(_) | Self::Signed(_))
    }
}

#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Double submit: only a page of our own origin can read the cookie and repeat it in a header.
#[must_use]
pub fn has_csrf_token(headers: &HeaderMap) -> bool {
    let sent = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match cookie(headers, CSRF_COOKIE) {
        Some(kept) if !kept.is_empty() => is_same(sent.as_bytes(), kept.as_bytes()),
        _ => false,
    }
}

/// Takes as long for a wrong text as for the right one.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(pairs: &[(&'static str, &'static str)], expected: Carried<'_>) {
        assert_eq!(Carried::by(&headers(pairs)), expected);
    }

    #[test]
    fn the_strongest_proof_counts() {
        check(&[], Carried::Nothing);
        check(&[("authorization", "Bearer abc")], Carried::Bearer("abc"));
        check(&[("authorization", "bearer  abc")], Carried::Bearer("abc"));
        check(&[("authorization", "Bearer ")], Carried::Nothing);
        check(&[("authorization", "Basic abc")], Carried::Nothing);
        check(&[("cookie", "a=b; sori_access=tok; c=d")], Carried::Cookie("tok"));
        check(&[("cookie", "a=b"), ("cookie", "sori_access=tok")], Carried::Cookie("tok"));
        check(&[("cookie", "xsori_access=tok; sori_access=")], Carried::Nothing);
        let both = [("cookie", "sori_access=tok"), ("authorization", "Bearer abc")];
        check(&both, Carried::Bearer("abc"));
        check(&[("x-api-key", "k"), ("authorization", "Bearer abc")], Carried::Key("k"));
        check(&[("x-sori-key", "k")], Carried::Key("k"));
        let signed = SignatureHeaders { key: "k", timestamp: "1", nonce: "", signature: "v1=00" };
        check(
            &[("x-sori-key", "k"), ("x-sori-timestamp", "1"), ("x-sori-signature", "v1=00")],
            Carried::Signed(signed),
        );
    }

    #[test]
    fn a_cookie_needs_its_token_repeated() {
        let has = |pairs: &[(&'static str, &'static str)]| has_csrf_token(&headers(pairs));
        assert!(has(&[("cookie", "sori_csrf=t0ken"), ("x-csrf-token", "t0ken")]));
        assert!(!has(&[("cookie", "sori_csrf=t0ken")]));
        assert!(!has(&[("x-csrf-token", "t0ken")]));
        assert!(!has(&[("cookie", "sori_csrf="), ("x-csrf-token", "")]));
        assert!(!has(&[("cookie", "sori_csrf=t0ken"), ("x-csrf-token", "t0kem")]));
        assert!(!has(&[("cookie", "sori_csrf=t0ken"), ("x-csrf-token", "t0ken2")]));
    }
}
