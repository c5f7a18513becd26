//! A content as one file, by range, within a session.

use std::sync::Arc;

use axum::response::Response;
use sori_contracts::{Content, ContentFile, ContentId, Event, Fault, Kind, MediaFault, Place, StreamError};
use sori_http::Problem;

use crate::{
    Asked, Listener, SessionFault, Sessions,
    sessions::{Inner, Watching},
};

/// A content that was found for a listener is theirs for so long without another look: a player that asks
/// for the next range asks in memory. What is hidden from somebody is hidden this much later.
const KNOWN_FOR_MS: i64 = 2_000;

impl Sessions {
    /// Answers a request for the bytes of a content. A GET takes part in the listener's session.
    ///
    /// # Errors
    /// Not found, no such quality, no free slot, files that are gone.
    pub async fn answer(
        &self,
        listener: &Listener,
        id: ContentId,
        quality: Option<&str>,
        asked: Asked,
    ) -> Result<Response, Problem> {
        let inner = self.inner();
        if asked.is_head() {
            let content = self.content(listener, id).await?;
            return inner.send(listener, &content, quality, asked, None).await;
        }
        let (content, watching) = self.attend(listener, id, quality).await?;
        inner.send(listener, &content, quality, asked, Some(watching)).await
    }

    /// The content and the session in which the listener plays it, which begins if it is not open yet.
    ///
    /// # Errors
    /// Not found, no such quality, no free slot.
    pub(crate) async fn attend(
        &self,
        listener: &Listener,
        id: ContentId,
        quality: Option<&str>,
    ) -> Result<(Arc<Content>, Watching), Problem> {
        if let Some(known) = self.at_hand(listener, id) {
            return Ok(known);
        }
        let content = Arc::new(self.content(listener, id).await?);
        let watching = self.watch(listener, &content, choose(&content, quality)?).await?;
        watching.session().remember(listener.role(), &content, KNOWN_FOR_MS);
        Ok((content, watching))
    }

    /// For whoever sends a file of a content by another address than the content's: the same request as a
    /// part of the listener's session there.
    ///
    /// # Errors
    /// No free slot.
    pub async fn join(&self, listener: &Listener, id: ContentId, asked: Asked) -> Result<Asked, Problem> {
        if asked.is_head() {
            return Ok(asked);
        }
        match self.attend(listener, id, None).await {
            Ok((_, watching)) => Ok(asked.held(watching)),
            // What is there by its own address need not be content.
            Err(problem) if problem.fault().kind() == Kind::NotFound => Ok(asked),
            Err(problem) => Err(problem),
        }
    }

    /// The same of a session that is open, when its content was found for the listener a moment ago.
    pub(crate) fn at_hand(&self, listener: &Listener, id: ContentId) -> Option<(Arc<Content>, Watching)> {
        let watching = self.inner().watching(listener, id)?;
        let content = watching.session().known(listener.role())?;
        Some((content, watching))
    }

    /// What the listener may hear or see by this id.
    ///
    /// # Errors
    /// Of the kind `NotFound` when there is nothing for them.
    pub async fn content(&self, listener: &Listener, id: ContentId) -> Result<Content, Problem> {
        self.inner().contents.content(&listener.caller, id).await.map_err(Problem::from_boxed)
    }

    /// From where the bytes of a file would come now.
    pub async fn place(&self, file: &ContentFile) -> Place {
        self.inner().streaming.place(file.media).await
    }
}

/// The file of a quality, which is the name of one of the content's files; the first when nothing is said.
///
/// # Errors
/// [`SessionFault::NoQuality`], with those that there are.
pub fn choose<'a>(content: &'a Content, quality: Option<&str>) -> Result<&'a ContentFile, SessionFault> {
    let file = match quality {
        None => content.files.first(),
        Some(quality) => content.files.iter().find(|file| file.format == quality),
    };
    file.ok_or_else(|| SessionFault::NoQuality {
        asked: quality.unwrap_or_default().to_owned(),
        known: content.files.iter().map(|file| file.format.as_str()).collect::<Vec<_>>().join(", "),
    })
}

impl Inner {
    async fn send(
        &self,
        listener: &Listener,
        content: &Content,
        quality: Option<&str>,
        asked: Asked,
        watching: Option<Watching>,
    ) -> Result<Response, Problem> {
        let file = choose(content, quality)?;
        let session = watching.as_ref().map(|watching| Arc::clone(watching.session()));
        let asked = match watching {
            Some(watching) => asked.held(watching),
            None => asked,
        };
        let fault = match self.streaming.try_answer(file.media, &asked).await {
            Ok(response) => return Ok(response),
            Err(fault) => fault,
        };
        if matches!(fault, MediaFault::NotFound(_) | MediaFault::Unavailable(_)) {
            self.announce.announce(Event::FileMissing {
                media_id: file.media,
                content_id: Some(content.id),
                at_ms: self.clock.now_ms(),
            });
        }
        if let Some(response) = self.replacement(listener, content, file, &fault, &asked).await {
            return Ok(response);
        }
        match session {
            Some(session) => session.fail(fault.code(), &fault.to_string()),
            None => self.announce_error(listener, content.id, &fault),
        }
        Err(fault.into())
    }

    /// The content's other files, and the one that its owner registered in its place.
    async fn replacement(
        &self,
        listener: &Listener,
        content: &Content,
        gone: &ContentFile,
        fault: &MediaFault,
        asked: &Asked,
    ) -> Option<Response> {
        if !matches!(fault, MediaFault::NotFound(_) | MediaFault::Unavailable(_)) {
            return None;
        }
        let mut others: Vec<_> = content.files.iter().map(|file| file.media).collect();
        if let Some(id) = content.alternative
            && let Ok(alternative) = self.contents.content(&listener.caller, id).await
        {
            others.extend(alternative.files.iter().map(|file| file.media));
        }
        for media in others.into_iter().filter(|media| *media != gone.media) {
            // A range of another file is no part of the one that was begun: it has another tag, so a
            // player that says what it has (If-Range) begins anew.
            if let Ok(response) = self.streaming.try_answer(media, asked).await {
                tracing::warn!(content = %content.id, gone = %gone.media, %media, "another file is played");
                return Some(response);
            }
        }
        None
    }

    fn announce_error(&self, listener: &Listener, content: ContentId, fault: &MediaFault) {
        self.announce.announce(Event::StreamError(StreamError {
            session_id: None,
            user_id: listener.caller.account(),
            content_id: content,
            error_code: fault.code().to_owned(),
            error_message: fault.to_string(),
            at_ms: self.clock.now_ms(),
        }));
    }
}
