//! Rows of clips.

use sori_contracts::{AccountId, ContentFile, ContentId, ContentKind, JobId, MediaId};
use sori_db::{Db, DbError, Tx};
use uuid::Uuid;

/// A span that became a content of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    pub id: ContentId,
    /// Who may see that may see the clip.
    pub source: ContentId,
    pub owner: Option<AccountId>,
    pub title: String,
    pub start_ms: u64,
    pub end_ms: u64,
    pub kind: ContentKind,
    pub(crate) job: Option<JobId>,
    /// The code of what went wrong.
    pub(crate) error: Option<String>,
    /// Known when it is cut.
    pub duration_ms: Option<u64>,
    /// Empty until it is cut. The first is the one to play when nothing is said.
    pub files: Vec<ContentFile>,
    pub(crate) created_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    source_id: Uuid,
    owner_id: Option<Uuid>,
    title: String,
    start_ms: i64,
    end_ms: i64,
    job_id: Option<Uuid>,
    kind: String,
    error: Option<String>,
    duration_ms: Option<i64>,
    created_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct FileRow {
    clip_id: Uuid,
    format: String,
    media_id: Uuid,
    content_type: String,
    size_bytes: i64,
    audio_codec: Option<String>,
    video_codec: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, source_id, owner_id, title, start_ms, end_ms, job_id, kind, error, duration_ms, created_at_ms"
    };
}

impl Row {
    fn clip(self) -> Clip {
        Clip {
            id: ContentId(self.id),
            source: ContentId(self.source_id),
            owner: self.owner_id.map(AccountId),
            title: self.title,
            start_ms: self.start_ms as u64,
            end_ms: self.end_ms as u64,
            kind: if self.kind == "video" { ContentKind::Video } else { ContentKind::Audio },
            job: self.job_id.map(JobId),
            error: self.error,
            duration_ms: self.duration_ms.map(|ms| ms as u64),
            files: Vec::new(),
            created_at_ms: self.created_at_ms,
        }
    }
}

impl FileRow {
    fn file(self, duration_ms: Option<u64>) -> ContentFile {
        let side = |side: Option<i64>| side.and_then(|side| u32::try_from(side).ok());
        let size_bytes = self.size_bytes as u64;
        ContentFile {
            media: MediaId(self.media_id),
            format: self.format,
            content_type: self.content_type,
            size_bytes,
            audio_codec: self.audio_codec,
            channels: None,
            sample_rate_hz: None,
            video_codec: self.video_codec,
            width: side(self.width),
            height: side(self.height),
            bitrate_bps: duration_ms.and_then(|ms| (size_bytes * 8_000).checked_div(ms)),
        }
    }
}

/// Finds clips, for whoever has to know what a content is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clips {
    pub(crate) db: Db,
}

