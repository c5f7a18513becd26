//! Clips: spans of contents that are cut out and become contents of their own. Who may see the source may
//! see its clips.

mod captions;
mod cut;
mod store;

use async_trait::async_trait;
use sori_captions::Captions;
use sori_contracts::{
    AccountId, Caller, Cancel, Content, ContentFile, ContentId, Fault, MediaId, Member, NewJob, Priority,
    Role,
};
use sori_db::now_ms;

pub use store::{Clip, Clips};

pub(crate) use cut::{CUT_CLIP, CutClip};

use crate::{Listening, ListeningFault, playback::Span, routes::input};

pub(crate) const TITLE_CHARS: usize = 200;
/// Longer is no clip.
const LONGEST_MS: u64 = 600_000;
/// Shorter than a syllable.
const SHORTEST_MS: u64 = 100;
const MOST: i64 = 500;

/// Cuts files; media and voices are behind it.
#[async_trait]
pub trait Cutter: Send + Sync {
    /// Cuts the span out of a content and stores what comes out: from a rendering exactly these samples.
    async fn cut(&self, source: &Content, clip: &Clip, cancel: &Cancel) -> Result<Cut, Box<dyn Fault>>;

    /// What is said in a content, if that is known.
    async fn captions(&self, caller: &Caller, source: &Content) -> Result<Option<Captions>, Box<dyn Fault>>;

    /// Removes what was stored. What is not there is no error.
    async fn discard(&self, media: MediaId) -> Result<(), Box<dyn Fault>>;
}

/// What was cut out.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    pub duration_ms: u64,
    /// The first is the one to play when nothing is said.
    pub files: Vec<ContentFile>,
}

impl Listening {
    /// Orders a clip. `id` is given by a request that may come again: it is answered with the same clip.
    pub(crate) async fn add_clip(
        &self,
        member: Member,
        source: ContentId,
        span: Span,
        title: Option<String>,
        id: Option<ContentId>,
    ) -> Result<Clip, ListeningFault> {
        let caller = Caller::Account(member);
        let id = id.unwrap_or_else(ContentId::generate);
        if let Some(known) = self.0.clips.find(id).await?.filter(|clip| clip.owner == Some(member.account)) {
            return Ok(known);
        }
        // A clip of a clip is a clip of what that was cut from.
        let (source, span) = match self.0.clips.find(source).await? {
            Some(clip) => {
                input::span("end_ms", span, Some(clip.end_ms - clip.start_ms))?;
                let shift = |ms: u64| input::position(ms).map(|ms| ms + clip.start_ms);
                (clip.source, Span { start_ms: shift(span.start_ms)?, end_ms: shift(span.end_ms)? })
            }
            None => (source, span),
        };
        let content = self.0.contents.content(&caller, source).await?;
        input::span("end_ms", span, content.duration_ms)?;
        if !(SHORTEST_MS..=LONGEST_MS).contains(&(span.end_ms - span.start_ms)) {
            return Err(input::refused(
                "end_ms",
                format!("A clip has {SHORTEST_MS} ms to {} minutes.", LONGEST_MS / 60_000),
                format!("클립 길이는 {SHORTEST_MS}ms에서 {}분 사이여야 합니다.", LONGEST_MS / 60_000),
            )
            .into());
        }
        let mut clip = Clip {
            id,
            source,
            owner: Some(member.account),
            title: title.unwrap_or_else(|| content.title.chars().take(TITLE_CHARS).collect()),
            start_ms: span.start_ms,
            end_ms: span.end_ms,
            kind: content.kind,
            job: None,
            error: None,
            duration_ms: None,
            files: Vec::new(),
            created_at_ms: now_ms(),
        };
        let mut tx = self.0.db.begin().await?;
        if Clips::count(&mut tx, member.account).await? >= MOST {
            return Err(ListeningFault::TooManyClips { most: MOST });
        }
        let job = NewJob {
            id: None,
            kind: CUT_CLIP,
            payload: cut::payload(clip.id, member.role),
            priority: Priority::Normal,
            script_id: content.script,
            owner: Some(member.account),
        };
        clip.job = Some(self.0.queue.enqueue(&mut tx, job).await?);
        Clips::insert(&mut tx, &clip).await?;
        tx.commit().await?;
        Ok(clip)
    }

    /// A clip, if its source exists for the caller.
    pub(crate) async fn clip(&self, caller: &Caller, id: ContentId) -> Result<Clip, ListeningFault> {
        let clip = self.0.clips.find(id).await?.ok_or(ListeningFault::ClipNotFound(id))?;
        match self.0.contents.content(caller, clip.source).await {
            Ok(_) => Ok(clip),
            Err(fault) if fault.kind() == sori_contracts::Kind::NotFound => {
                Err(ListeningFault::ClipNotFound(id))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    pub(crate) async fn clip_captions(
        &self,
        caller: &Caller,
        id: ContentId,
    ) -> Result<Captions, ListeningFault> {
        self.clip(caller, id).await?;
        let stored = self.0.clips.captions(id).await?.ok_or(ListeningFault::NoCaptions(id))?;
        serde_json::from_str(&stored).map_err(|source| ListeningFault::Stored { what: "caption", source })
    }

    /// For its maker and for an admin.
    pub(crate) async fn remove_clip(&self, member: Member, id: ContentId) -> Result<(), ListeningFault> {
        let caller = Caller::Account(member);
        let clip = self.0.clips.find(id).await?.ok_or(ListeningFault::ClipNotFound(id))?;
        if clip.owner != Some(member.account) && member.role < Role::Admin {
            // Whoever may see it is told that it is not theirs.
            self.clip(&caller, id).await?;
            return Err(ListeningFault::Access(sori_http::AccessFault::Forbidden));
        }
        self.discard_clip(id).await
    }

    async fn discard_clip(&self, id: ContentId) -> Result<(), ListeningFault> {
        for media in self.0.clips.remove(id).await? {
            self.0.cutter.discard(media).await?;
        }
        Ok(())
    }

    pub(crate) async fn forget_clips_of(&self, owner: AccountId) -> Result<(), ListeningFault> {
        for id in self.0.clips.ids(Some(owner), None).await? {
            self.discard_clip(id).await?;
        }
        Ok(())
    }

    /// A content is gone for good: so are its clips, and where anybody was in it. Safe to repeat.
    ///
    /// # Errors
    /// When the database or the store cannot be reached.
    pub async fn forget_content(&self, content: ContentId) -> Result<(), ListeningFault> {
        for id in self.0.clips.ids(None, Some(content)).await? {
            self.forget_rows(id).await?;
            self.discard_clip(id).await?;
        }
        self.forget_rows(content).await
    }

    async fn forget_rows(&self, content: ContentId) -> Result<(), ListeningFault> {
        let mut tx = self.0.db.begin().await?;
        for statement in [
            "DELETE FROM listening_progress WHERE content_id = $1",
            "DELETE FROM listening_log WHERE content_id = $1",
            "DELETE FROM listening_told WHERE content_id = $1",
            "DELETE FROM listening_playback WHERE content_id = $1",
            "DELETE FROM listening_bookmark WHERE content_id = $1",
            "UPDATE listening_device SET content_id = NULL, playing = FALSE WHERE content_id = $1",
        ] {
            tx.query(statement).bind(content).execute().await?;
        }
        Ok(tx.commit().await?)
    }
}
