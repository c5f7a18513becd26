//! The last byte of an upload makes it a content.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sori_contracts::{ContentId, ContentKind, MediaFacts, MediaFault, MediaId, StoredMedia};
use tokio::task::spawn_blocking;

use super::{
    Library, LibraryFault,
    contents::ContentRow,
    uploads::{UploadRow, stored},
};
use crate::sniff::Container;

/// What was found in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) kind: ContentKind,
    pub(super) format: String,
    pub(super) content_type: String,
    pub(super) duration_ms: Option<u64>,
    pub(super) audio_codec: Option<String>,
    pub(super) channels: Option<u32>,
    pub(super) sample_rate_hz: Option<u32>,
    pub(super) video_codec: Option<String>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
}

impl Facts {
    fn of(container: Container, found: MediaFacts) -> Result<Self, LibraryFault> {
        if found.sound.is_none() && found.picture.is_none() {
            return Err(LibraryFault::Unsupported { reason: "neither sound nor picture".into() });
        }
        let has_picture = found.picture.is_some();
        let (sound, picture) = (found.sound.as_ref(), found.picture.as_ref());
        Ok(Self {
            kind: if has_picture { ContentKind::Video } else { ContentKind::Audio },
            format: container.format(has_picture).to_owned(),
            content_type: container.content_type(has_picture).to_owned(),
            duration_ms: found.duration_ms,
            audio_codec: sound.map(|sound| sound.codec.clone()),
            channels: sound.map(|sound| sound.channels),
            sample_rate_hz: sound.map(|sound| sound.sample_rate_hz),
            video_codec: picture.map(|picture| picture.codec.clone()),
            width: picture.map(|picture| picture.width),
            height: picture.map(|picture| picture.height),
        })
    }
}

impl Library {
    /// Makes a content of an upload whose bytes are all there. May be repeated after a crash at any
    /// place; whoever calls has the upload's turn. A file that is refused is removed.
    pub(super) async fn finish(&self, id: ContentId) -> Result<(), LibraryFault> {
        let row = self.upload(id).await?.ok_or(LibraryFault::UploadNotFound(id))?;
        let facts = match &row.facts {
            Some(facts) => stored("description", facts)?,
            None => match self.look_into(&row).await {
                Ok(facts) => facts,
                Err(fault @ LibraryFault::Unsupported { .. }) => {
                    tracing::info!(%id, %fault, "an upload was refused");
                    self.discard(&row).await?;
                    return Err(fault);
                }
                Err(fault) => return Err(fault),
            },
        };
        let media = self.hand_over(&row, &facts).await?;
        let mut tx = self.0.db.begin().await?;
        ContentRow::new(&row, row.wishes()?, facts, &media).insert(&mut tx).await?;
        tx.query("DELETE FROM media_upload WHERE id = $1").bind(row.id).execute().await?;
        tx.commit().await?;
        tracing::info!(%id, bytes = media.size_bytes, content_type = media.content_type, "an upload is content now");
        Ok(())
    }

    async fn look_into(&self, row: &UploadRow) -> Result<Facts, LibraryFault> {
        let container = self.sniff(row.id()).await?;
        let (packager, part) = (Arc::clone(&self.0.packager), self.part(row.id()));
        let look = self.0.looks.acquire().await;
        let found = spawn_blocking(move || {
            let file = std::fs::File::open(part).map_err(|e| MediaFault::from_io("opening an upload", e))?;
            packager.inspect(&file)
        });
        let found = match found.await? {
            Ok(found) => found,
            Err(MediaFault::Ffmpeg(reason)) => return Err(LibraryFault::Unsupported { reason }),
            Err(fault) => return Err(fault.into()),
        };
        drop(look);
        let facts = Facts::of(container, found)?;
        let json = serde_json::to_value(&facts)
            .map_err(|source| LibraryFault::Stored { what: "description", source })?;
        let query = self.0.db.query("UPDATE media_upload SET facts = $2 WHERE id = $1");
        query.bind(row.id).bind(json).execute().await?;
        Ok(facts)
    }

    /// The store has the file from here on.
    async fn hand_over(&self, row: &UploadRow, facts: &Facts) -> Result<StoredMedia, LibraryFault> {
        let media = MediaId(row.media_id);
        match self.0.store.put_file(media, &facts.content_type, &self.part(row.id())).await {
            Ok(stored) => Ok(stored),
            // Before a crash.
            Err(MediaFault::AlreadyExists(_)) => {
                super::remove_file(&self.part(row.id())).await?;
                Ok(self.0.store.stat(media).await?)
            }
            Err(fault) => Ok(self.0.store.stat(media).await.map_err(|_| fault)?),
        }
    }
}
