//! The Subsonic API with the extensions of OpenSubsonic, so that music players of phones play scripts: a show is an
//! album and a podcast, a script a song and an episode, and its captions are lyrics timed to the word.
//!
//! A player proves itself with an API key: as `apiKey`, or in the place of the password. What it may do is what the
//! key may. Nothing is transcoded, and what the protocol knows beyond that (ratings, playlists, jukeboxes) is answered
//! as empty or refused.

mod answer;
mod asked;
mod library;
mod lyrics;
mod media;
mod playing;
mod queue;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use sori_auth::Auth;
use sori_catalog::Catalog;
use sori_contracts::{Caller, ContentId, Contents as _, Identity, Kind, Member, Presented, Scope};
use sori_http::Path;
use sori_listening::Listening;
use sori_streaming::{Asked, Listener, Sessions};
use sori_voice::Voice;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    answer::{Element, Form, Refusal, written},
    asked::Parameters,
};
use crate::flows::find_content::FindContent;

pub use queue::PlayQueues;

#[derive(Clone)]
pub struct Subsonic {
    pub auth: Auth,
    pub catalog: Catalog,
    pub voice: Voice,
    pub contents: FindContent,
    pub sessions: Sessions,
    pub listening: Listening,
    pub queues: PlayQueues,
    /// Where this server is reached, when the settings say so.
    pub public_url: Option<String>,
}

pub fn routes(subsonic: Subsonic) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(call_subsonic, post_subsonic)).with_state(subsonic)
}

/// The extensions of OpenSubsonic that are spoken, with their versions.
const EXTENSIONS: [(&str, &[i64]); 5] = [
    ("apiKeyAuthentication", &[1]),
    ("formPost", &[1]),
    ("getPodcastEpisode", &[1]),
    ("playbackReport", &[1]),
    ("songLyrics", &[1, 2]),
];

/// A call of the Subsonic API
///
/// Parameters, answers and error codes are those of OpenSubsonic (protocol 1.16.1): `f` is `xml` or `json`, and errors
/// come with status 200. Prove yourself with an API key: `apiKey=…`, or `u=…&p=…` with the key as password.
#[utoipa::path(get, path = "/rest/{call}", operation_id = "call_subsonic", tag = "subsonic", security(()),
    params(("call" = String, Path, description = "Such as `getAlbumList2` or `stream`; `.view` may follow", example = "ping")),
    responses(
        (status = 200, description = "`subsonic-response`, or the bytes of a file", content_type = "application/json", body = String),
        (status = 206, description = "The range that was asked for", content_type = "audio/mpeg", body = String),
        (status = 302, description = "Where the cover lies"),
        (status = 404, description = "A call that is not known"),
    ))]
async fn call_subsonic(
    State(subsonic): State<Subsonic>,
    Path(call): Path<String>,
    RawQuery(query): RawQuery,
    listener: Listener,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    subsonic.answer(&call, query.as_deref().unwrap_or_default(), &[], listener, asked, &headers).await
}

/// The same with its parameters in a form
#[utoipa::path(post, path = "/rest/{call}", operation_id = "post_subsonic", tag = "subsonic", security(()),
    params(("call" = String, Path, description = "Such as `getAlbumList2`", example = "ping")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "`subsonic-response`, or the bytes of a file", content_type = "application/json", body = String),
        (status = 404, description = "A call that is not known"),
    ))]
async fn post_subsonic(
    State(subsonic): State<Subsonic>,
    Path(call): Path<String>,
    RawQuery(query): RawQuery,
    listener: Listener,
    asked: Asked,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    subsonic.answer(&call, query.as_deref().unwrap_or_default(), &body, listener, asked, &headers).await
}

/// What a call ends with.
enum Done {
    Told(Element),
    Sent(Response),
}

/// Who calls.
struct Person {
    member: Member,
    caller: Caller,
    username: String,
}

