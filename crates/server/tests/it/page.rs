//! What surrounds the API: the page, the documents, health.

use reqwest::{Method, StatusCode};

use crate::app::TestApp;

#[tokio::test]
async fn the_page_answers_every_address_of_the_app_under_a_strict_policy() {
    let app = TestApp::spawn().await;
    for path in ["/", "/listen/01890000-0000-7000-8000-000000000000", "/write"] {
        let response = app.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(
            response.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'")
        );
        assert!(response.text().await.unwrap().contains("<title>"));
    }
}

#[tokio::test]
async fn the_api_documents_itself_without_the_internet() {
    let app = TestApp::spawn().await;
    let docs = app.request(Method::GET, "/docs/").send().await.unwrap();
    assert_eq!(docs.status(), StatusCode::OK);
    let html = docs.text().await.unwrap();
    assert!(html.contains("swagger") && !html.contains("https://"), "{html}");

    let (_, document) = app.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let mut operations = 0;
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            assert!(operation["operationId"].is_string(), "{method} {path} has no operationId");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(
                    response["description"].as_str().is_some_and(|text| !text.is_empty()),
                    "{method} {path} {status}"
                );
            }
        }
    }
    assert!(operations >= 30, "{operations} operations");
    let checked_in = include_str!("../../openapi.json");
    let checked_in: serde_json::Value = serde_json::from_str(checked_in).unwrap();
    assert!(
        document == checked_in,
        "crates/server/openapi.json is not what the handlers say: run `make openapi`"
    );
}

#[tokio::test]
async fn health_says_what_is_missing() {
    let app = TestApp::spawn().await;
    let (status, health) = app.get("/health").await;
    assert_eq!((status, health["status"].as_str()), (StatusCode::OK, Some("degraded")));
    assert_eq!(health["checks"]["database"]["ok"], true);
    assert_eq!(health["checks"]["voices"]["ok"], false);
}
