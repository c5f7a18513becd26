//! How many slots are taken, for whoever watches the server.

use sori_contracts::ContentKind;
use sori_db::DbError;

use super::{Sessions, slots::kind_name};

/// Slots of one kind, on all servers that share the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotsTaken {
    pub kind: ContentKind,
    /// `audio` or `video`.
    pub name: &'static str,
    pub taken: u64,
    /// 0 is no limit.
    pub most: u32,
}

impl Sessions {
    /// Open sessions whose lease runs, by kind.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn slots_taken(&self) -> Result<Vec<SlotsTaken>, DbError> {
        let inner = &self.0;
        let rows: Vec<(String, i64)> = inner
            .slots
            .db()
            .query(
                "SELECT kind, COUNT(*) FROM streaming_session WHERE ended_at_ms IS NULL AND lease_until_ms >= $1
                 GROUP BY kind",
            )
            .bind(inner.clock.now_ms())
            .fetch_all()
            .await?;
        let slots = [ContentKind::Audio, ContentKind::Video].map(|kind| {
            let name = kind_name(kind);
            let taken = rows.iter().find(|(of, _)| of == name).map_or(0, |(_, count)| *count);
            let taken = u64::try_from(taken).unwrap_or_default();
            SlotsTaken { kind, name, taken, most: inner.slots.most(kind) }
        });
        Ok(slots.into())
    }
}
