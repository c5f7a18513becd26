use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::ContentId;

use crate::rig::{Rig, Who, rigs};

async fn play(rig: &Rig, who: Who, content: ContentId, device: &str, position: f64) {
    let body = json!({ "position": position, "device_id": device, "playing": true, "speed": 1.5 });
    assert_eq!(rig.put(who, &format!("/api/progress/{content}"), &body).await.0, StatusCode::OK);
}

async fn devices(rig: &Rig, who: Who) -> Vec<Value> {
    rig.get(who, "/v1/devices").await.1["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn devices_are_known_by_what_they_play() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        assert_eq!(devices(&rig, who).await, Vec::<Value>::new());
        play(&rig, who, content, "phone", 60.0).await;
        let known = devices(&rig, who).await;
        assert_eq!((known.len(), &known[0]["id"], &known[0]["online"]), (1, &json!("phone"), &json!(false)));
        let playing = &known[0]["now_playing"];
        assert_eq!((&playing["content_id"], &playing["playing"]), (&json!(content), &json!(true)));
        assert_eq!((&playing["position_ms"], &playing["speed"]), (&json!(60_000), &json!(1.5)));
        // One that names itself nothing is known by its sign-in.
        let old = json!({ "position": 90 });
        rig.put(who, &format!("/api/progress/{content}"), &old).await;
        let known = devices(&rig, who).await;
        assert!(known.iter().any(|device| device["id"] == format!("session:{}", who.session)), "{known:?}");
        assert_eq!(devices(&rig, Who::new()).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn asking_with_ever_new_names_fills_nothing() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        play(&rig, who, content, "phone", 60.0).await;
        for n in 0..60 {
            let path = format!("/api/progress/{content}?device_id=asks-{n}");
            assert_eq!(rig.get(who, &path).await.0, StatusCode::OK);
        }
        assert_eq!(devices(&rig, who).await.len(), 50);
        let told = rig.database.db.query("SELECT COUNT(*) FROM listening_told WHERE account_id = $1");
        assert!(told.bind(who.account).scalar::<i64>().await.unwrap() <= 50);
    }
}

#[tokio::test]
async fn a_device_is_named_and_forgotten() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        play(&rig, who, content, "phone", 60.0).await;
        let patch =
            async |who: Who, body: Value| rig.ask(who, Method::PATCH, "/v1/devices/phone", Some(&body)).await;
        let (status, device) = patch(who, json!({ "name": " 내 전화 " })).await;
        assert_eq!((status, &device["name"]), (StatusCode::OK, &json!("내 전화")));
        assert_eq!(patch(who, json!({ "name": "a\u{0}b" })).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(patch(Who::new(), json!({ "name": "mine" })).await.0, StatusCode::NOT_FOUND);
        let delete = async |who: Who| rig.ask(who, Method::DELETE, "/v1/devices/phone", None).await.0;
        assert_eq!(delete(Who::new()).await, StatusCode::NOT_FOUND);
        assert_eq!(delete(who).await, StatusCode::NO_CONTENT);
        assert_eq!(delete(who).await, StatusCode::NOT_FOUND);
        assert_eq!(rig.position(who, content).await, 60.0);
    }
}

#[tokio::test]
async fn only_so_many_devices_are_remembered() {
    for rig in rigs().await {
        let who = Who::new();
        for n in 0..55 {
            let content = rig.world.content(None);
            play(&rig, who, content, &format!("device-{n}"), 60.0 + f64::from(n)).await;
        }
        let known = devices(&rig, who).await;
        assert_eq!(known.len(), 50);
        assert!(known.iter().any(|device| device["id"] == "device-54"));
    }
}
