//! For players of other protocols, which know of one place in a content and of no versions.

use sori_contracts::{BookmarkId, ContentId, Member};

use crate::{
    Listening, ListeningFault,
    bookmarks::{self, Mark, NOTE_CHARS},
    device::DeviceId,
    progress::Report,
    routes::input,
};

/// Where somebody is, as a player of another protocol tells it.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    pub content: ContentId,
    pub position_ms: u64,
    /// What the player is called: 1 to 64 letters, digits and `-_.:`.
    pub device: &'a str,
    pub playing: bool,
    pub speed: Option<f64>,
    /// The listener went there on purpose.
    pub sought: bool,
}

/// The place of an account in a content that it marked itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceMark {
    pub content: ContentId,
    pub position_ms: u64,
    pub note: Option<String>,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

impl Listening {
    /// Saves a position as a player of this server would. It is not taken when newer listening stands.
    ///
    /// # Errors
    /// When there is no such content for the member, or the position makes no sense.
    pub async fn report(&self, member: Member, told: Told<'_>) -> Result<(), ListeningFault> {
        let report = Report {
            content: told.content,
            position_ms: input::position(told.position_ms)?,
            duration_ms: None,
            device: DeviceId::parse(told.device)?,
            client_time_ms: None,
            base_version: None,
            sought: told.sought,
            playing: Some(told.playing),
            speed: told.speed.map(input::speed).transpose()?,
        };
        self.save(member, report).await.map(drop)
    }

    /// Bookmarks of places, not of spans and lines: the newest of each content.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn place_marks(&self, member: Member) -> Result<Vec<PlaceMark>, ListeningFault> {
        let mut marks: Vec<PlaceMark> = Vec::new();
        for bookmark in self.bookmarks(member, None).await? {
            let content = ContentId(bookmark.content_id);
            let is_place = bookmark.end_ms.is_none() && bookmark.line_id.is_none();
            if is_place && !marks.iter().any(|mark| mark.content == content) {
                marks.push(PlaceMark {
                    content,
                    position_ms: bookmark.start_ms as u64,
                    note: bookmark.note,
                    created_at_ms: bookmark.created_at_ms,
                    updated_at_ms: bookmark.updated_at_ms,
                });
            }
        }
        Ok(marks)
    }

    /// Moves the mark of a content, or makes it.
    ///
    /// # Errors
    /// When there is no such content for the member, or the account has as many bookmarks as it may.
    pub async fn set_place_mark(
        &self,
        member: Member,
        content: ContentId,
        position_ms: u64,
        note: Option<&str>,
    ) -> Result<(), ListeningFault> {
        let start_ms = input::position(position_ms)?;
        let note = input::optional_text("comment", note, NOTE_CHARS)?;
        match self.place_mark(member, content).await? {
            Some(id) => {
                let change = |bookmark: &mut bookmarks::Bookmark| {
                    bookmark.start_ms = start_ms as i64;
                    bookmark.note = note;
                };
                self.change_bookmark(member, id, change).await.map(drop)
            }
            None => {
                let mark = Mark::Span { content, start_ms, end_ms: None };
                self.add_bookmark(member, mark, note).await.map(drop)
            }
        }
    }

    /// Takes the mark of a content off; answers whether there was one.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove_place_mark(
        &self,
        member: Member,
        content: ContentId,
    ) -> Result<bool, ListeningFault> {
        match self.place_mark(member, content).await? {
            Some(id) => self.remove_bookmark(member, id).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn place_mark(
        &self,
        member: Member,
        content: ContentId,
    ) -> Result<Option<BookmarkId>, ListeningFault> {
        let of_content = self.bookmarks(member, Some(content)).await?;
        let place = of_content.iter().find(|mark| mark.end_ms.is_none() && mark.line_id.is_none());
        Ok(place.map(|mark| BookmarkId(mark.id)))
    }
}
