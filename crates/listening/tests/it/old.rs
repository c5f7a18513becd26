//! `/api/progress`: clients that know of no versions, and those that do.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sori_contracts::ContentId;

use crate::rig::{Rig, Who, rigs};

fn path(content: ContentId) -> String {
    format!("/api/progress/{content}")
}

async fn old_put(rig: &Rig, who: Who, content: ContentId, position: f64) -> Value {
    let (status, saved) =
        rig.put(who, &path(content), &json!({ "position": position, "duration": 7_200 })).await;
    assert_eq!(status, StatusCode::OK, "{saved}");
    assert_eq!(saved["success"], true);
    saved
}

#[tokio::test]
async fn an_earlier_client_saves_and_reads_its_position() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        let (status, none) = rig.get(who, &path(content)).await;
        assert_eq!((status, &none["error"]["code"]), (StatusCode::NOT_FOUND, &json!("PROGRESS_NOT_FOUND")));
        let saved = old_put(&rig, who, content, 1_234.5).await;
        assert_eq!(saved["progress_percent"], 17);
        let (status, progress) = rig.get(who, &path(content)).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(progress["content_id"], json!(content));
        assert_eq!(progress["position"], 1_234.5);
        assert_eq!(progress["duration"], 7_200.0);
        assert_eq!(progress["progress_percent"], 17);
        assert!(progress["updated_at"].as_str().unwrap().ends_with('Z'), "{progress}");
        assert_eq!(old_put(&rig, who, content, 1_244.5).await["accepted"], true);
        // Somebody else has not begun.
        assert_eq!(rig.get(Who::new(), &path(content)).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn what_does_not_exist_for_the_caller_has_no_position() {
    for rig in rigs().await {
        let (who, other) = (Who::new(), Who::new());
        let theirs = rig.world.content_for(None, Some(other.account));
        for content in [ContentId::generate(), theirs] {
            for answered in [
                rig.get(who, &path(content)).await,
                rig.put(who, &path(content), &json!({ "position": 1 })).await,
            ] {
                assert_eq!(answered.0, StatusCode::NOT_FOUND);
                assert_eq!(answered.1["error"]["code"], "CONTENT_NOT_FOUND");
            }
        }
    }
}

#[tokio::test]
async fn nonsense_is_refused() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        for body in [
            json!({ "position": -1 }),
            json!({ "position": 1e18 }),
            json!({ "position": "12" }),
            json!({ "position": 1, "duration": -5 }),
            json!({ "position": 1, "device_id": "not a name" }),
            json!({ "position": 1, "client_time": "yesterday" }),
            json!({ "position": 1, "speed": 0 }),
            json!({}),
        ] {
            let (status, answer) = rig.put(who, &path(content), &body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body} {answer}");
        }
        assert_eq!(rig.get(who, &path(content)).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_position_past_the_end_is_the_end() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        // The length is the content's, whatever the client believes.
        let saved = old_put(&rig, who, content, 90.0).await;
        assert_eq!((&saved["position"], &saved["progress_percent"]), (&json!(60.0), &json!(100)));
    }
}

#[tokio::test]
async fn an_earlier_client_that_starts_at_zero_is_told_where_to_go_on() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        old_put(&rig, who, content, 3_000.0).await;
        // Its app was started anew and begins at the beginning, on this device and on another.
        for who in [who, who.elsewhere()] {
            let saved = old_put(&rig, who, content, 0.0).await;
            assert_eq!((&saved["accepted"], &saved["progress_percent"]), (&json!(false), &json!(42)));
            assert_eq!(rig.position(who, content).await, 3_000.0);
        }
        // Its listener really goes on from there.
        assert_eq!(old_put(&rig, who, content, 61.0).await["accepted"], true);
        assert_eq!(rig.position(who, content).await, 61.0);
    }
}

#[tokio::test]
async fn an_earlier_client_left_open_does_not_take_the_listener_back() {
    for rig in rigs().await {
        let (kitchen, content) = (Who::new(), rig.world.content(None));
        let train = kitchen.elsewhere();
        old_put(&rig, kitchen, content, 600.0).await;
        // It asks where to go on, and goes on.
        assert_eq!(rig.get(train, &path(content)).await.1["position"], 600.0);
        assert_eq!(old_put(&rig, train, content, 1_800.0).await["accepted"], true);
        // The paused player in the kitchen says the same again and again.
        for _ in 0..3 {
            assert_eq!(old_put(&rig, kitchen, content, 600.0).await["accepted"], false);
        }
        assert_eq!(rig.position(train, content).await, 1_800.0);
        // Somebody presses play in the kitchen.
        assert_eq!(old_put(&rig, kitchen, content, 610.0).await["accepted"], true);
        assert_eq!(rig.position(train, content).await, 610.0);
    }
}

#[tokio::test]
async fn a_device_that_names_what_it_knows_is_answered_with_a_conflict() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(3_600_000)));
        let put = async |device: &str, position: f64, version: i64, clock: Value| {
            let body = json!({
                "position": position, "device_id": device, "base_version": version, "client_time": clock,
            });
            rig.put(who, &path(content), &body).await
        };
        let (status, saved) = put("phone", 600.0, 0, json!(1_000)).await;
        assert_eq!((status, &saved["version"]), (StatusCode::OK, &json!(1)));
        let (status, saved) = put("laptop", 900.0, 1, json!("2026-11-21T09:15:00Z")).await;
        assert_eq!((status, &saved["version"]), (StatusCode::OK, &json!(2)));
        // The phone has not heard of it; its clock is years ahead.
        let (status, conflict) = put("phone", 610.0, 1, json!("2031-01-01T00:00:00Z")).await;
        assert_eq!((status, &conflict["error"]["code"]), (StatusCode::CONFLICT, &json!("PROGRESS_CONFLICT")));
        let details = &conflict["error"]["details"];
        assert_eq!(details["reason"], "stale");
        assert_eq!(details["progress"]["position"], 900.0);
        assert_eq!(details["progress"]["version"], 2);
        assert_eq!(details["progress"]["device_id"], "laptop");
        // Now it knows.
        assert_eq!(put("phone", 910.0, 2, json!(5)).await.0, StatusCode::OK);
        let (status, conflict) = put("phone", 0.0, 3, json!(6)).await;
        assert_eq!(
            (status, &conflict["error"]["details"]["reason"]),
            (StatusCode::CONFLICT, &json!("starts_over"))
        );
        let on_purpose = json!({ "position": 0, "device_id": "phone", "base_version": 3, "seek": true });
        assert_eq!(rig.put(who, &path(content), &on_purpose).await.0, StatusCode::OK);
        assert_eq!(rig.position(who, content).await, 0.0);
    }
}

#[tokio::test]
async fn updates_that_come_at_the_same_time_are_judged_one_after_the_other() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        let rig = std::sync::Arc::new(rig);
        let mut tasks = tokio::task::JoinSet::new();
        for device in 0..16 {
            let rig = std::sync::Arc::clone(&rig);
            tasks.spawn(async move {
                let body =
                    json!({ "position": 100 + device, "device_id": format!("d{device}"), "base_version": 0 });
                rig.put(who, &path(content), &body).await.0
            });
        }
        let statuses = tasks.join_all().await;
        let won = statuses.iter().filter(|status| **status == StatusCode::OK).count();
        assert_eq!(won, 1, "all built on nothing, and only the first found nothing: {statuses:?}");
        assert_eq!(rig.get(who, &path(content)).await.1["version"], 1);
    }
}
