//! How much one client may ask, and who is asked to wait.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use sori_contracts::Role;
use sori_server::config::Limit;

use crate::app::{TestApp, answer};

fn number(response: &reqwest::Response, name: &str) -> u64 {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_account_is_told_what_is_left_and_when_to_come_back() {
    let app = TestApp::with(|config| config.limits.read = Limit(5)).await;
    for left in (0..5).rev() {
        let answer = app.request(Method::GET, "/v1/voices").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!((number(&answer, "ratelimit-limit"), number(&answer, "ratelimit-remaining")), (5, left));
        assert_eq!(number(&answer, "ratelimit-reset"), (5 - left) * 12);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"read\";q=5;w=60");
        assert_eq!(
            answer.headers()["ratelimit"].to_str().unwrap(),
            format!("\"read\";r={left};t={}", (5 - left) * 12)
        );
    }
    let refused =
        app.request(Method::GET, "/v1/voices").header("accept-language", "ko").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait = number(&refused, "retry-after");
    assert!((1..=12).contains(&wait), "{wait}");
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "RATE_LIMITED");
    assert!(body["error"]["message"].as_str().unwrap().contains("요청이 너무 많습니다"), "{body}");
    assert_eq!(body["error"]["details"]["class"], "read");

    let other = app.person(Role::Learner).await.token;
    let (status, _) = answer(app.request_as(Some(&other), Method::GET, "/v1/voices")).await;
    assert_eq!(status, StatusCode::OK, "another account has its own");
}

#[tokio::test]
async fn an_address_is_limited_whoever_calls_from_it() {
    let app = TestApp::with(|config| {
        config.limits.read = Limit(2);
        config.limits.address_factor = 3;
    })
    .await;
    let mut answered = Vec::new();
    for _ in 0..8 {
        let token = app.person(Role::Learner).await.token;
        answered.push(answer(app.request_as(Some(&token), Method::GET, "/v1/voices")).await.0);
    }
    assert_eq!(answered[..6], [StatusCode::OK; 6]);
    assert_eq!(answered[6..], [StatusCode::TOO_MANY_REQUESTS; 2]);
}

#[tokio::test]
async fn refused_credentials_are_not_heard_for_a_while_and_others_are() {
    let app = TestApp::with(|config| config.limits.failures = 5).await;
    let guess = async |n: u32| {
        let token = format!("sori_guess{n}_secret");
        answer(app.request_as(Some(&token), Method::GET, "/v1/voices")).await
    };
    for n in 0..5 {
        assert_eq!(guess(n).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, body) = guess(5).await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (StatusCode::TOO_MANY_REQUESTS, Some("ADDRESS_BLOCKED"))
    );
    // Whoever reads without proving anything, and whoever is signed in in a browser, goes on.
    assert_eq!(answer(app.request_as(None, Method::GET, "/health")).await.0, StatusCode::OK);
    let cookie = app
        .request_as(None, Method::GET, "/v1/voices")
        .header("cookie", format!("sori_access={}", app.person.token));
    assert_eq!(answer(cookie).await.0, StatusCode::OK);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_alone() {
    let app = TestApp::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.read = Limit(1);
        config.limits.address_factor = 1;
    })
    .await;
    let from = async |address: &str| {
        let request = app.request_as(None, Method::GET, "/health").header("x-forwarded-for", address);
        answer(request).await.0
    };
    assert_eq!(from("192.0.2.1").await, StatusCode::OK);
    assert_eq!(from("6.6.6.6, 192.0.2.1").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(from("192.0.2.2").await, StatusCode::OK);
    assert_eq!(from("2001:db8::1").await, StatusCode::OK);
    assert_eq!(from("2001:db8::2").await, StatusCode::TOO_MANY_REQUESTS, "the same line");
}

#[tokio::test]
async fn a_cookie_changes_nothing_without_the_token_of_our_page() {
    let app = TestApp::spawn().await;
    let change = |headers: &[(&str, &str)]| {
        let mut request = app
            .request_as(None, Method::POST, "/v1/shows")
            .header("cookie", format!("sori_access={}; sori_csrf=t0ken", app.person.token))
            .json(&serde_json::json!({"title": "x"}));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request)
    };
    for headers in [[("x-other", "")], [("x-csrf-token", "")], [("x-csrf-token", "wrong")]] {
        let (status, body) = change(&headers).await;
        assert_eq!(
            (status, body["error"]["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("AUTH_CSRF_INVALID")),
            "{headers:?}"
        );
    }
    let foreign = [("x-csrf-token", "t0ken"), ("origin", "https://evil.example")];
    let (status, body) = change(&foreign).await;
    assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::FORBIDDEN, Some("ORIGIN_FORBIDDEN")));
    let (status, body) = change(&[("x-csrf-token", "t0ken")]).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let read = app
        .request_as(None, Method::GET, "/v1/shows")
        .header("cookie", format!("sori_access={}", app.person.token));
    assert_eq!(answer(read).await.0, StatusCode::OK, "reading needs no token");
}

#[tokio::test]
async fn other_origins_may_call_only_when_the_settings_say_so() {
    let preflight = async |app: &TestApp, origin: &str| {
        app.request_as(None, Method::OPTIONS, "/v1/scripts")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
            .send()
            .await
            .unwrap()
    };
    let closed = TestApp::spawn().await;
    let refused = preflight(&closed, "https://app.example").await;
    assert!(!refused.headers().contains_key("access-control-allow-origin"));

    let open = TestApp::with(|config| config.cors_origins = vec!["https://app.example".into()]).await;
    let allowed = preflight(&open, "https://app.example").await;
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://app.example");
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"));
    let refused = preflight(&open, "https://evil.example").await;
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
    let call = open.request(Method::POST, "/v1/shows").header("origin", "https://app.example");
    let (status, body) = answer(call.json(&serde_json::json!({"title": "x"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
}
