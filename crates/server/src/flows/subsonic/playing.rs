//! Where a player is: reports, bookmarks, and the queue.

use sori_contracts::{Caller, ContentId, Contents as _, Kind, Member, Moment};
use sori_listening::Told;

use super::{
    Subsonic,
    answer::{Element, Refusal},
    asked::Parameters,
    library::fault,
};

const MOST_ENTRIES: usize = 500;

impl Subsonic {
    /// `reportPlayback`: a position, as players of this server report theirs.
    pub(super) async fn report(&self, member: Member, asked: &Parameters) -> Result<Element, Refusal> {
        let content: ContentId = asked.id("mediaId")?;
        match asked.required("mediaType")? {
            "song" | "podcast" => {}
            _ => return Err(Refusal::generic("The parameter mediaType is song or podcast.")),
        }
        asked.required("positionMs")?;
        let position_ms = asked.parsed::<u64>("positionMs")?.unwrap_or_default();
        let playing = match asked.required("state")? {
            "playing" => true,
            "starting" | "paused" | "stopped" => false,
            _ => {
                return Err(Refusal::generic("The parameter state is starting, playing, paused or stopped."));
            }
        };
        let device = asked.device();
        let speed = asked.parsed::<f64>("playbackRate")?;
        let told = Told { content, position_ms, device: &device, playing, speed, sought: false };
        self.listening.report(member, told).await.map_err(fault)?;
        Ok(Element::new())
    }

    /// `scrobble`: what was heard is known by the streaming session already, and a player that scrobbles halfway
    /// says nothing of where it is. So it is only looked whether there is such a thing.
    pub(super) async fn scrobble(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        asked.required("id")?;
        asked.flag("submission", true)?;
        for id in asked.all("id").take(MOST_ENTRIES) {
            let id: ContentId = id.parse().map_err(|_| Refusal::not_found())?;
            self.contents.content(caller, id).await?;
        }
        Ok(Element::new())
    }

    pub(super) async fn bookmarks(&self, member: Member, username: &str) -> Result<Element, Refusal> {
        let caller = Caller::Account(member);
        let mut bookmarks = Vec::new();
        for mark in self.listening.place_marks(member).await.map_err(fault)?.into_iter().take(MOST_ENTRIES) {
            let Some(entry) = self.entry_if_there(&caller, mark.content).await? else { continue };
            bookmarks.push(
                Element::new()
                    .number("position", mark.position_ms)
                    .text("username", username)
                    .text_if("comment", mark.note)
                    .text("created", Moment(mark.created_at_ms).to_string())
                    .text("changed", Moment(mark.updated_at_ms).to_string())
                    .one("entry", entry),
            );
        }
        Ok(Element::new().one("bookmarks", Element::new().many("bookmark", bookmarks)))
    }

    /// A player's bookmark is where it goes on: other devices go on there as well.
    pub(super) async fn set_bookmark(&self, member: Member, asked: &Parameters) -> Result<Element, Refusal> {
        let content: ContentId = asked.id("id")?;
        asked.required("position")?;
        let position_ms = asked.parsed::<u64>("position")?.unwrap_or_default();
        let comment = asked.get("comment");
        self.listening.set_place_mark(member, content, position_ms, comment).await.map_err(fault)?;
        let device = asked.device();
        let told = Told { content, position_ms, device: &device, playing: false, speed: None, sought: true };
        self.listening.report(member, told).await.map_err(fault)?;
        Ok(Element::new())
    }

    pub(super) async fn remove_bookmark(
        &self,
        member: Member,
        asked: &Parameters,
    ) -> Result<Element, Refusal> {
        let is_gone = self.listening.remove_place_mark(member, asked.id("id")?).await.map_err(fault)?;
        if is_gone { Ok(Element::new()) } else { Err(Refusal::not_found()) }
    }

    pub(super) async fn save_queue(&self, member: Member, asked: &Parameters) -> Result<Element, Refusal> {
        let given: Vec<&str> = asked.all("id").filter(|id| !id.is_empty()).collect();
        if given.len() > MOST_ENTRIES {
            return Err(Refusal::generic(format!("A queue has at most {MOST_ENTRIES} entries.")));
        }
        let entries: Result<Vec<ContentId>, _> = given.into_iter().map(str::parse).collect();
        let entries = entries.map_err(|_| Refusal::not_found())?;
        let current = match asked.get("current").filter(|id| !id.is_empty()) {
            Some(_) => Some(asked.id::<ContentId>("current")?),
            None => None,
        };
        if current.is_some_and(|current| !entries.contains(&current)) {
            return Err(Refusal::generic("The current entry is not in the queue."));
        }
        let position_ms = asked.parsed::<u32>("position")?.unwrap_or_default();
        let by: String = asked.get("c").unwrap_or_default().chars().take(100).collect();
        let saved = self.queues.save(member.account, &entries, current, i64::from(position_ms), &by).await;
        saved.map_err(fault)?;
        Ok(Element::new())
    }

    pub(super) async fn queue(&self, member: Member, username: &str) -> Result<Element, Refusal> {
        let Some(queue) = self.queues.find(member.account).await.map_err(fault)? else {
            return Ok(Element::new());
        };
        let caller = Caller::Account(member);
        let (mut entries, mut has_current) = (Vec::new(), false);
        for id in queue.entries {
            if let Some(entry) = self.entry_if_there(&caller, id).await? {
                has_current |= queue.current == Some(id);
                entries.push(entry);
            }
        }
        let current = queue.current.filter(|_| has_current);
        let written = Element::new()
            .text_if("current", current.map(|id| id.to_string()))
            .number("position", if has_current { queue.position_ms } else { 0 })
            .text("username", username)
            .text("changed", Moment(queue.changed_at_ms).to_string())
            .text("changedBy", queue.changed_by)
            .many("entry", entries);
        Ok(Element::new().one("playQueue", written))
    }

    /// What is gone, or hidden from the account since, is left out.
    async fn entry_if_there(&self, caller: &Caller, id: ContentId) -> Result<Option<Element>, Refusal> {
        match self.contents.content(caller, id).await {
            Ok(_) => self.entry(caller, id).await.map(Some),
            Err(gone) if gone.kind() == Kind::NotFound => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}
