//! Finished voicings: rows, and the answers made from them.

use sori_contracts::{AccountId, Fault, JobId, MediaId, RenderingId, ScriptId, StoredMedia};
use sori_db::{Db, DbError, now_ms};
use uuid::Uuid;

use crate::transcript::Transcript;

/// What a render made, before it is a row.
pub struct NewRendering {
    pub id: RenderingId,
    pub job_id: JobId,
    pub script_id: Option<ScriptId>,
    /// Who ordered it.
    pub owner: Option<AccountId>,
    pub sample_rate_hz: u32,
    pub integrated_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub transcript: Transcript,
    pub audio: Vec<(String, StoredMedia)>,
}

#[derive(Clone, Debug)]
pub struct Rendering {
    pub id: RenderingId,
    pub job_id: JobId,
    pub script_id: Option<ScriptId>,
    /// Who ordered it.
    pub owner: Option<AccountId>,
    pub sample_rate_hz: u32,
    pub integrated_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub transcript: Transcript,
    pub audio: Vec<RenderingAudio>,
    pub created_at_ms: i64,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RenderingAudio {
    pub format: String,
    pub media_id: Uuid,
    pub content_type: String,
    pub size_bytes: i64,
}

/// What is heard of a rendering.
#[derive(Clone, Debug)]
pub struct RenderingSound {
    pub duration_ms: u64,
    pub sample_rate_hz: u32,
    pub audio: Vec<RenderingAudio>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    job_id: Uuid,
    script_id: Option<Uuid>,
    owner_id: Option<Uuid>,
    sample_rate_hz: i64,
    integrated_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    transcript: String,
    created_at_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum RenderingFault {
    #[error("rendering {0} not found")]
    NotFound(RenderingId),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the stored transcript cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Fault for RenderingFault {
    fn kind(&self) -> sori_contracts::Kind {
        match self {
            Self::NotFound(_) => sori_contracts::Kind::NotFound,
            Self::Db(fault) => fault.kind(),
            Self::Unreadable(_) => sori_contracts::Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "RENDERING_NOT_FOUND",
            Self::Db(fault) => fault.code(),
            Self::Unreadable(_) => "INTERNAL",
        }
    }

    fn message(&self, language: sori_contracts::UiLanguage) -> String {
        match self {
            Self::NotFound(_) => {
                language.pick("This rendering does not exist.", "렌더링을 찾을 수 없습니다.").into()
            }
            Self::Db(fault) => fault.message(language),
            Self::Unreadable(_) => {
                language.pick("Something went wrong on the server.", "서버에 오류가 발생했습니다.").into()
            }
        }
    }
}

#[derive(Clone)]
pub struct Renderings {
    db: Db,
}

impl Renderings {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Stores what a job made. Running the same job again replaces what its earlier attempt stored
    /// and answers with the media that nobody refers to any more.
    pub async fn store(&self, new: &NewRendering) -> Result<Vec<MediaId>, RenderingFault> {
        let transcript = serde_json::to_string(&new.transcript)?;
        let mut tx = self.db.begin().await?;
        let old: Vec<RenderingAudio> = tx
            .query(
                "SELECT format, media_id, content_type, size_bytes FROM voice_rendering_audio
                 WHERE rendering_id IN (SELECT id FROM voice_rendering WHERE job_id = $1)",
            )
            .bind(new.job_id.0)
            .fetch_all()
            .await?;
        tx.query("DELETE FROM voice_rendering_audio WHERE rendering_id IN (SELECT id FROM voice_rendering WHERE job_id = $1)")
            .bind(new.job_id.0)
            .execute()
            .await?;
        tx.query("DELETE FROM voice_rendering WHERE job_id = $1").bind(new.job_id.0).execute().await?;
        tx.query(
            "INSERT INTO voice_rendering (id, job_id, script_id, title, duration_ms, sample_rate_hz,
                integrated_lufs, true_peak_dbtp, transcript, created_at_ms, owner_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(new.id.0)
        .bind(new.job_id.0)
        .bind(new.script_id.map(|id| id.0))
        .bind(new.transcript.title.as_str())
        .bind(new.transcript.duration_ms as i64)
        .bind(i64::from(new.sample_rate_hz))
        .bind(new.integrated_lufs)
        .bind(new.true_peak_dbtp)
        .bind(transcript)
        .bind(now_ms())
        .bind(new.owner)
        .execute()
        .await?;
        for (format, media) in &new.audio {
            tx.query(
                "INSERT INTO voice_rendering_audio (rendering_id, format, media_id, content_type, size_bytes)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(new.id.0)
            .bind(format.as_str())
            .bind(media.id.0)
            .bind(media.content_type.as_str())
            .bind(media.size_bytes as i64)
            .execute()
            .await?;
        }
        tx.commit().await?;
        Ok(old.into_iter().map(|audio| MediaId(audio.media_id)).collect())
    }

    pub async fn get(&self, id: RenderingId) -> Result<Rendering, RenderingFault> {
        let row: Option<Row> = self
            .db
            .query(
                "SELECT id, job_id, script_id, owner_id, sample_rate_hz, integrated_lufs, true_peak_dbtp, transcript,
                    created_at_ms
                 FROM voice_rendering WHERE id = $1",
            )
            .bind(id.0)
            .fetch_optional()
            .await?;
        let row = row.ok_or(RenderingFault::NotFound(id))?;
        let audio = self.audio(id).await?;
        Ok(Rendering {
            id: RenderingId(row.id),
            job_id: JobId(row.job_id),
            script_id: row.script_id.map(ScriptId),
            owner: row.owner_id.map(AccountId),
            sample_rate_hz: row.sample_rate_hz as u32,
            integrated_lufs: row.integrated_lufs,
            true_peak_dbtp: row.true_peak_dbtp,
            transcript: serde_json::from_str(&row.transcript)?,
            audio,
            created_at_ms: row.created_at_ms,
        })
    }

    /// What is heard of it, without the transcript, which can be long.
    pub async fn sound(&self, id: RenderingId) -> Result<RenderingSound, RenderingFault> {
        let row: Option<(i64, i64)> = self
            .db
            .query("SELECT duration_ms, sample_rate_hz FROM voice_rendering WHERE id = $1")
            .bind(id.0)
            .fetch_optional()
            .await?;
        let (duration_ms, sample_rate_hz) = row.ok_or(RenderingFault::NotFound(id))?;
        Ok(RenderingSound {
            duration_ms: duration_ms as u64,
            sample_rate_hz: sample_rate_hz as u32,
            audio: self.audio(id).await?,
        })
    }

    async fn audio(&self, id: RenderingId) -> Result<Vec<RenderingAudio>, RenderingFault> {
        let audio = self
            .db
            .query(
                "SELECT format, media_id, content_type, size_bytes FROM voice_rendering_audio
                 WHERE rendering_id = $1 ORDER BY format",
            )
            .bind(id.0)
            .fetch_all()
            .await?;
        Ok(audio)
    }

    /// The rendering that a job made, while it is there.
    pub async fn of_job(&self, job: JobId) -> Result<Option<RenderingId>, RenderingFault> {
        let id: Option<(Uuid,)> = self
            .db
            .query("SELECT id FROM voice_rendering WHERE job_id = $1")
            .bind(job.0)
            .fetch_optional()
            .await?;
        Ok(id.map(|(id,)| RenderingId(id)))
    }

    /// What an account ordered, oldest first.
    pub async fn owned_by(&self, owner: AccountId) -> Result<Vec<RenderingId>, RenderingFault> {
        let ids: Vec<(Uuid,)> = self
            .db
            .query("SELECT id FROM voice_rendering WHERE owner_id = $1 ORDER BY id")
            .bind(owner)
            .fetch_all()
            .await?;
        Ok(ids.into_iter().map(|(id,)| RenderingId(id)).collect())
    }

    /// What is left of an account's renderings is nobody's.
    pub async fn disown(&self, owner: AccountId) -> Result<(), RenderingFault> {
        self.db
            .query("UPDATE voice_rendering SET owner_id = NULL WHERE owner_id = $1")
            .bind(owner)
            .execute()
            .await?;
        Ok(())
    }

    /// The renderings of a script beyond its newest `keep`, which nobody needs any more.
    pub async fn outdated(&self, script: ScriptId, keep: usize) -> Result<Vec<RenderingId>, RenderingFault> {
        let ids: Vec<(Uuid,)> = self
            .db
            .query("SELECT id FROM voice_rendering WHERE script_id = $1 ORDER BY id DESC")
            .bind(script.0)
            .fetch_all()
            .await?;
        Ok(ids.into_iter().skip(keep).map(|(id,)| RenderingId(id)).collect())
    }

    /// Removes the rows and answers with the media that belonged to them.
    pub async fn remove(&self, id: RenderingId) -> Result<Vec<MediaId>, RenderingFault> {
        let mut tx = self.db.begin().await?;
        let media: Vec<(Uuid,)> = tx
            .query("SELECT media_id FROM voice_rendering_audio WHERE rendering_id = $1")
            .bind(id.0)
            .fetch_all()
            .await?;
        tx.query("DELETE FROM voice_rendering_audio WHERE rendering_id = $1").bind(id.0).execute().await?;
        tx.query("DELETE FROM voice_rendering WHERE id = $1").bind(id.0).execute().await?;
        tx.commit().await?;
        Ok(media.into_iter().map(|(id,)| MediaId(id)).collect())
    }
}
