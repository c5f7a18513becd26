use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sori_contracts::{Kind, PersonalData as _};

use crate::rig::{Rig, Who, rigs};

const PATH: &str = "/v1/clips";

async fn ordered(rig: &Rig, who: Who, order: &Value) -> (Value, String) {
    let (status, clip) = rig.post(who, PATH, order).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{clip}");
    let path = format!("{PATH}/{}", clip["id"].as_str().unwrap());
    (clip, path)
}

fn stored(rig: &Rig) -> usize {
    rig.world.stored.lock().unwrap().len()
}

#[tokio::test]
async fn a_clip_is_ordered_cut_and_removed() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let order = json!({ "content_id": content, "start_ms": 1_500, "end_ms": 2_500, "title": "Two" });
        let (clip, path) = ordered(&rig, who, &order).await;
        assert_eq!((&clip["status"], &clip["files"]), (&json!("cutting"), &json!([])));
        assert!(clip["job_id"].is_string());
        let captions = format!("{path}/captions/vtt");
        assert_eq!(rig.get(who, &captions).await.0, StatusCode::NOT_FOUND);

        rig.work(1).await.unwrap();
        let (status, clip) = rig.get(who, &path).await;
        assert_eq!(
            (status, &clip["status"], &clip["title"]),
            (StatusCode::OK, &json!("ready"), &json!("Two"))
        );
        assert_eq!(clip["files"][0]["format"], "m4a");
        assert_eq!(clip["files"][1]["url"], format!("{path}/file/wav"));
        let (status, said) = rig.get(who, &format!("{path}/captions/json")).await;
        assert_eq!(status, StatusCode::OK);
        let cues: Vec<_> = said["cues"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cue| {
                (
                    cue["start_ms"].as_u64().unwrap(),
                    cue["end_ms"].as_u64().unwrap(),
                    cue["text"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(cues, [(0, 500, "Two."), (500, 1_000, "Three.")]);
        assert_eq!(rig.get(who, &format!("{path}/captions/mp3")).await.0, StatusCode::NOT_FOUND);

        let (_, list) = rig.get(who, PATH).await;
        assert_eq!(list["items"], json!([clip]));
        assert_eq!(rig.get(Who::new(), PATH).await.1["items"], json!([]));
        // Who may see the source may see the clip, and not remove it.
        assert_eq!(rig.get(Who::new(), &path).await.0, StatusCode::OK);
        assert_eq!(rig.ask(Who::new(), Method::DELETE, &path, None).await.0, StatusCode::FORBIDDEN);
        assert_eq!(stored(&rig), 2);
        assert_eq!(rig.ask(who, Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(stored(&rig), 0);
        assert_eq!(rig.ask(who, Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_clip_is_for_those_who_may_hear_its_source() {
    for rig in rigs().await {
        let who = Who::new();
        let content = rig.world.content_for(Some(60_000), Some(who.account));
        let (_, path) =
            ordered(&rig, who, &json!({ "content_id": content, "start_ms": 0, "end_ms": 900 })).await;
        rig.work(1).await.unwrap();
        let stranger = Who::new();
        for path in [path.clone(), format!("{path}/captions/vtt")] {
            assert_eq!(rig.get(stranger, &path).await.0, StatusCode::NOT_FOUND);
        }
        assert_eq!(rig.ask(stranger, Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND);
        rig.world.remove(content);
        assert_eq!(rig.get(who, &path).await.0, StatusCode::NOT_FOUND);
        // Gone for good.
        rig.listening.forget_content(content).await.unwrap();
        rig.listening.forget_content(content).await.unwrap();
        assert_eq!((stored(&rig), rig.get(who, PATH).await.1["items"].clone()), (0, json!([])));
    }
}

#[tokio::test]
async fn cutting_twice_is_cutting_once_and_what_was_removed_leaves_nothing() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let order = json!({ "content_id": content, "start_ms": 0, "end_ms": 900 });
        let (_, path) = ordered(&rig, who, &order).await;
        let again = rig.world.jobs.lock().unwrap()[0].clone();
        rig.work(1).await.unwrap();
        rig.world.jobs.lock().unwrap().push(again.clone());
        rig.work(2).await.unwrap();
        assert_eq!(stored(&rig), 2);
        rig.ask(who, Method::DELETE, &path, None).await;
        rig.world.jobs.lock().unwrap().push(again);
        rig.work(3).await.unwrap();
        assert_eq!(stored(&rig), 0);
    }
}

#[tokio::test]
async fn a_cut_that_cannot_succeed_says_so_and_one_that_may_waits() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let order = json!({ "content_id": content, "start_ms": 0, "end_ms": 900 });
        for (kind, attempt, status) in [
            (Kind::Unavailable, 1, "cutting"),
            (Kind::Unavailable, 3, "failed"),
            (Kind::Invalid, 1, "failed"),
        ] {
            let (_, path) = ordered(&rig, who, &order).await;
            *rig.world.refuses.lock().unwrap() = Some(kind);
            assert!(rig.work(attempt).await.is_err());
            assert_eq!(rig.get(who, &path).await.1["status"], status, "{kind:?} {attempt}");
        }
        *rig.world.refuses.lock().unwrap() = None;
    }
}

#[tokio::test]
async fn spans_that_are_no_clips_are_refused() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(3_600_000)));
        let order = |start_ms: i64, end_ms: i64| json!({ "content_id": content, "start_ms": start_ms, "end_ms": end_ms });
        for order in [
            order(5, 5),
            order(500, 400),
            order(0, 99),
            order(0, 600_001),
            order(3_599_000, 3_600_001),
            order(-1, 1_000),
            json!({ "content_id": content, "start_ms": 0, "end_ms": 900, "title": "x".repeat(201) }),
        ] {
            assert_eq!(rig.post(who, PATH, &order).await.0, StatusCode::BAD_REQUEST, "{order}");
        }
        let nowhere =
            json!({ "content_id": sori_contracts::ContentId::generate(), "start_ms": 0, "end_ms": 900 });
        assert_eq!(rig.post(who, PATH, &nowhere).await.0, StatusCode::NOT_FOUND);
        assert!(rig.world.jobs.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_clip_of_a_clip_is_one_of_its_source() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        let (clip, _) =
            ordered(&rig, who, &json!({ "content_id": content, "start_ms": 10_000, "end_ms": 20_000 })).await;
        let (inner, _) =
            ordered(&rig, who, &json!({ "content_id": clip["id"], "start_ms": 1_000, "end_ms": 2_000 }))
                .await;
        assert_eq!(inner["content_id"], json!(content));
        assert_eq!((&inner["start_ms"], &inner["end_ms"]), (&json!(11_000), &json!(12_000)));
        let beyond = json!({ "content_id": clip["id"], "start_ms": 9_000, "end_ms": 10_001 });
        assert_eq!(rig.post(who, PATH, &beyond).await.0, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn who_leaves_takes_their_clips_along() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(60_000)));
        ordered(&rig, who, &json!({ "content_id": content, "start_ms": 0, "end_ms": 900 })).await;
        rig.work(1).await.unwrap();
        assert_eq!(rig.listening.export(who.account).await.unwrap()["clips"].as_array().unwrap().len(), 1);
        rig.listening.forget(who.account).await.unwrap();
        assert_eq!(stored(&rig), 0);
        assert_eq!(rig.listening.export(who.account).await.unwrap()["clips"], json!([]));
    }
}
