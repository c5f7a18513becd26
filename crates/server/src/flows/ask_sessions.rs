//! Listening asks for streaming sessions. Nothing opens any yet.

use async_trait::async_trait;
use sori_contracts::{Caller, Fault, OpenStream, StreamId, StreamSessions};

use super::find_content::NotFound;

pub struct AskSessions;

#[async_trait]
impl StreamSessions for AskSessions {
    async fn heard_from(
        &self,
        _caller: &Caller,
        id: StreamId,
        _playing: Option<bool>,
    ) -> Result<OpenStream, Box<dyn Fault>> {
        Err(Box::new(NotFound(sori_contracts::ContentId(id.0))))
    }
}
