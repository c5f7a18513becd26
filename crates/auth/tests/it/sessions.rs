//! Devices: tokens that change, tokens that come twice, and going out.

use axum::http::{Method, Request, header};
use futures::future::join_all;
use serde_json::json;
use sori_auth::{RootKey, Roots};
use sori_contracts::Role;

use crate::scene::{PASSWORD, scenes};

const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

#[tokio::test]
async fn an_access_token_ends_and_a_refresh_token_makes_the_next() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let member = scene.identify(&tokens.access_token).await.unwrap();
        assert_eq!(member.account, account.id);
        scene.pass_ms(10 * MINUTE_MS - 1_000);
        assert!(scene.identify(&tokens.access_token).await.is_ok());
        scene.pass_ms(1_001);
        assert_eq!(
            scene.identify(&tokens.access_token).await,
            Err("AUTH_INVALID_TOKEN"),
            "though it is cached"
        );
        let body = json!({ "refresh_token": tokens.refresh_token });
        let answer = scene.post("/api/auth/refresh", "", body).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        let body = answer.is(200);
        assert_eq!(body["expires_in"], 600);
        assert!(scene.identify(body["access_token"].as_str().unwrap()).await.is_ok());
        assert_ne!(body["refresh_token"], tokens.refresh_token);
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_session_for_everybody() {
    for scene in scenes().await {
        let (account, stolen) = scene.signed_in("a@b.c", Role::Learner).await;
        let elsewhere = scene.tokens(&account).await;
        let sessions = scene.auth.sessions();
        let (_, owners) = sessions.refresh(&stolen.refresh_token, None).await.unwrap();
        scene.pass_ms(11_000);
        assert!(sessions.refresh(&stolen.refresh_token, None).await.is_err());
        assert!(sessions.refresh(&owners.refresh_token, None).await.is_err(), "the family is gone");
        assert_eq!(scene.identify(&owners.access_token).await, Err("AUTH_INVALID_TOKEN"));
        assert!(scene.identify(&elsewhere.access_token).await.is_ok(), "other devices stay");
        let log = scene.auth.accounts().get(account.id).await.unwrap();
        assert_eq!(log.id, account.id);
        let kinds: Vec<(String,)> = scene
            .database
            .db
            .query("SELECT kind FROM auth_audit WHERE kind = 'refresh_reused'")
            .fetch_all()
            .await
            .unwrap();
        assert_eq!(kinds.len(), 1);
    }
}

#[tokio::test]
async fn an_older_token_is_recognised_however_late_and_within_the_grace() {
    for scene in scenes().await {
        let (_, first) = scene.signed_in("a@b.c", Role::Learner).await;
        let sessions = scene.auth.sessions();
        let (_, second) = sessions.refresh(&first.refresh_token, None).await.unwrap();
        let (_, third) = sessions.refresh(&second.refresh_token, None).await.unwrap();
        assert!(sessions.refresh(&first.refresh_token, None).await.is_err(), "two behind is no race");
        assert!(sessions.refresh(&third.refresh_token, None).await.is_err());
    }
}

#[tokio::test]
async fn requests_that_race_with_one_token_get_one_successor() {
    for scene in scenes().await {
        let twin = scene.twin().await;
        let (_, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let both = [scene.auth.sessions(), twin.auth.sessions()];
        let races = (0..16).map(|n| both[n % 2].refresh(&tokens.refresh_token, None));
        let next: Vec<_> = join_all(races).await.into_iter().map(|outcome| outcome.unwrap().1).collect();
        assert!(next.iter().all(|one| one.refresh_token == next[0].refresh_token));
        for one in &next {
            assert!(scene.identify(&one.access_token).await.is_ok());
        }
        scene.pass_ms(11_000);
        assert!(scene.auth.sessions().refresh(&next[15].refresh_token, None).await.is_ok(), "and it goes on");
    }
}

#[tokio::test]
async fn a_token_that_was_never_given_out_ends_nothing() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let genuine = &tokens.refresh_token;
        let (head, proof) = genuine.rsplit_once('.').unwrap();
        let (session, rotation) = head.split_once('.').unwrap();
        let other_session = "0".repeat(32);
        for forged in [
            String::new(),
            "x".repeat(10_000),
            format!("{head}.{}", "0".repeat(64)),
            format!("{session}.{:016x}.{proof}", 1),
            format!("{session}.{:016x}.{proof}", u64::MAX),
            format!("{other_session}.{rotation}.{proof}"),
            genuine.to_uppercase(),
            format!("{genuine}."),
        ] {
            let body = json!({ "refresh_token": forged });
            scene.post("/api/auth/refresh", "", body).await.fails(401, "AUTH_INVALID_TOKEN");
        }
        assert!(scene.auth.sessions().refresh(genuine, None).await.is_ok());
    }
}

#[tokio::test]
async fn a_device_that_stays_away_or_stays_too_long_signs_in_again() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let idle = scene.tokens(&account).await;
        let sessions = scene.auth.sessions();
        let mut refresh = tokens.refresh_token;
        for _ in 0..14 {
            scene.pass_ms(26 * DAY_MS);
            refresh = sessions.refresh(&refresh, None).await.unwrap().1.refresh_token;
        }
        assert!(sessions.refresh(&idle.refresh_token, None).await.is_err());
        scene.pass_ms(2 * DAY_MS);
        assert!(sessions.refresh(&refresh, None).await.is_err(), "a year is over");
    }
}

