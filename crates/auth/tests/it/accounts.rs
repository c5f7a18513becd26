//! How accounts begin, change and are looked after.

use axum::http::{Method, Request};
use serde_json::{Value, json};
use sori_auth::{SignUp, Status};
use sori_contracts::Role;

use crate::scene::{PASSWORD, Scene, scenes, scenes_with};

fn person(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "Kim Minji", "language": "ko" })
}

async fn setup_token(scene: &Scene) -> Option<String> {
    let link = scene.auth.setup_link().await.unwrap()?;
    Some(link.strip_prefix("/#/setup?token=").unwrap().to_owned())
}

fn with_token(email: &str, token: &str) -> Value {
    let mut body = person(email);
    body["token"] = token.into();
    body
}

#[tokio::test]
async fn the_first_admin_comes_in_by_the_link_and_nobody_after_them() {
    for scene in scenes().await {
        let options = scene.get("/api/auth/options", "").await.is(200);
        assert_eq!((&options["needs_setup"], &options["sign_up"]), (&json!(true), &json!("approval")));
        let (first, second) = (setup_token(&scene).await.unwrap(), setup_token(&scene).await.unwrap());
        let wrong = with_token("a@b.c", &"0".repeat(64));
        scene.post("/api/auth/setup", "", wrong).await.fails(400, "AUTH_LINK_INVALID");
        let answer = scene.post("/api/auth/setup", "", with_token("a@b.c", &first)).await.is(201);
        assert_eq!(answer["user"]["role"], "admin");
        let token = answer["access_token"].as_str().unwrap();
        assert_eq!(scene.identify(token).await.unwrap().role, Role::Admin);
        for used in [first, second] {
            scene
                .post("/api/auth/setup", "", with_token("d@e.f", &used))
                .await
                .fails(400, "AUTH_LINK_INVALID");
        }
        assert_eq!(setup_token(&scene).await, None);
        assert_eq!(scene.get("/api/auth/options", "").await.is(200)["needs_setup"], false);
    }
}

#[tokio::test]
async fn of_two_who_race_for_the_link_one_becomes_admin() {
    for scene in scenes().await {
        let (first, second) = (setup_token(&scene).await.unwrap(), setup_token(&scene).await.unwrap());
        let (one, two) = tokio::join!(
            scene.post("/api/auth/setup", "", with_token("a@b.c", &first)),
            scene.post("/api/auth/setup", "", with_token("d@e.f", &second)),
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400], "{} {}", one.body, two.body);
    }
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    for scene in scenes().await {
        let token = setup_token(&scene).await.unwrap();
        scene.pass_ms(24 * 60 * 60 * 1000 + 1);
        scene.post("/api/auth/setup", "", with_token("a@b.c", &token)).await.fails(400, "AUTH_LINK_INVALID");
    }
}

#[tokio::test]
async fn who_may_sign_up_is_a_setting() {
    for scene in scenes_with(|config| config.sign_up = SignUp::Open).await {
        let answer = scene.post("/api/auth/sign-up", "", person("a@b.c")).await.is(201);
        assert_eq!(
            (&answer["user"]["role"], &answer["user"]["status"]),
            (&json!("learner"), &json!("active"))
        );
        scene.post("/api/auth/sign-up", "", person("A@B.C")).await.fails(409, "AUTH_EMAIL_TAKEN");
    }
    for scene in scenes_with(|config| config.sign_up = SignUp::Closed).await {
        scene.post("/api/auth/sign-up", "", person("a@b.c")).await.fails(403, "AUTH_SIGN_UP_CLOSED");
        scene.sign_in("a@b.c", PASSWORD).await.fails(401, "AUTH_SIGN_IN_FAILED");
    }
}

#[tokio::test]
async fn a_class_signs_up_from_one_school() {
    for scene in scenes_with(|config| config.sign_up = SignUp::Open).await {
        for n in 0..40 {
            let request = Request::builder().method(Method::POST).uri("/api/auth/sign-up");
            let body = Some(person(&format!("pupil{n}@school.kr")));
            scene.send(request.header("x-test-address", "192.0.2.1"), body).await.is(201);
        }
    }
}

