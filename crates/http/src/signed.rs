//! Signed addresses: `?expires=&key=&as=&signature=` stands for an account on exactly one method and
//! path, for a quarter of an hour. Players, download managers and other programs that cannot send
//! a header get files that way.
//!
//! The signature names the account it speaks for, and what the account may see is asked when the
//! address is used: taking back a share or deleting the script also ends the addresses made before.
//! What else stands in the query (`download`, how captions are laid out) is not covered.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use sori_contracts::{AccountId, Caller, Credential, Member, Role, Scope};

/// How long an address is good.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// A secret with the name by which addresses refer to it.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    secret: [u8; 32],
}

impl SigningKey {
    /// The id is made from the secret, so that it changes whenever the secret does.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        let mut mac = keyed(&secret);
        mac.update(b"key id");
        let id = hex(&mac.finalize().into_bytes()[..4]);
        Self { id, secret }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes and checks signed addresses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UrlSigner(Arc<Keys>);

#[derive(Debug)]
struct Keys {
    current: SigningKey,
    by_id: BTreeMap<String, SigningKey>,
}

/// What the query of a request says about its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    Absent,
    /// It stands for this member, who may do nothing but read.
    Valid(Member),
    /// Forged, expired, or for another method or path.
    Bad,
}

impl UrlSigner {
    /// New addresses are signed with `current`; those signed with one of `older` stay good until they
    /// expire.
    #[must_use]
    pub fn new(current: SigningKey, older: impl IntoIterator<Item = SigningKey>) -> Self {
        let by_id = older.into_iter().chain([current.clone()]).map(|key| (key.id.clone(), key)).collect();
        Self(Arc::new(Keys { current, by_id }))
    }

    /// `path` with its signature, for `GET` and `HEAD` by `member`.
    #[must_use]
    pub fn sign(&self, member: &Member, path: &str, now: SystemTime) -> SignedUrl {
        self.sign_until(member, path, seconds(now) + LIFETIME.as_secs())
    }

    fn sign_until(&self, member: &Member, path: &str, expires_s: u64) -> SignedUrl {
        let key = &self.0.current;
        let who = format!("{}.{}", member.account, member.role.as_str());
        let signature = hex(&mac(key, &Method::GET, path, expires_s, &who).finalize().into_bytes());
        SignedUrl {
            url: format!("{path}?expires={expires_s}&key={}&as={who}&signature={signature}", key.id),
            expires_at_ms: i64::try_from(expires_s * 1000).ok(),
        }
    }

    /// Compares in constant time.
    #[must_use]
    pub fn verify(&self, method: &Method, path: &str, query: Option<&str>, now: SystemTime) -> Signature {
        let fields: BTreeMap<&str, &str> =
            query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).collect();
        let Some(signature) = fields.get("signature") else { return Signature::Absent };
        self.check(method, path, &fields, signature, now).map_or(Signature::Bad, Signature::Valid)
    }

    fn check(
        &self,
        method: &Method,
        path: &str,
        fields: &BTreeMap<&str, &str>,
        signature: &str,
        now: SystemTime,
    ) -> Option<Member> {
        // A HEAD asks for less than the GET that was signed.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let key = self.0.by_id.get(*fields.get("key")?)?;
        let expires_s: u64 = fields.get("expires")?.parse().ok()?;
        let who = fields.get("as")?;
        mac(key, method, path, expires_s, who).verify_slice(&unhex(signature)?).ok()?;
        if expires_s <= seconds(now) {
            return None;
        }
        let (account, role) = who.split_once('.')?;
        Some(Member {
            account: account.parse::<AccountId>().ok()?,
            role: Role::parse(role)?,
            scopes: [Scope::ScriptsRead, Scope::JobsRead].into_iter().collect(),
            credential: Credential::Link,
        })
    }
}

/// An address as it goes to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUrl {
    pub url: String,
    /// `None` for a plain path, which does not expire.
    pub expires_at_ms: Option<i64>,
}

/// Writes addresses for the caller of a request: signed for a member, plain for a visitor (who sees
/// public things only) and in tests of a block alone.
#[derive(Clone, Debug)]
pub struct Links {
    signer: Option<UrlSigner>,
    member: Option<Member>,
    /// Until when addresses are good, if not for the usual time.
    until_s: Option<u64>,
    /// The request came by a signed address: for whom, and until when that is good.
    parent: Option<(Member, u64)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Links {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let member = parts.extensions.get::<Caller>().and_then(Caller::member).copied();
        let came_by_address = |member: &Member| member.credential == Credential::Link;
        Ok(Self {
            signer: parts.extensions.get::<UrlSigner>().cloned(),
            // An address must not beget younger ones.
            member: member.filter(|member| !came_by_address(member)),
            until_s: None,
            parent: member.filter(came_by_address).zip(expiry(parts.uri.query())),
        })
    }
}

