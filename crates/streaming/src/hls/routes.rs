//! `GET /api/stream/{content_id}/hls/{file}`: playlists, captions and the files that they name.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sori_contracts::{Content, ContentId, MediaFault};
use sori_http::{Links, Path, Problem, ProblemBody, Query};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    CaptionTrack, Hls, HlsFault, Source, lasting,
    packages::PackageId,
    playlist::{
        Progress, Subtitles, Variant, media_playlist, multivariant_playlist, subtitles_playlist, timed_webvtt,
    },
    shown::{Shown, ShownRendition},
};
use crate::{Asked, Listener, told_when};

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
/// Seconds after which a player may ask again for what is being prepared.
const AGAIN_AFTER_S: &str = "2";

pub(crate) fn routes(hls: Hls) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get_hls_file)).with_state(hls)
}

/// What the last part of the address names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Multivariant,
    Media(String),
    File(String),
    CaptionList,
    Captions,
}

impl Wanted {
    fn of(file: &str) -> Option<Self> {
        Some(match file.split_once('.')? {
            ("master", "m3u8") => Self::Multivariant,
            ("captions", "m3u8") => Self::CaptionList,
            ("captions", "vtt") => Self::Captions,
            (name, "m3u8") => Self::Media(name.to_owned()),
            (name, "mp4") => Self::File(name.to_owned()),
            _ => return None,
        })
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PackageQuery {
    /// Which of the packages that were made of it, as playlists say.
    package: Option<Uuid>,
}

/// Playlists, captions and files of HTTP Live Streaming
///
/// Players begin with `master.m3u8`, which names the rest. The addresses in playlists are signed for
/// whoever asked, so that players that cannot send headers work. Playable while it is still being
/// packaged. What cannot be packaged is redirected to the original.
#[utoipa::path(get, path = "/api/stream/{content_id}/hls/{file}", operation_id = "get_hls_file", tag = "streaming",
    security((), ("account" = ["scripts:read"])),
    params(("content_id" = ContentId, Path, description = "Content"),
        ("file" = String, Path, description = "`master.m3u8`, `captions.m3u8`, `captions.vtt`, and what they name", example = "master.m3u8"),
        PackageQuery),
    responses(
        (status = 200, description = "The playlist (RFC 8216), the captions or the whole file", content_type = "application/vnd.apple.mpegurl", body = String),
        (status = 206, description = "The segment that was asked for", content_type = "audio/mp4", body = String),
        (status = 304, description = "Unchanged"),
        (status = 307, description = "It can only be played as it is: `Location` names the original"),
        (status = 404, description = "`CONTENT_NOT_FOUND`, `RENDITION_NOT_FOUND`", body = ProblemBody),
        (status = 412, description = "`PRECONDITION_FAILED`: `If-Match` names another file", body = ProblemBody),
        (status = 416, description = "The range lies outside of the file", body = ProblemBody),
        (status = 429, description = "`STREAM_RATE_LIMITED`: no slot is free; `Retry-After` says when to come back", body = ProblemBody),
        (status = 503, description = "`STREAM_PREPARING`: try again; `STREAM_FILE_UNAVAILABLE`", body = ProblemBody),
    ))]
async fn get_hls_file(
    State(hls): State<Hls>,
    listener: Listener,
    Path((id, file)): Path<(ContentId, String)>,
    Query(query): Query<PackageQuery>,
    links: Links,
    asked: Asked,
) -> Result<Response, Problem> {
    let answered = async {
        let wanted = Wanted::of(&file).ok_or(HlsFault::NoRendition(id))?;
        let (content, asked) = attend(&hls, &listener, id, &wanted, asked).await?;
        let request = Request { hls, listener, content, package: query.package.map(PackageId), links };
        match wanted {
            Wanted::Multivariant => request.multivariant().await,
            Wanted::Media(name) => request.media(&name).await,
            Wanted::File(name) => request.file(&name, asked).await,
            Wanted::CaptionList => request.caption_list().await,
            Wanted::Captions => request.captions().await,
        }
    };
    answered.await.or_else(|problem| match problem.fault().code() {
        "STREAM_PREPARING" => {
            let mut response = problem.into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER_S));
            Ok(response)
        }
        _ => Ok(told_when(problem)),
    })
}

/// Whoever asks for the first playlist or for bytes plays: that is a session, and may need a slot.
async fn attend(
    hls: &Hls,
    listener: &Listener,
    id: ContentId,
    wanted: &Wanted,
    asked: Asked,
) -> Result<(Arc<Content>, Asked), Problem> {
    let sessions = &hls.0.sessions;
    if !asked.is_head() && matches!(wanted, Wanted::Multivariant | Wanted::File(_)) {
        let (content, watching) = sessions.attend(listener, id, None).await?;
        return Ok((content, asked.held(watching)));
    }
    match sessions.at_hand(listener, id) {
        Some((content, _)) => Ok((content, asked)),
        None => Ok((Arc::new(sessions.content(listener, id).await?), asked)),
    }
}

struct Request {
    hls: Hls,
    listener: Listener,
    content: Arc<Content>,
    package: Option<PackageId>,
    links: Links,
}

impl Request {
    async fn multivariant(&self) -> Result<Response, Problem> {
        let shown = match self.playable().await {
            Err(HlsFault::NotPackaged { code, .. }) => {
                tracing::info!(content = %self.content.id, code, "played as it is");
                let original = format!("/api/stream/{}", self.content.id);
                let address = self.links.to_parts(lasting(&self.content)).to(&original).url;
                return Ok(Redirect::temporary(&address).into_response());
            }
            shown => shown?,
        };
        let subtitles = self.track().await?.map(|track| Subtitles {
            uri: self.part("captions.m3u8", None),
            name: track.name,
            language: track.language,
        });
        let variant = |rendition| variant(rendition, &shown, |file| self.part(file, Some(shown.id)));
        let variants: Vec<Variant<'_>> = shown.renditions.iter().map(variant).collect();
        let text = multivariant_playlist(&variants, subtitles.as_slice());
        self.hls.look_ahead(self.listener.caller(), &self.content, &shown);
        Ok(playlist(text))
    }

