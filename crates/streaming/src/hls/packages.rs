//! Every statement on packages and their renditions.
//!
//! A package is made by whoever claims it, under a lease that its process renews; when the process
//! dies the lease runs out and the next listener claims it anew, with another id.

use std::fmt;

use sori_contracts::{ContentId, JobId, MediaId};
use sori_db::{Db, DbError, now_ms};
use uuid::Uuid;

use super::{
    fault::HlsFault,
    index::Fragments,
    ladder::{Rung, Source},
};

/// A package, or one attempt at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PackageId(pub(crate) Uuid);

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Ordered by a job.
    Queued,
    Packaging,
    Ready,
    Failed {
        code: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackageRow {
    pub(crate) id: PackageId,
    pub(crate) content_id: ContentId,
    pub(crate) state: State,
    /// How long an order is waited for, a lease holds, a failure is not tried again.
    pub(crate) until_ms: i64,
    pub(crate) percent: u8,
    pub(crate) target_s: u32,
    pub(crate) plan: Vec<Rung>,
    pub(crate) job_id: Option<JobId>,
}

impl PackageRow {
    #[must_use]
    pub(crate) fn is_over(&self, now_ms: i64) -> bool {
        self.state != State::Ready && self.until_ms <= now_ms
    }
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRendition {
    pub(crate) name: String,
    pub(crate) media_id: MediaId,
    pub(crate) fragments: Fragments,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    content_id: Uuid,
    state: String,
    until_ms: i64,
    percent: i64,
    target_s: i64,
    plan: String,
    job_id: Option<Uuid>,
    error_code: Option<String>,
}

impl Row {
    fn read(self) -> Result<PackageRow, HlsFault> {
        let state = match self.state.as_str() {
            "ready" => State::Ready,
            "packaging" => State::Packaging,
            "failed" => State::Failed { code: self.error_code.unwrap_or_default() },
            _ => State::Queued,
        };
        Ok(PackageRow {
            id: PackageId(self.id),
            content_id: ContentId(self.content_id),
            state,
            until_ms: self.until_ms,
            percent: u8::try_from(self.percent.clamp(0, 100)).unwrap_or(100),
            target_s: u32::try_from(self.target_s).unwrap_or(0),
            plan: serde_json::from_str(&self.plan)?,
            job_id: self.job_id.map(JobId),
        })
    }
}

#[derive(Clone)]
pub(crate) struct Packages {
    pub(crate) db: Db,
}

impl Packages {
    pub(crate) async fn of_source(&self, source: MediaId) -> Result<Option<PackageRow>, HlsFault> {
        let row: Option<Row> = self
            .db
            .query(
                "SELECT id, content_id, state, until_ms, percent, target_s, plan, job_id, error_code
                 FROM streaming_package WHERE source_id = $1",
            )
            .bind(source)
            .fetch_optional()
            .await?;
        row.map(Row::read).transpose()
    }

    pub(crate) async fn get(&self, id: PackageId) -> Result<Option<PackageRow>, HlsFault> {
        let row: Option<Row> = self
            .db
            .query(
                "SELECT id, content_id, state, until_ms, percent, target_s, plan, job_id, error_code
                 FROM streaming_package WHERE id = $1",
            )
            .bind(id.0)
            .fetch_optional()
            .await?;
        row.map(Row::read).transpose()
    }

    /// Of any number that claim a source at the same time one gets it, with a new id.
    pub(crate) async fn claim(
        &self,
        source: &Source,
        plan: &[Rung],
        target_s: u32,
        until_ms: i64,
    ) -> Result<Option<PackageId>, HlsFault> {
        let (id, now) = (Uuid::now_v7(), now_ms());
        let ours: Option<(Uuid,)> = self
            .db
            .query(
                "INSERT INTO streaming_package
                    (id, source_id, content_id, state, until_ms, percent, target_s, plan, used_at_ms)
                 VALUES ($1, $2, $3, 'packaging', $4, 0, $5, $6, $7)
                 ON CONFLICT (source_id) DO UPDATE SET id = $1, content_id = $3, state = 'packaging',
                    until_ms = $4, percent = 0, target_s = $5, plan = $6, error_code = NULL
                 WHERE streaming_package.state = 'queued'
                    OR (streaming_package.state <> 'ready' AND streaming_package.until_ms <= $7)
                 RETURNING id",
            )
            .bind(id)
            .bind(source.media_id)
            .bind(source.content_id)
            .bind(until_ms)
            .bind(i64::from(target_s))
            .bind(serde_json::to_string(plan)?)
            .bind(now)
            .fetch_optional()
            .await?;
        Ok(ours.map(|(id,)| PackageId(id)))
    }

    /// `false`: somebody else has it now, or it was removed.
    pub(crate) async fn renew(&self, id: PackageId, percent: u8, until_ms: i64) -> Result<bool, DbError> {
        let renewed = self
            .db
            .query(
                "UPDATE streaming_package SET percent = $2, until_ms = $3
                 WHERE id = $1 AND state = 'packaging'",
            )
            .bind(id.0)
            .bind(i64::from(percent))
            .bind(until_ms)
            .execute()
            .await?;
        Ok(renewed == 1)
    }

    /// What will be stored, so that it is found if this process dies before it is a package.
    pub(crate) async fn note(&self, id: PackageId, renditions: &[StoredRendition]) -> Result<(), HlsFault> {
        let mut tx = self.db.begin().await?;
        for rendition in renditions {
            tx.query(
                "INSERT INTO streaming_rendition (package_id, name, media_id, fragments)
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(id.0)
            .bind(rendition.name.as_str())
            .bind(rendition.media_id)
            .bind(serde_json::to_string(&rendition.fragments)?)
            .execute()
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// `false`: it is not ours any more, and nothing was written.
    pub(crate) async fn finish(&self, id: PackageId, target_s: u32) -> Result<bool, DbError> {
        let finished = self
            .db
            .query(
                "UPDATE streaming_package SET state = 'ready', percent = 100, target_s = $2, used_at_ms = $3
                 WHERE id = $1 AND state = 'packaging'",
            )
            .bind(id.0)
            .bind(i64::from(target_s))
            .bind(now_ms())
            .execute()
            .await?;
        Ok(finished == 1)
    }

    pub(crate) async fn fail(&self, id: PackageId, code: &str, until_ms: i64) -> Result<(), DbError> {
        self.db
            .query(
                "UPDATE streaming_package SET state = 'failed', error_code = $2, until_ms = $3
                 WHERE id = $1 AND state = 'packaging'",
            )
            .bind(id.0)
            .bind(code)
            .bind(until_ms)
            .execute()
            .await?;
        Ok(())
    }

    /// What a source turned out to be given, when that was not known at the claim.
    pub(crate) async fn set_plan(&self, id: PackageId, plan: &[Rung], target_s: u32) -> Result<(), HlsFault> {
        self.db
            .query(
                "UPDATE streaming_package SET plan = $2, target_s = $3 WHERE id = $1 AND state = 'packaging'",
            )
            .bind(id.0)
            .bind(serde_json::to_string(plan)?)
            .bind(i64::from(target_s))
            .execute()
            .await?;
        Ok(())
    }

    /// As if nobody had begun.
    pub(crate) async fn give_back(&self, id: PackageId) -> Result<(), DbError> {
        self.db
            .query("DELETE FROM streaming_package WHERE id = $1 AND state = 'packaging'")
            .bind(id.0)
            .execute()
            .await?;
        Ok(())
    }

    /// Notes that a job will do it; a package under way or ready stays as it is.
    pub(crate) async fn note_order(
        &self,
        tx: &mut sori_db::Tx,
        source: &Source,
        job: JobId,
        until_ms: i64,
    ) -> Result<(), DbError> {
        tx.query(
            "INSERT INTO streaming_package
                (id, source_id, content_id, state, until_ms, percent, target_s, plan, job_id, used_at_ms)
             VALUES ($1, $2, $3, 'queued', $4, 0, 0, '[]', $5, $6)
             ON CONFLICT (source_id) DO UPDATE SET state = 'queued', until_ms = $4, job_id = $5
             WHERE streaming_package.state <> 'ready' AND streaming_package.until_ms <= $6",
        )
        .bind(Uuid::now_v7())
        .bind(source.media_id)
        .bind(source.content_id)
        .bind(until_ms)
        .bind(job)
        .bind(now_ms())
        .execute()
        .await?;
        Ok(())
    }

    pub(crate) async fn renditions(&self, id: PackageId) -> Result<Vec<StoredRendition>, HlsFault> {
        let rows: Vec<(String, Uuid, String)> = self
            .db
            .query(
                "SELECT name, media_id, fragments FROM streaming_rendition WHERE package_id = $1 ORDER BY name",
            )
            .bind(id.0)
            .fetch_all()
            .await?;
        let read = |(name, media_id, fragments): (String, Uuid, String)| {
            let fragments = serde_json::from_str(&fragments)?;
            Ok(StoredRendition { name, media_id: MediaId(media_id), fragments })
        };
        rows.into_iter().map(read).collect()
    }

    pub(crate) async fn touch(&self, id: PackageId) -> Result<(), DbError> {
        self.db
            .query("UPDATE streaming_package SET used_at_ms = $2 WHERE id = $1")
            .bind(id.0)
            .bind(now_ms())
            .execute()
            .await?;
        Ok(())
    }

    /// Every package that is ready, with its source and when it was last used.
    pub(crate) async fn ready(&self) -> Result<Vec<(PackageId, MediaId, i64)>, DbError> {
        let rows: Vec<(Uuid, Uuid, i64)> = self
            .db
            .query("SELECT id, source_id, used_at_ms FROM streaming_package WHERE state = 'ready'")
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id, source, used)| (PackageId(id), MediaId(source), used)).collect())
    }

    /// Orders, attempts and failures that nobody came back to since.
    pub(crate) async fn forget_over(&self, before_ms: i64) -> Result<(), DbError> {
        self.db
            .query("DELETE FROM streaming_package WHERE state <> 'ready' AND until_ms < $1")
            .bind(before_ms)
            .execute()
            .await?;
        Ok(())
    }

    /// Renditions whose package is not there: of attempts that failed, or whose process died.
    pub(crate) async fn left_over(&self) -> Result<Vec<PackageId>, DbError> {
        let rows: Vec<(Uuid,)> = self
            .db
            .query(
                "SELECT DISTINCT r.package_id FROM streaming_rendition AS r
                 WHERE NOT EXISTS (SELECT 1 FROM streaming_package AS p WHERE p.id = r.package_id)",
            )
            .fetch_all()
            .await?;
        Ok(rows.into_iter().map(|(id,)| PackageId(id)).collect())
    }

    /// The objects that belong to a package.
    pub(crate) async fn media(&self, id: PackageId) -> Result<Vec<MediaId>, DbError> {
        let media: Vec<(Uuid,)> = self
            .db
            .query("SELECT media_id FROM streaming_rendition WHERE package_id = $1")
            .bind(id.0)
            .fetch_all()
            .await?;
        Ok(media.into_iter().map(|(id,)| MediaId(id)).collect())
    }

    pub(crate) async fn remove(&self, id: PackageId) -> Result<(), DbError> {
        self.db.query("DELETE FROM streaming_package WHERE id = $1").bind(id.0).execute().await?;
        Ok(())
    }

    pub(crate) async fn remove_renditions(&self, id: PackageId) -> Result<(), DbError> {
        self.db.query("DELETE FROM streaming_rendition WHERE package_id = $1").bind(id.0).execute().await?;
        Ok(())
    }
}
