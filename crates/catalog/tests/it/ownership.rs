//! Who sees and changes what: every role, every visibility, every route.

use axum::http::Method;
use serde_json::{Value, json};
use sori_contracts::{Caller, Right, Role, ScriptAccess as _};

use crate::api::{Answer, Api};

/// Everybody who could come.
const WHO: [Who; 7] =
    [Who::Owner, Who::SharedWith, Who::Learner, Who::Teacher, Who::Editor, Who::Admin, Who::Visitor];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    SharedWith,
    Learner,
    Teacher,
    Editor,
    Admin,
    Visitor,
}

/// The rule in words, written down once more on its own.
fn expected(who: Who, visibility: &str) -> Option<Right> {
    match (who, visibility) {
        (Who::Owner | Who::Admin, _) => Some(Right::Share),
        (Who::Editor, "public") => Some(Right::Write),
        (_, "public") | (Who::SharedWith, "shared") => Some(Right::Read),
        _ => None,
    }
}

struct Stage {
    callers: [(Who, Caller); 7],
    show: String,
    script: String,
    line: String,
}

impl Stage {
    fn caller(&self, wanted: Who) -> Caller {
        self.callers.iter().find(|(who, _)| *who == wanted).unwrap().1
    }

    /// A learner's show with a learner's script, as visible as said.
    async fn set(api: &Api, visibility: &str) -> Self {
        let join = |role| api.accounts.join(role);
        let callers = WHO.map(|who| {
            let caller = match who {
                Who::Owner | Who::SharedWith | Who::Learner => join(Role::Learner),
                Who::Teacher => join(Role::Teacher),
                Who::Editor => join(Role::Editor),
                Who::Admin => join(Role::Admin),
                Who::Visitor => Caller::Visitor,
            };
            (who, caller)
        });
        let owner = callers[0].1;
        let show = api.by(owner, Method::POST, "/v1/shows", json!({"title": "Zebra show"})).await;
        let show = show.ok()["id"].as_str().unwrap().to_owned();
        let body = json!({"show_id": show, "script": {"title": "Zebra", "lang": "en", "cast": {"ZED": {}},
            "items": [{"type": "line", "speaker": "ZED", "text": "Zebras sleep standing up."}]}});
        let script = api.by(owner, Method::POST, "/v1/scripts", body).await;
        let line = script.ok()["line_ids"][0].as_str().unwrap().to_owned();
        let script = script.json["id"].as_str().unwrap().to_owned();
        let admin = callers[5].1;
        for thing in [format!("/v1/shows/{show}"), format!("/v1/scripts/{script}")] {
            // Shared with somebody in every case: it counts only while the visibility says so.
            let email = api.accounts.email(callers[1].1);
            api.by(owner, Method::PUT, &format!("{thing}/shares/{email}"), Value::Null).await.ok();
            api.by(admin, Method::PATCH, &thing, json!({"visibility": visibility})).await.ok();
        }
        Self { callers, show, script, line }
    }
}

/// 404 of the thing when it may not be seen, 403 when it may not be done.
#[track_caller]
fn check(answer: &Answer, right: Option<Right>, needed: Right, not_found: &str, place: &str) {
    match right {
        None => assert_eq!((answer.status.as_u16(), answer.code()), (404, not_found), "{place}"),
        Some(right) if right < needed => {
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "AUTH_FORBIDDEN"), "{place}");
        }
        Some(_) => assert!(answer.status.is_success(), "{place}: {} {}", answer.status, answer.json),
    }
}

