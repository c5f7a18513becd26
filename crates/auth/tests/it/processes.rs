//! Several processes on one database.

use std::time::Duration;

use sori_contracts::Role;

use crate::scene::{base64url, scenes};

/// How long a revocation may take to be known elsewhere.
const BOUND: Duration = Duration::from_millis(250);

#[tokio::test]
async fn a_revocation_is_known_elsewhere_within_a_quarter_of_a_second() {
    for scene in scenes().await {
        let twin = scene.twin().await;
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        let other = scene.tokens(&account).await;
        for token in [&tokens.access_token, &other.access_token] {
            assert!(twin.identify(token).await.is_ok(), "and now it is cached there");
        }
        scene.auth.sessions().end(account.id, tokens.session, Default::default()).await.unwrap();
        assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"), "here at once");
        tokio::time::sleep(BOUND).await;
        assert_eq!(twin.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
        assert!(twin.identify(&other.access_token).await.is_ok());
        let late = scene.twin().await;
        assert_eq!(
            late.identify(&tokens.access_token).await,
            Err("AUTH_INVALID_TOKEN"),
            "and after a restart"
        );
    }
}

#[tokio::test]
async fn a_revocation_is_forgotten_when_nothing_can_need_it() {
    for scene in scenes().await {
        let (account, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        scene.auth.sessions().end(account.id, tokens.session, Default::default()).await.unwrap();
        let rows = async || -> i64 {
            scene.auth.tend().await.unwrap();
            scene.database.db.query("SELECT COUNT(*) FROM auth_revocation").scalar().await.unwrap()
        };
        scene.pass_ms(10 * 60 * 1000);
        assert_eq!(rows().await, 1);
        assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"));
        scene.pass_ms(6 * 60 * 1000);
        assert_eq!(rows().await, 0);
        assert_eq!(scene.identify(&tokens.access_token).await, Err("AUTH_INVALID_TOKEN"), "it has expired");
    }
}

#[tokio::test]
async fn a_new_signing_key_is_found_by_others_and_the_old_one_serves_out_its_time() {
    for scene in scenes().await {
        let twin = scene.twin().await;
        let (account, old) = scene.signed_in("a@b.c", Role::Learner).await;
        scene.pass_ms(2_000);
        scene.auth.rotate_signing_key().await.unwrap();
        let new = scene.tokens(&account).await;
        for process in [&scene, &twin] {
            assert!(process.identify(&old.access_token).await.is_ok());
            assert!(process.identify(&new.access_token).await.is_ok());
        }
        let kid = |token: &str| token.split('.').next().unwrap().to_owned();
        assert_ne!(kid(&old.access_token), kid(&new.access_token));
    }
}

#[tokio::test]
async fn a_signing_key_is_replaced_after_a_month_and_then_forgotten() {
    for scene in scenes().await {
        let keys = async || -> i64 {
            scene.auth.tend().await.unwrap();
            scene.database.db.query("SELECT COUNT(*) FROM auth_signing_key").scalar().await.unwrap()
        };
        let (account, before) = scene.signed_in("a@b.c", Role::Learner).await;
        scene.pass_ms(30 * 24 * 60 * 60 * 1000 - 1_000);
        assert_eq!(keys().await, 1);
        let late = scene.tokens(&account).await;
        scene.pass_ms(2_000);
        assert_eq!(keys().await, 2);
        assert!(scene.identify(&late.access_token).await.is_ok(), "the old key serves out its time");
        assert_eq!(scene.identify(&before.access_token).await, Err("AUTH_INVALID_TOKEN"));
        scene.pass_ms(3 * 60 * 60 * 1000);
        assert_eq!(keys().await, 1);
    }
}

#[tokio::test]
async fn invented_key_ids_do_not_reach_the_database_each_time() {
    for scene in scenes().await {
        let (_, tokens) = scene.signed_in("a@b.c", Role::Learner).await;
        assert!(scene.identify(&tokens.access_token).await.is_ok());
        // Without the table every look into it fails, so whoever does not look is not disturbed.
        scene.database.db.query("DROP TABLE auth_signing_key").execute().await.unwrap();
        let rest = tokens.access_token.split_once('.').unwrap().1;
        let header = |n: u32| format!(r#"{{"typ":"at+jwt","alg":"HS256","kid":"{n:032x}"}}"#);
        let forged = |n: u32| format!("{}.{rest}", base64url(header(n).as_bytes()));
        for n in 0..200 {
            assert_eq!(scene.identify(&forged(n)).await, Err("AUTH_INVALID_TOKEN"));
        }
        scene.pass_ms(1_001);
        assert_ne!(scene.identify(&forged(1)).await, Err("AUTH_INVALID_TOKEN"), "one look a second");
    }
}
