//! Whose account a sign-in through somebody else is.
//!
//! The identity (issuer and subject) decides, once it is known. The first time there is only an
//! e-mail, and two people can claim one: whoever wants to take an account over signs up with the
//! e-mail of the victim and waits until the victim comes by "Sign in with Google" (the account
//! would have a password that the attacker knows), or has an account at a provider that lets them
//! write any e-mail they like (the attacker would walk into the victim's account). So both sides
//! must have proved the e-mail before two claims to it are taken as one person; otherwise the
//! owner of the account connects the identity while signed in.

use sori_contracts::AccountId;

use super::{claims::Profile, fault::OidcFault};

/// An account that has the e-mail of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Namesake {
    pub(crate) account: AccountId,
    /// Its owner has shown that the e-mail is theirs.
    pub(crate) is_verified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The identity is this account's from now on.
    Connect(AccountId),
    /// Nobody has this e-mail yet.
    Create { is_verified: bool },
}

/// The e-mail, when the provider vouches for it.
pub(crate) fn verified_email(profile: &Profile) -> Result<&str, OidcFault> {
    match profile.email.as_deref() {
        Some(email) if profile.email_verified && !email.is_empty() => Ok(email),
        _ => Err(OidcFault::EmailUnverified),
    }
}

/// For an identity that nobody has yet, and an e-mail that its provider calls verified.
/// `trusts_email` says whether the settings take the provider's word for it.
pub(crate) fn decide(trusts_email: bool, namesake: Option<Namesake>) -> Result<Decision, OidcFault> {
    match namesake {
        None => Ok(Decision::Create { is_verified: trusts_email }),
        Some(Namesake { account, is_verified: true }) if trusts_email => Ok(Decision::Connect(account)),
        Some(_) => Err(OidcFault::LinkRequired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(email: Option<&str>, email_verified: bool) -> Profile {
        Profile { email: email.map(str::to_owned), email_verified, ..Profile::default() }
    }

    #[test]
    fn an_email_counts_when_it_is_verified() {
        assert_eq!(verified_email(&profile(Some("mina@example.org"), true)).unwrap(), "mina@example.org");
        for unproved in
            [profile(Some("mina@example.org"), false), profile(None, true), profile(Some(""), true)]
        {
            assert!(matches!(verified_email(&unproved), Err(OidcFault::EmailUnverified)), "{unproved:?}");
        }
    }

    #[test]
    fn two_claims_to_one_email_are_one_person_only_when_both_are_proved() {
        let account = AccountId::generate();
        for (trusts_email, is_verified, connects) in
            [(true, true, true), (true, false, false), (false, true, false), (false, false, false)]
        {
            let decided = decide(trusts_email, Some(Namesake { account, is_verified }));
            match decided {
                Ok(decision) => assert!(connects && decision == Decision::Connect(account)),
                Err(fault) => assert!(!connects && matches!(fault, OidcFault::LinkRequired)),
            }
        }
    }

    #[test]
    fn a_new_email_is_as_proved_as_its_provider_is_trusted() {
        for trusts_email in [true, false] {
            assert_eq!(decide(trusts_email, None).unwrap(), Decision::Create { is_verified: trusts_email });
        }
    }
}
