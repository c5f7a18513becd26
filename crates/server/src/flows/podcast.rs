//! A show as a podcast: `/feeds/public/{show}/feed.xml` for what everybody may hear, and for the rest a
//! secret address that holds an API key made for it (`POST /v1/shows/{id}/feed`). Who takes that key back
//! among their keys ends the feed.

mod feed;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sori_auth::{Actor, Auth, NewKey, Policy};
use sori_catalog::{Catalog, CatalogFault, ScriptFilter, ScriptSort, ScriptSummary};
use sori_contracts::{Caller, ContentId, Identity, Kind, MediaId, Presented, Scope, ScriptId, ShowId};
use sori_http::{AccessFault, Json, PageQuery, Path, Problem, ProblemBody, Sender, SignedIn};
use sori_streaming::{Asked, Listener, Sessions, Streaming, told_when};
use sori_voice::{
    Rendering, RenderingFault, Voice,
    routes::{CaptionFormat, CaptionOptions, write_captions},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use feed::{Episode, Feed};

/// The newest; a player keeps those it has seen.
const MOST_EPISODES: u32 = 200;
/// In place of a key, for everybody.
const PUBLIC: &str = "public";
/// What players play, best first.
const FORMATS: [&str; 5] = ["mp3", "m4a", "opus", "flac", "wav"];

#[derive(Clone)]
pub struct Podcasts {
    pub auth: Auth,
    pub catalog: Catalog,
    pub voice: Voice,
    pub streaming: Streaming,
    pub sessions: Sessions,
    /// Where this server is reached, when the settings say so.
    pub public_url: Option<String>,
}

pub fn routes(podcasts: Podcasts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(make_feed))
        .routes(routes!(get_feed))
        .routes(routes!(get_episode_file))
        .with_state(podcasts)
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FeedView {
    /// Give it to a podcast player. Whoever has it may listen.
    #[schema(example = "https://sori.example.org/feeds/sori_0011aabb_…/018f…/feed.xml")]
    url: String,
}

/// A secret feed of a show, for one's own player
///
/// The address holds a new API key that may only read; taking the key back ends the feed.
#[utoipa::path(post, path = "/v1/shows/{id}/feed", operation_id = "make_feed", tag = "scripts",
    security(("account" = ["account", "scripts:read"])),
    params(("id" = ShowId, Path, description = "Show")),
    responses(
        (status = 201, description = "The address, shown once", body = FeedView),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn make_feed(
    State(podcasts): State<Podcasts>,
    SignedIn(member): SignedIn,
    Sender(address): Sender,
    Path(id): Path<ShowId>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<FeedView>), Problem> {
    let show = podcasts.catalog.show(&Caller::Account(member), id).await?;
    let name: String = format!("Podcast: {}", show.title).chars().take(100).collect();
    let key = NewKey {
        name,
        scopes: [Scope::ScriptsRead].into_iter().collect(),
        policy: Policy::Bearer,
        expires_at_ms: None,
    };
    let actor = Actor { account: Some(member.account), address };
    let (_, secret) = podcasts.auth.api_keys().create(member.account, key, actor).await?;
    let url = format!("{}/feeds/{secret}/{id}/feed.xml", podcasts.origin(&headers));
    Ok((StatusCode::CREATED, Json(FeedView { url })))
}

/// A show as a podcast feed
///
/// RSS with transcripts and chapters (Podcasting 2.0).
#[utoipa::path(get, path = "/feeds/{key}/{show}/feed.xml", operation_id = "get_feed", tag = "scripts", security(()),
    params(("key" = String, Path, description = "`public`, or the key of a secret address"),
        ("show" = ShowId, Path, description = "Show")),
    responses(
        (status = 200, description = "The feed", content_type = "application/rss+xml", body = String),
        (status = 304, description = "Unchanged"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`: the key was taken back", body = ProblemBody),
        (status = 404, description = "`SHOW_NOT_FOUND`", body = ProblemBody),
    ))]
async fn get_feed(
    State(podcasts): State<Podcasts>,
    Path((key, show)): Path<(String, ShowId)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = podcasts.caller(&key).await?;
    let base = format!("{}/feeds/{key}/{show}", podcasts.origin(&headers));
    let text = podcasts.feed(&caller, show, &base).await?.to_rss();
    let digest = Sha256::digest(text.as_bytes());
    let tag = format!("\"{}\"", digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let about = [(header::ETAG, tag), (header::CACHE_CONTROL, "private, max-age=300".to_owned())];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, [(header::CONTENT_TYPE, "application/rss+xml; charset=utf-8")], text).into_response())
}

/// A file of an episode
#[utoipa::path(get, path = "/feeds/{key}/{show}/{script}/{file}", operation_id = "get_episode_file", tag = "scripts",
    security(()),
    params(("key" = String, Path, description = "`public`, or the key of a secret address"),
        ("show" = ShowId, Path, description = "Show"), ("script" = ScriptId, Path, description = "Script"),
        ("file" = String, Path, description = "`audio.mp3`, `transcript.vtt`, `transcript.srt`, `transcript.json` or `chapters.json`", example = "audio.mp3")),
    responses(
        (status = 200, description = "The file", content_type = "audio/mpeg", body = String),
        (status = 206, description = "The range that was asked for", content_type = "audio/mpeg", body = String),
        (status = 304, description = "Unchanged"),
        (status = 401, description = "`AUTH_INVALID_TOKEN`: the key was taken back", body = ProblemBody),
        (status = 404, description = "No such episode or file", body = ProblemBody),
        (status = 412, description = "`If-Match` names another state", body = ProblemBody),
        (status = 416, description = "The range lies outside of the file", body = ProblemBody),
        (status = 429, description = "`STREAM_RATE_LIMITED`: no slot is free; `Retry-After` says when to come back", body = ProblemBody),
    ))]
async fn get_episode_file(
    State(podcasts): State<Podcasts>,
    listener: Listener,
    Path((key, show, script, file)): Path<(String, ShowId, ScriptId, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let caller = podcasts.caller(&key).await?;
    let view = podcasts.catalog.script(&caller, script).await?;
    let rendering = view.rendering_id.filter(|_| view.show.is_some_and(|of| of.id == show));
    let rendering =
        podcasts.voice.rendering_for(&caller, rendering.ok_or(CatalogFault::ScriptNotFound(script))?).await?;
    let (name, ending) = file.split_once('.').unwrap_or((&file, ""));
    let nothing = || Problem::from(RenderingFault::NotFound(rendering.id));
    let text = |kind: &'static str, text: String| Ok(([(header::CONTENT_TYPE, kind)], text).into_response());
    match (name, ending) {
        ("audio", format) => {
            let audio = rendering.audio.iter().find(|audio| audio.format == format).ok_or_else(nothing)?;
            let listener = listener.by(caller);
            match podcasts.sessions.join(&listener, ContentId(script.0), asked).await {
                Ok(asked) => Ok(podcasts.streaming.answer(MediaId(audio.media_id), asked).await?),
                Err(problem) => Ok(told_when(problem)),
            }
        }
        ("chapters", "json") => text(feed::CHAPTERS_TYPE, feed::chapters(&rendering.transcript)),
        ("transcript", "json") => text("application/json", feed::transcript(&rendering.transcript)),
        ("transcript", "vtt" | "srt") => {
            let format = if ending == "vtt" { CaptionFormat::Vtt } else { CaptionFormat::Srt };
            text(
                format.content_type(),
                write_captions(&rendering.transcript, format, &CaptionOptions::default()),
            )
        }
        _ => Err(nothing()),
    }
}

impl Podcasts {
    async fn caller(&self, key: &str) -> Result<Caller, Problem> {
        if key == PUBLIC {
            return Ok(Caller::Visitor);
        }
        let member = self.auth.identify(Presented::ApiKey(key)).await.map_err(Problem::from_boxed)?;
        // The border asks no scope here, since it sees no credential in a path.
        if !member.scopes.has(Scope::ScriptsRead) {
            return Err(AccessFault::InvalidToken.into());
        }
        Ok(Caller::Account(member))
    }

    async fn feed(&self, caller: &Caller, show: ShowId, base: &str) -> Result<Feed, Problem> {
        let view = self.catalog.show(caller, show).await?;
        let filter =
            ScriptFilter { show_id: Some(show), sort: ScriptSort::Created, ..ScriptFilter::default() };
        let page = PageQuery { limit: Some(MOST_EPISODES), cursor: None };
        let mut episodes = Vec::new();
        for script in self.catalog.scripts(caller, &filter, &page).await?.items {
            let Some(id) = script.rendering_id else { continue };
            match self.voice.rendering_for(caller, id).await {
                Ok(rendering) => episodes.extend(episode(&script, &rendering, base)),
                // One that is deleted in this moment is no longer an episode.
                Err(problem) if problem.fault().kind() == Kind::NotFound => {}
                Err(problem) => return Err(problem),
            }
        }
        let origin = base.split_once("/feeds/").map_or(base, |(origin, _)| origin);
        Ok(Feed {
            description: view.description.unwrap_or_else(|| view.title.clone()),
            title: view.title,
            lang: view.lang,
            cover_url: view.cover_url,
            page_url: format!("{origin}/"),
            is_private: matches!(caller, Caller::Account(_)),
            episodes,
        })
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

fn episode(script: &ScriptSummary, rendering: &Rendering, base: &str) -> Option<Episode> {
    let formats = FORMATS.iter();
    let audio =
        formats.filter_map(|format| rendering.audio.iter().find(|audio| audio.format == *format)).next()?;
    let file = |name: &str| format!("{base}/{}/{name}", script.id);
    Some(Episode {
        id: script.id.to_string(),
        title: script.title.clone(),
        description: script.description.clone(),
        lang: script.lang.clone(),
        published_ms: script.created_at_ms,
        duration_ms: rendering.transcript.duration_ms,
        audio_url: file(&format!("audio.{}", audio.format)),
        audio_type: audio.content_type.clone(),
        audio_bytes: u64::try_from(audio.size_bytes).unwrap_or(0),
        transcripts: vec![
            (file("transcript.vtt"), "text/vtt"),
            (file("transcript.srt"), "application/x-subrip"),
            (file("transcript.json"), "application/json"),
        ],
        chapters_url: (!rendering.transcript.chapters.is_empty()).then(|| file("chapters.json")),
    })
}
