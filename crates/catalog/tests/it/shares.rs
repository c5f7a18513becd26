use axum::http::Method;
use serde_json::{Value, json};
use sori_contracts::{AccountId, Caller, Role};

use crate::api::Api;

async fn own_script(api: &Api, owner: Caller) -> String {
    let body = json!({"source_text": "A: Hi.", "source_format": "text"});
    let made = api.by(owner, Method::POST, "/v1/scripts", body).await;
    format!("/v1/scripts/{}", made.ok()["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_script_is_shared_by_address_or_id_and_taken_back() {
    for api in Api::on_both_engines().await {
        let [owner, one, two] =
            [Role::Learner, Role::Learner, Role::Teacher].map(|role| api.accounts.join(role));
        let script = own_script(&api, owner).await;
        let by_email = format!("{script}/shares/{}", api.accounts.email(one).to_uppercase());
        let shared = api.by(owner, Method::PUT, &by_email, Value::Null).await;
        assert_eq!(shared.ok()["account_id"], one.account().unwrap().to_string());
        assert_eq!(shared.json["email"], api.accounts.email(one));
        assert_eq!(api.by(owner, Method::GET, &script, Value::Null).await.ok()["visibility"], "shared");
        let again = api.by(owner, Method::PUT, &by_email, Value::Null).await;
        assert_eq!(again.ok(), &shared.json, "safe to repeat");
        let by_id = format!("{script}/shares/{}", two.account().unwrap());
        api.by(owner, Method::PUT, &by_id, Value::Null).await.ok();
        let listed = api.by(owner, Method::GET, &format!("{script}/shares"), Value::Null).await;
        assert_eq!(listed.each("email"), [api.accounts.email(one), api.accounts.email(two)]);
        for caller in [one, two] {
            assert_eq!(api.by(caller, Method::GET, &script, Value::Null).await.status, 200);
        }

        assert_eq!(api.by(owner, Method::DELETE, &by_email, Value::Null).await.status, 204);
        assert_eq!(api.by(one, Method::GET, &script, Value::Null).await.status, 404);
        api.by(owner, Method::DELETE, &by_email, Value::Null).await.refused(404, "SHARE_NOT_FOUND");
        let itself = format!("{script}/shares/{}", two.account().unwrap());
        assert_eq!(api.by(two, Method::DELETE, &itself, Value::Null).await.status, 204, "leaves by itself");
        assert_eq!(api.by(two, Method::GET, &script, Value::Null).await.status, 404);
        api.by(two, Method::DELETE, &itself, Value::Null).await.refused(404, "SCRIPT_NOT_FOUND");
    }
}

#[tokio::test]
async fn private_again_means_nobody_and_public_does_not_list_whom() {
    for api in Api::on_both_engines().await {
        let (owner, guest) = (api.accounts.join(Role::Editor), api.accounts.join(Role::Learner));
        let script = own_script(&api, owner).await;
        let share = format!("{script}/shares/{}", api.accounts.email(guest));
        api.by(owner, Method::PUT, &share, Value::Null).await.ok();
        for (visibility, status) in [("private", 404), ("shared", 200), ("public", 200)] {
            api.by(owner, Method::PATCH, &script, json!({"visibility": visibility})).await.ok();
            assert_eq!(api.by(guest, Method::GET, &script, Value::Null).await.status, status, "{visibility}");
        }
        api.by(owner, Method::PUT, &share, Value::Null).await.ok();
        assert_eq!(api.by(owner, Method::GET, &script, Value::Null).await.ok()["visibility"], "public");
        let shares = api.by(guest, Method::GET, &format!("{script}/shares"), Value::Null).await;
        shares.refused(403, "AUTH_FORBIDDEN");
    }
}

#[tokio::test]
async fn who_is_not_there_cannot_be_shared_with() {
    for api in Api::on_both_engines().await {
        let owner = api.accounts.join(Role::Learner);
        let script = own_script(&api, owner).await;
        for stranger in
            [AccountId::generate().to_string(), "nobody@example.org".into(), "%20".into(), "x".into()]
        {
            let path = format!("{script}/shares/{stranger}");
            api.by(owner, Method::PUT, &path, Value::Null).await.refused(404, "ACCOUNT_NOT_FOUND");
        }
        let own = format!("{script}/shares/{}", api.accounts.email(owner));
        api.by(owner, Method::PUT, &own, Value::Null).await.refused_field("account_id");
        assert_eq!(api.by(owner, Method::GET, &script, Value::Null).await.ok()["visibility"], "private");
        // Whoever may not share learns nothing about addresses.
        let other = api.accounts.join(Role::Learner);
        for named in [api.accounts.email(owner), "nobody@example.org".into()] {
            let path = format!("{script}/shares/{named}");
            api.by(other, Method::PUT, &path, Value::Null).await.refused(404, "SCRIPT_NOT_FOUND");
        }
        // An account that left is not listed, and can still be taken off.
        let guest = api.accounts.join(Role::Learner);
        let path = format!("{script}/shares/{}", guest.account().unwrap());
        api.by(owner, Method::PUT, &path, Value::Null).await.ok();
        api.accounts.leave(guest);
        let listed = api.by(owner, Method::GET, &format!("{script}/shares"), Value::Null).await;
        assert_eq!(listed.each("email"), Vec::<String>::new());
        assert_eq!(api.by(owner, Method::DELETE, &path, Value::Null).await.status, 204);
    }
}

#[tokio::test]
async fn a_script_is_shared_with_two_hundred_at_most() {
    for api in Api::on_both_engines().await {
        let owner = api.accounts.join(Role::Learner);
        let script = own_script(&api, owner).await;
        for n in 0..201 {
            let guest = api.accounts.join(Role::Learner).account().unwrap();
            let shared = api.by(owner, Method::PUT, &format!("{script}/shares/{guest}"), Value::Null).await;
            match n {
                0..200 => assert_eq!(shared.status, 200),
                _ => shared.refused_field("account_id"),
            }
        }
        assert_eq!(api.count("catalog_script_share").await, 200);
    }
}
