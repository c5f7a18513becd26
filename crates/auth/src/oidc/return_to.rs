//! Where a browser goes after a sign-in: a place of this site, and nowhere else.

/// Longer ones are no places of ours.
const MAX_CHARS: usize = 512;

/// The path, when a browser that reads it as a reference (WHATWG URL) stays on this site; `/`
/// otherwise.
///
/// `//host` and `/\host` name another host, and tabs and line ends are taken out before that is
/// looked at, so that `/⇥/host` does too.
#[must_use]
pub(crate) fn same_site(path: Option<&str>) -> &str {
    path.filter(|path| is_same_site(path)).unwrap_or("/")
}

fn is_same_site(path: &str) -> bool {
    let is_path = path.starts_with('/') && !path.starts_with("//");
    // Visible ASCII goes into a header as it is; whatever else there is can be written with per cents.
    is_path && path.len() <= MAX_CHARS && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(path: &str, stays: bool) {
        assert_eq!(same_site(Some(path)), if stays { path } else { "/" }, "{path:?}");
    }

    #[test]
    fn places_of_this_site_are_kept() {
        for path in
            ["/", "/listen/018f", "/write?show=1", "/#/library", "/a//b", "/a:b@c", "/%2F%2Fevil.example"]
        {
            check(path, true);
        }
    }

    #[test]
    fn everything_else_is_the_front_page() {
        for path in [
            "",
            "listen",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: sori_access=x",
            "/a\\b",
            "/한국어",
        ] {
            check(path, false);
        }
        check(&format!("/{}", "x".repeat(512)), false);
        assert_eq!(same_site(None), "/");
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_site(path in r"[/\\\t\n :@.#?a-z]{0,12}") {
            let base = reqwest::Url::parse("https://sori.example/api/x").unwrap();
            let gone = base.join(same_site(Some(&path))).unwrap();
            prop_assert_eq!(gone.origin(), base.origin(), "{:?}", path);
        }
    }
}
