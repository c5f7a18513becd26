//! A server on a free port, and the few requests that most stories begin with.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use sori_auth::Auth;
use sori_contracts::Role;
use sori_db::testing::{self, TestDb};
use sori_server::{App, Config, border::Border};
use sori_streaming::Hls;
use sori_voice::{Engines, VoiceName, engine::Engine, testing::CountingTone};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::people::Person;

pub(crate) struct TestApp {
    pub(crate) base: String,
    /// Signed in as [`TestApp::person`].
    pub(crate) client: Client,
    /// Of nobody.
    bare: Client,
    /// An editor.
    pub(crate) person: Person,
    pub(crate) auth: Auth,
    /// What the routes ask.
    pub(crate) border: Border,
    pub(crate) hls: Hls,
    pub(crate) data_dir: std::path::PathBuf,
    /// Knows how many lines were really spoken.
    engine: Arc<CountingTone>,
    _data: tempfile::TempDir,
    pub(crate) database: TestDb,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// One server on each database engine.
pub(crate) async fn apps() -> Vec<TestApp> {
    vec![TestApp::on(testing::sqlite().await).await, TestApp::on(testing::postgres().await).await]
}

impl TestApp {
    /// On SQLite, for stories in which the database plays no part.
    pub(crate) async fn spawn() -> Self {
        Self::on(testing::sqlite().await).await
    }

    /// On SQLite, with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_on(testing::sqlite().await, change).await
    }

    pub(crate) async fn on(database: TestDb) -> Self {
        Self::with_on(database, |_| ()).await
    }

    async fn with_on(database: TestDb, change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: data.path().to_owned(),
            database_url: Some(database.url.clone()),
            assets_dir: data.path().join("no-assets"),
            demo: false,
            ..Config::default()
        };
        // Tests ask more in a minute than people do; those of the limits set their own.
        config.limits.synth.0 = 100_000;
        config.limits.write.0 = 100_000;
        config.limits.read.0 = 100_000;
        change(&mut config);
        let engine = Arc::new(CountingTone::default());
        let kokoro_without_models = Engines::bundled(&config.assets_dir);
        let absent: VoiceName = "af_heart".parse().unwrap();
        let engines = Engines::of([
            Arc::clone(&engine) as Arc<dyn Engine>,
            Arc::clone(kokoro_without_models.for_voice(&absent).unwrap()),
        ]);
        let app = App::start_with(&config, engines).await.unwrap();
        let (auth, border, hls) = (app.auth.clone(), app.border.clone(), app.hls.clone());
        let person = Person::new(&auth, Role::Editor).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if config.tls_key.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            app.serve(listener, async move { drop(stopped.await) }).await.unwrap();
        });
        Self {
            base,
            client: client(Some(&person.token)),
            bare: client(None),
            person,
            auth,
            border,
            hls,
            data_dir: data.path().to_owned(),
            engine,
            _data: data,
            database,
            stop: Some(stop),
            server: Some(server),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).timeout(Duration::from_secs(60))
    }

    /// Somebody new who signed in.
    pub(crate) async fn person(&self, role: Role) -> Person {
        Person::new(&self.auth, role).await
    }

    /// By nobody, or by whoever shows this token.
    pub(crate) fn request_as(&self, token: Option<&str>, method: Method, path: &str) -> RequestBuilder {
        let request = self.bare.request(method, format!("{}{path}", self.base));
        let request = request.timeout(Duration::from_secs(60));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    /// Waits for the end of a job by its live events, as a page does.
    pub(crate) async fn finished(&self, job: &str) -> Value {
        let events = self.request(Method::GET, &format!("/v1/jobs/{job}/events")).send().await.unwrap();
        assert_eq!(events.status(), StatusCode::OK);
        assert!(events.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let text = events.text().await.unwrap();
        let last =
            text.lines().filter_map(|line| line.strip_prefix("data:")).next_back().expect("an event came");
        serde_json::from_str(last.trim()).unwrap()
    }

    pub(crate) async fn synthesized(&self, body: &Value) -> Value {
        let (status, accepted) = self.post("/v1/synthesize", body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
        self.finished(accepted["job_id"].as_str().unwrap()).await
    }

    /// A script of the catalog, made from `NAME: line` text and spoken by tones.
    pub(crate) async fn script(&self, text: &str) -> String {
        let (status, parsed) =
            self.post("/v1/scripts/parse", &json!({ "text": text, "format": "text" })).await;
        assert_eq!(status, StatusCode::OK, "{parsed}");
        let mut script = parsed["script"].clone();
        let speakers: Vec<String> = script["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|item| item["speaker"].as_str().map(str::to_owned))
            .collect();
        for (index, speaker) in speakers.iter().enumerate() {
            script["cast"][speaker]["voice"] = json!(format!("tone:{}", 300 + 100 * (index % 4)));
        }
        let (status, made) = self.post("/v1/scripts", &json!({ "script": script })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn lines_spoken(&self) -> usize {
        self.engine.lines_spoken()
    }

    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        self.server.take().unwrap().await.unwrap();
    }
}

/// A client that shows a token with each request. It follows no redirects.
fn client(token: Option<&str>) -> Client {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    Client::builder().no_proxy().default_headers(headers).redirect(Policy::none()).build().unwrap()
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, value)
}
