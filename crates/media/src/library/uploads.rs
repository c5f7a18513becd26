//! Uploads under way: rows, and a file each.

use std::path::PathBuf;

use rustix::fs::statvfs;
use sori_contracts::{AccountId, Caller, ContentId, MediaFault, MediaId, Member};
use sori_db::now_ms;
use uuid::Uuid;

use super::{Library, LibraryFault, Wishes, remove_file};

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) at: u64,
    pub(crate) length: u64,
    /// `None` once it became a content.
    pub(crate) expires_at_ms: Option<i64>,
}

impl Standing {
    pub(crate) fn is_finished(&self) -> bool {
        self.expires_at_ms.is_none()
    }
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct UploadRow {
    pub(super) id: Uuid,
    pub(super) owner_id: Uuid,
    pub(super) length_bytes: i64,
    pub(super) wishes: String,
    pub(super) media_id: Uuid,
    pub(super) unverified_from: Option<i64>,
    pub(super) facts: Option<String>,
    pub(super) expires_at_ms: i64,
}

impl UploadRow {
    pub(super) fn id(&self) -> ContentId {
        ContentId(self.id)
    }

    pub(super) fn length(&self) -> u64 {
        self.length_bytes as u64
    }

    pub(super) fn wishes(&self) -> Result<Wishes, LibraryFault> {
        stored("wish", &self.wishes)
    }
}

pub(super) fn stored<T: serde::de::DeserializeOwned>(
    what: &'static str,
    json: &str,
) -> Result<T, LibraryFault> {
    serde_json::from_str(json).map_err(|source| LibraryFault::Stored { what, source })
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner_id, length_bytes, wishes, media_id, unverified_from, facts, expires_at_ms
             FROM media_upload ",
            $rest
        )
    };
}

