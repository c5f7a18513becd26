//! Passwords: which are taken, and how they are hashed and checked.
//!
//! Hashing is slow on purpose, so it happens on the blocking pool, a few at a time (see [`lanes`]):
//! however many people guess, memory stays flat and those who know their password are answered.

mod common;
pub(crate) mod lanes;

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordVerifier, Version, password_hash::PasswordHasher,
};
use sori_contracts::UiLanguage;
use unicode_normalization::UnicodeNormalization as _;

use crate::{AuthFault, Email, HashCost, random};
use lanes::{Lanes, Standing};

/// NIST SP 800-63B (revision 4) asks for 15 where a password is all there is and takes 8 beside a
/// second factor; ten with common ones refused is what people still put up with.
const SHORTEST: usize = 10;
/// Long enough for a sentence, short enough to be hashed by anybody who asks.
const LONGEST: usize = 128;

/// A password that is good enough, in the one form in which it is hashed.
///
/// The form is NFKC (NIST SP 800-63B, 3.1.1.2): a keyboard that composes accents or Hangul otherwise
/// types the same password.
#[derive(Clone)]
pub struct Password(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    TooShort,
    TooLong,
    /// One of those that are guessed first.
    Common,
    /// The e-mail address or the name, or hardly more.
    Personal,
}

impl Weakness {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::Common => "common",
            Self::Personal => "personal",
        }
    }

    pub(crate) fn message(self, language: UiLanguage) -> String {
        match self {
            Self::TooShort => language.pick(
                format!("A password has at least {SHORTEST} letters."),
                format!("비밀번호는 {SHORTEST}자 이상이어야 합니다."),
            ),
            Self::TooLong => language.pick(
                format!("A password has at most {LONGEST} letters."),
                format!("비밀번호는 {LONGEST}자 이하여야 합니다."),
            ),
            Self::Common => language
                .pick(
                    "This password is among those that are guessed first. Choose another.",
                    "너무 흔한 비밀번호입니다. 다른 비밀번호를 선택해 주세요.",
                )
                .to_owned(),
            Self::Personal => language
                .pick(
                    "The password must not be your name or your e-mail address.",
                    "이름이나 이메일 주소를 비밀번호로 사용할 수 없습니다.",
                )
                .to_owned(),
        }
    }
}

impl Password {
    /// A new password of the person with this address and name.
    pub fn new(text: &str, email: &Email, name: &str) -> Result<Self, AuthFault> {
        let password = Self::typed(text).ok_or(AuthFault::WeakPassword(Weakness::TooLong))?;
        let length = password.0.chars().count();
        let folded = password.0.to_lowercase();
        let is =
            |what: &str| !what.is_empty() && folded.trim_end_matches(|c: char| c.is_ascii_digit()) == what;
        let weakness = if length < SHORTEST {
            Weakness::TooShort
        } else if length > LONGEST {
            Weakness::TooLong
        } else if common::is_common(&folded) {
            Weakness::Common
        } else if folded == email.key() || is(email.local()) || is(&name.to_lowercase()) {
            Weakness::Personal
        } else {
            return Ok(password);
        };
        Err(AuthFault::WeakPassword(weakness))
    }

    /// One to be compared. `None` when it is longer than any that was ever taken.
    #[must_use]
    pub(crate) fn typed(text: &str) -> Option<Self> {
        // Composition makes a text shorter at most by half of a Hangul syllable's three letters and
        // a compatibility letter longer by 18; both ends are cut before anything slow happens.
        (text.len() <= LONGEST * 16).then(|| Self(text.nfkc().collect()))
    }
}

/// Hashes and checks, a few at a time. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    lanes: Lanes,
    /// What is checked when there is no account: it costs the same and is never right.
    decoy: Arc<str>,
}