impl Subsonic {
    async fn answer(
        &self,
        call: &str,
        query: &str,
        body: &[u8],
        listener: Listener,
        asked: Asked,
        headers: &HeaderMap,
    ) -> Response {
        let call = call.strip_suffix(".view").unwrap_or(call);
        let parameters = match parameters(query, body) {
            Ok(parameters) => parameters,
            Err(refusal) => return written(Err(refusal), Form::Xml),
        };
        let form = match parameters.form() {
            Ok(form) => form,
            Err(refusal) => return written(Err(refusal), Form::Xml),
        };
        match self.call(call, &parameters, listener, asked, headers).await {
            Ok(Some(Done::Told(element))) => written(Ok(element), form),
            Ok(Some(Done::Sent(response))) => response,
            Ok(None) => {
                let mut response = written(Err(Refusal::generic("This call is not known.")), form);
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
            Err(refusal) => written(Err(refusal), form),
        }
    }

    /// `None` for a call that is not known.
    async fn call(
        &self,
        call: &str,
        asked: &Parameters,
        listener: Listener,
        request: Asked,
        headers: &HeaderMap,
    ) -> Result<Option<Done>, Refusal> {
        asked.check_version()?;
        // The one call that everybody may make: a player learns by it how to prove itself.
        if call == "getOpenSubsonicExtensions" {
            return Ok(Some(Done::Told(extensions())));
        }
        let member = self.member(asked).await?;
        let caller = Caller::Account(member);
        let listener = || listener.by(caller).on(Some(&asked.device())).map_err(library::fault);
        match call {
            "stream" => return self.stream(listener()?, asked, request).await.map(Done::Sent).map(Some),
            "download" => return self.download(listener()?, asked, request).await.map(Done::Sent).map(Some),
            "getCoverArt" => return self.cover(&caller, asked).await.map(Done::Sent).map(Some),
            _ => {}
        }
        let account = self.auth.accounts().get(member.account).await.map_err(library::fault)?;
        let person = Person { member, caller, username: account.email };
        Ok(self.told(call, asked, &person, headers).await?.map(Done::Told))
    }

    async fn told(
        &self,
        call: &str,
        asked: &Parameters,
        person: &Person,
        headers: &HeaderMap,
    ) -> Result<Option<Element>, Refusal> {
        let Person { member, caller, username } = person;
        let empty = |name: &'static str| Ok(Element::new().one(name, Element::new()));
        let told =
            match call {
                "ping" => Ok(Element::new()),
                "getLicense" => Ok(Element::new().one("license", Element::new().flag("valid", true))),
                "tokenInfo" => Ok(Element::new().one("tokenInfo", Element::new().text("username", username))),
                "getUser" => Ok(user(username)),
                "getMusicFolders" => Ok(folders()),
                "getScanStatus" => Ok(Element::new()
                    .one("scanStatus", Element::new().flag("scanning", false).number("count", 0))),
                "getArtists" => self.artists(caller).await,
                "getArtist" => self.artist(caller, asked).await,
                "getAlbumList2" => self.album_list(caller, asked).await,
                "getAlbum" => self.album(caller, asked).await,
                "getSong" => self.song(caller, asked).await,
                "getRandomSongs" => self.random_songs(caller, asked).await,
                "search3" => self.search(caller, asked).await,
                "getPodcasts" => self.podcasts(caller, asked, &self.origin(headers)).await,
                "getNewestPodcasts" => self.newest_episodes(caller, asked).await,
                "getPodcastEpisode" => self.podcast_episode(caller, asked).await,
                "getLyricsBySongId" => self.lyrics(caller, asked).await,
                "getBookmarks" => self.bookmarks(*member, username).await,
                "createBookmark" => self.set_bookmark(*member, asked).await,
                "deleteBookmark" => self.remove_bookmark(*member, asked).await,
                "getPlayQueue" => self.queue(*member, username).await,
                "savePlayQueue" => self.save_queue(*member, asked).await,
                "scrobble" => self.scrobble(caller, asked).await,
                "reportPlayback" => self.report(*member, asked).await,
                // Players ask for these on their first page, and go on when there is nothing.
                "getPlaylists" => empty("playlists"),
                "getStarred2" => empty("starred2"),
                "getGenres" => empty("genres"),
                "getNowPlaying" => empty("nowPlaying"),
                "getInternetRadioStations" => empty("internetRadioStations"),
                _ => return Ok(None),
            };
        told.map(Some)
    }

    /// The account behind an API key, wherever in the call it stands.
    async fn member(&self, asked: &Parameters) -> Result<Member, Refusal> {
        let password = asked.get("p").filter(|password| !password.is_empty());
        let token = asked.get("t").or(asked.get("s"));
        let (key, refused) = match (asked.get("apiKey"), asked.get("u"), password, token) {
            (Some(_), None, None, None) => (asked.required("apiKey")?.to_owned(), 44),
            (Some(_), ..) | (None, _, Some(_), Some(_)) => {
                return Err(Refusal::new(43, "Multiple conflicting authentication mechanisms provided."));
            }
            (None, Some(user), Some(password), None) if !user.is_empty() => (plain(password)?, 40),
            (None, _, Some(_), None) => return Err(Refusal::missing("u")),
            // The key itself is not kept, so that nothing can be hashed with a salt (extension
            // apiKeyAuthentication: a server without it answers 41).
            (None, _, None, Some(_)) => {
                let message =
                    "Token authentication is not supported: send an API key as apiKey or as password.";
                return Err(Refusal::new(41, message));
            }
            (None, _, None, None) => return Err(Refusal::missing("apiKey")),
        };
        let member = match self.auth.identify(Presented::ApiKey(&key)).await {
            Ok(member) => member,
            Err(fault) if fault.kind() == Kind::Unauthenticated => {
                let message = if refused == 44 { "Invalid API key." } else { "Wrong username or password." };
                return Err(Refusal::new(refused, message));
            }
            Err(fault) => return Err(fault.into()),
        };
        // The border asks no scope here, since it sees no credential of its own.
        if member.scopes.has(Scope::ScriptsRead) {
            Ok(member)
        } else {
            Err(Refusal::new(50, "This API key lacks the scope scripts:read."))
        }
    }

    async fn lyrics(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        let content = self.contents.content(caller, asked.id::<ContentId>("id")?).await?;
        let enhanced = asked.flag("enhanced", false)?;
        let list = match content.rendering {
            Some(id) => lyrics::lyrics(&self.voice.rendering_for(caller, id).await?.transcript, enhanced),
            None => Element::new(),
        };
        Ok(Element::new().one("lyricsList", list))
    }

    fn origin(&self, headers: &HeaderMap) -> String {
        let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.auth.config().is_secure => format!("https://{}", host()),
            None => format!("http://{}", host()),
        }
    }
}

