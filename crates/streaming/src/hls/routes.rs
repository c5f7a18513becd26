//! `GET /api/stream/{content_id}/hls/{file}`: playlists, captions and the files that they name.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sori_contracts::{Caller, Content, ContentId};
use sori_http::{Links, Path, Problem, ProblemBody, Query, Who};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    CaptionTrack, Hls, HlsFault, Source, growing,
    packages::PackageId,
    playlist::{
        Progress, Subtitles, Variant, media_playlist, multivariant_playlist, subtitles_playlist, timed_webvtt,
    },
    shown::{Shown, ShownRendition},
};
use crate::{
    Asked,
    multipart::content_range,
    range::{Selection, select},
};

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
        (status = 503, description = "`STREAM_PREPARING`: try again; `STREAM_FILE_UNAVAILABLE`", body = ProblemBody),
    ))]
async fn get_hls_file(
    State(hls): State<Hls>,
    Who(caller): Who,
    Path((id, file)): Path<(ContentId, String)>,
    Query(query): Query<PackageQuery>,
    links: Links,
    asked: Asked,
) -> Result<Response, Problem> {
    let content = hls.0.contents.content(&caller, id).await.map_err(Problem::from_boxed)?;
    let wanted = Wanted::of(&file).ok_or(HlsFault::NoRendition(id))?;
    let request = Request { hls, caller, content, package: query.package.map(PackageId), links };
    let answered = match wanted {
        Wanted::Multivariant => request.multivariant().await,
        Wanted::Media(name) => request.media(&name).await,
        Wanted::File(name) => request.file(&name, asked).await,
        Wanted::CaptionList => request.caption_list().await,
        Wanted::Captions => request.captions().await,
    };
    answered.or_else(|problem| match problem.fault().code() {
        "STREAM_PREPARING" => {
            let mut response = problem.into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER_S));
            Ok(response)
        }
        _ => Err(problem),
    })
}

struct Request {
    hls: Hls,
    caller: Caller,
    content: Content,
    package: Option<PackageId>,
    links: Links,
}

impl Request {
    async fn multivariant(&self) -> Result<Response, Problem> {
        let shown = match self.playable().await {
            Err(HlsFault::NotPackaged { code, .. }) => {
                tracing::info!(content = %self.content.id, code, "played as it is");
                let original = format!("/api/stream/{}", self.content.id);
                let address = self.links.to_parts(self.lasting()).to(&original).url;
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
        self.hls.look_ahead(&self.caller, &self.content, &shown);
        Ok(playlist(text))
    }

    async fn media(&self, name: &str) -> Result<Response, Problem> {
        let shown = self.shown().await?;
        let rendition = shown.rendition(name).ok_or(HlsFault::NoRendition(self.content.id))?;
        let uri = self.part_of_part(&format!("{name}.mp4"), Some(shown.id));
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

    /// A span of a file that is still written: how long it will be is not known (RFC 9110, 14.4).
    async fn growing(
        &self,
        shown: &Shown,
        rendition: &ShownRendition,
        asked: &Asked,
    ) -> Result<Response, Problem> {
        let (fragments, file) = self.hls.0.growing.look(shown.id, &rendition.name).await?;
        let preparing = || HlsFault::Preparing(self.content.id);
        let file = file.ok_or_else(preparing)?;
        let range = asked.range().ok_or_else(preparing)?;
        let span = match select(range, fragments.end()) {
            Selection::Parts(parts) if parts.len() == 1 => parts[0].clone(),
            _ => return Err(preparing().into()),
        };
        let content_type = if fragments.resolution.is_some() { "video/mp4" } else { "audio/mp4" };
        let headers = [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_RANGE, content_range(&span, None)),
            (header::CONTENT_LENGTH, (span.end - span.start).to_string()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        let body = if asked.is_head() { Body::empty() } else { growing::body(file, span) };
        Ok((StatusCode::PARTIAL_CONTENT, headers, body).into_response())
    }

    async fn caption_list(&self) -> Result<Response, Problem> {
        self.track().await?.ok_or(HlsFault::NoRendition(self.content.id))?;
        let duration_s = match self.content.duration_ms {
            Some(duration_ms) => duration_ms as f64 / 1000.0,
            None => self.shown().await?.duration_s(),
        };
        Ok(playlist(subtitles_playlist(&self.part_of_part("captions.vtt", None), duration_s)))
    }

    async fn captions(&self) -> Result<Response, Problem> {
        let track = self.track().await?.ok_or(HlsFault::NoRendition(self.content.id))?;
        let headers =
            [(header::CONTENT_TYPE, "text/vtt; charset=utf-8"), (header::CACHE_CONTROL, "private, no-cache")];
        Ok((headers, timed_webvtt(&track.webvtt)).into_response())
    }

    async fn track(&self) -> Result<Option<CaptionTrack>, Problem> {
        self.hls.0.captions.track(&self.caller, &self.content).await.map_err(Problem::from_boxed)
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

    /// For whoever stops in between and goes on.
    fn lasting(&self) -> Duration {
        const LONGEST: Duration = Duration::from_secs(24 * 3_600);
        let once = Duration::from_millis(self.content.duration_ms.unwrap_or(0));
        (once * 2 + Duration::from_secs(3_600)).min(LONGEST)
    }

    fn part(&self, file: &str, package: Option<PackageId>) -> String {
        self.address(&self.links.to_parts(self.lasting()), file, package)
    }

    fn part_of_part(&self, file: &str, package: Option<PackageId>) -> String {
        self.address(&self.links.to_parts_of_part(self.lasting()), file, package)
    }

    /// Relative, since it stands in a playlist hundreds of times.
    fn address(&self, links: &Links, file: &str, package: Option<PackageId>) -> String {
        let folder = format!("/api/stream/{}/hls/", self.content.id);
        let signed = links.to(&format!("{folder}{file}")).url;
        let mut address = signed.strip_prefix(&folder).unwrap_or(&signed).to_owned();
        if let Some(package) = package {
            let separator = if address.contains('?') { '&' } else { '?' };
            address.push_str(&format!("{separator}package={package}"));
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
