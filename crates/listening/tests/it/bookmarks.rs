use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::{ContentId, LineId};
use sori_listening::LineSpan;

use crate::rig::{Who, rigs, script};

const PATH: &str = "/api/mypage/bookmarks/";

#[tokio::test]
async fn a_span_is_marked_with_a_note_changed_and_taken_off() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let new = json!({ "content_id": content, "start_ms": 1_500, "end_ms": 4_000, "note": "연음 연습" });
        let (status, made) = rig.post(who, PATH, &new).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!((&made["start_time"], &made["end_time"]), (&json!(1.5), &json!(4.0)));
        assert_eq!((&made["note"], &made["token_id"]), (&json!("연음 연습"), &json!(null)));
        let place = json!({ "content_id": content, "start_time": 60.0 });
        let (status, second) = rig.post(who, PATH, &place).await;
        assert_eq!(
            (status, &second["start_ms"], &second["end_ms"]),
            (StatusCode::CREATED, &json!(60_000), &json!(null))
        );

        let all = rig.get(who, PATH).await.1;
        let ids =
            |all: &Value| all.as_array().unwrap().iter().map(|mark| mark["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&all), [second["id"].clone(), made["id"].clone()]);
        let elsewhere = rig.get(who, &format!("{PATH}?content_id={}", ContentId::generate())).await.1;
        assert_eq!(elsewhere, json!([]));

        let one = format!("{PATH}{}", made["id"].as_str().unwrap());
        let change = json!({ "note": null, "end_ms": 5_000 });
        let (status, changed) = rig.ask(who, Method::PATCH, &one, Some(&change)).await;
        assert_eq!(
            (status, &changed["note"], &changed["end_ms"]),
            (StatusCode::OK, &json!(null), &json!(5_000))
        );
        assert_eq!(changed["start_ms"], 1_500);
        let backwards = json!({ "start_ms": 5_000 });
        assert_eq!(rig.ask(who, Method::PATCH, &one, Some(&backwards)).await.0, StatusCode::BAD_REQUEST);

        let stranger = Who::new();
        assert_eq!(rig.ask(stranger, Method::PATCH, &one, Some(&change)).await.0, StatusCode::NOT_FOUND);
        assert_eq!(rig.ask(stranger, Method::DELETE, &one, None).await.0, StatusCode::NOT_FOUND);
        assert_eq!(rig.get(stranger, PATH).await.1, json!([]));
        assert_eq!(rig.ask(who, Method::DELETE, &one, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(rig.ask(who, Method::DELETE, &one, None).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_line_is_marked_by_the_name_of_the_older_api() {
    for rig in rigs().await {
        let (who, script) = (Who::new(), script());
        let line = rig.world.line(LineSpan { script, start_ms: Some(2_000), end_ms: Some(3_500) });
        let (status, made) = rig.post(who, PATH, &json!({ "token_id": line })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!((&made["token_id"], &made["content_id"]), (&json!(line), &json!(script)));
        assert_eq!((&made["start_ms"], &made["end_ms"]), (&json!(2_000), &json!(3_500)));
        // Before its script is voiced.
        let silent = rig.world.line(LineSpan { script, start_ms: None, end_ms: None });
        assert_eq!(rig.post(who, PATH, &json!({ "line_id": silent })).await.1["start_ms"], 0);
    }
}

#[tokio::test]
async fn marks_that_name_nothing_are_refused() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        for (new, status) in [
            (json!({}), StatusCode::BAD_REQUEST),
            (json!({ "content_id": content, "start_ms": 5, "end_ms": 5 }), StatusCode::BAD_REQUEST),
            (json!({ "content_id": content, "start_ms": 5, "end_ms": 60_001 }), StatusCode::BAD_REQUEST),
            (json!({ "content_id": content, "start_time": -1 }), StatusCode::BAD_REQUEST),
            (json!({ "content_id": content, "note": "x".repeat(2_001) }), StatusCode::BAD_REQUEST),
            (json!({ "content_id": ContentId::generate() }), StatusCode::NOT_FOUND),
            (json!({ "token_id": LineId::generate() }), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(rig.post(who, PATH, &new).await.0, status, "{new}");
        }
        assert_eq!(rig.get(who, PATH).await.1, json!([]));
    }
}
