//! Who may read, and what.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::Value;
use sori_contracts::{AccountId, ApiKeyId, Caller, Credential, Member, Role, Scope, Scopes};
use sori_http::ClientAddress;
use sori_metering::{AlertSettings, Metering, MetricsSettings};
use tower::ServiceExt as _;

use crate::rig::Scene;

const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const NEAR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn member(role: Role, scopes: impl IntoIterator<Item = Scope>) -> Caller {
    Caller::Account(Member {
        account: AccountId::generate(),
        role,
        scopes: scopes.into_iter().collect::<Scopes>(),
        credential: Credential::ApiKey(ApiKeyId::generate()),
    })
}

async fn ask(
    metering: &Metering,
    from: IpAddr,
    caller: Caller,
    request: Request<Body>,
) -> (StatusCode, String) {
    let mut request = request;
    request.extensions_mut().insert(ClientAddress(from));
    request.extensions_mut().insert(caller);
    let (router, _document) = metering.routes().split_for_parts();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn metrics_are_for_programs_nearby_and_for_admins() {
    let scene = Scene::on_both().await.remove(0);
    let node = scene.node(AlertSettings::default());
    let metering = &node.metering;
    let status = async |from, caller, request| ask(metering, from, caller, request).await.0;
    assert_eq!(status(NEAR, Caller::Visitor, get("/metrics")).await, StatusCode::OK);
    assert_eq!(
        status("::ffff:127.0.0.1".parse().unwrap(), Caller::Visitor, get("/metrics")).await,
        StatusCode::OK
    );
    assert_eq!(status(FAR, Caller::Visitor, get("/metrics")).await, StatusCode::UNAUTHORIZED);
    let admin = member(Role::Admin, [Scope::Admin]);
    assert_eq!(status(FAR, admin, get("/metrics")).await, StatusCode::OK);
    let narrow_key = member(Role::Admin, [Scope::ScriptsRead]);
    assert_eq!(status(FAR, narrow_key, get("/metrics")).await, StatusCode::FORBIDDEN);
    assert_eq!(status(FAR, member(Role::Editor, Scope::ALL), get("/metrics")).await, StatusCode::FORBIDDEN);
    // A proxy on this machine, which the settings do not know, brings somebody else.
    for name in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let request = Request::get("/metrics").header(name, "192.0.2.7").body(Body::empty()).unwrap();
        assert_eq!(status(NEAR, Caller::Visitor, request).await, StatusCode::UNAUTHORIZED, "{name}");
    }
    let open = scene.open_node(AlertSettings::default(), MetricsSettings { open: true });
    assert_eq!(ask(&open.metering, FAR, Caller::Visitor, get("/metrics")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn metrics_show_what_others_count_at_that_moment() {
    let scene = Scene::on_both().await.remove(0);
    let node = scene.node(AlertSettings::default());
    for taken in [3, 4] {
        node.set_slots(taken);
        let (_, text) = ask(&node.metering, NEAR, Caller::Visitor, get("/metrics")).await;
        assert!(text.contains(&format!("stream_slots_taken{{kind=\"video\"}} {taken}\n")), "{text}");
    }
}

#[tokio::test]
async fn admins_see_how_alerts_stand_and_what_was_told() {
    for scene in Scene::on_both().await {
        let node = scene.node(AlertSettings::default());
        let admin = member(Role::Admin, [Scope::Admin]);
        let alerts = async |query: &str| {
            let request = Request::get(format!("/api/admin/alerts{query}")).header("accept-language", "ko");
            let (status, body) = ask(&node.metering, FAR, admin, request.body(Body::empty()).unwrap()).await;
            assert_eq!(status, StatusCode::OK, "{body}");
            serde_json::from_str::<Value>(&body).unwrap()
        };
        let untouched = alerts("").await;
        assert_eq!(untouched["alerts"].as_array().unwrap().len(), 5);
        assert_eq!(
            (&untouched["alerts"][1]["phase"], &untouched["alerts"][1]["measure"]),
            (&"ok".into(), &Value::Null)
        );
        node.fail(11);
        node.look().await;
        for _ in 0..40 {
            scene.pass(5);
            node.look().await;
        }
        node.fail(12);
        scene.pass(5);
        node.look().await;
        let shown = alerts("").await;
        let errors = &shown["alerts"][1];
        assert_eq!((&errors["name"], &errors["phase"]), (&"stream_errors_high".into(), &"firing".into()));
        assert_eq!((&errors["measure"], &errors["threshold"]), (&12.0.into(), &10.0.into()));
        assert!(errors["summary"].as_str().unwrap().contains("오류"), "{errors}");
        assert!(errors["fired_at_ms"].as_i64() > errors["resolved_at_ms"].as_i64(), "{errors}");
        let first = alerts("?limit=2").await;
        let told: Vec<_> =
            first["changes"]["items"].as_array().unwrap().iter().map(|change| &change["change"]).collect();
        assert_eq!(told, ["firing", "resolved"]);
        let cursor = first["changes"]["next_cursor"].as_str().unwrap();
        let rest = alerts(&format!("?limit=2&cursor={cursor}")).await;
        assert_eq!(rest["changes"]["items"].as_array().unwrap().len(), 1);
        assert_eq!(rest["changes"]["next_cursor"], Value::Null);
        let (_, text) = ask(&node.metering, NEAR, Caller::Visitor, get("/metrics")).await;
        assert!(
            text.contains("sori_alert_firing{alert=\"stream_errors_high\",severity=\"P0\"} 1\n"),
            "{text}"
        );
    }
}