impl Hasher {
    pub(crate) fn new(cost: HashCost, lanes: usize) -> Result<Self, AuthFault> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| AuthFault::Internal(format!("the cost of a hash: {error}")))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, &random::hex(&random::bytes::<32>()))?.into();
        Ok(Self { argon2, lanes: Lanes::new(lanes), decoy })
    }

    /// A PHC string to be stored.
    pub(crate) async fn hash(&self, password: &Password, standing: Standing) -> Result<String, AuthFault> {
        let permit = self.lanes.enter(standing).await?;
        let (argon2, text) = (self.argon2.clone(), password.0.clone());
        on_the_blocking_pool(move || {
            let hashed = hash(&argon2, &text);
            drop(permit);
            hashed
        })
        .await?
    }

    /// Whether the password belongs to the hash. Takes as long when there is no hash or none that
    /// can be read, and says no.
    pub(crate) async fn verify(
        &self,
        password: Option<Password>,
        stored: Option<String>,
        standing: Standing,
    ) -> Result<bool, AuthFault> {
        let permit = self.lanes.enter(standing).await?;
        let (argon2, decoy) = (self.argon2.clone(), Arc::clone(&self.decoy));
        on_the_blocking_pool(move || {
            let is_there = stored.is_some() && password.is_some();
            let text = password.map_or_else(String::new, |password| password.0);
            let matches = verify(&argon2, &text, stored.as_deref().unwrap_or(&decoy));
            drop(permit);
            matches && is_there
        })
        .await
    }
}

fn hash(argon2: &Argon2<'_>, text: &str) -> Result<String, AuthFault> {
    argon2
        .hash_password_with_salt(text.as_bytes(), &random::bytes::<16>())
        .map(|hash| hash.to_string())
        .map_err(|error| AuthFault::Internal(format!("a password cannot be hashed: {error}")))
}

fn verify(argon2: &Argon2<'_>, text: &str, stored: &str) -> bool {
    // The cost is that of the stored hash, so it can be raised later.
    PasswordHash::new(stored).is_ok_and(|stored| argon2.verify_password(text.as_bytes(), &stored).is_ok())
}

async fn on_the_blocking_pool<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AuthFault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AuthFault::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Weakness>) {
        let email = Email::parse("minji.kim@example.org").unwrap();
        let weakness = match Password::new(text, &email, "Kim Minji Seoul") {
            Ok(_) => None,
            Err(AuthFault::WeakPassword(weakness)) => Some(weakness),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(weakness, expected, "{text:?}");
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        check("correct horse", None);
        check("아버지가방에들어가신다", None);
        check("short", Some(Weakness::TooShort));
        check("아홉글자비밀번호임", Some(Weakness::TooShort));
        check(&"ab cd".repeat(26), Some(Weakness::TooLong));
        check(&"a".repeat(100_000), Some(Weakness::TooLong));
        check("password123", Some(Weakness::Common));
        check("Password1234", Some(Weakness::Common));
        check("aaaaaaaaaaaa", Some(Weakness::Common));
        check("1234567890", Some(Weakness::Common));
        check("qwertyuiop", Some(Weakness::Common));
        check("minji.kim@example.org", Some(Weakness::Personal));
        check("Minji.Kim2026", Some(Weakness::Personal));
        check("kim minji seoul", Some(Weakness::Personal));
    }

    #[test]
    fn a_hash_says_what_it_costs_and_is_of_argon2id() {
        let hasher = Hasher::new(HashCost::default(), 1).unwrap();
        assert!(hasher.decoy.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hasher.decoy);
    }

    #[tokio::test]
    async fn the_same_password_is_right_however_it_was_typed() {
        let cost = HashCost { memory_kib: 64, passes: 1, lanes: 1 };
        let hasher = Hasher::new(cost, 1).unwrap();
        let email = Email::parse("a@b.c").unwrap();
        let composed = Password::new("caf\u{e9} 한글 12345", &email, "").unwrap();
        let stored = hasher.hash(&composed, Standing::FRESH).await.unwrap();
        for (typed, expected) in [
            ("cafe\u{301} 한글 12345", true),
            ("caf\u{e9} \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} 12345", true),
            ("cafe 한글 12345", false),
            ("", false),
        ] {
            let right = hasher.verify(Password::typed(typed), Some(stored.clone()), Standing::FRESH).await;
            assert_eq!(right.unwrap(), expected, "{typed}");
        }
        let typed = || Password::typed("café 한글 12345");
        assert!(!hasher.verify(typed(), None, Standing::FRESH).await.unwrap());
        assert!(!hasher.verify(typed(), Some("broken".into()), Standing::FRESH).await.unwrap());
    }
}
