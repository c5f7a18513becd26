//! Refresh tokens: which session, which rotation of it, and 256 bits that prove it.
//!
//! The proof is HMAC-SHA256 with the root over the session, a random salt of the session and the
//! number of the rotation. So the database holds nothing that can be presented, every token that was
//! ever given out is recognised (used again later it reveals a theft, however late), and two
//! requests that race with one token get one and the same successor.

use uuid::Uuid;

use crate::{
    config::{RootKey, Roots},
    random,
};

/// Taken apart, not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) session: Uuid,
    pub(crate) rotation: i64,
    proof: [u8; 32],
}

impl RefreshToken {
    pub(crate) fn make(root: &RootKey, session: Uuid, salt: &[u8], rotation: i64) -> Self {
        let proof = root.derive("refresh token", &[session.as_bytes(), &rotation.to_be_bytes(), salt]);
        Self { session, rotation, proof }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let session = random::unhex::<16>(parts.next()?)?;
        let rotation = i64::from_be_bytes(random::unhex::<8>(parts.next()?)?);
        let proof = random::unhex::<32>(parts.next()?)?;
        let token = Self { session: Uuid::from_bytes(session), rotation, proof };
        (parts.next().is_none() && rotation >= 0).then_some(token)
    }

    /// Whether we gave it out, at whatever time. In constant time.
    pub(crate) fn is_ours(&self, roots: &Roots, salt: &[u8]) -> bool {
        roots.iter().any(|root| {
            let genuine = Self::make(root, self.session, salt, self.rotation);
            random::is_same(&genuine.proof, &self.proof)
        })
    }

    pub(crate) fn text(&self) -> String {
        let (session, rotation) = (random::hex(self.session.as_bytes()), self.rotation.to_be_bytes());
        format!("{session}.{}.{}", random::hex(&rotation), random::hex(&self.proof))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root(byte: u8) -> RootKey {
        RootKey::new([byte; 32])
    }

    #[test]
    fn only_what_was_given_out_is_ours() {
        let session = Uuid::now_v7();
        let token = RefreshToken::make(&root(1), session, b"salt", 7);
        assert_eq!(RefreshToken::parse(&token.text()), Some(token));
        assert!(token.is_ours(&root(1).into(), b"salt"));
        assert!(!token.is_ours(&root(1).into(), b"pepper"));
        assert!(!token.is_ours(&root(2).into(), b"salt"));
        assert!(!RefreshToken { rotation: 8, ..token }.is_ours(&root(1).into(), b"salt"));
        assert!(!RefreshToken { session: Uuid::now_v7(), ..token }.is_ours(&root(1).into(), b"salt"));
        let both = Roots { current: root(2), older: vec![root(1)] };
        assert!(token.is_ours(&both, b"salt"), "after the root was changed");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,200}|[0-9a-f.]{100,120}") {
            if let Some(token) = RefreshToken::parse(&text) {
                prop_assert_eq!(token.text(), text);
            }
        }
    }
}
