use axum::http::StatusCode;
use serde_json::json;
use sori_contracts::PersonalData as _;

use crate::rig::{Who, rigs};

#[tokio::test]
async fn a_listener_takes_everything_along_and_leaves_nothing() {
    for rig in rigs().await {
        let (who, other, content) = (Who::new(), Who::new(), rig.world.content(Some(3_600_000)));
        for who in [who, other] {
            let position = json!({ "position": 900, "device_id": "phone" });
            rig.put(who, &format!("/api/progress/{content}"), &position).await;
            rig.put(who, &format!("/v1/playback/{content}"), &json!({ "speed": 2 })).await;
            let mark = json!({ "content_id": content, "note": "here" });
            assert_eq!(rig.post(who, "/api/mypage/bookmarks/", &mark).await.0, StatusCode::CREATED);
        }
        let export = rig.listening.export(who.account).await.unwrap();
        assert_eq!(export["progress"][0]["position_ms"], 900_000);
        assert_eq!(export["log"][0]["outcome"], "first");
        assert_eq!(export["devices"][0]["id"], "phone");
        assert_eq!(export["bookmarks"][0]["note"], "here");
        assert_eq!(export["playback"][0]["speed"], 2.0);

        rig.listening.forget(who.account).await.unwrap();
        rig.listening.forget(who.account).await.unwrap();
        let export = rig.listening.export(who.account).await.unwrap();
        assert!(export.as_object().unwrap().values().all(|part| *part == json!([])), "{export}");
        let tables: Vec<(String,)> = match rig.database.db.backend() {
            sori_db::Backend::Sqlite => rig
                .database
                .db
                .query("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'listening_%'")
                .fetch_all()
                .await
                .unwrap(),
            sori_db::Backend::Postgres => rig
                .database
                .db
                .query("SELECT tablename::TEXT FROM pg_tables WHERE tablename LIKE 'listening_%'")
                .fetch_all()
                .await
                .unwrap(),
        };
        assert!(tables.len() >= 8, "{tables:?}");
        for (table,) in tables {
            if ["listening_signal", "listening_clip", "listening_clip_file"].contains(&table.as_str()) {
                continue;
            }
            let left: i64 = rig
                .database
                .db
                .query_dynamic(format!("SELECT COUNT(*) FROM {table} WHERE account_id = $1"))
                .bind(who.account)
                .scalar()
                .await
                .unwrap();
            assert_eq!(left, 0, "{table}");
        }
        assert_eq!(rig.position(other, content).await, 900.0);
    }
}
