//! Who may do what: every route with every kind of caller, generated from the route table.
//!
//! The rows below are the promise, written by hand; the table is what the server enforces. A route
//! without a row, a row without a route, and a row that says something else all fail.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::{Role, Scope, Scopes};
use sori_server::border::Access;
use uuid::Uuid;

use crate::{
    app::{TestApp, answer},
    forged,
    people::{self, Person},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    Nothing,
    /// Visitors too; a key needs the scope.
    Visible(&'static [Scope]),
    Account(&'static [Scope]),
    AtLeast(Role, &'static [Scope]),
}
use Asks::{Account, AtLeast, Nothing, Visible};

const READ: &[Scope] = &[Scope::ScriptsRead];
const WRITE: &[Scope] = &[Scope::ScriptsWrite];
const SYNTH: &[Scope] = &[Scope::Synth];
const SEE_JOBS: &[Scope] = &[Scope::JobsRead];
const MOVE_JOBS: &[Scope] = &[Scope::JobsWrite];
const SELF: &[Scope] = &[Scope::Account];
const ADMIN: &[Scope] = &[Scope::Admin];

pub(crate) const ROUTES: &[(&str, Asks)] = &[
    ("DELETE /api/admin/accounts/{id}", AtLeast(Role::Admin, ADMIN)),
    ("DELETE /api/me", Account(SELF)),
    ("DELETE /api/me/devices/{id}", Account(SELF)),
    ("DELETE /api/me/history", Account(SELF)),
    ("DELETE /api/me/identities/{id}", Account(SELF)),
    ("DELETE /api/mypage/bookmarks/{id}", Account(READ)),
    ("DELETE /api/v1/audio/sessions/{id}", Visible(READ)),
    ("DELETE /v1/actors/{id}", AtLeast(Role::Editor, WRITE)),
    ("DELETE /v1/actors/{id}/aliases/{alias}", AtLeast(Role::Editor, WRITE)),
    ("DELETE /v1/api-keys/{id}", Account(SELF)),
    ("DELETE /v1/clips/{id}", Account(WRITE)),
    ("DELETE /v1/contents/{id}", Account(WRITE)),
    ("DELETE /v1/devices/{id}", Account(READ)),
    ("DELETE /v1/jobs/{id}", Account(MOVE_JOBS)),
    ("DELETE /v1/scripts/{id}", Account(WRITE)),
    ("DELETE /v1/scripts/{id}/shares/{account_id}", Account(WRITE)),
    ("DELETE /v1/shows/{id}", Account(WRITE)),
    ("DELETE /v1/shows/{id}/shares/{account_id}", Account(WRITE)),
    ("DELETE /v1/uploads/{id}", Account(WRITE)),
    ("GET /api/actors", Visible(READ)),
    ("GET /api/admin/accounts", AtLeast(Role::Admin, ADMIN)),
    ("GET /api/admin/alerts", AtLeast(Role::Admin, ADMIN)),
    ("GET /api/admin/audit", AtLeast(Role::Admin, ADMIN)),
    ("GET /api/admin/streams", AtLeast(Role::Admin, ADMIN)),
    ("GET /api/auth/options", Nothing),
    ("GET /api/auth/providers/{id}/callback", Nothing),
    ("GET /api/auth/providers/{id}/start", Nothing),
    ("GET /api/me", Account(&[])),
    ("GET /api/me/devices", Account(SELF)),
    ("GET /api/me/export", Account(SELF)),
    ("GET /api/me/history", Account(SELF)),
    ("GET /api/me/identities", Account(SELF)),
    ("GET /api/me/streams", Account(READ)),
    ("GET /api/mypage/bookmarks/", Account(READ)),
    ("GET /api/progress/{content_id}", Account(READ)),
    ("GET /api/scripts/{id}/tokens", Visible(READ)),
    ("GET /api/scripts/{id}/words", Visible(READ)),
    ("GET /api/stream/{content_id}", Visible(READ)),
    ("GET /api/stream/{content_id}/hls/{file}", Visible(READ)),
    ("GET /api/stream/{content_id}/info", Visible(READ)),
    ("GET /api/sync", Account(READ)),
    ("GET /api/tokens/{token_id}", Visible(READ)),
    ("GET /api/v1/audio/prepare/{script_id}", Visible(READ)),
    ("GET /api/v1/audio/stream/{script_id}", Visible(READ)),
    ("GET /feeds/{key}/{show}/feed.xml", Nothing),
    ("GET /feeds/{key}/{show}/{script}/{file}", Nothing),
    ("GET /health", Nothing),
    // Nearby and admins: see the block's own tests.
    ("GET /metrics", Nothing),
    // A key in the call itself: see `subsonic.rs`.
    ("GET /rest/{call}", Nothing),
    ("GET /v1/actors", Visible(READ)),
    ("GET /v1/actors/{id}", Visible(READ)),
    ("GET /v1/api-keys", Account(SELF)),
    ("GET /v1/clips", Account(READ)),
    ("GET /v1/clips/{id}", Visible(READ)),
    ("GET /v1/clips/{id}/captions/{format}", Visible(READ)),
    ("GET /v1/clips/{id}/file/{format}", Visible(READ)),
    ("GET /v1/contents", Visible(READ)),
    ("GET /v1/contents/{id}", Visible(READ)),
    ("GET /v1/devices", Account(READ)),
    ("GET /v1/jobs", Account(SEE_JOBS)),
    ("GET /v1/jobs/{id}", Account(SEE_JOBS)),
    ("GET /v1/jobs/{id}/events", Account(SEE_JOBS)),
    ("GET /v1/lines", Visible(READ)),
    ("GET /v1/lines/{id}", Visible(READ)),
    ("GET /v1/playback/{content_id}", Account(READ)),
    ("GET /v1/progress", Account(READ)),
    ("GET /v1/progress/{content_id}/log", Account(READ)),
    ("GET /v1/renderings/{id}", Visible(READ)),
    ("GET /v1/renderings/{id}/audio/{format}", Visible(READ)),
    ("GET /v1/renderings/{id}/captions/{format}", Visible(READ)),
    ("GET /v1/scripts", Visible(READ)),
    ("GET /v1/scripts/{id}", Visible(READ)),
    ("GET /v1/scripts/{id}/export", Visible(READ)),
    ("GET /v1/scripts/{id}/lines", Visible(READ)),
    ("GET /v1/scripts/{id}/shares", Account(READ)),
    ("GET /v1/shows", Visible(READ)),
    ("GET /v1/shows/{id}", Visible(READ)),
    ("GET /v1/shows/{id}/shares", Account(READ)),
    ("GET /v1/uploads/{id}", Account(WRITE)),
    ("GET /v1/voices", Visible(&[])),
    ("GET /v1/voices/{voice}/preview", Account(SYNTH)),
    ("OPTIONS /v1/uploads", Nothing),
    ("PATCH /api/admin/accounts/{id}", AtLeast(Role::Admin, ADMIN)),
    ("PATCH /api/me", Account(SELF)),
    ("PATCH /api/mypage/bookmarks/{id}", Account(READ)),
    ("PATCH /api/v1/audio/sessions/{id}", Visible(READ)),
    ("PATCH /v1/actors/{id}", AtLeast(Role::Editor, WRITE)),
    ("PATCH /v1/api-keys/{id}", Account(SELF)),
    ("PATCH /v1/contents/{id}", Account(WRITE)),
    ("PATCH /v1/devices/{id}", Account(READ)),
    ("PATCH /v1/lines/{id}", Account(WRITE)),
    ("PATCH /v1/scripts/{id}", Account(WRITE)),
    ("PATCH /v1/shows/{id}", Account(WRITE)),
    ("PATCH /v1/uploads/{id}", Account(WRITE)),
    ("POST /api/admin/accounts", AtLeast(Role::Admin, ADMIN)),
    ("POST /api/admin/accounts/{id}/reset-link", AtLeast(Role::Admin, ADMIN)),
    ("POST /api/auth/google", Nothing),
    ("POST /api/auth/password", Account(SELF)),
    ("POST /api/auth/password/reset", Nothing),
    ("POST /api/auth/refresh", Nothing),
    ("POST /api/auth/setup", Nothing),
    ("POST /api/auth/sign-in", Nothing),
    ("POST /api/auth/sign-out", Account(SELF)),
    ("POST /api/auth/sign-out-everywhere", Account(SELF)),
    ("POST /api/auth/sign-up", Nothing),
    ("POST /api/me/identities/{id}", Account(SELF)),
    ("POST /api/mypage/bookmarks/", Account(READ)),
    ("POST /api/v1/audio/play", Visible(READ)),
    ("POST /api/v1/audio/prepare/{script_id}", Account(READ)),
    ("POST /rest/{call}", Nothing),
    ("POST /v1/actors", AtLeast(Role::Editor, WRITE)),
    ("POST /v1/actors/{id}/aliases", AtLeast(Role::Editor, WRITE)),
    ("POST /v1/api-keys", Account(SELF)),
    ("POST /v1/clips", Account(WRITE)),
    ("POST /v1/contents", Account(WRITE)),
    ("POST /v1/jobs/{id}/retry", Account(MOVE_JOBS)),
    ("POST /v1/progress/replay", Account(READ)),
    ("POST /v1/progress/{content_id}/undo", Account(READ)),
    ("POST /v1/scripts", Account(WRITE)),
    ("POST /v1/scripts/import", Account(WRITE)),
    ("POST /v1/scripts/parse", Account(READ)),
    ("POST /v1/scripts/{id}/render", Account(SYNTH)),
    ("POST /v1/shows", Account(WRITE)),
    ("POST /v1/shows/{id}/feed", Account(&[Scope::ScriptsRead, Scope::Account])),
    ("POST /v1/synthesize", Account(SYNTH)),
    ("POST /v1/uploads", Account(WRITE)),
    ("PUT /api/progress/{content_id}", Account(READ)),
    ("PUT /api/v1/audio/progress", Account(READ)),
    ("PUT /v1/playback/{content_id}", Account(READ)),
    ("PUT /v1/scripts/{id}", Account(WRITE)),
    ("PUT /v1/scripts/{id}/shares/{account_id}", Account(WRITE)),
    ("PUT /v1/shows/{id}/shares/{account_id}", Account(WRITE)),
];

/// Only for somebody who signed in: a key that got away must not be able to take the account over,
/// and has no session to end.
const NOT_BY_KEY: &[&str] = &[
    "DELETE /api/me",
    "DELETE /api/me/identities/{id}",
    "POST /api/auth/password",
    "POST /api/auth/sign-out",
    "POST /api/me/identities/{id}",
];

fn asks(access: Access) -> (bool, bool, Role, Vec<Scope>) {
    let of = |visitors, asked: sori_server::border::access::Asked| {
        (visitors, true, asked.role, asked.scopes.iter().collect())
    };
    match access {
        Access::Public => (true, false, Role::Learner, Vec::new()),
        Access::VisitorsToo(asked) => of(true, asked),
        Access::SignedIn(asked) => of(false, asked),
        Access::NotDeclared => panic!("not declared"),
    }
}

fn promised(row: Asks) -> (bool, bool, Role, Vec<Scope>) {
    match row {
        Nothing => (true, false, Role::Learner, Vec::new()),
        Visible(scopes) => (true, true, Role::Learner, scopes.to_vec()),
        Account(scopes) => (false, true, Role::Learner, scopes.to_vec()),
        AtLeast(role, scopes) => (false, true, role, scopes.to_vec()),
    }
}

#[tokio::test]
async fn every_route_has_a_row_and_every_row_a_route() {
    let app = TestApp::spawn().await;
    let mut wrong = Vec::new();
    let declared = app.border.routes();
    for (method, path, access) in &declared {
        let name = format!("{method} {path}");
        match ROUTES.iter().find(|(row, _)| *row == name) {
            None => wrong.push(format!("{name} has no row: {access:?}")),
            Some(_) if *access == Access::NotDeclared => wrong.push(format!("{name} declares nothing")),
            Some((_, row)) if promised(*row) != asks(*access) => {
                wrong.push(format!("{name}: {row:?} was promised, {access:?} is declared"));
            }
            Some(_) => {}
        }
    }
    for (row, _) in ROUTES {
        if !declared.iter().any(|(method, path, _)| format!("{method} {path}") == *row) {
            wrong.push(format!("{row} is no route"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A path with ids that name nothing.
fn filled(path: &str) -> String {
    let format = if path.contains("/captions/") { "vtt" } else { "wav" };
    let parts = path.split('/').map(|part| match part {
        "{format}" => format.to_owned(),
        "{voice}" => "tone:440".to_owned(),
        "{alias}" => "nobody".to_owned(),
        "{file}" => "master.m3u8".to_owned(),
        part if part.starts_with('{') => Uuid::now_v7().to_string(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(app: &TestApp, token: Option<&str>, row: &str) -> (StatusCode, String) {
    let (method, path) = row.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut request = app.request_as(token, method.clone(), &filled(path));
    if matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        request = request.json(&json!({}));
    }
    let (status, body) = answer(request).await;
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// What the border says when it lets nobody through.
fn is_shut((status, code): &(StatusCode, String)) -> bool {
    *status == StatusCode::UNAUTHORIZED
        || (*status == StatusCode::FORBIDDEN && code.starts_with("AUTH_"))
        || code == "ROUTE_NOT_DECLARED"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_what_is_promised_and_no_more() {
    let app = TestApp::spawn().await;
    for (row, asks) in ROUTES {
        let visitor = ask(&app, None, row).await;
        match asks {
            // Whoever has nothing to refresh is nobody, wrong passwords included.
            Nothing => assert_ne!(visitor.1, "AUTH_FORBIDDEN", "a visitor: {row} {visitor:?}"),
            Visible(_) => assert!(!is_shut(&visitor), "a visitor: {row} {visitor:?}"),
            Account(_) | AtLeast(..) => {
                assert_eq!(visitor, (StatusCode::UNAUTHORIZED, "AUTH_INVALID_TOKEN".into()), "{row}");
            }
        }
        for role in Role::ALL {
            // Somebody new each time: some routes end a session, or the account.
            let person = app.person(role).await;
            let answered = ask(&app, Some(&person.token), row).await;
            let needed = promised(*asks).2;
            if role < needed {
                assert_eq!(
                    answered,
                    (StatusCode::FORBIDDEN, "AUTH_FORBIDDEN".into()),
                    "{} {row}",
                    role.as_str()
                );
            } else if !matches!(asks, Nothing) {
                assert!(!is_shut(&answered), "{} {row} {answered:?}", role.as_str());
            }
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_what_its_scopes_say() {
    let app = TestApp::spawn().await;
    for (row, asks) in ROUTES {
        let (_, asks_account, _, scopes) = promised(*asks);
        if !asks_account {
            continue;
        }
        let all_but_needed: Scopes = Scope::ALL.into_iter().filter(|scope| !scopes.contains(scope)).collect();
        let admin = app.person(Role::Admin).await;
        // A key without any scope cannot be made.
        let enough = if scopes.is_empty() { vec![Scope::JobsRead] } else { scopes.clone() };
        let with = admin.key(&app.auth, enough.into_iter().collect()).await;
        let answered = ask(&app, Some(&with), row).await;
        if NOT_BY_KEY.contains(row) {
            assert!(!answered.0.is_success(), "{row} {answered:?}");
        } else {
            assert!(!is_shut(&answered), "{row} with {scopes:?}: {answered:?}");
        }
        if !scopes.is_empty() {
            let admin = app.person(Role::Admin).await;
            let without = admin.key(&app.auth, all_but_needed).await;
            let answered = ask(&app, Some(&without), row).await;
            assert_eq!(answered, (StatusCode::FORBIDDEN, "AUTH_FORBIDDEN".into()), "{row}");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_bad_credential_opens_no_route() {
    let app = TestApp::with(|config| {
        config.secret_key = Some(forged::SECRET.into());
        config.limits.failures = 1_000_000;
        config.limits.sign_in.0 = 1_000_000;
    })
    .await;
    let mut bad: Vec<(&str, String, StatusCode, &str)> = Vec::new();
    let refused = |name, token| (name, token, StatusCode::UNAUTHORIZED, "AUTH_INVALID_TOKEN");
    let good = app.person(Role::Admin).await;
    bad.extend(forged::all(&good.token).into_iter().map(|(name, token)| refused(name, token)));
    let revoked = app.person(Role::Admin).await;
    revoked.signs_out(&app).await;
    bad.push(refused("of a session that ended", revoked.token));
    let deleted = app.person(Role::Admin).await;
    let key = deleted.key(&app.auth, Scopes::all()).await;
    deleted.revokes_all_keys(&app).await;
    bad.push(refused("a key that was revoked", key));
    let suspended = app.person(Role::Admin).await;
    people::suspend(&app, suspended.id).await;
    bad.push(("suspended", suspended.token, StatusCode::FORBIDDEN, "AUTH_USER_SUSPENDED"));

    // The forger knows how: what they make of a good token with the right key is taken.
    let remade = forged::remade(&good.token);
    assert_eq!(ask(&app, Some(&remade), "GET /api/me").await.0, StatusCode::OK);
    for (row, _) in ROUTES {
        for (name, token, status, code) in &bad {
            let answered = ask(&app, Some(token), row).await;
            assert_eq!(answered, (*status, (*code).to_owned()), "{name}: {row}");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_are_shut_out_when_the_settings_say_so() {
    let app = TestApp::with(|config| config.visitors = false).await;
    for (row, asks) in ROUTES {
        if matches!(asks, Visible(_)) {
            let answered = ask(&app, None, row).await;
            assert_eq!(answered, (StatusCode::UNAUTHORIZED, "AUTH_INVALID_TOKEN".into()), "{row}");
        }
    }
    app.stop().await;
}

/// What somebody's player calls itself.
const PLAYER: &str = "players-have-names";

/// What belongs to somebody, by the kind of its id.
struct Belongings {
    show: String,
    script: String,
    line: String,
    job: String,
    rendering: String,
    device: String,
    key: String,
    account: String,
    bookmark: String,
    session: String,
    clip: String,
    content: String,
    upload: String,
}

impl Belongings {
    async fn of(app: &TestApp, person: &Person) -> Self {
        let send = async |method: Method, path: &str, body: &Value| {
            let (status, body) = answer(app.request_as(Some(&person.token), method, path).json(body)).await;
            assert!(status.is_success(), "{path} {status} {body}");
            body
        };
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();
        let show = send(Method::POST, "/v1/shows", &json!({"title": "mine"})).await;
        let script = json!({"version": 1, "title": "mine", "cast": {"A": {"voice": "tone:440"}},
            "items": [{"type": "line", "speaker": "A", "text": "one two"}]});
        let script = send(Method::POST, "/v1/scripts", &json!({"script": script})).await;
        let script = text(&script["id"]);
        let lines = send(Method::GET, &format!("/v1/scripts/{script}/lines"), &json!({})).await;
        let render = format!("/v1/scripts/{script}/render");
        let job = text(&send(Method::POST, &render, &json!({"formats": ["wav"]})).await["job_id"]);
        let events = app.request_as(Some(&person.token), Method::GET, &format!("/v1/jobs/{job}/events"));
        events.send().await.unwrap().text().await.unwrap();
        let done = send(Method::GET, &format!("/v1/jobs/{job}"), &json!({})).await;
        let key = send(Method::POST, "/v1/api-keys", &json!({"name": "mine", "scopes": ["synth"]})).await;
        let place = json!({"position": 0.1, "device_id": PLAYER});
        send(Method::PUT, &format!("/api/progress/{script}"), &place).await;
        let mark = json!({"content_id": script, "start_ms": 10});
        let bookmark = send(Method::POST, "/api/mypage/bookmarks/", &mark).await;
        let playing = send(Method::POST, "/api/v1/audio/play", &json!({"script_id": script})).await;
        let span = json!({"content_id": script, "start_ms": 0, "end_ms": 200});
        let clip = send(Method::POST, "/v1/clips", &span).await;
        let cut = format!("/v1/jobs/{}/events", text(&clip["job_id"]));
        let events = app.request_as(Some(&person.token), Method::GET, &cut);
        events.send().await.unwrap().text().await.unwrap();
        let file =
            app.request_as(Some(&person.token), Method::POST, "/v1/contents").body(crate::uploads::wav());
        let (status, content) = answer(file).await;
        assert_eq!(status, StatusCode::CREATED, "{content}");
        let upload = app.request_as(Some(&person.token), Method::POST, "/v1/uploads");
        let upload =
            upload.header("tus-resumable", "1.0.0").header("upload-length", "1000").send().await.unwrap();
        let upload = upload.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
        Self {
            show: text(&show["id"]),
            content: text(&content["id"]),
            upload,
            bookmark: text(&bookmark["id"]),
            session: text(&playing["session_id"]),
            clip: text(&clip["id"]),
            line: text(&lines["items"][0]["id"]),
            rendering: text(&done["result"]["rendering_id"]),
            device: person.tokens.session.to_string(),
            key: text(&key["id"]),
            account: person.id.to_string(),
            script,
            job,
        }
    }

    /// The id that stands in a path; `None` for what belongs to everybody.
    fn in_path(&self, path: &str) -> Option<&str> {
        Some(match path {
            _ if path.starts_with("/v1/shows/{id}") => &self.show,
            _ if path.starts_with("/v1/scripts/{id}") || path.starts_with("/api/scripts/{id}") => {
                &self.script
            }
            "/v1/lines/{id}" | "/api/tokens/{token_id}" => &self.line,
            _ if path.starts_with("/v1/jobs/{id}") => &self.job,
            _ if path.starts_with("/v1/renderings/{id}") => &self.rendering,
            "/api/me/devices/{id}" => &self.device,
            "/v1/api-keys/{id}" => &self.key,
            "/api/mypage/bookmarks/{id}" => &self.bookmark,
            "/api/v1/audio/sessions/{id}" => &self.session,
            _ if path.starts_with("/v1/clips/{id}") => &self.clip,
            "/v1/contents/{id}" => &self.content,
            "/v1/uploads/{id}" => &self.upload,
            "/v1/devices/{id}" => PLAYER,
            // A script that can be heard is a content by its id.
            _ if path.contains("{content_id}") || path.contains("{script_id}") => &self.script,
            _ if path.starts_with("/api/admin/accounts/{id}") => &self.account,
            // Actors and voices are everybody's; providers are named by the settings, and an
            // identity is found by its provider within one's own account.
            _ if path.starts_with("/v1/actors/{id}") || path.starts_with("/v1/voices/{voice}") => {
                return None;
            }
            _ if path.starts_with("/api/auth/providers/{id}") => return None,
            "/api/me/identities/{id}" => return None,
            // A feed is opened by the key in its address.
            _ if path.starts_with("/feeds/{key}") || path == "/rest/{call}" => return None,
            _ if !path.contains('{') => return None,
            other => panic!("{other}: whose is it? Say so here"),
        })
    }
}

/// A body that each changing route would take, so that it is the thing that is refused and not the
/// request.
fn body(row: &str) -> Value {
    match row {
        "PATCH /v1/lines/{id}" => json!({"text": "changed"}),
        "PATCH /v1/shows/{id}" | "PATCH /v1/scripts/{id}" | "PATCH /v1/contents/{id}" => {
            json!({"title": "changed"})
        }
        "PATCH /v1/api-keys/{id}" => json!({"name": "changed"}),
        "PATCH /api/v1/audio/sessions/{id}" => json!({"playing": true}),
        "PUT /api/progress/{content_id}" => json!({"position": 0.2}),
        "PUT /v1/playback/{content_id}" => json!({"speed": 1.5}),
        "PUT /v1/scripts/{id}" => json!({"revision": 1, "script": {"version": 1, "title": "changed",
            "cast": {}, "items": []}}),
        _ => json!({}),
    }
}

async fn ask_for(app: &TestApp, token: Option<&str>, row: &str, id: &str) -> (StatusCode, String) {
    let (method, path) = row.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let first = path.find('{').unwrap();
    let end = first + path[first..].find('}').unwrap() + 1;
    let mut path = filled(&format!("{}{id}{}", &path[..first], &path[end..]));
    if path.ends_with("/export") {
        path += "?format=text";
    }
    let mut request = app.request_as(token, method.clone(), &path);
    if matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        request = request.json(&body(row));
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    // An event stream that opens would not end soon: its status says enough.
    if status == StatusCode::OK {
        return (status, String::new());
    }
    let body: Value = response.json().await.unwrap_or_default();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_what_is_anothers_does_not_exist_on_any_route() {
    for app in crate::app::apps().await {
        let owner = app.person(Role::Teacher).await;
        let theirs = Belongings::of(&app, &owner).await;
        let strangers = [
            app.person(Role::Learner).await,
            app.person(Role::Teacher).await,
            app.person(Role::Editor).await,
        ];
        let mut asked = 0;
        for (row, asks) in ROUTES {
            let Some(id) = theirs.in_path(row.split_once(' ').unwrap().1) else { continue };
            let needed = promised(*asks).2;
            let tokens =
                strangers.iter().filter(|person| person.role >= needed).map(|person| Some(&*person.token));
            let visitor = matches!(asks, Visible(_)).then_some(None);
            for token in tokens.chain(visitor) {
                let answered = ask_for(&app, token, row, id).await;
                let of_nothing = ask_for(&app, token, row, &Uuid::now_v7().to_string()).await;
                assert_eq!(answered, of_nothing, "{row} tells that it exists");
                assert_eq!(answered.0, StatusCode::NOT_FOUND, "{row} {answered:?}");
                asked += 1;
            }
        }
        assert!(asked > 60, "{asked} questions");
        // All of it is still there, and its owner's.
        for (row, _) in ROUTES.iter().filter(|(row, _)| row.starts_with("GET ") && !row.contains("/admin/")) {
            let Some(id) = theirs.in_path(&row[4..]) else { continue };
            let answered = ask_for(&app, Some(&owner.token), row, id).await;
            assert_eq!(answered.0, StatusCode::OK, "{row} {answered:?}");
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_a_signed_address_opens_what_it_names_and_nothing_else() {
    let app = TestApp::spawn().await;
    let (owner, other) = (app.person(Role::Learner).await, app.person(Role::Learner).await);
    let (theirs, mine) = (Belongings::of(&app, &owner).await, Belongings::of(&app, &other).await);
    let address = async |person: &Person, job: &str| {
        let request = app.request_as(Some(&person.token), Method::GET, &format!("/v1/jobs/{job}"));
        let (_, job) = answer(request).await;
        let audio = &job["result"]["audio"]["wav"];
        assert!(audio["expires_at_ms"].is_i64(), "{job}");
        audio["url"].as_str().unwrap().to_owned()
    };
    let get = async |path: &str| app.request_as(None, Method::GET, path).send().await.unwrap().status();
    let signed = address(&owner, &theirs.job).await;
    assert_eq!(get(&signed).await, StatusCode::OK, "{signed}");
    let head = app.request_as(None, Method::HEAD, &signed).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let path = format!("/v1/renderings/{}", theirs.rendering);
    let (_, view) = answer(app.request_as(Some(&owner.token), Method::GET, &path)).await;
    for url in [&view["audio"][0]["url"], &view["captions"]["vtt"]] {
        assert_eq!(get(url.as_str().unwrap()).await, StatusCode::OK, "{url}");
    }
    let (plain, query) = signed.split_once('?').unwrap();
    assert_eq!(get(plain).await, StatusCode::NOT_FOUND, "without the signature nobody sees it");

    let (_, my_query) = { address(&other, &mine.job).await }
        .split_once('?')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(
        get(&format!("{plain}?{my_query}")).await,
        StatusCode::UNAUTHORIZED,
        "signed for another thing"
    );
    let other_format = plain.replace("/audio/wav", "/audio/mp3");
    assert_eq!(get(&format!("{other_format}?{query}")).await, StatusCode::UNAUTHORIZED);
    let other_account = query.replace(&owner.id.to_string(), &other.id.to_string());
    assert_eq!(get(&format!("{plain}?{other_account}")).await, StatusCode::UNAUTHORIZED);
    for method in [Method::DELETE, Method::POST, Method::PATCH] {
        let path = format!("/v1/jobs/{}?{query}", theirs.job);
        let (status, _) = answer(app.request_as(None, method.clone(), &path).json(&json!({}))).await;
        assert!(status.is_client_error() && status != StatusCode::NOT_FOUND, "{method} {status}");
    }
    // What the owner deletes is gone for the address as well.
    let deleted =
        app.request_as(Some(&owner.token), Method::DELETE, &format!("/v1/scripts/{}", theirs.script));
    assert_eq!(deleted.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&signed).await, StatusCode::NOT_FOUND);
    app.stop().await;
}