#[tokio::test]
async fn cookies_hold_the_tokens_where_no_script_can_read_them() {
    for scene in scenes().await {
        scene.account("a@b.c", Role::Learner).await;
        let body =
            json!({ "email": "a@b.c", "password": PASSWORD, "cookies": true, "device_name": "Laptop" });
        let answer = scene.post("/api/auth/sign-in", "", body).await;
        let cookies = answer.cookies();
        let find = |name: &str| cookies.iter().find(|cookie| cookie.starts_with(name)).unwrap();
        assert_eq!(cookies.len(), 3, "{cookies:?}");
        for (name, rest) in [
            ("sori_access=", "; Path=/; Max-Age=600; SameSite=Lax; HttpOnly"),
            ("sori_refresh=", "; Path=/api/auth; Max-Age=2592000; SameSite=Strict; HttpOnly"),
            ("sori_csrf=", "; Path=/; Max-Age=2592000; SameSite=Lax"),
        ] {
            assert!(find(name).ends_with(rest), "{}", find(name));
        }
        assert!(answer.body.get("access_token").is_none() && answer.body.get("refresh_token").is_none());
        let csrf = answer.body["csrf_token"].as_str().unwrap();
        assert!(find("sori_csrf=").starts_with(&format!("sori_csrf={csrf};")));

        let value = find("sori_refresh=").split(';').next().unwrap().to_owned();
        let request = || {
            Request::builder().method(Method::POST).uri("/api/auth/refresh").header(header::COOKIE, &value)
        };
        let renewed = scene.send(request(), None).await;
        assert_eq!(renewed.cookies().len(), 3);
        assert!(renewed.body.get("access_token").is_none());
        scene.pass_ms(11_000);
        let reused = scene.send(request(), Some(json!({}))).await;
        assert!(reused.cookies().iter().all(|cookie| cookie.contains("Max-Age=0")), "{:?}", reused.cookies());
        reused.fails(401, "AUTH_INVALID_TOKEN");

        let secure = scene.again(|config| config.is_secure = true).await;
        let body = json!({ "email": "a@b.c", "password": PASSWORD, "cookies": true });
        let cookies = secure.post("/api/auth/sign-in", "", body).await.cookies();
        assert!(cookies.iter().all(|cookie| cookie.ends_with("; Secure")), "{cookies:?}");
    }
}

#[tokio::test]
async fn signing_out_counts_at_once() {
    for scene in scenes().await {
        let (account, here) = scene.signed_in("a@b.c", Role::Learner).await;
        let there = scene.tokens(&account).await;
        assert!(scene.identify(&here.access_token).await.is_ok());
        let out = scene.ask(Method::POST, "/api/auth/sign-out", &here.access_token, None).await;
        assert_eq!(out.cookies().len(), 3);
        out.is(204);
        assert_eq!(scene.identify(&here.access_token).await, Err("AUTH_INVALID_TOKEN"));
        assert!(scene.auth.sessions().refresh(&here.refresh_token, None).await.is_err());
        assert!(scene.identify(&there.access_token).await.is_ok());

        let third = scene.tokens(&account).await;
        scene.ask(Method::POST, "/api/auth/sign-out-everywhere", &there.access_token, None).await.is(204);
        for tokens in [there, third] {
            assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
            assert!(scene.auth.sessions().refresh(&tokens.refresh_token, None).await.is_err());
        }
        scene.sign_in("a@b.c", PASSWORD).await.is(200);
    }
}

#[tokio::test]
async fn devices_are_listed_and_removed_by_their_owner_only() {
    for scene in scenes().await {
        let (account, here) = scene.signed_in("a@b.c", Role::Learner).await;
        scene.pass_ms(1_000);
        let lost = scene.tokens(&account).await;
        let (_, stranger) = scene.signed_in("x@b.c", Role::Admin).await;
        let devices = scene.get("/api/me/devices", &here.access_token).await.is(200);
        let current: Vec<_> =
            devices["items"].as_array().unwrap().iter().map(|d| d["is_current"].clone()).collect();
        assert_eq!(current, [json!(false), json!(true)]);
        let path = format!("/api/me/devices/{}", lost.session);
        scene.ask(Method::DELETE, &path, &stranger.access_token, None).await.fails(404, "DEVICE_NOT_FOUND");
        scene.ask(Method::DELETE, &path, &here.access_token, None).await.is(204);
        scene.ask(Method::DELETE, &path, &here.access_token, None).await.fails(404, "DEVICE_NOT_FOUND");
        assert_eq!(scene.identify(&lost.access_token).await, Err("AUTH_INVALID_TOKEN"));
        assert!(scene.identify(&here.access_token).await.is_ok());
    }
}

#[tokio::test]
async fn another_secret_keeps_who_is_signed_in_while_the_old_one_is_named() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let (old, new) = (RootKey::new([7; 32]), RootKey::new([8; 32]));
        let both = Roots { current: new.clone(), older: vec![old] };
        let changed = scene.again(|config| config.roots = both).await;
        assert!(changed.identify(&tokens.access_token).await.is_ok());
        let (_, next) = changed.auth.sessions().refresh(&tokens.refresh_token, None).await.unwrap();
        let alone = scene.again(|config| config.roots = new.into()).await;
        assert_eq!(alone.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
        assert!(alone.identify(&next.access_token).await.is_ok());
        assert!(alone.auth.sessions().refresh(&next.refresh_token, None).await.is_ok());
    }
}