/// Of the address and of the form.
fn parameters(query: &str, body: &[u8]) -> Result<Parameters, Refusal> {
    let pairs = [query.as_bytes(), body].into_iter().flat_map(form_urlencoded::parse);
    Parameters::of(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
}

/// `enc:` and hexadecimal digits are another way to write a password.
fn plain(password: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::new(40, "Wrong username or password.");
    let Some(hex) = password.strip_prefix("enc:") else { return Ok(password.to_owned()) };
    if hex.len() % 2 != 0 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let digits = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    let bytes: Result<Vec<u8>, _> = digits.collect();
    String::from_utf8(bytes.map_err(|_| wrong())?).map_err(|_| wrong())
}

fn extensions() -> Element {
    let extensions =
        EXTENSIONS.map(|(name, versions)| Element::new().text("name", name).numbers("versions", versions));
    Element::new().many("openSubsonicExtensions", extensions.into())
}

fn folders() -> Element {
    let folder = Element::new().number("id", 1).text("name", "Sori");
    Element::new().one("musicFolders", Element::new().many("musicFolder", vec![folder]))
}

/// What players show and hide by; none of it is decided here.
fn user(username: &str) -> Element {
    let user = Element::new().text("username", username).flag("scrobblingEnabled", true);
    let user =
        ["streamRole", "downloadRole", "podcastRole"].iter().fold(user, |user, role| user.flag(role, true));
    let others = [
        "adminRole",
        "settingsRole",
        "uploadRole",
        "playlistRole",
        "coverArtRole",
        "commentRole",
        "jukeboxRole",
        "shareRole",
    ];
    Element::new().one("user", others.iter().fold(user, |user, role| user.flag(role, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_be_written_in_hexadecimal() {
        assert_eq!(plain("sori_key").unwrap(), "sori_key");
        assert_eq!(plain("enc:736f7269").unwrap(), "sori");
        for wrong in ["enc:7", "enc:zz", "enc:+1", "enc:ff", "enc:é"] {
            assert_eq!(plain(wrong).unwrap_err().code, 40, "{wrong}");
        }
    }

    #[test]
    fn parameters_of_address_and_form_are_one_list() {
        let read = parameters("id=1&id=2&u=a%20b", b"p=c%26d&id=3").unwrap();
        assert_eq!(read.all("id").collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!((read.get("u"), read.get("p")), (Some("a b"), Some("c&d")));
        assert!(parameters(&"a=b&".repeat(3_000), b"").is_err());
        // Bytes that are no text become signs that say so.
        assert_eq!(parameters("", b"id=\xff%ff").unwrap().get("id"), Some("\u{fffd}\u{fffd}"));
    }
}
