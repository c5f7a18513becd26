//! A show as a podcast: for everybody, and by a secret address.

use reqwest::{Method, StatusCode};
use rss::Channel;
use serde_json::{Value, json};
use sori_contracts::{Role, Scope};

use crate::app::{TestApp, answer, apps};

struct Scene {
    app: TestApp,
    show: String,
    open: String,
    secret: String,
}

/// A public show with an episode for everybody and one for its maker alone.
async fn scene(app: TestApp) -> Scene {
    let show = json!({"title": "Harbour & sea", "lang": "en-US"});
    let (status, show) = app.post("/v1/shows", &show).await;
    assert_eq!(status, StatusCode::CREATED, "{show}");
    let show = show["id"].as_str().unwrap().to_owned();
    publish(&app, &format!("/v1/shows/{show}")).await;
    let (open, secret) = (episode(&app, &show, "public").await, episode(&app, &show, "private").await);
    Scene { app, show, open, secret }
}

async fn episode(app: &TestApp, show: &str, visibility: &str) -> String {
    let script = json!({"version": 1, "title": "An episode", "cast": {"A": {"voice": "tone:440"}},
        "items": [{"type": "chapter", "title": "Morning"}, {"type": "line", "speaker": "A", "text": "one two three"}]});
    let (status, script) = app.post("/v1/scripts", &json!({"script": script, "show_id": show})).await;
    assert_eq!(status, StatusCode::CREATED, "{script}");
    let id = script["id"].as_str().unwrap().to_owned();
    if visibility == "public" {
        publish(app, &format!("/v1/scripts/{id}")).await;
    }
    let (status, job) = app.post(&format!("/v1/scripts/{id}/render"), &json!({"formats": ["mp3"]})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    let job = app.finished(job["job_id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    id
}

async fn publish(app: &TestApp, path: &str) {
    let (status, body) =
        answer(app.request(Method::PATCH, path).json(&json!({"visibility": "public"}))).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

impl Scene {
    async fn read(&self, url: &str) -> Channel {
        let response = self.app.request_as(None, Method::GET, &self.path(url)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/rss+xml; charset=utf-8");
        Channel::read_from(&response.bytes().await.unwrap()[..]).unwrap()
    }

    fn path(&self, url: &str) -> String {
        url.strip_prefix(&self.app.base).expect("an address of this server").to_owned()
    }

    async fn file(&self, url: &str) -> (String, Vec<u8>) {
        let response = self.app.request_as(None, Method::GET, &self.path(url)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.bytes().await.unwrap().to_vec())
    }
}

fn guids(channel: &Channel) -> Vec<&str> {
    channel.items().iter().map(|item| item.guid().unwrap().value()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_subscribe_to_what_is_public() {
    for app in apps().await {
        let scene = scene(app).await;
        let url = format!("{}/feeds/public/{}/feed.xml", scene.app.base, scene.show);
        let channel = scene.read(&url).await;
        assert_eq!(channel.title(), "Harbour & sea");
        assert_eq!(guids(&channel), [scene.open.as_str()]);

        let item = &channel.items()[0];
        let enclosure = item.enclosure().unwrap();
        let (kind, audio) = scene.file(enclosure.url()).await;
        assert_eq!((kind.as_str(), enclosure.mime_type()), ("audio/mpeg", "audio/mpeg"));
        assert_eq!(enclosure.length(), audio.len().to_string());
        let podcast = &item.extensions()["podcast"];
        for transcript in &podcast["transcript"] {
            let (kind, text) = scene.file(&transcript.attrs["url"]).await;
            assert!(kind.starts_with(&transcript.attrs["type"]), "{kind}");
            assert!(String::from_utf8(text).unwrap().contains("one two three"));
        }
        let (_, chapters) = scene.file(&podcast["chapters"][0].attrs["url"]).await;
        let chapters: Value = serde_json::from_slice(&chapters).unwrap();
        assert_eq!(chapters["chapters"][0]["title"], "Morning");

        let again = scene.app.request_as(None, Method::GET, &scene.path(&url)).send().await.unwrap();
        let known = scene.app.request_as(None, Method::GET, &scene.path(&url));
        let known = known.header("if-none-match", again.headers()["etag"].clone()).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let hidden = format!("/feeds/public/{}/{}/audio.mp3", scene.show, scene.secret);
        assert_eq!(answer(scene.app.request_as(None, Method::GET, &hidden)).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_address_plays_what_its_maker_may_hear_until_it_is_taken_back() {
    let scene = scene(TestApp::spawn().await).await;
    let (status, made) = scene.app.post(&format!("/v1/shows/{}/feed", scene.show), &json!({})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let url = made["url"].as_str().unwrap();
    let channel = scene.read(url).await;
    let mut episodes = guids(&channel);
    episodes.sort_unstable();
    let mut expected = [scene.open.as_str(), scene.secret.as_str()];
    expected.sort_unstable();
    assert_eq!(episodes, expected);
    assert_eq!(channel.itunes_ext().unwrap().block(), Some("Yes"));
    for item in channel.items() {
        let range = scene.app.request_as(None, Method::GET, &scene.path(item.enclosure().unwrap().url()));
        let part = range.header("range", "bytes=0-9").send().await.unwrap();
        assert_eq!((part.status(), part.bytes().await.unwrap().len()), (StatusCode::PARTIAL_CONTENT, 10));
    }

    // Another show's path does not lead to this episode, and a stranger cannot make the address.
    let (_, other) = scene.app.post("/v1/shows", &json!({"title": "Other"})).await;
    let wrong = scene.path(url).replace(&scene.show, other["id"].as_str().unwrap());
    let wrong = wrong.replace("feed.xml", &format!("{}/audio.mp3", scene.open));
    assert_eq!(answer(scene.app.request_as(None, Method::GET, &wrong)).await.0, StatusCode::NOT_FOUND);
    let stranger = scene.app.person(Role::Learner).await;
    let path = format!("/v1/shows/{}/feed", other["id"].as_str().unwrap());
    let theirs = scene.app.request_as(Some(&stranger.token), Method::POST, &path).json(&json!({}));
    assert_eq!(answer(theirs).await.0, StatusCode::NOT_FOUND);

    // A key that may not read scripts is no key to a feed.
    let scopes = [Scope::Account].into_iter().collect();
    let deaf = scene.app.person.key(&scene.app.auth, scopes).await;
    let deaf = format!("/feeds/{deaf}/{}/feed.xml", scene.show);
    assert_eq!(answer(scene.app.request_as(None, Method::GET, &deaf)).await.0, StatusCode::UNAUTHORIZED);

    scene.app.person.revokes_all_keys(&scene.app).await;
    let (status, body) = answer(scene.app.request_as(None, Method::GET, &scene.path(url))).await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("AUTH_INVALID_TOKEN"))
    );
}
