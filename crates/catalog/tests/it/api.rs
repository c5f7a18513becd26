//! The routes without a listener, one set for each engine.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use sori_catalog::{Catalog, MIGRATIONS};
use sori_contracts::{Caller, Role, UiLanguage};
use sori_db::testing::{TestDb, databases};
use tower::ServiceExt as _;

use crate::accounts::SomeAccounts;

pub(crate) struct Api {
    router: Router,
    /// Who calls when nobody else is named: an editor.
    pub(crate) me: Caller,
    pub(crate) accounts: Arc<SomeAccounts>,
    pub(crate) catalog: Catalog,
    pub(crate) database: TestDb,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Api {
    /// One on SQLite, one on PostgreSQL, both empty.
    pub(crate) async fn on_both_engines() -> Vec<Self> {
        let databases = databases(&[MIGRATIONS]).await;
        let apis = databases.into_iter().map(|database| {
            let accounts = Arc::new(SomeAccounts::default());
            let catalog = Catalog::new(database.db.clone()).with_accounts(accounts.clone());
            let (router, _) = catalog.routes().split_for_parts();
            Self { router, me: accounts.join(Role::Editor), accounts, catalog, database }
        });
        apis.collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, "", Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, "", Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, body, "").await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, body, "").await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, path, body, "").await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: Value, language: &str) -> Answer {
        self.send(method, path, Some("application/json"), language, Body::from(body.to_string())).await
    }

    pub(crate) async fn upload(&self, parts: &[Part<'_>], language: &str) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let body = Body::from(form(parts));
        self.send(Method::POST, "/v1/scripts/import", Some(&kind), language, body).await
    }

    /// As somebody else; a body of `null` is none.
    pub(crate) async fn by(&self, caller: Caller, method: Method, path: &str, body: Value) -> Answer {
        let (kind, body) = match body {
            Value::Null => (None, Body::empty()),
            body => (Some("application/json"), Body::from(body.to_string())),
        };
        self.send_as(caller, method, path, kind, "", body).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        language: &str,
        body: Body,
    ) -> Answer {
        self.send_as(self.me, method, path, content_type, language, body).await
    }

    /// Answers with the body that the outermost layer of the server would write.
    async fn send_as(
        &self,
        caller: Caller,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        language: &str,
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).extension(caller);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let response = self.router.clone().oneshot(request_with(request, language, body)).await.unwrap();
        let language = UiLanguage::from_accept_language(language);
        let response = sori_http::problem::render(response, language, "trace-1");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let json = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: parts.status, headers: parts.headers, json }
    }

    /// An answer that is a file.
    pub(crate) async fn file(&self, path: &str) -> (HeaderMap, String) {
        let request = Request::get(path).extension(self.me).body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        assert_eq!(parts.status, StatusCode::OK, "{path}");
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// The id of a script made of `NAME: line` text.
    pub(crate) async fn script(&self, text: &str) -> String {
        let made = self.post("/v1/scripts", json!({ "source_text": text, "source_format": "text" })).await;
        assert_eq!(made.status, 201, "{}", made.json);
        made.json["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.database.db.query_dynamic(format!("SELECT count(*) FROM {table}")).scalar().await.unwrap()
    }
}

fn request_with(request: axum::http::request::Builder, language: &str, body: Body) -> Request<Body> {
    request.header(header::ACCEPT_LANGUAGE, language).body(body).unwrap()
}

impl Answer {
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{}", self.json);
        assert!(!self.json["error"]["message"].as_str().unwrap().is_empty());
        assert_eq!(self.json["error"]["trace_id"], "trace-1");
    }

    /// `FIELD_INVALID` of this field.
    #[track_caller]
    pub(crate) fn refused_field(&self, field: &str) {
        self.refused(400, "FIELD_INVALID");
        assert_eq!(self.json["error"]["details"]["field"], field);
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> &Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.json);
        &self.json
    }

    pub(crate) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// One field of every item of a page.
    #[track_caller]
    pub(crate) fn each(&self, field: &str) -> Vec<String> {
        let items = self.ok()["items"].as_array().expect("a page");
        items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
    }
}

const BOUNDARY: &str = "sori-test-boundary";

/// A part of an upload.
pub(crate) enum Part<'a> {
    Field(&'a str, &'a str),
    File(&'a str, &'a [u8]),
}

fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; ").as_bytes());
        match part {
            Part::Field(name, text) => {
                body.extend_from_slice(format!("name=\"{name}\"\r\n\r\n{text}").as_bytes());
            }
            Part::File(name, bytes) => {
                let head = format!(
                    "name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                );
                body.extend_from_slice(head.as_bytes());
                body.extend_from_slice(bytes);
            }
        }
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Whether something went wrong, without a listener in between.
pub(crate) fn code_of<T>(outcome: Result<T, sori_catalog::CatalogFault>) -> &'static str {
    use sori_contracts::Fault as _;
    match outcome {
        Ok(_) => "OK",
        Err(fault) => fault.code(),
    }
}
