//! Contents: who sees them, who changes them, files in one request.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::{Caller, Role};

use crate::rig::{Answer, NOT_YOURS, Rig, person, wav};

async fn change(rig: &Rig, caller: Caller, id: &str, change: Value) -> Answer {
    let json = [("content-type", "application/json")];
    rig.send(caller, Method::PATCH, &format!("/v1/contents/{id}"), &json, change.to_string()).await
}

async fn titles(rig: &Rig, caller: Caller, query: &str) -> Vec<String> {
    let answer = rig.get(caller, &format!("/v1/contents{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let items = answer.body["items"].as_array().unwrap();
    items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_private_exists_for_its_owner_and_admins() {
    for rig in Rig::all().await {
        let (me, other) = (person(Role::Learner), person(Role::Teacher));
        let id = rig.uploaded(me, "mine", wav(500)).await;
        let path = format!("/v1/contents/{id}");
        for stranger in [other, person(Role::Editor), Caller::Visitor] {
            assert_eq!(rig.get(stranger, &path).await.code(), "CONTENT_NOT_FOUND");
            assert!(rig.library.find(&stranger, id.parse().unwrap()).await.unwrap().is_none());
            assert!(titles(&rig, stranger, "").await.is_empty());
        }
        assert_eq!(change(&rig, other, &id, json!({"title": "x"})).await.status, StatusCode::NOT_FOUND);
        assert_eq!(rig.send(other, Method::DELETE, &path, &[], ()).await.status, StatusCode::NOT_FOUND);
        for reader in [me, person(Role::Admin)] {
            assert_eq!(rig.get(reader, &path).await.body["may_change"], true);
            assert_eq!(titles(&rig, reader, "").await, ["mine"]);
        }
        assert!(titles(&rig, person(Role::Admin), "?library=mine").await.is_empty());
    }
}

#[tokio::test]
async fn only_editors_publish_and_everybody_sees() {
    for rig in Rig::all().await {
        let (me, editor) = (person(Role::Learner), person(Role::Editor));
        let mine = rig.uploaded(me, "mine", wav(500)).await;
        let refused = change(&rig, me, &mine, json!({"visibility": "public"})).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "AUTH_FORBIDDEN"));
        let id = rig.uploaded(editor, "ours", wav(500)).await;
        assert_eq!(change(&rig, editor, &id, json!({"visibility": "public"})).await.status, StatusCode::OK);
        assert_eq!(titles(&rig, Caller::Visitor, "").await, ["ours"]);
        assert_eq!(titles(&rig, me, "").await, ["ours", "mine"]);
        assert_eq!(titles(&rig, me, "?library=public").await, ["ours"]);
        assert_eq!(titles(&rig, me, "?library=mine").await, ["mine"]);
        assert_eq!(change(&rig, me, &id, json!({"title": "x"})).await.status, StatusCode::FORBIDDEN);
        assert_eq!(rig.get(me, &format!("/v1/contents/{id}")).await.body["may_change"], false);
    }
}

#[tokio::test]
async fn lists_are_searched_and_paged() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        for title in ["밤의 라디오", "Night Radio", "100% pure", "a_b"] {
            rig.uploaded(me, title, wav(300)).await;
        }
        assert_eq!(titles(&rig, me, "?query=RADIO").await, ["Night Radio"]);
        assert_eq!(titles(&rig, me, "?query=%EB%9D%BC%EB%94%94%EC%98%A4").await, ["밤의 라디오"]);
        assert_eq!(titles(&rig, me, "?query=%25").await, ["100% pure"]);
        assert_eq!(titles(&rig, me, "?query=_").await, ["a_b"]);
        assert!(titles(&rig, me, "?kind=video").await.is_empty());
        let first = rig.get(me, "/v1/contents?limit=3").await.body;
        let cursor = first["next_cursor"].as_str().unwrap();
        assert_eq!(titles(&rig, me, &format!("?limit=3&cursor={cursor}")).await, ["밤의 라디오"]);
        assert_eq!(rig.get(me, "/v1/contents?cursor=x").await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_with_its_bytes() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let id = rig.uploaded(me, "a", wav(500)).await;
        let media = rig.library.find(&me, id.parse().unwrap()).await.unwrap().unwrap().files[0].media;
        let path = format!("/v1/contents/{id}");
        assert_eq!(rig.send(me, Method::DELETE, &path, &[], ()).await.status, StatusCode::NO_CONTENT);
        assert!(rig.bytes(media).await.is_none());
        assert_eq!(rig.get(me, &path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(rig.send(me, Method::DELETE, &path, &[], ()).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn what_is_said_about_a_content_can_be_changed() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let (first, second) = (rig.uploaded(me, "a", wav(500)).await, rig.uploaded(me, "b", wav(500)).await);
        let show = uuid::Uuid::now_v7();
        let changes = json!({"title": " new ", "show_id": show, "alternative_id": second});
        let changed = change(&rig, me, &first, changes).await.body;
        assert_eq!((&changed["title"], &changed["show_id"]), (&json!("new"), &json!(show)));
        assert_eq!(changed["alternative_id"], json!(second));
        let content = rig.library.find(&me, first.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(content.alternative, Some(second.parse().unwrap()));
        let changed = change(&rig, me, &first, json!({"alternative_id": null})).await.body;
        assert_eq!((&changed["alternative_id"], &changed["show_id"]), (&Value::Null, &json!(show)));
        change(&rig, me, &second, json!({"show_id": show})).await;
        let next = rig.library.following(&me, first.parse().unwrap()).await.unwrap();
        assert_eq!(next, Some(second.parse().unwrap()));
        for (wrong, status) in [
            (json!({"title": ""}), StatusCode::BAD_REQUEST),
            (json!({"title": "a\u{0}b"}), StatusCode::BAD_REQUEST),
            (json!({"owner": "x"}), StatusCode::BAD_REQUEST),
            (json!({"show_id": NOT_YOURS}), StatusCode::FORBIDDEN),
            (json!({"alternative_id": first}), StatusCode::NOT_FOUND),
            (json!({"alternative_id": uuid::Uuid::now_v7()}), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(change(&rig, me, &first, wrong.clone()).await.status, status, "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_small_file_comes_in_one_request() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(2_000);
        let path = "/v1/contents?filename=my%20song.wav";
        let answer = rig.send(me, Method::POST, path, &[("content-type", "audio/wav")], file.clone()).await;
        assert_eq!((answer.status, &answer.body["title"]), (StatusCode::CREATED, &json!("my song")));
        assert_eq!(rig.stored(me, answer.body["id"].as_str().unwrap()).await, file);

        let form = |end: &str| {
            let head = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n--b\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"소리.wav\"\r\n\r\n";
            [head.as_bytes(), &file, end.as_bytes()].concat()
        };
        let kind = [("content-type", "multipart/form-data; boundary=b")];
        let answer = rig.send(me, Method::POST, "/v1/contents", &kind, form("\r\n--b--\r\n")).await;
        assert_eq!((answer.status, &answer.body["title"]), (StatusCode::CREATED, &json!("소리")));
        assert_eq!(rig.stored(me, answer.body["id"].as_str().unwrap()).await, file);

        // One that did not come to its end is none.
        let answer = rig.send(me, Method::POST, "/v1/contents", &kind, form("")).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BODY_BROKEN"));
        let answer = rig.send(me, Method::POST, "/v1/contents", &[], "just text").await;
        assert_eq!(answer.code(), "AUDIO_FORMAT_UNSUPPORTED");
        let answer = rig.send(me, Method::POST, "/v1/contents", &kind, "--b--\r\n").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(titles(&rig, me, "").await.len(), 2);
        let parts = std::fs::read_dir(rig.folder.path().join("uploads")).unwrap().count();
        assert_eq!(parts, 0);
    }
}