impl Library {
    /// Makes room for an upload of `length` bytes. `id`: the same request makes the same upload.
    pub(crate) async fn create(
        &self,
        member: Member,
        length: u64,
        wishes: &Wishes,
        id: Option<Uuid>,
    ) -> Result<ContentId, LibraryFault> {
        let settings = &self.0.settings;
        if length > settings.max_upload_bytes {
            return Err(LibraryFault::TooLarge { limit_bytes: settings.max_upload_bytes });
        }
        if length == 0 {
            return Err(LibraryFault::Unsupported { reason: "nothing in it".into() });
        }
        let caller = Caller::Account(member);
        self.check(&caller, wishes).await?;
        self.check_room(length).await?;
        let id = id.map_or_else(ContentId::generate, ContentId);
        // The same request, whose answer got lost.
        if self.length_of_own(member.account, id).await?.is_some() {
            return Ok(id);
        }
        let now = now_ms();
        let mut tx = self.0.db.begin().await?;
        let exists: i64 = tx
            .query("SELECT COUNT(*) FROM media_upload WHERE id = $1 AND owner_id = $2")
            .bind(id)
            .bind(member.account)
            .scalar()
            .await?;
        if exists > 0 {
            return Ok(id);
        }
        let unfinished: i64 = tx
            .query("SELECT COUNT(*) FROM media_upload WHERE owner_id = $1")
            .bind(member.account)
            .scalar()
            .await?;
        if unfinished >= i64::from(settings.max_unfinished) {
            return Err(LibraryFault::TooMany { most: settings.max_unfinished, what: "unfinished uploads" });
        }
        let contents: i64 = tx
            .query("SELECT COUNT(*) FROM media_content WHERE owner_id = $1")
            .bind(member.account)
            .scalar()
            .await?;
        if contents + unfinished >= i64::from(settings.max_contents) {
            return Err(LibraryFault::TooMany { most: settings.max_contents, what: "contents" });
        }
        let json =
            serde_json::to_value(wishes).map_err(|source| LibraryFault::Stored { what: "wish", source })?;
        tx.query(
            "INSERT INTO media_upload (id, owner_id, length_bytes, wishes, media_id, created_at_ms, expires_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(member.account)
        .bind(length as i64)
        .bind(json)
        .bind(MediaId::generate())
        .bind(now)
        .bind(self.expiry(now))
        .execute()
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(super) fn expiry(&self, now_ms: i64) -> i64 {
        let keep = i64::try_from(self.0.settings.keep_unfinished.as_millis()).unwrap_or(i64::MAX);
        now_ms.saturating_add(keep)
    }

    /// Where the upload stands; whoever still writes it is asked to stop, so that the answer stays true.
    pub(crate) async fn standing(&self, member: Member, id: ContentId) -> Result<Standing, LibraryFault> {
        let _held = self.0.turns.take(id).await;
        let Some(row) = self.upload(id).await? else {
            // The answer to the last byte got lost: all of it is there.
            let length = self.length_of_own(member.account, id).await?;
            let length = length.ok_or(LibraryFault::UploadNotFound(id))?;
            return Ok(Standing { at: length, length, expires_at_ms: None });
        };
        own(&row, member)?;
        let at = self.length_on_disk(&row).await?;
        Ok(Standing { at, length: row.length(), expires_at_ms: Some(row.expires_at_ms) })
    }

    /// Refuses what is not the member's before anything else is said about a request.
    pub(crate) async fn require_own(&self, member: Member, id: ContentId) -> Result<(), LibraryFault> {
        match self.upload(id).await? {
            Some(row) => own(&row, member),
            None => {
                let length = self.length_of_own(member.account, id).await?;
                length.map(drop).ok_or(LibraryFault::UploadNotFound(id))
            }
        }
    }

    /// Removes an upload that is not finished.
    pub(crate) async fn terminate(&self, member: Member, id: ContentId) -> Result<(), LibraryFault> {
        let _held = self.0.turns.take(id).await;
        let row = self.upload(id).await?.ok_or(LibraryFault::UploadNotFound(id))?;
        own(&row, member)?;
        self.discard(&row).await
    }

    /// The row goes last: what is left after a crash is found by it.
    pub(super) async fn discard(&self, row: &UploadRow) -> Result<(), LibraryFault> {
        remove_file(&self.part(row.id())).await?;
        // It may have been on its way into the store.
        if row.facts.is_some() {
            self.0.store.delete(MediaId(row.media_id)).await?;
        }
        self.0.db.query("DELETE FROM media_upload WHERE id = $1").bind(row.id).execute().await?;
        Ok(())
    }

    pub(super) async fn upload(&self, id: ContentId) -> Result<Option<UploadRow>, LibraryFault> {
        Ok(self.0.db.query(columns!("WHERE id = $1")).bind(id).fetch_optional().await?)
    }

    pub(super) async fn uploads_of(&self, account: AccountId) -> Result<Vec<UploadRow>, LibraryFault> {
        Ok(self.0.db.query(columns!("WHERE owner_id = $1 ORDER BY id")).bind(account).fetch_all().await?)
    }

    pub(super) async fn all_uploads(&self) -> Result<Vec<UploadRow>, LibraryFault> {
        Ok(self.0.db.query(columns!("ORDER BY id")).fetch_all().await?)
    }

    /// Only ids make names of files.
    pub(super) fn part(&self, id: ContentId) -> PathBuf {
        self.0.folder.join(format!("{id}.part"))
    }

    /// How much of an upload counts.
    pub(super) async fn length_on_disk(&self, row: &UploadRow) -> Result<u64, LibraryFault> {
        let length = match tokio::fs::metadata(self.part(row.id())).await {
            Ok(file) => file.len(),
            // With facts, the store has it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if row.facts.is_some() {
                    row.length()
                } else {
                    0
                }
            }
            Err(error) => return Err(MediaFault::from_io("looking at an upload", error).into()),
        };
        Ok(row.unverified_from.map_or(length, |from| length.min(from as u64)).min(row.length()))
    }

    /// Whether the disk takes so much more besides what other uploads were promised.
    async fn check_room(&self, bytes: u64) -> Result<(), LibraryFault> {
        let promised: i64 = {
            let rows = self.all_uploads().await?;
            let mut promised = 0;
            for row in &rows {
                promised += row.length_bytes - self.length_on_disk(row).await? as i64;
            }
            promised
        };
        let folder = self.0.folder.clone();
        let disk = tokio::task::spawn_blocking(move || statvfs(&folder)).await?;
        let disk = disk.map_err(|error| MediaFault::from_io("looking at the disk", error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed =
            bytes.saturating_add(promised.max(0) as u64).saturating_add(self.0.settings.keep_free_bytes);
        if free < needed { Err(LibraryFault::NoRoom { bytes }) } else { Ok(()) }
    }
}

/// Somebody else's upload does not exist, for admins neither: nobody else has bytes to add.
pub(super) fn own(row: &UploadRow, member: Member) -> Result<(), LibraryFault> {
    if AccountId(row.owner_id) == member.account {
        Ok(())
    } else {
        Err(LibraryFault::UploadNotFound(row.id()))
    }
}