#[tokio::test]
async fn every_route_of_one_thing_follows_its_visibility() {
    for api in Api::on_both_engines().await {
        for visibility in ["private", "shared", "public"] {
            let stage = Stage::set(&api, visibility).await;
            let Stage { show, script, line, .. } = &stage;
            for (who, caller) in stage.callers {
                let right = expected(who, visibility);
                let place =
                    |what: &str| format!("{who:?} {visibility} {what} {:?}", api.database.db.backend());
                for (path, not_found) in [
                    (format!("/v1/shows/{show}"), "SHOW_NOT_FOUND"),
                    (format!("/v1/scripts/{script}"), "SCRIPT_NOT_FOUND"),
                    (format!("/v1/scripts/{script}/lines"), "SCRIPT_NOT_FOUND"),
                    (format!("/v1/scripts/{script}/export?format=json"), "SCRIPT_NOT_FOUND"),
                    (format!("/v1/lines/{line}"), "LINE_NOT_FOUND"),
                    (format!("/api/tokens/{line}"), "LINE_NOT_FOUND"),
                    (format!("/api/scripts/{script}/tokens"), "SCRIPT_NOT_FOUND"),
                    (format!("/api/scripts/{script}/words"), "SCRIPT_NOT_FOUND"),
                ] {
                    let answer = api.by(caller, Method::GET, &path, Value::Null).await;
                    check(&answer, right, Right::Read, not_found, &place(&path));
                }
                for (method, path, body, not_found) in [
                    (Method::PATCH, format!("/v1/shows/{show}"), json!({"lang": "en"}), "SHOW_NOT_FOUND"),
                    (
                        Method::PATCH,
                        format!("/v1/scripts/{script}"),
                        json!({"level": "A1"}),
                        "SCRIPT_NOT_FOUND",
                    ),
                    (Method::PATCH, format!("/v1/lines/{line}"), json!({"style": null}), "LINE_NOT_FOUND"),
                ] {
                    let answer = api.by(caller, method, &path, body).await;
                    check(&answer, right, Right::Write, not_found, &place(&path));
                }
                let path = format!("/v1/scripts/{script}");
                let current = api.by(stage.caller(Who::Owner), Method::GET, &path, Value::Null).await;
                let text = "ZED: Zebras sleep standing up.";
                let save = json!({"revision": current.ok()["revision"], "source_text": text});
                let answer = api.by(caller, Method::PUT, &path, save).await;
                check(&answer, right, Right::Write, "SCRIPT_NOT_FOUND", &place("save"));
                if right < Some(Right::Write) {
                    // A wrong revision tells nothing to who may not save at all.
                    let save = json!({"revision": 99, "source_text": text});
                    let answer = api.by(caller, Method::PUT, &path, save).await;
                    check(
                        &answer,
                        right,
                        Right::Write,
                        "SCRIPT_NOT_FOUND",
                        &place("save at a wrong revision"),
                    );
                    for (path, not_found) in [
                        (format!("/v1/shows/{show}"), "SHOW_NOT_FOUND"),
                        (format!("/v1/scripts/{script}"), "SCRIPT_NOT_FOUND"),
                    ] {
                        let answer = api.by(caller, Method::DELETE, &path, Value::Null).await;
                        check(&answer, right, Right::Write, not_found, &place("delete"));
                    }
                }
                let email = api.accounts.email(stage.caller(Who::SharedWith));
                for (thing, not_found) in [
                    (format!("/v1/shows/{show}"), "SHOW_NOT_FOUND"),
                    (format!("/v1/scripts/{script}"), "SCRIPT_NOT_FOUND"),
                ] {
                    let shares = format!("{thing}/shares");
                    let answer = api.by(caller, Method::GET, &shares, Value::Null).await;
                    check(&answer, right, Right::Share, not_found, &place(&shares));
                    let one = format!("{shares}/{email}");
                    if right < Some(Right::Share) {
                        for method in [Method::PUT, Method::DELETE] {
                            let answer = api.by(caller, method, &one, Value::Null).await;
                            check(&answer, right, Right::Share, not_found, &place(&one));
                        }
                    }
                }
                let asked = api.catalog.right(&caller, script.parse().unwrap()).await.unwrap();
                assert_eq!(asked, right, "{}", place("asked by another block"));
            }
            // Whoever may delete can: a fresh script for each.
            for who in WHO.into_iter().filter(|who| expected(*who, visibility) >= Some(Right::Write)) {
                let stage = Stage::set(&api, visibility).await;
                for path in [format!("/v1/scripts/{}", stage.script), format!("/v1/shows/{}", stage.show)] {
                    let gone = api.by(stage.caller(who), Method::DELETE, &path, Value::Null).await;
                    assert_eq!(gone.status, 204, "{who:?} {visibility} {path}");
                    let left = api.by(stage.caller(Who::Admin), Method::GET, &path, Value::Null).await;
                    assert_eq!(left.status, 404);
                }
            }
        }
    }
}