    async fn media(&self, name: &str) -> Result<Response, Problem> {
        let shown = self.shown().await?;
        let rendition = shown.rendition(name).ok_or(HlsFault::NoRendition(self.content.id))?;
        let uri = self.part(&format!("{name}.mp4"), Some(shown.id));
        Ok(playlist(media_playlist(&rendition.fragments, shown.target_s, &uri, shown.progress)))
    }

    async fn file(&self, name: &str, asked: Asked) -> Result<Response, Problem> {
        let shown = self.shown().await?;
        let rendition = shown.rendition(name).ok_or(HlsFault::NoRendition(self.content.id))?;
        match rendition.media {
            Some(media) => Ok(self.hls.0.streaming.answer(media, asked).await?),
            None => self.growing(&shown, rendition, &asked).await,
        }
    }

    async fn growing(
        &self,
        shown: &Shown,
        rendition: &ShownRendition,
        asked: &Asked,
    ) -> Result<Response, Problem> {
        let (fragments, file) = self.hls.0.growing.look(shown.id, &rendition.name, shown.least_s).await?;
        let preparing = || HlsFault::Preparing(self.content.id);
        let file = file.ok_or_else(preparing)?;
        let content_type = if fragments.resolution.is_some() { "video/mp4" } else { "audio/mp4" };
        let answered = self.hls.0.streaming.answer_growing(&file, fragments.end(), content_type, asked);
        let answered = answered.map_err(|error| MediaFault::from_io("reading a growing file", error))?;
        Ok(answered.ok_or_else(preparing)?)
    }

    async fn caption_list(&self) -> Result<Response, Problem> {
        self.track().await?.ok_or(HlsFault::NoRendition(self.content.id))?;
        let duration_s = match self.content.duration_ms {
            Some(duration_ms) => duration_ms as f64 / 1000.0,
            None => self.shown().await?.duration_s(),
        };
        Ok(playlist(subtitles_playlist(&self.part("captions.vtt", None), duration_s)))
    }

    async fn captions(&self) -> Result<Response, Problem> {
        let track = self.track().await?.ok_or(HlsFault::NoRendition(self.content.id))?;
        let headers =
            [(header::CONTENT_TYPE, "text/vtt; charset=utf-8"), (header::CACHE_CONTROL, "private, no-cache")];
        Ok((headers, timed_webvtt(&track.webvtt)).into_response())
    }

    async fn track(&self) -> Result<Option<CaptionTrack>, Problem> {
        self.hls.0.captions.track(self.listener.caller(), &self.content).await.map_err(Problem::from_boxed)
    }

    async fn playable(&self) -> Result<Arc<Shown>, HlsFault> {
        let source = Source::of(&self.content).ok_or(HlsFault::NoRendition(self.content.id))?;
        self.hls.playable(&source).await
    }

    /// The package that the address names, if it is one of this content; the one there is, if it
    /// names none.
    async fn shown(&self) -> Result<Arc<Shown>, HlsFault> {
        match self.package {
            None => self.playable().await,
            Some(id) => {
                let shown = self.hls.package_shown(id).await?;
                shown
                    .filter(|shown| shown.content_id == self.content.id)
                    .ok_or(HlsFault::NoRendition(self.content.id))
            }
        }
    }

    /// Relative, since it stands in a playlist hundreds of times.
    fn part(&self, file: &str, package: Option<PackageId>) -> String {
        let folder = format!("/api/stream/{}/hls/", self.content.id);
        let links = self.links.to_parts(lasting(&self.content));
        let signed = links.to(&format!("{folder}{file}")).url;
        let mut address = signed.strip_prefix(&folder).unwrap_or(&signed).to_owned();
        let device = self.listener.device().map(|device| ("device_id", device.to_owned()));
        for (name, value) in package.map(|id| ("package", id.to_string())).into_iter().chain(device) {
            let separator = if address.contains('?') { '&' } else { '?' };
            address.push_str(&format!("{separator}{name}={value}"));
        }
        address
    }
}

fn variant<'a>(
    rendition: &'a ShownRendition,
    shown: &Shown,
    address: impl Fn(&str) -> String,
) -> Variant<'a> {
    Variant {
        uri: address(&format!("{}.m3u8", rendition.name)),
        fragments: &rendition.fragments,
        expected_bps: (shown.progress == Progress::Growing).then_some(rendition.expected_bps),
    }
}

/// It holds signatures, and grows.
fn playlist(text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, PLAYLIST_TYPE), (header::CACHE_CONTROL, "private, no-cache")];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_an_address_names_one_thing() {
        assert_eq!(Wanted::of("master.m3u8"), Some(Wanted::Multivariant));
        assert_eq!(Wanted::of("captions.m3u8"), Some(Wanted::CaptionList));
        assert_eq!(Wanted::of("captions.vtt"), Some(Wanted::Captions));
        assert_eq!(Wanted::of("64k.m3u8"), Some(Wanted::Media("64k".to_owned())));
        assert_eq!(Wanted::of("64k.mp4"), Some(Wanted::File("64k".to_owned())));
        for other in ["", "master", "64k.ts", "64k.mp4.m3u8", "../64k.wav"] {
            assert_eq!(Wanted::of(other), None, "{other}");
        }
    }
}