#[tokio::test]
async fn an_admin_lets_people_in() {
    for scene in scenes().await {
        let (_, admin) = scene.signed_in("admin@b.c", Role::Admin).await;
        let waiting = scene.post("/api/auth/sign-up", "", person("a@b.c")).await.is(202);
        assert_eq!(waiting, json!({ "status": "pending" }));
        // Who asks twice, or for somebody else's address, learns nothing by it.
        assert_eq!(scene.post("/api/auth/sign-up", "", person("A@b.c")).await.is(202), waiting);
        scene.sign_in("a@b.c", PASSWORD).await.fails(403, "AUTH_USER_PENDING");
        scene.sign_in("a@b.c", "not the password").await.fails(401, "AUTH_SIGN_IN_FAILED");

        let pending = scene.get("/api/admin/accounts?status=pending", &admin.access_token).await.is(200);
        assert_eq!(pending["items"].as_array().unwrap().len(), 1);
        let id = pending["items"][0]["id"].as_str().unwrap();
        let path = format!("/api/admin/accounts/{id}");
        let approve = Some(json!({ "status": "active", "role": "teacher" }));
        let user = scene.ask(Method::PATCH, &path, &admin.access_token, approve).await.is(200);
        assert_eq!((&user["status"], &user["role"]), (&json!("active"), &json!("teacher")));
        let session = scene.sign_in("a@b.c", PASSWORD).await.is(200);
        assert_eq!(session["user"]["language"], "ko");
    }
}

#[tokio::test]
async fn another_role_and_a_suspension_count_from_the_next_request_on() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Teacher).await;
        scene.account("admin@b.c", Role::Admin).await;
        assert_eq!(scene.identify(&tokens.access_token).await.unwrap().role, Role::Teacher);
        let set = |role, status| {
            let accounts = scene.auth.accounts();
            async move {
                accounts.set_role_and_status(account.id, role, status, Default::default()).await.unwrap()
            }
        };
        set(Some(Role::Learner), None).await;
        assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
        let (_, renewed) = scene.auth.sessions().refresh(&tokens.refresh_token, None).await.unwrap();
        assert_eq!(scene.identify(&renewed.access_token).await.unwrap().role, Role::Learner);

        set(None, Some(Status::Suspended)).await;
        assert_eq!(scene.identify(&renewed.access_token).await, Err("AUTH_USER_SUSPENDED"));
        let body = json!({ "refresh_token": renewed.refresh_token });
        scene.post("/api/auth/refresh", "", body).await.fails(403, "AUTH_USER_SUSPENDED");
        scene.sign_in("a@b.c", PASSWORD).await.fails(403, "AUTH_USER_SUSPENDED");

        set(None, Some(Status::Active)).await;
        assert_eq!(scene.identify(&renewed.access_token).await, Err("AUTH_INVALID_TOKEN"));
        scene.sign_in("a@b.c", PASSWORD).await.is(200);
    }
}

#[tokio::test]
async fn the_last_admin_stays() {
    for scene in scenes().await {
        let (admin, tokens) = scene.signed_in("admin@b.c", Role::Admin).await;
        let path = format!("/api/admin/accounts/{}", admin.id);
        for change in [json!({ "role": "editor" }), json!({ "status": "suspended" })] {
            let answer = scene.ask(Method::PATCH, &path, &tokens.access_token, Some(change)).await;
            answer.fails(409, "AUTH_LAST_ADMIN");
        }
        scene.ask(Method::DELETE, "/api/me", &tokens.access_token, None).await.fails(409, "AUTH_LAST_ADMIN");

        let other = scene.account("other@b.c", Role::Admin).await;
        let demote = |id| {
            let accounts = scene.auth.accounts();
            accounts.set_role_and_status(id, Some(Role::Editor), None, Default::default())
        };
        let (one, two) = tokio::join!(demote(admin.id), demote(other.id));
        assert!(one.is_ok() != two.is_ok(), "one of two who demote each other stays");
    }
}

