//! Spans of contents that somebody marked, with notes.

use async_trait::async_trait;
use sori_contracts::{BookmarkId, Caller, ContentId, Fault, LineId, Member, ScriptId};
use sori_db::{Db, Tx, now_ms};
use uuid::Uuid;

use crate::{
    Listening, ListeningFault,
    routes::input,
    sync::{Envelope, Push},
};

pub(crate) const MOST: i64 = 2_000;
pub(crate) const NOTE_CHARS: usize = 2_000;

/// A line, as far as a bookmark needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    pub script: ScriptId,
    /// Unknown before the script is rendered.
    pub start_ms: Option<u64>,
    pub end_ms: Option<u64>,
}

/// Finds lines for a caller; the catalog is behind it.
#[async_trait]
pub trait Lines: Send + Sync {
    async fn line(&self, caller: &Caller, line: LineId) -> Result<LineSpan, Box<dyn Fault>>;
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Bookmark {
    pub(crate) id: Uuid,
    pub(crate) content_id: Uuid,
    pub(crate) line_id: Option<Uuid>,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: Option<i64>,
    pub(crate) note: Option<String>,
    pub(crate) created_at_ms: i64,
    pub(crate) updated_at_ms: i64,
}

/// What shall be marked: a place or a span of a content, or a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    Span { content: ContentId, start_ms: u64, end_ms: Option<u64> },
    Line { line: LineId, start_ms: Option<u64>, end_ms: Option<u64> },
}

impl Listening {
    pub(crate) async fn bookmarks(
        &self,
        member: Member,
        content: Option<ContentId>,
    ) -> Result<Vec<Bookmark>, ListeningFault> {
        all(&self.0.db, member.account, content).await
    }

    pub(crate) async fn add_bookmark(
        &self,
        member: Member,
        mark: Mark,
        note: Option<String>,
    ) -> Result<Bookmark, ListeningFault> {
        let caller = Caller::Account(member);
        let (content, line, start_ms, end_ms, duration_ms) = match mark {
            Mark::Span { content, start_ms, end_ms } => {
                let found = self.0.contents.content(&caller, content).await?;
                (content, None, start_ms, end_ms, found.duration_ms)
            }
            Mark::Line { line, start_ms, end_ms } => {
                let span = self.0.lines.line(&caller, line).await?;
                let start_ms = start_ms.or(span.start_ms).unwrap_or(0);
                (ContentId(span.script.0), Some(line), start_ms, end_ms.or(span.end_ms), None)
            }
        };
        let now_ms = now_ms();
        let bookmark = Bookmark {
            id: BookmarkId::generate().0,
            content_id: content.0,
            line_id: line.map(|line| line.0),
            start_ms: start_ms as i64,
            end_ms: end_ms.map(|end| end as i64),
            note,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
        };
        check(&bookmark, duration_ms)?;
        let mut tx = self.0.db.begin().await?;
        let count: i64 = tx
            .query("SELECT COUNT(*) FROM listening_bookmark WHERE account_id = $1")
            .bind(member.account)
            .scalar()
            .await?;
        if count >= MOST {
            return Err(ListeningFault::TooManyBookmarks { most: MOST });
        }
        tx.query(
            "INSERT INTO listening_bookmark (id, account_id, content_id, line_id, start_ms, end_ms, note,
                created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(bookmark.id)
        .bind(member.account)
        .bind(bookmark.content_id)
        .bind(bookmark.line_id)
        .bind(bookmark.start_ms)
        .bind(bookmark.end_ms)
        .bind(bookmark.note.as_deref())
        .bind(bookmark.created_at_ms)
        .bind(bookmark.updated_at_ms)
        .execute()
        .await?;
        self.commit_change(tx, member, &bookmark).await?;
        Ok(bookmark)
    }

    /// `change` gets the bookmark as it is.
    pub(crate) async fn change_bookmark(
        &self,
        member: Member,
        id: BookmarkId,
        change: impl FnOnce(&mut Bookmark) + Send,
    ) -> Result<Bookmark, ListeningFault> {
        let mut tx = self.0.db.begin().await?;
        let mut bookmark = find(&mut tx, member, id).await?;
        change(&mut bookmark);
        bookmark.updated_at_ms = now_ms();
        check(&bookmark, None)?;
        tx.query(
            "UPDATE listening_bookmark SET start_ms = $3, end_ms = $4, note = $5, updated_at_ms = $6
             WHERE id = $1 AND account_id = $2",
        )
        .bind(id)
        .bind(member.account)
        .bind(bookmark.start_ms)
        .bind(bookmark.end_ms)
        .bind(bookmark.note.as_deref())
        .bind(bookmark.updated_at_ms)
        .execute()
        .await?;
        self.commit_change(tx, member, &bookmark).await?;
        Ok(bookmark)
    }

    pub(crate) async fn remove_bookmark(&self, member: Member, id: BookmarkId) -> Result<(), ListeningFault> {
        let mut tx = self.0.db.begin().await?;
        let bookmark = find(&mut tx, member, id).await?;
        tx.query("DELETE FROM listening_bookmark WHERE id = $1").bind(id).execute().await?;
        self.commit_change(tx, member, &bookmark).await
    }

    /// All devices are told, the one that did it too: bookmarks do not know by which they were made.
    async fn commit_change(&self, tx: Tx, member: Member, bookmark: &Bookmark) -> Result<(), ListeningFault> {
        let push = Push::Bookmarks { content_id: ContentId(bookmark.content_id) };
        Ok(self.0.sync.commit(tx, vec![Envelope::all(member.account, &push)]).await?)
    }
}

/// Newest first.
pub(crate) async fn all(
    db: &Db,
    account: sori_contracts::AccountId,
    content: Option<ContentId>,
) -> Result<Vec<Bookmark>, ListeningFault> {
    let bookmarks = db
        .query(
            "SELECT id, content_id, line_id, start_ms, end_ms, note, created_at_ms, updated_at_ms
             FROM listening_bookmark WHERE account_id = $1 AND (content_id = $2 OR $3)
             ORDER BY id DESC LIMIT $4",
        )
        .bind(account)
        .bind(content)
        .bind(content.is_none())
        .bind(MOST)
        .fetch_all()
        .await?;
    Ok(bookmarks)
}

async fn find(tx: &mut Tx, member: Member, id: BookmarkId) -> Result<Bookmark, ListeningFault> {
    let found = tx
        .query(
            "SELECT id, content_id, line_id, start_ms, end_ms, note, created_at_ms, updated_at_ms
             FROM listening_bookmark WHERE id = $1 AND account_id = $2",
        )
        .bind(id)
        .bind(member.account)
        .fetch_optional()
        .await?;
    found.ok_or(ListeningFault::BookmarkNotFound(id))
}

/// A place within the content, or a span that goes forward.
fn check(bookmark: &Bookmark, duration_ms: Option<u64>) -> Result<(), ListeningFault> {
    let start_ms = input::position(bookmark.start_ms as u64)?;
    // A mark at the very end is a place still.
    let end_ms = bookmark.end_ms.map_or(start_ms.saturating_add(1), |end| end as u64);
    let duration_ms = duration_ms.filter(|_| bookmark.end_ms.is_some());
    Ok(input::span("end_ms", crate::playback::Span { start_ms, end_ms }, duration_ms)?)
}
