//! What can be listened to, for whoever asks: scripts with a rendering, what was uploaded, and clips of what they may hear.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use moka::sync::Cache;
use sori_catalog::{Catalog, CatalogFault};
use sori_contracts::{
    Caller, Content, ContentFile, ContentId, ContentKind, Contents, Fault, Kind, MediaId, RenderingId,
    ScriptId, UiLanguage,
};
use sori_listening::{Clip, Clips};
use sori_media::Library;
use sori_voice::{
    RenderingFault, Voice,
    renderings::{RenderingAudio, RenderingSound},
};

/// What players play, best first.
const FORMATS: [&str; 5] = ["mp3", "m4a", "opus", "flac", "wav"];

/// Renderings whose files are known without a look into the database. They do not change; one that was
/// removed is no script's any more, and so is not asked for.
const SOUNDS_KEPT: u64 = 10_000;
const SOUND_KEPT_FOR: Duration = Duration::from_secs(600);

#[derive(Clone)]
pub struct FindContent {
    catalog: Catalog,
    voice: Voice,
    library: Library,
    clips: Clips,
    sounds: Cache<RenderingId, Arc<RenderingSound>>,
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
    #[must_use]
    pub fn new(catalog: Catalog, voice: Voice, library: Library, clips: Clips) -> Self {
        let sounds = Cache::builder().max_capacity(SOUNDS_KEPT).time_to_live(SOUND_KEPT_FOR).build();
        Self { catalog, voice, library, clips, sounds }
    }

    /// With its files, the best first. Asks nobody's rights.
    pub(super) async fn sound(&self, id: RenderingId) -> Result<Arc<RenderingSound>, RenderingFault> {
        if let Some(sound) = self.sounds.get(&id) {
            return Ok(sound);
        }
        let mut sound = self.voice.sound(id).await?;
        sound.audio.sort_by_key(|file| FORMATS.iter().position(|format| *format == file.format));
        let sound = Arc::new(sound);
        self.sounds.insert(id, Arc::clone(&sound));
        Ok(sound)
    }

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
        let sound = match self.sound(heard.rendering).await {
            Ok(sound) => sound,
            // Replaced meanwhile.
            Err(RenderingFault::NotFound(_)) => return Ok(None),
            Err(fault) => return Err(boxed(fault)),
        };
        Ok(Some(Content {
            id,
            kind: ContentKind::Audio,
            title: heard.title,
            owner: heard.owner,
            duration_ms: Some(sound.duration_ms),
            files: sound.audio.iter().map(|file| content_file(file, &sound)).collect(),
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

pub(super) fn content_file(file: &RenderingAudio, of: &RenderingSound) -> ContentFile {
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
        // Opus knows no other rate.
        sample_rate_hz: Some(if file.format == "opus" { 48_000 } else { of.sample_rate_hz }),
        video_codec: None,
        width: None,
        height: None,
        bitrate_bps: (size_bytes * 8_000).checked_div(of.duration_ms),
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
