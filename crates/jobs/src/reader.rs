//! How a client reads jobs: messages in its language, addresses that it may open.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use sori_contracts::UiLanguage;
use sori_http::{Links, Ui};

use crate::{JobView, record::JobRecord};

#[derive(Clone)]
pub(crate) struct Reader {
    language: UiLanguage,
    links: Links,
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let Ui(language) = Ui::from_request_parts(parts, state).await?;
        Ok(Self { language, links: Links::from_request_parts(parts, state).await? })
    }
}

impl Reader {
    pub(crate) fn view(&self, record: &JobRecord) -> JobView {
        let mut view = record.view(self.language);
        if let Some(result) = &mut view.result {
            self.links.sign_within(result);
        }
        view
    }
}
