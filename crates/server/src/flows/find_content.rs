//! What can be listened to, for whoever asks: scripts with a rendering, what was uploaded, and clips of what they may hear.

use async_trait::async_trait;
use sori_catalog::{Catalog, CatalogFault};
use sori_contracts::{
    Caller, Content, ContentFile, ContentId, ContentKind, Contents, Fault, Kind, MediaId, ScriptId,
    UiLanguage,
};
use sori_listening::{Clip, Clips};
use sori_media::Library;
use sori_voice::{RenderingFault, Voice, renderings::RenderingAudio};

/// What players play, best first.
const FORMATS: [&str; 5] = ["mp3", "m4a", "opus", "flac", "wav"];

#[derive(Clone)]
pub struct FindContent {
    pub catalog: Catalog,
    pub voice: Voice,
    pub library: Library,
    pub clips: Clips,
}

#[async_trait]
impl Contents for FindContent {
    async fn content(&self, caller: &Caller, id: ContentId) -> Result<Content, Box<dyn Fault>> {
        if let Some(content) = self.source(caller, id).await? {
            return Ok(content);
        }
        let clip = self.clips.find(id).await.map_err(boxed)?;
        let source = match &clip {
            Some(clip) => self.source(caller, clip.source).await?,
            None => None,
        };
        match clip.zip(source) {
            // Until it is cut there is nothing to hear.
            Some((clip, source)) if !clip.files.is_empty() => Ok(content_of(clip, &source)),
            _ => Err(Box::new(NotFound(id))),
        }
    }

    async fn next(&self, caller: &Caller, id: ContentId) -> Result<Option<ContentId>, Box<dyn Fault>> {
        let next = self.catalog.heard_next(caller, ScriptId(id.0)).await;
        match next.map_err(boxed)? {
            Some(script) => Ok(Some(ContentId(script.0))),
            None => self.library.following(caller, id).await.map_err(boxed),
        }
    }
}

impl FindContent {
    /// What is no part of something else.
    async fn source(&self, caller: &Caller, id: ContentId) -> Result<Option<Content>, Box<dyn Fault>> {
        match self.script(caller, id).await? {
            Some(content) => Ok(Some(content)),
            None => self.library.find(caller, id).await.map_err(boxed),
        }
    }

    async fn script(&self, caller: &Caller, id: ContentId) -> Result<Option<Content>, Box<dyn Fault>> {
        let script = ScriptId(id.0);
        let heard = match self.catalog.heard(caller, script).await {
            Ok(heard) => heard,
            Err(CatalogFault::ScriptNotFound(_)) => return Ok(None),
            Err(fault) => return Err(boxed(fault)),
        };
        let (duration_ms, mut audio) = match self.voice.sound(heard.rendering).await {
            Ok(sound) => sound,
            // Replaced meanwhile.
            Err(RenderingFault::NotFound(_)) => return Ok(None),
            Err(fault) => return Err(boxed(fault)),
        };
        audio.sort_by_key(|file| FORMATS.iter().position(|format| *format == file.format));
        Ok(Some(Content {
            id,
            kind: ContentKind::Audio,
            title: heard.title,
            owner: heard.owner,
            duration_ms: Some(duration_ms),
            files: audio.iter().map(|file| content_file(file, duration_ms)).collect(),
            script: Some(script),
            rendering: Some(heard.rendering),
            show: heard.show,
            alternative: None,
        }))
    }
}

fn content_of(clip: Clip, source: &Content) -> Content {
    Content {
        id: clip.id,
        kind: clip.kind,
        title: clip.title,
        owner: clip.owner,
        duration_ms: clip.duration_ms,
        files: clip.files,
        // Its captions are its own, and nothing follows it.
        script: None,
        rendering: None,
        show: source.show,
        alternative: None,
    }
}

fn content_file(file: &RenderingAudio, duration_ms: u64) -> ContentFile {
    let size_bytes = u64::try_from(file.size_bytes).unwrap_or_default();
    let codec = match file.format.as_str() {
        "wav" => "pcm_s16le",
        "m4a" => "aac",
        other => other,
    };
    ContentFile {
        media: MediaId(file.media_id),
        format: file.format.clone(),
        content_type: file.content_type.clone(),
        size_bytes,
        audio_codec: Some(codec.to_owned()),
        // Voices are mixed to one channel.
        channels: Some(1),
        sample_rate_hz: None,
        video_codec: None,
        width: None,
        height: None,
        bitrate_bps: (size_bytes * 8_000).checked_div(duration_ms),
    }
}

fn boxed(fault: impl Fault) -> Box<dyn Fault> {
    Box::new(fault)
}

#[derive(Debug, thiserror::Error)]
#[error("content {0} not found")]
pub(super) struct NotFound(pub(super) ContentId);

impl Fault for NotFound {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }

    fn code(&self) -> &'static str {
        "CONTENT_NOT_FOUND"
    }

    fn message(&self, language: UiLanguage) -> String {
        language.pick("The content was not found.", "콘텐츠를 찾을 수 없습니다.").to_owned()
    }
}
