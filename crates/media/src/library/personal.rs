//! What is kept of somebody who uploads, when they ask for it and when they leave.

use async_trait::async_trait;
use serde_json::{Value, json};
use sori_contracts::{AccountId, Fault, PersonalData};

use super::{Library, LibraryFault, contents::remove};

#[async_trait]
impl PersonalData for Library {
    fn name(&self) -> &'static str {
        "uploads"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        self.export_of(account).await.map_err(|fault| Box::new(fault) as _)
    }

    /// What is public stays, and is nobody's from now on; the rest goes, unfinished uploads too.
    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        self.forget_account(account).await.map_err(|fault| Box::new(fault) as _)
    }
}

impl Library {
    async fn export_of(&self, account: AccountId) -> Result<Value, LibraryFault> {
        let contents = self.contents_of(account).await?;
        let contents: Vec<Value> = contents.iter().map(super::contents::ContentRow::exported).collect();
        let mut unfinished = Vec::new();
        for upload in self.uploads_of(account).await? {
            unfinished.push(json!({
                "id": upload.id, "title": upload.wishes()?.title(), "size_bytes": upload.length_bytes,
                "expires_at_ms": upload.expires_at_ms,
            }));
        }
        Ok(json!({ "contents": contents, "unfinished": unfinished }))
    }

    async fn forget_account(&self, account: AccountId) -> Result<(), LibraryFault> {
        for upload in self.uploads_of(account).await? {
            let _held = self.0.turns.take(upload.id()).await;
            // It may have become a content while its turn was waited for.
            if let Some(row) = self.upload(upload.id()).await? {
                self.discard(&row).await?;
            }
        }
        let mut tx = self.0.db.begin().await?;
        for row in self.contents_of(account).await?.iter().filter(|row| !row.is_public()) {
            remove(&mut tx, row).await?;
        }
        tx.query("UPDATE media_content SET owner_id = NULL WHERE owner_id = $1")
            .bind(account)
            .execute()
            .await?;
        tx.commit().await?;
        self.bury().await
    }
}
