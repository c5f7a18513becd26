//! A music player of a phone: the Subsonic API over a whole server.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sori_contracts::{Role, Scope};

use crate::{
    app::{TestApp, answer, apps},
    people::Person,
};

/// A player with a key of somebody's.
struct Player<'a> {
    app: &'a TestApp,
    key: String,
}

impl<'a> Player<'a> {
    async fn of(app: &'a TestApp, person: &Person) -> Self {
        Self { app, key: person.key(&app.auth, [Scope::ScriptsRead].into_iter().collect()).await }
    }

    async fn send(&self, call: &str) -> Response {
        let separator = if call.contains('?') { '&' } else { '?' };
        let path = format!("/rest/{call}{separator}apiKey={}&v=1.16.1&c=Test%20Player", self.key);
        self.app.request_as(None, Method::GET, &path).send().await.unwrap()
    }

    async fn ask(&self, call: &str) -> Value {
        let separator = if call.contains('?') { '&' } else { '?' };
        let response = self.send(&format!("{call}{separator}f=json")).await;
        assert_eq!(response.status(), StatusCode::OK, "{call}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{call}");
        response.json::<Value>().await.unwrap()["subsonic-response"].clone()
    }

    async fn ok(&self, call: &str) -> Value {
        let answer = self.ask(call).await;
        assert_eq!(answer["status"], "ok", "{call}: {answer}");
        answer
    }

    async fn refused(&self, call: &str, code: i64) {
        let answer = self.ask(call).await;
        assert_eq!(
            (&answer["status"], &answer["error"]["code"]),
            (&"failed".into(), &code.into()),
            "{call}: {answer}"
        );
    }
}

/// A show with a script that two people say.
async fn episode(app: &TestApp) -> (String, String) {
    let (status, show) = app
        .post("/v1/shows", &json!({"title": "Harbour & <sea>", "cover_url": "https://covers.example/a.png"}))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{show}");
    let show = show["id"].as_str().unwrap().to_owned();
    let script = json!({"version": 1, "title": "An episode", "lang": "en-US",
        "cast": {"A": {"voice": "tone:440"}, "B": {"voice": "tone:550"}},
        "items": [{"type": "line", "speaker": "A", "text": "one two one"},
            {"type": "line", "speaker": "B", "text": "three four", "translation": "셋 넷"}]});
    (show.clone(), rendered(app, script, Some(&show)).await)
}