impl Links {
    /// Plain paths.
    #[must_use]
    pub fn plain() -> Self {
        Self { signer: None, member: None, until_s: None, parent: None }
    }

    /// For what is played for some time, and for the parts that it names, such as the file of a playlist:
    /// good for `lasting` from now on. Those for a request that came by a signed address end when that one
    /// does, so that an address stays as good as it was made, however often it is asked for.
    #[must_use]
    pub fn to_parts(&self, lasting: Duration) -> Self {
        let now_s = seconds(SystemTime::now());
        self.until(self.parent.map_or(now_s + lasting.max(LIFETIME).as_secs(), |(_, expires_s)| expires_s))
    }

    fn until(&self, expires_s: u64) -> Self {
        let member = self.member.or(self.parent.map(|(member, _)| member));
        Self { signer: self.signer.clone(), member, until_s: Some(expires_s), parent: None }
    }

    #[must_use]
    pub fn to(&self, path: &str) -> SignedUrl {
        match (&self.signer, &self.member, self.until_s) {
            (Some(signer), Some(member), None) => signer.sign(member, path, SystemTime::now()),
            (Some(signer), Some(member), Some(until_s)) => signer.sign_until(member, path, until_s),
            _ => SignedUrl { url: path.to_owned(), expires_at_ms: None },
        }
    }

    /// Signs every `url` inside of a stored result that is a path of this server, and puts
    /// `expires_at_ms` beside it.
    pub fn sign_within(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.sign_within(item)),
            Value::Object(fields) => {
                let path = fields.get("url").and_then(Value::as_str).filter(|url| url.starts_with('/'));
                if let Some(SignedUrl { url, expires_at_ms: Some(at) }) = path.map(|path| self.to(path)) {
                    fields.insert("url".into(), url.into());
                    fields.insert("expires_at_ms".into(), at.into());
                }
                fields.values_mut().for_each(|field| self.sign_within(field));
            }
            _ => {}
        }
    }
}

fn expiry(query: Option<&str>) -> Option<u64> {
    query?.split('&').find_map(|pair| pair.strip_prefix("expires="))?.parse().ok()
}

fn mac(key: &SigningKey, method: &Method, path: &str, expires_s: u64, who: &str) -> Hmac<Sha256> {
    let mut mac = keyed(&key.secret);
    mac.update(format!("sori-url-1\n{method}\n{path}\n{expires_s}\n{}\n{who}", key.id).as_bytes());
    mac
}

fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() % 2 == 1 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits.chunks_exact(2).map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sori_contracts::{ApiKeyId, Scopes};

    use super::*;

    const PATH: &str = "/v1/renderings/0198f2a0-0000-7000-8000-000000000001/audio/mp3";

    fn member() -> Member {
        Member {
            account: AccountId::generate(),
            role: Role::Editor,
            scopes: Scopes::all(),
            credential: Credential::ApiKey(ApiKeyId::generate()),
        }
    }

    fn key(byte: u8) -> SigningKey {
        SigningKey::new([byte; 32])
    }

    fn query(url: &SignedUrl) -> &str {
        url.url.split_once('?').unwrap().1
    }

    #[test]
    fn an_address_stands_for_its_account_and_may_only_read() {
        let signer = UrlSigner::new(key(1), []);
        let (member, now) = (member(), SystemTime::now());
        let url = signer.sign(&member, PATH, now);
        for method in [Method::GET, Method::HEAD] {
            let Signature::Valid(stands_for) = signer.verify(&method, PATH, Some(query(&url)), now) else {
                panic!("{method} {url:?}");
            };
            assert_eq!((stands_for.account, stands_for.role), (member.account, Role::Editor));
            let scopes: Vec<_> = stands_for.scopes.iter().map(Scope::as_str).collect();
            assert_eq!(scopes, ["scripts:read", "jobs:read"]);
        }
        let with_more = format!("download=true&{}", query(&url));
        assert!(matches!(signer.verify(&Method::GET, PATH, Some(&with_more), now), Signature::Valid(_)));
    }

    #[test]
    fn nothing_but_that_path_and_method_until_that_time() {
        let signer = UrlSigner::new(key(1), []);
        let now = SystemTime::now();
        let url = signer.sign(&member(), PATH, now);
        let verify = |method: Method, path: &str, query: &str, now| {
            signer.verify(&method, path, Some(query), now) == Signature::Bad
        };
        let good = query(&url);
        assert!(verify(Method::DELETE, PATH, good, now));
        assert!(verify(Method::POST, PATH, good, now));
        assert!(verify(Method::GET, &PATH.replace("mp3", "wav"), good, now));
        assert!(verify(Method::GET, &format!("{PATH}/"), good, now));
        assert!(verify(Method::GET, PATH, good, now + LIFETIME));
        assert!(!verify(Method::GET, PATH, good, now + LIFETIME - Duration::from_secs(2)));
        let (before, signature) = good.split_once("signature=").unwrap();
        for forged in ["", "00", "zz", &signature[2..], &signature.replace(['0', '1'], "2"), "한"] {
            assert!(verify(Method::GET, PATH, &format!("{before}signature={forged}"), now), "{forged}");
        }
        let later = good.replacen("expires=", "expires=9", 1);
        assert!(verify(Method::GET, PATH, &later, now));
        assert!(verify(Method::GET, PATH, &good.replace("editor", "admin"), now));
        assert_eq!(signer.verify(&Method::GET, PATH, Some("download=1"), now), Signature::Absent);
        assert_eq!(signer.verify(&Method::GET, PATH, None, now), Signature::Absent);
    }

    #[test]
    fn an_older_key_is_good_until_it_is_taken_away() {
        let now = SystemTime::now();
        let url = UrlSigner::new(key(1), []).sign(&member(), PATH, now);
        let check = |signer: &UrlSigner| signer.verify(&Method::GET, PATH, Some(query(&url)), now);
        assert!(matches!(check(&UrlSigner::new(key(2), [key(1)])), Signature::Valid(_)));
        assert_eq!(check(&UrlSigner::new(key(2), [])), Signature::Bad);
    }

    #[test]
    fn addresses_inside_of_a_result_are_signed_where_they_stand() {
        let signer = Some(UrlSigner::new(key(1), []));
        let links = Links { signer, member: Some(member()), ..Links::plain() };
        let stored = json!({"audio": {"mp3": {"url": PATH, "bytes": 3}}, "list": [{"url": "/x"}],
            "other": {"url": "https://example.org/x"}, "title": "/not a url"});
        let mut signed = stored.clone();
        links.sign_within(&mut signed);
        assert!(signed["audio"]["mp3"]["url"].as_str().unwrap().starts_with(&format!("{PATH}?expires=")));
        assert!(signed["audio"]["mp3"]["expires_at_ms"].is_i64());
        assert!(signed["list"][0]["url"].as_str().unwrap().contains("signature="));
        assert_eq!((&signed["other"], &signed["title"]), (&stored["other"], &stored["title"]));

        let mut plain = stored.clone();
        Links::plain().sign_within(&mut plain);
        assert_eq!(plain, stored);
    }

    async fn links_of(caller: Member, uri: &str) -> Links {
        let mut request = axum::http::Request::builder().uri(uri).body(()).unwrap();
        request.extensions_mut().insert(UrlSigner::new(key(1), []));
        request.extensions_mut().insert(Caller::Account(caller));
        let (mut parts, ()) = request.into_parts();
        Links::from_request_parts(&mut parts, &()).await.unwrap_or_else(|never| match never {})
    }

    fn expires_s(url: &SignedUrl) -> u64 {
        expiry(url.url.split_once('?').map(|(_, query)| query)).unwrap()
    }

    #[tokio::test]
    async fn what_is_played_keeps_its_addresses_for_as_long_as_it_plays() {
        let film = Duration::from_secs(3 * 3_600);
        let person = member();
        let links = links_of(person, "/master").await;
        let now_s = seconds(SystemTime::now());
        let part = links.to_parts(film).to("/part");
        assert!(expires_s(&part).abs_diff(now_s + 10_800) < 60, "{part:?}");
        assert!(expires_s(&links.to_parts(Duration::ZERO).to("/part")).abs_diff(now_s + 900) < 60);

        // By a signed address: no younger ones, and its parts are as good as it is.
        let by_link = Member { credential: Credential::Link, ..person };
        let links = links_of(by_link, &part.url).await;
        assert_eq!(links.to("/file").expires_at_ms, None);
        let file = links.to_parts(film * 2).to("/file");
        assert_eq!(expires_s(&file), expires_s(&part));
        let stands_for = UrlSigner::new(key(1), []);
        let verified = stands_for.verify(&Method::GET, "/file", Some(query(&file)), SystemTime::now());
        assert!(matches!(verified, Signature::Valid(member) if member.account == person.account));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", UrlSigner::new(SigningKey::new([0xab; 32]), []));
        assert!(!shown.contains("abab") && !shown.contains("171"), "{shown}");
    }
}
