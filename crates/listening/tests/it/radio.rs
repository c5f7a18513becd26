use axum::http::StatusCode;
use serde_json::json;
use sori_contracts::StreamId;

use crate::rig::{Who, rigs};

const PATH: &str = "/api/v1/audio/progress";

#[tokio::test]
async fn a_position_of_a_session_is_one_of_its_content() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(3_600_000)));
        let session = rig.world.session(&who, content, Some("radio-app"));
        let body = json!({ "session_id": session, "position_ms": 900_000, "playing": true });
        let (status, saved) = rig.put(who, PATH, &body).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        assert_eq!((&saved["success"], &saved["version"]), (&json!(true), &json!(1)));
        assert_eq!((&saved["progress_percent"], &saved["device_id"]), (&json!(25), &json!("radio-app")));
        assert_eq!(rig.world.heard.lock().unwrap().last(), Some(&(session, Some(true))));
        assert_eq!(rig.position(who, content).await, 900.0);

        let zero = json!({ "session_id": session, "position_ms": 0 });
        let (status, saved) = rig.put(who, PATH, &zero).await;
        assert_eq!((status, &saved["accepted"]), (StatusCode::OK, &json!(false)));
        assert_eq!(saved["position_ms"], 900_000);
        let knowing = json!({ "session_id": session, "position_ms": 0, "base_version": 1 });
        let (status, conflict) = rig.put(who, PATH, &knowing).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(conflict["error"]["details"]["progress"]["position_ms"], 900_000);
    }
}

#[tokio::test]
async fn a_session_of_somebody_else_is_none() {
    for rig in rigs().await {
        let content = rig.world.content(None);
        let session = rig.world.session(&Who::new(), content, None);
        for session in [session, StreamId::generate()] {
            let body = json!({ "session_id": session, "position_ms": 5 });
            assert_eq!(rig.put(Who::new(), PATH, &body).await.0, StatusCode::NOT_FOUND);
        }
    }
}
