//! What was heard without a connection.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sori_contracts::ContentId;
use uuid::Uuid;

use crate::rig::{Rig, Who, rigs};

const PATH: &str = "/v1/progress/replay";

async fn live(rig: &Rig, who: Who, content: ContentId, device: &str, position: f64, version: i64) {
    let body = json!({ "position": position, "device_id": device, "base_version": version });
    let (status, saved) = rig.put(who, &format!("/api/progress/{content}"), &body).await;
    assert_eq!(status, StatusCode::OK, "{saved}");
}

fn entry(content: ContentId, position_ms: u64, client_time: i64, base_version: i64) -> Value {
    json!({
        "id": Uuid::now_v7(), "content_id": content, "position_ms": position_ms,
        "client_time": client_time, "base_version": base_version,
    })
}

fn outcomes(answer: &Value) -> Vec<&str> {
    answer["entries"].as_array().unwrap().iter().map(|entry| entry["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_hour_on_a_train_is_kept_whatever_the_clock_says() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(7_200_000)));
        live(&rig, who, content, "phone", 600.0, 0).await;
        for clock in [1_795_252_500_000_i64, 0, -1, 4_000_000_000_000] {
            let base = rig.get(who, &format!("/api/progress/{content}?device_id=phone")).await.1;
            let (base, at_ms) =
                (base["version"].as_i64().unwrap(), base["position"].as_f64().unwrap() * 1_000.0);
            let first = at_ms as u64 + 1_000;
            let batch = json!({
                "device_id": "tablet", "sent_at": clock,
                "entries": [entry(content, first, clock - 2, base), entry(content, first + 5_000, clock - 1, base)],
            });
            let (status, answer) = rig.post(who, PATH, &batch).await;
            // What the phone said was said before these milliseconds, or in them: then it is not older.
            assert_eq!(status, StatusCode::OK, "{answer}");
            let stands = rig.position(who, content).await;
            if outcomes(&answer) == ["accepted", "accepted"] {
                assert_eq!(stands, (first + 5_000) as f64 / 1_000.0);
            }
            // Told again, whole: nothing changes.
            let (_, again) = rig.post(who, PATH, &batch).await;
            assert!(outcomes(&again).iter().all(|outcome| *outcome == "known"), "{again}");
            assert_eq!(rig.position(who, content).await, stands);
        }
    }
}

#[tokio::test]
async fn of_two_devices_the_one_listened_on_later_wins() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(7_200_000)));
        live(&rig, who, content, "phone", 600.0, 0).await;
        live(&rig, who, content, "laptop", 1_800.0, 1).await;
        // Heard a day ago, by a clock that is a year ahead.
        let clock = 1_830_000_000_000_i64;
        let day_ms = 86_400_000;
        let old = json!({
            "device_id": "phone", "sent_at": clock,
            "entries": [entry(content, 1_200_000, clock - day_ms, 1), entry(content, 1_300_000, clock - day_ms + 1, 2)],
        });
        let (status, answer) = rig.post(who, PATH, &old).await;
        assert_eq!((status, outcomes(&answer)), (StatusCode::OK, vec!["lost", "lost"]));
        assert_eq!(answer["progress"][0]["position_ms"], 1_800_000);
        // It is in the log, and can be had back.
        let (status, back) = rig.post(who, &format!("/v1/progress/{content}/undo"), &json!({})).await;
        assert_eq!((status, &back["position_ms"]), (StatusCode::OK, &json!(1_300_000)));
    }
}

#[tokio::test]
async fn entries_out_of_order_count_by_their_time() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(7_200_000)));
        let clock = 1_000_000_000;
        let batch = json!({
            "device_id": "phone", "sent_at": clock,
            "entries": [
                entry(content, 900_000, clock - 1_000, 0),
                entry(content, 300_000, clock - 601_000, 0),
                entry(content, 600_000, clock - 301_000, 0),
            ],
        });
        let (status, answer) = rig.post(who, PATH, &batch).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["progress"][0]["position_ms"], 900_000);
        assert_eq!(answer["progress"][0]["version"], 3);
    }
}

#[tokio::test]
async fn what_no_longer_exists_does_not_hold_up_the_rest() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        let batch = json!({
            "sent_at": 10,
            "entries": [entry(ContentId::generate(), 5, 1, 0), entry(content, 300_000, 2, 0)],
        });
        let (status, answer) = rig.post(who, PATH, &batch).await;
        assert_eq!((status, outcomes(&answer)), (StatusCode::OK, vec!["not_found", "accepted"]));
        assert_eq!(rig.post(who, PATH, &json!({ "sent_at": 10, "entries": [] })).await.0, StatusCode::OK);
        let many: Vec<Value> = (0..201).map(|n| entry(content, n, n as i64, 0)).collect();
        let (status, _) = rig.post(who, PATH, &json!({ "sent_at": 10, "entries": many })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let mut endless = entry(content, 5, 1, 0);
        endless["duration_ms"] = json!(u64::MAX);
        let (status, _) = rig.post(who, PATH, &json!({ "sent_at": 10, "entries": [endless] })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn replays_of_two_devices_at_once_end_in_one_order() {
    for rig in rigs().await {
        let who = Who::new();
        let contents: Vec<ContentId> = (0..8).map(|_| rig.world.content(None)).collect();
        let rig = std::sync::Arc::new(rig);
        let mut tasks = tokio::task::JoinSet::new();
        for device in ["phone", "laptop", "tablet", "radio"] {
            let rig = std::sync::Arc::clone(&rig);
            let mut contents = contents.clone();
            if device.len() > 5 {
                contents.reverse();
            }
            tasks.spawn(async move {
                let entries: Vec<Value> =
                    contents.iter().map(|content| entry(*content, 300_000, 5, 0)).collect();
                let batch = json!({ "device_id": device, "sent_at": 10, "entries": entries });
                rig.post(who, PATH, &batch).await
            });
        }
        for (status, answer) in tasks.join_all().await {
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
    }
}