#[tokio::test]
async fn people_are_found_by_parts_of_their_names() {
    for scene in scenes().await {
        let (_, admin) = scene.signed_in("admin@b.c", Role::Admin).await;
        for n in 0..5 {
            scene.account(&format!("Learner_{n}@school.kr"), Role::Learner).await;
        }
        let count = |page: &Value| page["items"].as_array().unwrap().len();
        let find = async |query: &str| {
            scene.get(&format!("/api/admin/accounts?{query}"), &admin.access_token).await.is(200)
        };
        assert_eq!(count(&find("q=learner_").await), 5);
        assert_eq!(count(&find("q=SOMEBODY").await), 6);
        assert_eq!(count(&find("q=learnerx").await), 0, "_ stands for itself");
        assert_eq!(count(&find("q=%25").await), 0, "and so does %");
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = find(&format!("limit=2{next}")).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|user| user["email"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(seen.len(), 6);
        seen.dedup();
        assert_eq!(seen.len(), 6, "each once");
        let wrong = scene.get("/api/admin/accounts?status=gone", &admin.access_token).await;
        wrong.fails(400, "FIELD_INVALID");
    }
}

#[tokio::test]
async fn a_person_changes_their_name_and_password() {
    for scene in scenes().await {
        let (account, here) = scene.signed_in("a@b.c", Role::Learner).await;
        let elsewhere = scene.tokens(&account).await;
        let patch = Some(json!({ "name": " 김민지 ", "language": "ko" }));
        let me = scene.ask(Method::PATCH, "/api/me", &here.access_token, patch).await.is(200);
        assert_eq!((&me["name"], &me["language"]), (&json!("김민지"), &json!("ko")));
        for wrong in [json!({ "name": "" }), json!({ "language": "fr" }), json!({ "name": "a\nb" })] {
            scene
                .ask(Method::PATCH, "/api/me", &here.access_token, Some(wrong))
                .await
                .fails(400, "FIELD_INVALID");
        }

        let change = |current: &str, new: &str| json!({ "current": current, "new": new });
        let path = "/api/auth/password";
        let weak = scene.post(path, &here.access_token, change(PASSWORD, "password123")).await;
        weak.fails(400, "AUTH_PASSWORD_WEAK");
        assert_eq!(weak.body["error"]["details"]["reason"], "common");
        let wrong = scene.post(path, &here.access_token, change("something else", "green bus 7 hums")).await;
        wrong.fails(403, "AUTH_PASSWORD_WRONG");
        scene.post(path, &here.access_token, change(PASSWORD, "green bus 7 hums")).await.is(204);
        scene.sign_in("a@b.c", PASSWORD).await.fails(401, "AUTH_SIGN_IN_FAILED");
        scene.sign_in("a@b.c", "green bus 7 hums").await.is(200);
        let refresh = async |tokens: &sori_auth::Tokens| {
            scene.auth.sessions().refresh(&tokens.refresh_token, None).await.is_ok()
        };
        assert!(refresh(&here).await, "this device goes on");
        assert!(!refresh(&elsewhere).await, "the others do not");
    }
}

#[tokio::test]
async fn a_reset_link_is_good_once_and_signs_everybody_out() {
    for scene in scenes().await {
        let (_, admin) = scene.signed_in("admin@b.c", Role::Admin).await;
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let path = format!("/api/admin/accounts/{}/reset-link", account.id);
        let link = async || {
            let answer = scene.ask(Method::POST, &path, &admin.access_token, None).await;
            assert_eq!(answer.headers["cache-control"], "no-store");
            let url = answer.is(201)["url"].as_str().unwrap().to_owned();
            url.strip_prefix("/#/reset?token=").unwrap().to_owned()
        };
        let reset = async |token: &str| {
            let body = json!({ "token": token, "new": "green bus 7 hums" });
            scene.post("/api/auth/password/reset", "", body).await
        };
        let (old, token) = (link().await, link().await);
        reset(&old).await.fails(400, "AUTH_LINK_INVALID");
        let (one, two) = tokio::join!(reset(&token), reset(&token));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400]);
        assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
        assert!(scene.auth.sessions().refresh(&tokens.refresh_token, None).await.is_err());
        scene.sign_in("a@b.c", "green bus 7 hums").await.is(200);
    }
}

#[tokio::test]
async fn an_admin_makes_an_account_whose_owner_chooses_the_password() {
    for scene in scenes().await {
        let (_, admin) = scene.signed_in("admin@b.c", Role::Admin).await;
        let order = json!({ "email": "t@b.c", "name": "Teacher", "role": "teacher" });
        let made = scene.post("/api/admin/accounts", &admin.access_token, order.clone()).await.is(201);
        assert_eq!(
            (&made["user"]["role"], &made["user"]["has_password"]),
            (&json!("teacher"), &json!(false))
        );
        let token = made["url"].as_str().unwrap().rsplit_once('=').unwrap().1;
        let body = json!({ "token": token, "new": PASSWORD });
        scene.post("/api/auth/password/reset", "", body).await.is(204);
        scene.sign_in("T@b.c", PASSWORD).await.is(200);
        scene.post("/api/admin/accounts", &admin.access_token, order).await.fails(409, "AUTH_EMAIL_TAKEN");
    }
}
