use axum::http::StatusCode;
use serde_json::json;
use sori_contracts::{ContentId, Resumes as _};

use crate::rig::{Who, rigs};

#[tokio::test]
async fn speed_and_repeat_are_remembered_for_each_content() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let path = format!("/v1/playback/{content}");
        let (status, nothing) = rig.get(who, &path).await;
        assert_eq!(
            (status, &nothing["speed"], &nothing["loop"]),
            (StatusCode::OK, &json!(1.0), &json!(null))
        );
        let order = json!({ "speed": 1.25, "loop": { "start_ms": 1_000, "end_ms": 4_500 } });
        assert_eq!(rig.put(who, &path, &order).await.0, StatusCode::OK);
        let (_, kept) = rig.get(who, &path).await;
        assert_eq!((&kept["speed"], &kept["loop"]), (&order["speed"], &order["loop"]));
        assert_eq!(rig.put(who, &path, &json!({ "speed": 0.75 })).await.1["loop"], json!(null));
        assert_eq!(rig.get(Who::new(), &path).await.1["speed"], 1.0);
        let resume = rig.listening.resume(who.account, content).await.unwrap();
        assert_eq!((resume.speed, resume.position_ms, resume.version), (0.75, 0, 0));
    }
}

#[tokio::test]
async fn spans_and_speeds_that_cannot_be_played_are_refused() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let path = format!("/v1/playback/{content}");
        for order in [
            json!({ "speed": 0 }),
            json!({ "speed": 100 }),
            json!({ "speed": 1, "loop": { "start_ms": 5, "end_ms": 5 } }),
            json!({ "speed": 1, "loop": { "start_ms": 5, "end_ms": 60_001 } }),
            json!({ "speed": 1, "loop": { "start_ms": -5, "end_ms": 6 } }),
            json!({}),
        ] {
            assert_eq!(rig.put(who, &path, &order).await.0, StatusCode::BAD_REQUEST, "{order}");
        }
        let elsewhere = format!("/v1/playback/{}", ContentId::generate());
        assert_eq!(rig.put(who, &elsewhere, &json!({ "speed": 1 })).await.0, StatusCode::NOT_FOUND);
        assert_eq!(rig.get(who, &elsewhere).await.0, StatusCode::NOT_FOUND);
    }
}