#[tokio::test]
async fn lists_and_searches_hold_what_the_caller_may_see_and_nothing_else() {
    for api in Api::on_both_engines().await {
        let actor = api.post("/v1/actors", json!({"name": "ZED"})).await.ok()["id"].clone();
        let actor = actor.as_str().unwrap();
        for visibility in ["private", "shared", "public"] {
            let stage = Stage::set(&api, visibility).await;
            for (who, caller) in stage.callers {
                let sees = i64::from(expected(who, visibility).is_some());
                let place = format!("{who:?} {visibility} {:?}", api.database.db.backend());
                for path in [
                    "/v1/shows",
                    "/v1/shows?query=zebra",
                    "/v1/scripts",
                    "/v1/scripts?query=zebra%20show",
                    "/v1/scripts?query=standing",
                    "/v1/scripts?speaker=zed&sort=title",
                    &format!("/v1/scripts?show_id={}", stage.show),
                    "/v1/lines?query=standing",
                    &format!("/v1/lines?actor_id={actor}"),
                    &format!("/v1/lines?script_id={}", stage.script),
                ] {
                    let listed = api.by(caller, Method::GET, path, Value::Null).await;
                    assert_eq!(listed.ok()["items"].as_array().unwrap().len() as i64, sees, "{place} {path}");
                }
                for path in [format!("/v1/actors/{actor}"), "/v1/actors".into()] {
                    let found = api.by(caller, Method::GET, &path, Value::Null).await;
                    let found = if path.ends_with("actors") { &found.ok()["items"][0] } else { found.ok() };
                    assert_eq!(found["line_count"], sees, "{place} {path}");
                }
                let page = |library: &str| format!("/v1/scripts?library={library}");
                for (library, is_in) in [
                    ("mine", who == Who::Owner),
                    ("shared", who == Who::SharedWith && visibility == "shared"),
                    ("public", visibility == "public"),
                ] {
                    for path in [page(library), page(library).replace("scripts", "shows")] {
                        let listed = api.by(caller, Method::GET, &path, Value::Null).await;
                        let count = listed.ok()["items"].as_array().unwrap().len();
                        assert_eq!(count, usize::from(is_in), "{place} {path}");
                    }
                }
            }
            let admin = stage.caller(Who::Admin);
            for path in [format!("/v1/scripts/{}", stage.script), format!("/v1/shows/{}", stage.show)] {
                assert_eq!(api.by(admin, Method::DELETE, &path, Value::Null).await.status, 204);
            }
        }
    }
}

#[tokio::test]
async fn a_view_says_what_the_caller_may_do_with_it() {
    for api in Api::on_both_engines().await {
        for visibility in ["private", "shared", "public"] {
            let stage = Stage::set(&api, visibility).await;
            for (who, caller) in stage.callers {
                let Some(right) = expected(who, visibility) else { continue };
                let told =
                    json!([visibility, who == Who::Owner, right >= Right::Write, right >= Right::Share]);
                let words = |view: &Value| {
                    json!([view["visibility"], view["is_mine"], view["may_change"], view["may_share"]])
                };
                for path in [format!("/v1/scripts/{}", stage.script), format!("/v1/shows/{}", stage.show)] {
                    let view = api.by(caller, Method::GET, &path, Value::Null).await;
                    assert_eq!(words(view.ok()), told, "{who:?} {path}");
                }
                let list = format!("/v1/scripts?show_id={}", stage.show);
                let list = api.by(caller, Method::GET, &list, Value::Null).await;
                assert_eq!(words(&list.ok()["items"][0]), told, "{who:?} in a list");
            }
        }
    }
}

