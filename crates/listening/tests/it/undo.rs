use axum::http::StatusCode;
use serde_json::{Value, json};
use sori_contracts::ContentId;

use crate::rig::{Rig, Who, rigs};

async fn put(rig: &Rig, who: Who, content: ContentId, position: f64) {
    let path = format!("/api/progress/{content}");
    let version = rig.get(who, &path).await.1["version"].as_i64().unwrap_or_default();
    let body = json!({ "position": position, "base_version": version, "device_id": "phone", "seek": true });
    let (status, saved) = rig.put(who, &path, &body).await;
    assert_eq!(status, StatusCode::OK, "{saved}");
}

async fn undo(rig: &Rig, who: Who, content: ContentId, order: Value) -> (StatusCode, Value) {
    rig.post(who, &format!("/v1/progress/{content}/undo"), &order).await
}

#[tokio::test]
async fn a_jump_is_taken_back_and_forth() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(7_200_000)));
        assert_eq!(undo(&rig, who, content, json!({})).await.0, StatusCode::NOT_FOUND);
        put(&rig, who, content, 3_000.0).await;
        put(&rig, who, content, 3_010.0).await;
        let (status, nothing) = undo(&rig, who, content, json!({})).await;
        assert_eq!((status, &nothing["error"]["code"]), (StatusCode::NOT_FOUND, &json!("NOTHING_TO_UNDO")));
        // Somebody pressed "previous chapter" in a pocket.
        put(&rig, who, content, 0.0).await;
        put(&rig, who, content, 8.0).await;
        let (status, back) = undo(&rig, who, content, json!({})).await;
        assert_eq!((status, &back["position_ms"]), (StatusCode::OK, &json!(3_010_000)));
        let (_, forth) = undo(&rig, who, content, json!({})).await;
        assert_eq!(forth["position_ms"], 8_000);
        let (_, back) = undo(&rig, who, content, json!({})).await;
        assert_eq!(back["position_ms"], 3_010_000);
    }
}

#[tokio::test]
async fn any_entry_of_the_log_can_be_gone_back_to() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(7_200_000)));
        for position in [100.0, 110.0, 120.0] {
            put(&rig, who, content, position).await;
        }
        let path = format!("/v1/progress/{content}/log");
        let (status, log) = rig.get(who, &format!("{path}?limit=2")).await;
        assert_eq!(status, StatusCode::OK);
        let items = log["items"].as_array().unwrap();
        assert_eq!(
            (items.len(), &items[0]["position_ms"], &items[0]["outcome"]),
            (2, &json!(120_000), &json!("informed"))
        );
        let cursor = log["next_cursor"].as_str().unwrap();
        let (_, rest) = rig.get(who, &format!("{path}?cursor={cursor}")).await;
        assert_eq!(
            (rest["items"].as_array().unwrap().len(), &rest["items"][0]["outcome"]),
            (1, &json!("first"))
        );
        let number = &rest["items"][0]["number"];
        let (status, back) = undo(&rig, who, content, json!({ "number": number })).await;
        assert_eq!((status, &back["position_ms"]), (StatusCode::OK, &json!(100_000)));
        assert_eq!(undo(&rig, who, content, json!({ "number": 9_999 })).await.0, StatusCode::NOT_FOUND);
        // Nobody else's.
        let other = rig.get(Who::new(), &path).await.1;
        assert_eq!(other["items"], json!([]));
        assert_eq!(
            undo(&rig, Who::new(), content, json!({ "number": number })).await.0,
            StatusCode::NOT_FOUND
        );
    }
}

#[tokio::test]
async fn the_log_is_bounded_and_keeps_longest_what_can_be_had_back() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(7_200_000)));
        put(&rig, who, content, 3_000.0).await;
        put(&rig, who, content, 100.0).await;
        for tick in 1..=230 {
            let body = json!({ "position": 100 + tick, "device_id": "phone" });
            assert_eq!(rig.put(who, &format!("/api/progress/{content}"), &body).await.0, StatusCode::OK);
        }
        let mut count = 0;
        let mut path = format!("/v1/progress/{content}/log?limit=200");
        loop {
            let (_, page) = rig.get(who, &path).await;
            count += page["items"].as_array().unwrap().len();
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/progress/{content}/log?limit=200&cursor={cursor}");
        }
        assert_eq!(count, 201, "200 and the jump");
        let (status, back) = undo(&rig, who, content, json!({})).await;
        assert_eq!((status, &back["position_ms"]), (StatusCode::OK, &json!(3_000_000)));
    }
}