impl Clips {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Asks nobody's rights: who may see the source may see the clip.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(&self, id: ContentId) -> Result<Option<Clip>, DbError> {
        let row: Option<Row> = self
            .db
            .query(concat!("SELECT ", columns!(), " FROM listening_clip WHERE id = $1"))
            .bind(id)
            .fetch_optional()
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut clip = row.clip();
        let files: Vec<FileRow> = self
            .db
            .query(
                "SELECT clip_id, format, media_id, content_type, size_bytes, audio_codec, video_codec, width, height
                 FROM listening_clip_file WHERE clip_id = $1 ORDER BY place",
            )
            .bind(id)
            .fetch_all()
            .await?;
        clip.files = files.into_iter().map(|file| file.file(clip.duration_ms)).collect();
        Ok(Some(clip))
    }

    pub(crate) async fn captions(&self, id: ContentId) -> Result<Option<String>, DbError> {
        let found: Option<(Option<String>,)> = self
            .db
            .query("SELECT captions FROM listening_clip WHERE id = $1")
            .bind(id)
            .fetch_optional()
            .await?;
        Ok(found.and_then(|(captions,)| captions))
    }

    /// Newest first.
    pub(crate) async fn of_owner(
        &self,
        owner: AccountId,
        source: Option<ContentId>,
        before: Option<ContentId>,
        limit: u32,
    ) -> Result<Vec<Clip>, DbError> {
        let rows: Vec<Row> = self
            .db
            .query(concat!(
                "SELECT ",
                columns!(),
                " FROM listening_clip WHERE owner_id = $1 AND id < $2 AND (source_id = $3 OR $4)
                 ORDER BY id DESC LIMIT $5"
            ))
            .bind(owner)
            .bind(before.unwrap_or(ContentId(Uuid::max())))
            .bind(source)
            .bind(source.is_none())
            .bind(limit)
            .fetch_all()
            .await?;
        let mut clips: Vec<Clip> = rows.into_iter().map(Row::clip).collect();
        let (Some(oldest), Some(newest)) = (clips.last(), clips.first()) else { return Ok(clips) };
        // Those between may be of others; they find no clip below.
        let files: Vec<FileRow> = self
            .db
            .query(
                "SELECT clip_id, format, media_id, content_type, size_bytes, audio_codec, video_codec, width, height
                 FROM listening_clip_file WHERE clip_id IN (
                    SELECT id FROM listening_clip WHERE owner_id = $1 AND id >= $2 AND id <= $3)
                 ORDER BY clip_id, place",
            )
            .bind(owner)
            .bind(oldest.id)
            .bind(newest.id)
            .fetch_all()
            .await?;
        for file in files {
            if let Some(clip) = clips.iter_mut().find(|clip| clip.id.0 == file.clip_id) {
                clip.files.push(file.file(clip.duration_ms));
            }
        }
        Ok(clips)
    }

    pub(crate) async fn count(tx: &mut Tx, owner: AccountId) -> Result<i64, DbError> {
        tx.query("SELECT COUNT(*) FROM listening_clip WHERE owner_id = $1").bind(owner).scalar().await
    }

    pub(crate) async fn insert(tx: &mut Tx, clip: &Clip) -> Result<(), DbError> {
        tx.query(
            "INSERT INTO listening_clip (id, source_id, owner_id, title, start_ms, end_ms, job_id, kind, created_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(clip.id)
        .bind(clip.source)
        .bind(clip.owner)
        .bind(clip.title.as_str())
        .bind(clip.start_ms as i64)
        .bind(clip.end_ms as i64)
        .bind(clip.job)
        .bind(if clip.kind == ContentKind::Video { "video" } else { "audio" })
        .bind(clip.created_at_ms)
        .execute()
        .await?;
        Ok(())
    }

    /// What was cut becomes the clip. `false` when it is gone, or was cut already.
    pub(crate) async fn finish(
        &self,
        id: ContentId,
        duration_ms: u64,
        files: &[ContentFile],
        captions: Option<String>,
    ) -> Result<bool, DbError> {
        let mut tx = self.db.begin().await?;
        let changed = tx
            .query(
                "UPDATE listening_clip SET duration_ms = $2, captions = $3, error = NULL
                 WHERE id = $1 AND duration_ms IS NULL",
            )
            .bind(id)
            .bind(duration_ms as i64)
            .bind(captions)
            .execute()
            .await?;
        if changed == 0 {
            return Ok(false);
        }
        for (place, file) in files.iter().enumerate() {
            tx.query(
                "INSERT INTO listening_clip_file (clip_id, place, format, media_id, content_type, size_bytes,
                    audio_codec, video_codec, width, height)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(id)
            .bind(place as i64)
            .bind(file.format.as_str())
            .bind(file.media)
            .bind(file.content_type.as_str())
            .bind(file.size_bytes as i64)
            .bind(file.audio_codec.as_deref())
            .bind(file.video_codec.as_deref())
            .bind(file.width)
            .bind(file.height)
            .execute()
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    pub(crate) async fn fail(&self, id: ContentId, code: &str) -> Result<(), DbError> {
        self.db
            .query("UPDATE listening_clip SET error = $2 WHERE id = $1 AND duration_ms IS NULL")
            .bind(id)
            .bind(code)
            .execute()
            .await?;
        Ok(())
    }

    /// Answers with the media that belonged to it.
    pub(crate) async fn remove(&self, id: ContentId) -> Result<Vec<MediaId>, DbError> {
        let mut tx = self.db.begin().await?;
        let media: Vec<(Uuid,)> = tx
            .query("SELECT media_id FROM listening_clip_file WHERE clip_id = $1")
            .bind(id)
            .fetch_all()
            .await?;
        tx.query("DELETE FROM listening_clip WHERE id = $1").bind(id).execute().await?;
        tx.commit().await?;
        Ok(media.into_iter().map(|(id,)| MediaId(id)).collect())
    }

    pub(crate) async fn ids(
        &self,
        owner: Option<AccountId>,
        source: Option<ContentId>,
    ) -> Result<Vec<ContentId>, DbError> {
        let ids: Vec<(Uuid,)> = self
            .db
            .query("SELECT id FROM listening_clip WHERE owner_id = $1 OR source_id = $2")
            .bind(owner)
            .bind(source)
            .fetch_all()
            .await?;
        Ok(ids.into_iter().map(|(id,)| ContentId(id)).collect())
    }
}
