//! Rules for the texts of a request that no script reader checks, and bodies that change a part.

use serde::{Deserialize, Deserializer};
use sori_http::RequestFault;

pub(crate) const MAX_TITLE_CHARS: usize = 300;
pub(crate) const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// An actor's name may be a speaker of a script, whose reader takes 80 characters.
pub(crate) const MAX_NAME_CHARS: usize = 80;
const MAX_LANG_CHARS: usize = 35;
const MAX_LEVEL_CHARS: usize = 40;
const MAX_QUERY_CHARS: usize = 200;
const MAX_URL_CHARS: usize = 2_000;
const MAX_SOURCE_URLS: usize = 20;

fn refused(field: &'static str, en: String, ko: String) -> RequestFault {
    RequestFault::Field { field, en, ko }
}

/// Text of at most `max` characters. Control characters are refused (PostgreSQL stores no NUL),
/// line breaks and tabs are not.
pub(crate) fn text(field: &'static str, text: &str, max: usize) -> Result<(), RequestFault> {
    if text.chars().count() > max {
        return Err(refused(
            field,
            format!("{field} takes at most {max} characters."),
            format!("{field}은(는) 최대 {max}자입니다."),
        ));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(refused(
            field,
            format!("{field} contains control characters."),
            format!("{field}에 제어 문자가 들어 있습니다."),
        ));
    }
    Ok(())
}

/// Text that says something, without blanks around it.
pub(crate) fn required(field: &'static str, given: &str, max: usize) -> Result<String, RequestFault> {
    let trimmed = given.trim();
    if trimmed.is_empty() {
        return Err(refused(
            field,
            format!("{field} must not be empty."),
            format!("{field}을(를) 입력해 주세요."),
        ));
    }
    text(field, trimmed, max)?;
    Ok(trimmed.to_owned())
}

/// Text that may be absent; empty counts as absent.
pub(crate) fn optional(
    field: &'static str,
    given: Option<&str>,
    max: usize,
) -> Result<Option<String>, RequestFault> {
    given.filter(|given| !given.trim().is_empty()).map(|given| required(field, given, max)).transpose()
}

pub(crate) fn description(given: Option<&str>) -> Result<Option<String>, RequestFault> {
    optional("description", given, MAX_DESCRIPTION_CHARS)
}

pub(crate) fn level(given: Option<&str>) -> Result<Option<String>, RequestFault> {
    optional("level", given, MAX_LEVEL_CHARS)
}

/// A language tag by its shape (BCP 47: letters, digits, hyphens).
pub(crate) fn lang(given: Option<&str>) -> Result<Option<String>, RequestFault> {
    let Some(tag) = optional("lang", given, MAX_LANG_CHARS)? else { return Ok(None) };
    let is_tag = tag
        .split('-')
        .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if is_tag {
        return Ok(Some(tag));
    }
    Err(refused(
        "lang",
        "lang must be a language tag such as en-US or ko.".into(),
        "lang은 en-US나 ko 같은 언어 태그여야 합니다.".into(),
    ))
}

/// Only addresses a browser can follow without running anything.
pub(crate) fn url(field: &'static str, given: &str) -> Result<String, RequestFault> {
    let url = required(field, given, MAX_URL_CHARS)?;
    let is_web = ["https://", "http://"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && url.len() > scheme.len()
    });
    if is_web && !url.contains(char::is_whitespace) {
        return Ok(url);
    }
    Err(refused(
        field,
        format!("{field} must be an address that begins with http:// or https://."),
        format!("{field}은(는) http:// 또는 https://로 시작하는 주소여야 합니다."),
    ))
}

pub(crate) fn source_urls(given: &[String]) -> Result<Vec<String>, RequestFault> {
    if given.len() > MAX_SOURCE_URLS {
        return Err(refused(
            "source_urls",
            format!("A script takes at most {MAX_SOURCE_URLS} source addresses."),
            format!("출처 주소는 최대 {MAX_SOURCE_URLS}개입니다."),
        ));
    }
    given.iter().map(|given| url("source_urls", given)).collect()
}

/// What to search for; nothing when it is blank.
pub(crate) fn query(given: Option<&str>) -> Result<Option<String>, RequestFault> {
    optional("query", given, MAX_QUERY_CHARS)
}

pub(crate) fn wrong_cursor() -> RequestFault {
    refused("cursor", "This cursor does not belong to this list.".into(), "이 목록의 커서가 아닙니다.".into())
}

/// For a field of a body that changes a part: left out means unchanged, `null` means none.
pub(crate) fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_counted_in_characters_and_trimmed() {
        assert_eq!(required("title", " 밤의 라디오 ", 6).unwrap(), "밤의 라디오");
        assert!(required("title", "밤의 라디오!", 6).is_err());
        assert!(required("title", " \n ", 6).is_err());
        assert!(required("title", "a\u{0}b", 6).is_err());
    }

    #[track_caller]
    fn check_url(given: &str, is_taken: bool) {
        assert_eq!(url("cover_url", given).is_ok(), is_taken, "{given}");
    }

    #[test]
    fn only_web_addresses_are_taken() {
        check_url("https://example.org/a?b=c", true);
        check_url("HTTP://example.org", true);
        check_url("https://", false);
        check_url("javascript:alert(1)", false);
        check_url("file:///etc/passwd", false);
        check_url("https://a b", false);
        check_url("가나다라마바사", false);
        assert!(source_urls(&vec!["https://example.org".to_owned(); 21]).is_err());
    }

    #[test]
    fn a_language_tag_has_its_shape() {
        assert_eq!(lang(Some("en-US")).unwrap().as_deref(), Some("en-US"));
        assert_eq!(lang(Some("  ")).unwrap(), None);
        assert!(lang(Some("english please")).is_err());
        assert!(lang(Some("en--US")).is_err());
    }
}