#[tokio::test]
async fn only_editors_publish_and_owners_take_back() {
    for api in Api::on_both_engines().await {
        let publish = json!({"visibility": "public"});
        for (role, status) in
            [(Role::Learner, 403), (Role::Teacher, 403), (Role::Editor, 200), (Role::Admin, 200)]
        {
            let owner = api.accounts.join(role);
            let show = api.by(owner, Method::POST, "/v1/shows", json!({"title": "S"})).await;
            let show = format!("/v1/shows/{}", show.ok()["id"].as_str().unwrap());
            let body = json!({"source_text": "A: Hi.", "source_format": "text"});
            let script = api.by(owner, Method::POST, "/v1/scripts", body).await;
            let script = format!("/v1/scripts/{}", script.ok()["id"].as_str().unwrap());
            for thing in [show, script] {
                let answer = api.by(owner, Method::PATCH, &thing, publish.clone()).await;
                assert_eq!(answer.status, status, "{role:?} {thing}");
                let seen = if status == 200 { "public" } else { "private" };
                assert_eq!(api.by(owner, Method::GET, &thing, Value::Null).await.ok()["visibility"], seen);
                // A learner whose thing an admin published may change it, and take it back.
                let admin = api.accounts.join(Role::Admin);
                api.by(admin, Method::PATCH, &thing, publish.clone()).await.ok();
                let same = json!({"visibility": "public", "description": "Mine."});
                api.by(owner, Method::PATCH, &thing, same).await.ok();
                api.by(owner, Method::PATCH, &thing, json!({"visibility": "private"})).await.ok();
                assert_eq!(api.by(Caller::Visitor, Method::GET, &thing, Value::Null).await.status, 404);
            }
        }
    }
}

#[tokio::test]
async fn a_script_says_nothing_about_a_show_that_is_not_for_the_caller() {
    for api in Api::on_both_engines().await {
        let stage = Stage::set(&api, "public").await;
        let show = format!("/v1/shows/{}", stage.show);
        api.by(stage.caller(Who::Owner), Method::PATCH, &show, json!({"visibility": "private"})).await.ok();
        for who in [Who::Visitor, Who::Learner, Who::SharedWith, Who::Editor] {
            let caller = stage.caller(who);
            let script =
                api.by(caller, Method::GET, &format!("/v1/scripts/{}", stage.script), Value::Null).await;
            assert_eq!(script.ok()["show"], Value::Null, "{who:?}");
            let count = async |path: String| {
                api.by(caller, Method::GET, &path, Value::Null).await.ok()["items"].as_array().unwrap().len()
            };
            assert_eq!(
                count("/v1/scripts?query=zebra%20show".into()).await,
                0,
                "{who:?} finds it by its show"
            );
            assert_eq!(count(format!("/v1/scripts?show_id={}", stage.show)).await, 0, "{who:?}");
            let list = api.by(caller, Method::GET, "/v1/scripts?query=standing", Value::Null).await;
            assert_eq!(list.ok()["items"][0]["show"], Value::Null, "{who:?}");
        }
        let owner = stage.caller(Who::Owner);
        let script = api.by(owner, Method::GET, &format!("/v1/scripts/{}", stage.script), Value::Null).await;
        assert_eq!(script.ok()["show"]["title"], "Zebra show");
    }
}

#[tokio::test]
async fn nothing_goes_into_a_show_that_is_not_for_the_caller_to_change() {
    for api in Api::on_both_engines().await {
        for (visibility, who, status, code) in [
            ("private", Who::Learner, 404, "SHOW_NOT_FOUND"),
            ("public", Who::Learner, 403, "AUTH_FORBIDDEN"),
            ("shared", Who::SharedWith, 403, "AUTH_FORBIDDEN"),
            ("public", Who::Editor, 201, ""),
            ("private", Who::Owner, 201, ""),
        ] {
            let stage = Stage::set(&api, visibility).await;
            let caller = stage.caller(who);
            let text = json!({"source_text": "A: Hi.", "source_format": "text"});
            let mut new = text.clone();
            new["show_id"] = json!(stage.show);
            let made = api.by(caller, Method::POST, "/v1/scripts", new).await;
            assert_eq!((made.status.as_u16(), made.code()), (status, code), "{who:?} {visibility}");
            let own = api.by(caller, Method::POST, "/v1/scripts", text).await;
            let own = format!("/v1/scripts/{}", own.ok()["id"].as_str().unwrap());
            let moved = api.by(caller, Method::PATCH, &own, json!({"show_id": stage.show})).await;
            let expected = if status == 201 { 200 } else { status };
            assert_eq!((moved.status.as_u16(), moved.code()), (expected, code), "{who:?} {visibility}");
        }
    }
}
