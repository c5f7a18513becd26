//! The bytes: sound within a session, and covers.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sori_contracts::{Caller, ContentFile, ContentId, Contents as _};
use sori_streaming::{Asked, Listener, choose};

use super::{Subsonic, answer::Refusal, asked::Parameters, library::fault};
use crate::observe::IsStream;

impl Subsonic {
    /// `stream`: the file that the player asks for by its format, or the best. Nothing is transcoded.
    pub(super) async fn stream(
        &self,
        listener: Listener,
        parameters: &Parameters,
        asked: Asked,
    ) -> Result<Response, Refusal> {
        let id: ContentId = parameters.id("id")?;
        let content = self.contents.content(listener.caller(), id).await?;
        let format = parameters.get("format");
        let quality = format.filter(|format| content.files.iter().any(|file| file.format == **format));
        let mut response = self.sessions.answer(&listener, id, quality, asked).await?;
        response.extensions_mut().insert(IsStream);
        Ok(response)
    }

    /// `download`: the same as a file to keep.
    pub(super) async fn download(
        &self,
        listener: Listener,
        parameters: &Parameters,
        asked: Asked,
    ) -> Result<Response, Refusal> {
        let id: ContentId = parameters.id("id")?;
        let content = self.contents.content(listener.caller(), id).await?;
        let file = choose(&content, None).map_err(fault)?;
        let name = sori_http::attachment(&content.title, extension(file));
        let mut response = self.sessions.answer(&listener, id, None, asked).await?;
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        response.extensions_mut().insert(IsStream);
        Ok(response)
    }

    /// Covers lie elsewhere, where whoever made the show said. The player goes there by itself: this
    /// server asks no address for it.
    pub(super) async fn cover(&self, caller: &Caller, parameters: &Parameters) -> Result<Response, Refusal> {
        let show = self.catalog.show(caller, parameters.id("id")?).await.map_err(fault)?;
        let url = show.cover_url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        let url = url.and_then(|url| HeaderValue::from_str(&url).ok()).ok_or_else(Refusal::not_found)?;
        Ok((StatusCode::FOUND, [(header::LOCATION, url)]).into_response())
    }
}

/// A rendering's file is named by its format; an upload's is the original, whatever that is.
pub(super) fn extension(file: &ContentFile) -> &str {
    match (file.format.as_str(), file.content_type.as_str()) {
        ("original", "audio/mpeg") => "mp3",
        ("original", "audio/mp4") => "m4a",
        ("original", kind) => kind.split_once('/').map_or("bin", |(_, kind)| kind.trim_start_matches("x-")),
        (format, _) => format,
    }
}
