//! Routes.

use axum::http::StatusCode;
use sori_contracts::{JobId, JobState, NewJob, ScriptId};
use sori_db::JobQueue;

use crate::rig::{PATIENCE, body_json, play, quick, rigs, rigs_with};

#[tokio::test]
async fn a_list_pages_from_the_newest_and_filters_by_state_and_script() {
    for rig in rigs_with(quick(), PATIENCE).await {
        let script = ScriptId::generate();
        let mut ids = Vec::new();
        for n in 0..5 {
            let job = NewJob { script_id: (n == 2).then_some(script), ..play("succeed") };
            ids.push(rig.jobs.enqueue_now(job).await.unwrap().to_string());
        }
        rig.jobs.cancel(ids[4].parse().unwrap()).await.unwrap();
        ids.reverse();

        let page = body_json(rig.send("GET", "/v1/jobs?limit=3", &[]).await).await;
        let listed: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(listed, ids[..3]);
        let next = format!("/v1/jobs?limit=3&cursor={}", page["next_cursor"].as_str().unwrap());
        let page = body_json(rig.send("GET", &next, &[]).await).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert!(page["next_cursor"].is_null());

        let cancelled = body_json(rig.send("GET", "/v1/jobs?state=cancelled", &[]).await).await;
        assert_eq!(cancelled["items"].as_array().unwrap().len(), 1);
        let path = format!("/v1/jobs?state=queued&script_id={script}");
        let of_script = body_json(rig.send("GET", &path, &[]).await).await;
        assert_eq!(of_script["items"][0]["id"], ids[2].as_str());
        assert_eq!(rig.jobs.under_way_for(script).await.unwrap().len(), 1);

        for bad in ["/v1/jobs?state=asleep", "/v1/jobs?limit=0", "/v1/jobs?cursor=x", "/v1/jobs?script_id=x"]
        {
            assert_eq!(rig.send("GET", bad, &[]).await.status(), StatusCode::BAD_REQUEST, "{bad}");
        }
    }
}

#[tokio::test]
async fn a_failed_job_says_why_in_the_language_of_the_caller() {
    for rig in rigs().await {
        let id = rig.order("refuse").await;
        rig.ends(id).await;
        let path = format!("/v1/jobs/{id}");
        let korean = body_json(rig.send("GET", &path, &[("accept-language", "ko-KR")]).await).await;
        assert_eq!(korean["status"], "failed");
        assert_eq!(korean["error"]["message"], "연출된 오류입니다.");
        let english = body_json(rig.send("GET", &path, &[]).await).await;
        assert_eq!(english["error"]["message"], "It was played.");
        assert!(english["result"].is_null());
    }
}

#[tokio::test]
async fn delete_cancels_what_is_under_way_and_removes_what_is_finished_with_its_work() {
    for rig in rigs().await {
        let id = rig.order("until_told").await;
        rig.runs(id).await;
        let path = format!("/v1/jobs/{id}");
        let response = rig.send("DELETE", &path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(body_json(response).await["id"], id.to_string());
        assert_eq!(rig.ends(id).await.status, JobState::Cancelled);
        assert_eq!(rig.send("DELETE", &path, &[]).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(rig.send("DELETE", &path, &[]).await.status(), StatusCode::NOT_FOUND);

        let done = rig.order("succeed").await;
        let result = rig.ends(done).await.result;
        rig.send("DELETE", &format!("/v1/jobs/{done}"), &[]).await;
        assert_eq!(*rig.stage.discarded.lock().unwrap(), [(id, None), (done, result)]);
    }
}

#[tokio::test]
async fn retry_answers_202_409_or_404() {
    for rig in rigs().await {
        let (failed, done) = (rig.order("refuse").await, rig.order("succeed").await);
        rig.ends(failed).await;
        rig.ends(done).await;
        for (id, status) in [
            (failed, StatusCode::ACCEPTED),
            (done, StatusCode::CONFLICT),
            (JobId::generate(), StatusCode::NOT_FOUND),
        ] {
            let response = rig.send("POST", &format!("/v1/jobs/{id}/retry"), &[]).await;
            assert_eq!(response.status(), status);
        }
        assert_eq!(rig.send("GET", "/v1/jobs/not-an-id", &[]).await.status(), StatusCode::NOT_FOUND);
    }
}