async fn rendered(app: &TestApp, script: Value, show: Option<&str>) -> String {
    let (status, script) = app.post("/v1/scripts", &json!({"script": script, "show_id": show})).await;
    assert_eq!(status, StatusCode::CREATED, "{script}");
    let id = script["id"].as_str().unwrap().to_owned();
    let (status, job) = app.post(&format!("/v1/scripts/{id}/render"), &json!({"formats": ["mp3"]})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{job}");
    let job = app.finished(job["job_id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    id
}

#[tokio::test]
async fn a_script_is_found_as_a_song_and_as_an_episode_and_is_played() {
    for app in apps().await {
        let (show, script) = episode(&app).await;
        let alone = json!({"version": 1, "title": "Alone", "cast": {"A": {"voice": "tone:440"}},
            "items": [{"type": "line", "speaker": "A", "text": "five"}]});
        let alone = rendered(&app, alone, None).await;
        let player = Player::of(&app, &app.person).await;
        let ping = player.ok("ping.view").await;
        assert_eq!((&ping["type"], &ping["openSubsonic"]), (&"sori".into(), &true.into()));

        let albums = player.ok("getAlbumList2?type=newest").await;
        let names: Vec<_> =
            albums["albumList2"]["album"].as_array().unwrap().iter().map(|album| &album["name"]).collect();
        assert_eq!(names, ["Harbour & <sea>", "Scripts"]);
        let album = player.ok(&format!("getAlbum?id={show}")).await;
        let song = &album["album"]["song"][0];
        assert_eq!((&song["id"], &song["title"]), (&script.as_str().into(), &"An episode".into()));
        assert_eq!((&song["suffix"], &song["contentType"]), (&"mp3".into(), &"audio/mpeg".into()));
        assert_eq!((&song["displayArtist"], &song["album"]), (&"A, B".into(), &"Harbour & <sea>".into()));
        let loose = player.ok("getAlbum?id=loose").await;
        assert_eq!(loose["album"]["song"][0]["id"], alone.as_str());
        let same = player.ok(&format!("getSong?id={script}")).await;
        assert_eq!((&same["song"]["size"], &same["song"]["albumId"]), (&song["size"], &show.as_str().into()));
        let found = player.ok("search3?query=episode").await;
        assert_eq!(found["searchResult3"]["song"][0]["id"], script.as_str());
        let all = player.ok("search3?query=%22%22&songCount=1&songOffset=1").await;
        assert_eq!(all["searchResult3"]["song"].as_array().unwrap().len(), 1);
        assert_eq!(
            player.ok("getRandomSongs?size=1").await["randomSongs"]["song"].as_array().unwrap().len(),
            1
        );
        assert_eq!(player.ok("getArtists").await["artists"]["index"][0]["artist"][0]["albumCount"], 2);
        assert_eq!(player.ok("getArtist?id=sori").await["artist"]["album"].as_array().unwrap().len(), 2);

        let podcasts = player.ok("getPodcasts").await;
        let channel = &podcasts["podcasts"]["channel"][0];
        assert_eq!((&channel["id"], &channel["status"]), (&show.as_str().into(), &"completed".into()));
        assert_eq!(channel["episode"][0]["streamId"], script.as_str());
        let newest = player.ok("getNewestPodcasts?count=5").await;
        assert_eq!(newest["newestPodcasts"]["episode"][0]["channelId"], show.as_str());
        let one = player.ok(&format!("getPodcastEpisode?id={script}")).await;
        assert_eq!(one["podcastEpisode"]["channelId"], show.as_str());

        let sound = player.send(&format!("stream?id={script}")).await;
        assert_eq!(
            (sound.status(), &sound.headers()["content-type"]),
            (StatusCode::OK, &"audio/mpeg".parse().unwrap())
        );
        let sound = sound.bytes().await.unwrap();
        assert_eq!(song["size"], sound.len());
        let kept = player.send(&format!("download?id={script}")).await;
        assert!(kept.headers()["content-disposition"].to_str().unwrap().contains("An%20episode.mp3"));
        let (_, streams) = answer(app.request(Method::GET, "/api/me/streams")).await;
        assert!(streams.to_string().contains(&script), "{streams}");
        let cover = player.send(&format!("getCoverArt?id={show}")).await;
        assert_eq!(
            (cover.status(), &cover.headers()["location"]),
            (StatusCode::FOUND, &"https://covers.example/a.png".parse().unwrap())
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn lyrics_have_the_time_and_the_place_of_each_word() {
    let app = TestApp::spawn().await;
    let (_, script) = episode(&app).await;
    let player = Player::of(&app, &app.person).await;
    let plain = player.ok(&format!("getLyricsBySongId?id={script}")).await;
    let tracks = plain["lyricsList"]["structuredLyrics"].as_array().unwrap();
    assert_eq!((tracks.len(), &tracks[0]["synced"], &tracks[0]["lang"]), (1, &true.into(), &"en-US".into()));
    assert_eq!(tracks[0]["line"][1]["value"], "three four");
    assert!(tracks[0].get("cueLine").is_none() && tracks[0].get("kind").is_none());

    let (_, view) = app.get(&format!("/v1/scripts/{script}")).await;
    let (_, rendering) = app.get(&format!("/v1/renderings/{}", view["rendering_id"].as_str().unwrap())).await;
    let words = &rendering["lines"][0]["words"];
    let rich = player.ok(&format!("getLyricsBySongId?id={script}&enhanced=true")).await;
    let tracks = rich["lyricsList"]["structuredLyrics"].as_array().unwrap();
    let main = &tracks[0];
    let cues = main["cueLine"][0]["cue"].as_array().unwrap();
    let places: Vec<_> = cues
        .iter()
        .map(|cue| (cue["byteStart"].as_u64().unwrap(), cue["byteEnd"].as_u64().unwrap()))
        .collect();
    assert_eq!(places, [(0, 2), (4, 6), (8, 10)]);
    for (cue, word) in cues.iter().zip(words.as_array().unwrap()) {
        assert_eq!(
            (&cue["start"], &cue["end"], &cue["value"]),
            (&word["start_ms"], &word["end_ms"], &word["text"])
        );
    }
    let roles: Vec<_> =
        main["agents"].as_array().unwrap().iter().map(|agent| (&agent["name"], &agent["role"])).collect();
    assert_eq!(roles, [(&"A".into(), &"main".into()), (&"B".into(), &Value::from("voice"))]);
    assert_eq!((&main["kind"], &main["cueLine"][1]["agentId"]), (&"main".into(), &main["agents"][1]["id"]));
    assert_eq!(
        (&tracks[1]["kind"], &tracks[1]["line"][0]["value"]),
        (&"translation".into(), &"셋 넷".into())
    );
    let xml = player.send(&format!("getLyricsBySongId.view?id={script}&enhanced=1")).await;
    assert_eq!(xml.headers()["content-type"], "application/xml; charset=utf-8");
    let xml = xml.text().await.unwrap();
    assert!(
        xml.contains(">one</cue>") && xml.contains("<agent id=\"s0\" role=\"main\" name=\"A\">"),
        "{xml}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_player_goes_on_where_another_one_was() {
    for app in apps().await {
        let (_, script) = episode(&app).await;
        let player = Player::of(&app, &app.person).await;
        player.ok(&format!("createBookmark?id={script}&position=700&comment=here")).await;
        player.ok(&format!("createBookmark?id={script}&position=900&comment=there")).await;
        let marks = player.ok("getBookmarks").await;
        let marks = marks["bookmarks"]["bookmark"].as_array().unwrap();
        assert_eq!(marks.len(), 1);
        assert_eq!((&marks[0]["position"], &marks[0]["comment"]), (&900.into(), &"there".into()));
        assert_eq!(marks[0]["entry"]["id"], script.as_str());
        let (_, progress) = answer(app.request(Method::GET, &format!("/api/progress/{script}"))).await;
        assert_eq!(progress["position"], 0.9, "{progress}");
        player.ok(&format!("reportPlayback?mediaId={script}&mediaType=song&positionMs=1200&state=playing&playbackRate=1.5")).await;
        let (_, progress) = answer(app.request(Method::GET, &format!("/api/progress/{script}"))).await;
        assert_eq!(progress["position"], 1.2, "{progress}");
        player.ok(&format!("deleteBookmark?id={script}")).await;
        player.refused(&format!("deleteBookmark?id={script}"), 70).await;

        assert!(player.ok("getPlayQueue").await.get("playQueue").is_none());
        player.ok(&format!("savePlayQueue?id={script}&id={script}&current={script}&position=55")).await;
        let queue = player.ok("getPlayQueue").await["playQueue"].clone();
        assert_eq!(queue["entry"].as_array().unwrap().len(), 2);
        assert_eq!((&queue["current"], &queue["position"]), (&script.as_str().into(), &55.into()));
        assert_eq!(queue["changedBy"], "Test Player");
        player.ok("savePlayQueue").await;
        assert!(player.ok("getPlayQueue").await.get("playQueue").is_none());
        player.ok(&format!("scrobble?id={script}")).await;
        app.stop().await;
    }
}

#[tokio::test]
async fn what_is_anothers_is_not_found() {
    let app = TestApp::spawn().await;
    let (show, script) = episode(&app).await;
    let stranger = app.person(Role::Learner).await;
    let player = Player::of(&app, &stranger).await;
    for call in [
        format!("getAlbum?id={show}"),
        format!("getSong?id={script}"),
        format!("getPodcasts?id={show}"),
        format!("getPodcastEpisode?id={script}"),
        format!("getLyricsBySongId?id={script}"),
        format!("getCoverArt?id={show}"),
        format!("stream?id={script}"),
        format!("download?id={script}"),
        format!("createBookmark?id={script}&position=1"),
        format!("scrobble?id={script}"),
        format!("reportPlayback?mediaId={script}&mediaType=song&positionMs=1&state=playing"),
    ] {
        player.refused(&call, 70).await;
    }
    for (call, list) in [
        ("getAlbumList2?type=newest", "albumList2"),
        ("search3?query=", "searchResult3"),
        ("getPodcasts", "podcasts"),
        ("getNewestPodcasts", "newestPodcasts"),
    ] {
        assert!(!player.ok(call).await[list].to_string().contains("episode\":[{"), "{call}");
        assert!(!player.ok(call).await.to_string().contains(&script), "{call}");
    }
    // A queue that names it keeps the name and shows nothing of it.
    player.ok(&format!("savePlayQueue?id={script}")).await;
    assert_eq!(player.ok("getPlayQueue").await["playQueue"]["entry"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn who_proves_nothing_is_told_so_in_the_codes_of_the_protocol() {
    let app = TestApp::spawn().await;
    let player = Player::of(&app, &app.person).await;
    let other = app.person.key(&app.auth, [Scope::JobsRead].into_iter().collect()).await;
    let key = &player.key;
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let code = async |query: &str| {
        let request = app.request_as(None, Method::GET, &format!("/rest/ping?f=json&{query}"));
        let (status, body) = answer(request).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["subsonic-response"]["error"]["code"].as_i64()
    };
    assert_eq!(code(&format!("apiKey={key}")).await, None);
    assert_eq!(code(&format!("u=somebody&p={key}")).await, None);
    assert_eq!(code(&format!("u=somebody&p=enc:{hex}")).await, None);
    assert_eq!(code("").await, Some(10));
    assert_eq!(code(&format!("p={key}")).await, Some(10));
    assert_eq!(code("apiKey=").await, Some(10));
    assert_eq!(code("apiKey=sori_wrong").await, Some(44));
    assert_eq!(code("u=somebody&p=guessed").await, Some(40));
    assert_eq!(code(&format!("u=somebody&apiKey={key}")).await, Some(43));
    assert_eq!(code(&format!("u=somebody&p={key}&t=00&s=11")).await, Some(43));
    assert_eq!(code("u=somebody&t=26719a1196d2a940705a59634eb18eab&s=c19b2d").await, Some(41));
    assert_eq!(code(&format!("apiKey={other}")).await, Some(50));
    assert_eq!(code(&format!("apiKey={key}&v=2.0.0")).await, Some(30));
    // A sign-in of the browser is no key: a page of another site gets nothing by a picture's address.
    let (_, body) = app.get("/rest/ping?f=json").await;
    assert_eq!(body["subsonic-response"]["error"]["code"], 10);
    let (status, body) =
        answer(app.request_as(None, Method::GET, "/rest/getOpenSubsonicExtensions?f=json")).await;
    assert_eq!(status, StatusCode::OK);
    let extensions = &body["subsonic-response"]["openSubsonicExtensions"];
    assert!(
        extensions.as_array().unwrap().contains(&json!({"name": "songLyrics", "versions": [1, 2]})),
        "{body}"
    );

    let form = app.request_as(None, Method::POST, "/rest/getUser.view");
    let form =
        form.header("content-type", "application/x-www-form-urlencoded").body(format!("f=json&apiKey={key}"));
    let (status, body) = answer(form).await;
    assert_eq!(
        (status, &body["subsonic-response"]["user"]["scrobblingEnabled"]),
        (StatusCode::OK, &true.into()),
        "{body}"
    );
    app.stop().await;
}

#[tokio::test]
async fn hostile_parameters_are_refused_by_their_codes() {
    let app = TestApp::spawn().await;
    let (_, script) = episode(&app).await;
    let player = Player::of(&app, &app.person).await;
    for (call, code) in [
        ("getAlbum".to_owned(), 10),
        ("getAlbum?id=../../etc/passwd".to_owned(), 70),
        ("getAlbum?id=%00%ff'%20OR%201=1".to_owned(), 70),
        ("getAlbumList2".to_owned(), 10),
        ("getAlbumList2?type=%3Cscript%3E".to_owned(), 0),
        ("getAlbumList2?type=newest&size=-1".to_owned(), 0),
        ("getAlbumList2?type=newest&offset=99999999999999999999999".to_owned(), 0),
        ("search3".to_owned(), 10),
        (format!("search3?query={}", "x".repeat(20_000)), 0),
        ("stream?id=1".to_owned(), 70),
        ("getLyricsBySongId?id=".to_owned(), 10),
        (format!("getLyricsBySongId?id={script}&enhanced=perhaps"), 0),
        (format!("createBookmark?id={script}"), 10),
        (format!("createBookmark?id={script}&position=-5"), 0),
        (format!("createBookmark?id={script}&position=18446744073709551615"), 0),
        (format!("createBookmark?id={script}&position=1&comment={}", "x".repeat(5_000)), 0),
        (format!("reportPlayback?mediaId={script}&mediaType=movie&positionMs=1&state=playing"), 0),
        (format!("reportPlayback?mediaId={script}&mediaType=song&positionMs=1&state=dancing"), 0),
        (
            format!(
                "reportPlayback?mediaId={script}&mediaType=song&positionMs=1&state=playing&playbackRate=NaN"
            ),
            0,
        ),
        (format!("savePlayQueue?id={script}&current=00000000-0000-0000-0000-000000000000"), 0),
        (format!("savePlayQueue?{}", "id=00000000-0000-0000-0000-000000000000&".repeat(501)), 0),
        ("savePlayQueue?id=nothing".to_owned(), 70),
        ("getCoverArt?id=loose".to_owned(), 70),
    ] {
        player.refused(&call, code).await;
    }
    let unknown = player.send("hackServer?f=json").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.json::<Value>().await.unwrap()["subsonic-response"]["error"]["code"], 0);
    let script_of_a_page = player.send("ping?f=jsonp&callback=alert").await.text().await.unwrap();
    assert!(script_of_a_page.contains("code=\"0\""), "{script_of_a_page}");
    app.stop().await;
}
