//! Passwords: which are taken, and how they are hashed and checked.
//!
//! Hashing is slow on purpose, so it happens on the blocking pool, a few at a time (see [`lanes`]):
//! however many people guess, memory stays flat and those who know their password are answered.

mod common;
pub(crate) mod lanes;

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
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
    params: Params,
    memory: Memory,
    lanes: Lanes,
    /// What is checked when there is no account: it costs the same and is never right.
    decoy: Arc<str>,
}

impl Hasher {
    pub(crate) fn new(cost: HashCost, lanes: usize) -> Result<Self, AuthFault> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| AuthFault::Internal(format!("the cost of a hash: {error}")))?;
        let memory = Memory::default();
        let decoy = hash(&params, &memory, &random::hex(&random::bytes::<32>()))?.into();
        Ok(Self { params, memory, lanes: Lanes::new(lanes), decoy })
    }

    /// A PHC string to be stored.
    pub(crate) async fn hash(&self, password: &Password, standing: Standing) -> Result<String, AuthFault> {
        let permit = self.lanes.enter(standing).await?;
        let (params, memory, text) = (self.params.clone(), self.memory.clone(), password.0.clone());
        on_the_blocking_pool(move || {
            let hashed = hash(&params, &memory, &text);
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
        let (memory, decoy) = (self.memory.clone(), Arc::clone(&self.decoy));
        on_the_blocking_pool(move || {
            let is_there = stored.is_some() && password.is_some();
            let text = password.map_or_else(String::new, |password| password.0);
            let stored = stored.as_deref().and_then(|stored| PasswordHash::new(stored).ok());
            let is_there = is_there && stored.is_some();
            let against = stored.or_else(|| PasswordHash::new(&decoy).ok());
            let matches = against.and_then(|against| verify(&memory, &text, &against)).unwrap_or(false);
            drop(permit);
            matches && is_there
        })
        .await
    }
}

/// What a lane needs to hash, used again by the next. Taken anew for each hash, it would stay with the
/// allocator in an arena for each thread of the pool: some 700 MiB after half a minute of guesses.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    fn with<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let pop = || self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = pop().unwrap_or_default();
        memory.resize(blocks, Block::default());
        let done = work(&mut memory);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        done
    }
}

fn compute(
    memory: &Memory,
    params: &Params,
    text: &str,
    salt: &[u8],
    out: &mut [u8],
) -> Result<(), argon2::Error> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    memory.with(params.block_count(), |blocks| {
        argon2.hash_password_into_with_memory(text.as_bytes(), salt, out, blocks)
    })
}

fn hash(params: &Params, memory: &Memory, text: &str) -> Result<String, AuthFault> {
    let failed =
        |error: &dyn std::fmt::Display| AuthFault::Internal(format!("a password is not hashed: {error}"));
    let (salt, mut out) = (random::bytes::<16>(), [0; 32]);
    compute(memory, params, text, &salt, &mut out).map_err(|error| failed(&error))?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|error| failed(&error))?,
        salt: Some(Salt::new(&salt).map_err(|error| failed(&error))?),
        hash: Some(Output::new(&out).map_err(|error| failed(&error))?),
    };
    Ok(phc.to_string())
}

/// At the cost that the stored hash names, so it can be raised later. `None` for a hash that is not ours.
fn verify(memory: &Memory, text: &str, stored: &PasswordHash) -> Option<bool> {
    let is_ours =
        stored.algorithm == Algorithm::Argon2id.ident() && stored.version == Some(Version::V0x13.into());
    let params = Params::try_from(stored).ok().filter(|_| is_ours)?;
    let (salt, expected) = (stored.salt.as_ref()?, stored.hash.as_ref()?);
    let mut out = vec![0; expected.len()];
    compute(memory, &params, text, salt, &mut out).ok()?;
    Some(random::is_same(&out, expected.as_bytes()))
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

    /// `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1` of the reference implementation, and in
    /// its test suite (phc-winner-argon2, test.c, version 0x13).
    #[test]
    fn a_hash_of_the_reference_implementation_is_right() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
            $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let stored = PasswordHash::new(stored).unwrap();
        assert_eq!(verify(&Memory::default(), "password", &stored), Some(true));
        assert_eq!(verify(&Memory::default(), "Password", &stored), Some(false));
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
