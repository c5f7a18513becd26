//! What the headers of the protocol tus 1.0.0 say (<https://tus.io/protocols/resumable-upload>). Pure.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::LibraryFault;

pub(crate) const VERSION: &str = "1.0.0";
pub(crate) const EXTENSIONS: &str = "creation,creation-with-upload,expiration,termination,checksum";
pub(crate) const CHECKSUMS: &str = "sha256";
pub(crate) const BODY_TYPE: &str = "application/offset+octet-stream";

pub(crate) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(crate) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(crate) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(crate) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(crate) const TUS_CHECKSUM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(crate) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(crate) const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(crate) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

const MOST_METADATA_BYTES: usize = 8 << 10;

pub(crate) type Sha256Bytes = [u8; 32];

/// A header that has to be a whole number.
pub(crate) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, LibraryFault> {
    let digits = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // `parse` would take a sign.
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(number) if is_number => Ok(number),
        _ => Err(LibraryFault::Header { name: name.to_string() }),
    }
}

/// `title aGVsbG8=,is_public`: keys with values in base64; a key alone has the empty value.
pub(crate) fn metadata(headers: &HeaderMap) -> Result<BTreeMap<String, String>, LibraryFault> {
    let wrong = || LibraryFault::Header { name: METADATA.to_string() };
    let Some(line) = headers.get(METADATA) else { return Ok(BTreeMap::new()) };
    let line = line.to_str().map_err(|_| wrong())?;
    if line.len() > MOST_METADATA_BYTES {
        return Err(wrong());
    }
    let mut metadata = BTreeMap::new();
    for pair in line.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| wrong())?;
        let value = String::from_utf8(value).map_err(|_| wrong())?;
        if metadata.insert(key.to_owned(), value).is_some() {
            return Err(wrong());
        }
    }
    Ok(metadata)
}

/// `Upload-Checksum: sha256 <base64>`.
pub(crate) fn checksum(headers: &HeaderMap) -> Result<Option<Sha256Bytes>, LibraryFault> {
    let Some(line) = headers.get(CHECKSUM) else { return Ok(None) };
    let wrong = || LibraryFault::Header { name: CHECKSUM.to_string() };
    let (algorithm, value) = line.to_str().ok().and_then(|line| line.split_once(' ')).ok_or_else(wrong)?;
    if algorithm != CHECKSUMS {
        return Err(wrong());
    }
    let value = STANDARD.decode(value.trim()).map_err(|_| wrong())?;
    value.try_into().map(Some).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(number(&with(LENGTH, "10737418240"), &LENGTH).unwrap(), 10_737_418_240);
        for wrong in ["", "+1", "-1", "1.0", " 1", "0x10", "18446744073709551616", "ten"] {
            assert!(number(&with(LENGTH, wrong), &LENGTH).is_err(), "{wrong}");
        }
        assert!(number(&HeaderMap::new(), &LENGTH).is_err());
    }

    #[test]
    fn metadata_is_pairs_in_base64() {
        let read =
            |line: &str| metadata(&with(METADATA, line)).map(|pairs| pairs.into_iter().collect::<Vec<_>>());
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            read("title 7IaM66as, is_public").unwrap(),
            [pair("is_public", ""), pair("title", "소리")]
        );
        assert_eq!(read("").unwrap(), []);
        for wrong in ["title ***", "title /w==", "title YQ==,title Yg==", &"a ".repeat(5_000)] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(metadata(&HeaderMap::new()).unwrap().is_empty());
    }

    #[test]
    fn a_checksum_is_sha256_of_32_bytes() {
        let read = |line: &str| checksum(&with(CHECKSUM, line));
        let zeros = STANDARD.encode([0; 32]);
        assert_eq!(read(&format!("sha256 {zeros}")).unwrap(), Some([0; 32]));
        for wrong in [format!("sha1 {zeros}"), "sha256 AAAA".into(), "sha256".into(), zeros] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(checksum(&HeaderMap::new()).unwrap(), None);
    }
}
