//! Answers at rest, readable only together with the key that the client sent.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What is repeated.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) location: Option<String>,
    pub(super) content_type: Option<String>,
    /// Bodies of POSTs that create are JSON texts.
    pub(super) body: String,
}

pub(super) struct Seal(RandomizedNonceKey);

impl Seal {
    pub(super) fn new(secret: &[u8; 32], idempotency_key: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(idempotency_key);
        let key = mac.finalize().into_bytes();
        Self(RandomizedNonceKey::new(&AES_256_GCM, &key).expect("AES-256 takes 32 bytes"))
    }

    /// `id` is bound to it: an answer moved to another row does not open.
    pub(super) fn close(&self, id: &[u8; 32], answer: &Answer) -> Vec<u8> {
        let mut text = serde_json::to_vec(answer).expect("texts can be written as JSON");
        let nonce =
            self.0.seal_in_place_append_tag(Aad::from(id), &mut text).expect("an answer is no gigabyte");
        [nonce.as_ref().as_slice(), &text].concat()
    }

    pub(super) fn open(&self, id: &[u8; 32], sealed: Vec<u8>) -> Option<Answer> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(id), &mut text).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_opens_with_its_key_and_in_its_place_only() {
        let answer = Answer {
            location: Some("/v1/jobs/1".into()),
            content_type: None,
            body: r#"{"secret":"한"}"#.into(),
        };
        let (secret, id) = ([1; 32], [2; 32]);
        let seal = Seal::new(&secret, b"key");
        let sealed = seal.close(&id, &answer);
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"), "it lies there in the open");
        assert_eq!(seal.open(&id, sealed.clone()).unwrap(), answer);
        assert_eq!(Seal::new(&secret, b"other").open(&id, sealed.clone()), None);
        assert_eq!(Seal::new(&[3; 32], b"key").open(&id, sealed.clone()), None);
        assert_eq!(seal.open(&[4; 32], sealed.clone()), None);
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(seal.open(&id, changed), None);
        assert_eq!(seal.open(&id, vec![0; 5]), None);
    }
}
