//! Whose job it is.

use axum::http::StatusCode;
use sori_contracts::{AccountId, Caller, JobId, JobState, NewJob, PersonalData as _, Role, ScriptId};
use sori_db::JobQueue as _;

use crate::rig::{PATIENCE, Rig, body_json, caller, play, quick, rigs, rigs_with};

async fn order_for(rig: &Rig, owner: Option<AccountId>, act: &str) -> JobId {
    rig.jobs.enqueue_now(NewJob { owner, ..play(act) }).await.unwrap()
}

#[tokio::test]
async fn anothers_job_is_no_job_on_every_route() {
    for rig in rigs().await {
        let (me, other) = (AccountId::generate(), AccountId::generate());
        let job = order_for(&rig, Some(me), "refuse").await;
        let server_job = order_for(&rig, None, "refuse").await;
        rig.ends(job).await;
        rig.ends(server_job).await;
        let missing = JobId::generate();
        for (method, rest) in [("GET", ""), ("GET", "/events"), ("POST", "/retry"), ("DELETE", "")] {
            let answer = async |caller: Caller, id: JobId| {
                let response = rig.send_as(caller, method, &format!("/v1/jobs/{id}{rest}"), &[]).await;
                let problem = response.extensions().get::<sori_http::Problem>().map(|p| p.fault().code());
                (response.status(), problem)
            };
            let not_there = (StatusCode::NOT_FOUND, Some("JOB_NOT_FOUND"));
            for role in [Role::Learner, Role::Teacher, Role::Editor] {
                assert_eq!(answer(caller(other, role), job).await, not_there, "{method} {rest} {role:?}");
                assert_eq!(answer(caller(other, role), server_job).await, not_there);
            }
            assert_eq!(answer(Caller::Visitor, job).await, not_there, "{method} {rest}");
            assert_eq!(answer(Caller::Visitor, server_job).await, not_there, "{method} {rest}");
            assert_eq!(answer(caller(me, Role::Learner), missing).await, not_there);
        }
        for (role, account) in [(Role::Learner, me), (Role::Admin, other)] {
            let path = format!("/v1/jobs/{job}");
            assert_eq!(rig.send_as(caller(account, role), "GET", &path, &[]).await.status(), StatusCode::OK);
        }
        assert_eq!(rig.jobs.get(job).await.unwrap().status, JobState::Failed, "nobody else could retry it");
    }
}

#[tokio::test]
async fn a_list_has_the_callers_jobs_and_an_admin_sees_all() {
    for rig in rigs_with(quick(), PATIENCE).await {
        let (me, other) = (AccountId::generate(), AccountId::generate());
        let mine = order_for(&rig, Some(me), "succeed").await;
        let theirs = order_for(&rig, Some(other), "succeed").await;
        let servers = order_for(&rig, None, "succeed").await;
        let listed = async |caller: Caller| {
            let page = body_json(rig.send_as(caller, "GET", "/v1/jobs", &[]).await).await;
            let items = page["items"].as_array().unwrap();
            items.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed(caller(me, Role::Editor)).await, [mine.to_string()]);
        assert_eq!(listed(caller(other, Role::Learner)).await, [theirs.to_string()]);
        let all = [servers, theirs, mine].map(|id| id.to_string());
        assert_eq!(listed(caller(AccountId::generate(), Role::Admin)).await, all);
        let refused = rig.send_as(Caller::Visitor, "GET", "/v1/jobs", &[]).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn who_leaves_takes_the_jobs_along() {
    for rig in rigs().await {
        let (me, other) = (AccountId::generate(), AccountId::generate());
        let done = order_for(&rig, Some(me), "succeed").await;
        rig.ends(done).await;
        let of_script = NewJob { owner: Some(me), script_id: Some(ScriptId::generate()), ..play("succeed") };
        let of_script = rig.jobs.enqueue_now(of_script).await.unwrap();
        rig.ends(of_script).await;
        let running = order_for(&rig, Some(me), "until_told").await;
        rig.runs(running).await;
        let theirs = order_for(&rig, Some(other), "succeed").await;
        rig.ends(theirs).await;

        let exported = rig.jobs.export(me).await.unwrap();
        let ids: Vec<_> =
            exported.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [running, of_script, done].map(|id| id.to_string()));

        rig.jobs.forget(me).await.unwrap();
        rig.jobs.forget(me).await.unwrap();
        assert!(rig.jobs.get(done).await.is_err());
        assert!(rig.jobs.get(of_script).await.is_err());
        assert_eq!(rig.jobs.export(me).await.unwrap(), serde_json::json!([]));
        assert_eq!(rig.ends(running).await.status, JobState::Cancelled);
        let discarded = rig.stage.discarded.lock().unwrap().iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert_eq!(discarded, [done], "what was made for a script is the script's");
        assert_eq!(rig.jobs.get(theirs).await.unwrap().status, JobState::Succeeded);
    }
}
