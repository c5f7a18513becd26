//! What is kept of a listener, when they ask for it and when they leave.

use async_trait::async_trait;
use serde_json::{Value, json};
use sori_contracts::{AccountId, Fault, PersonalData};

use crate::{Listening, ListeningFault, bookmarks, devices};

/// More than anybody begins.
const MOST_POSITIONS: u32 = 100_000;
const MOST_CLIPS: u32 = 1_000;

#[async_trait]
impl PersonalData for Listening {
    fn name(&self) -> &'static str {
        "listening"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        self.export_of(account).await.map_err(|fault| Box::new(fault) as _)
    }

    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        self.forget_account(account).await.map_err(|fault| Box::new(fault) as _)
    }
}

impl Listening {
    async fn export_of(&self, account: AccountId) -> Result<Value, ListeningFault> {
        let bookmarks = bookmarks::all(&self.0.db, account, None).await?;
        let bookmarks: Vec<Value> = bookmarks
            .iter()
            .map(|mark| {
                json!({
                    "id": mark.id, "content_id": mark.content_id, "line_id": mark.line_id,
                    "start_ms": mark.start_ms, "end_ms": mark.end_ms, "note": mark.note,
                    "created_at_ms": mark.created_at_ms,
                })
            })
            .collect();
        let clips = self.0.clips.of_owner(account, None, None, MOST_CLIPS).await?;
        let clips: Vec<Value> = clips
            .iter()
            .map(|clip| {
                json!({
                    "id": clip.id, "content_id": clip.source, "title": clip.title, "start_ms": clip.start_ms,
                    "end_ms": clip.end_ms, "created_at_ms": clip.created_at_ms,
                })
            })
            .collect();
        Ok(json!({
            "progress": self.recent(account, None, MOST_POSITIONS).await?,
            "log": self.whole_log(account).await?,
            "devices": devices::list(&self.0.db, account).await?,
            "bookmarks": bookmarks,
            "clips": clips,
            "playback": crate::playback::all(&self.0.db, account).await?,
        }))
    }

    async fn forget_account(&self, account: AccountId) -> Result<(), ListeningFault> {
        self.forget_clips_of(account).await?;
        let mut tx = self.0.db.begin().await?;
        for statement in [
            "DELETE FROM listening_progress WHERE account_id = $1",
            "DELETE FROM listening_log WHERE account_id = $1",
            "DELETE FROM listening_told WHERE account_id = $1",
            "DELETE FROM listening_device WHERE account_id = $1",
            "DELETE FROM listening_playback WHERE account_id = $1",
            "DELETE FROM listening_bookmark WHERE account_id = $1",
        ] {
            tx.query(statement).bind(account).execute().await?;
        }
        Ok(tx.commit().await?)
    }
}
