//! The socket between an account's devices.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{PATIENCE, Who, rigs};

/// Waits for something that others do.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_stands_comes_first_and_then_what_changes() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(3_600_000)));
        let put = async |device: &str, position: f64| {
            let body = json!({ "position": position, "device_id": device });
            assert_eq!(rig.put(who, &format!("/api/progress/{content}"), &body).await.0, StatusCode::OK);
        };
        put("phone", 600.0).await;
        let server = rig.listen().await;
        let mut laptop = server.open(who, "laptop").await;
        let state = laptop.next().await;
        assert_eq!((&state["type"], &state["device_id"]), (&json!("state"), &json!("laptop")));
        assert_eq!(state["progress"][0]["position_ms"], 600_000);
        let phone =
            state["devices"].as_array().unwrap().iter().find(|device| device["id"] == "phone").unwrap();
        assert_eq!(phone["now_playing"]["content_id"], json!(content));

        put("phone", 610.0).await;
        let pushed = laptop.next_of("progress").await;
        assert_eq!(pushed["progress"]["position_ms"], 610_000);
        assert_eq!(pushed["progress"]["device_id"], "phone");

        // Nothing of this is anybody else's.
        let mut stranger = server.open(Who::new(), "laptop").await;
        assert_eq!(stranger.next().await["progress"], json!([]));
        put("phone", 620.0).await;
        stranger.say(&json!({ "type": "ping" })).await;
        assert_eq!(stranger.next().await["type"], "pong");
    }
}

#[tokio::test]
async fn a_position_travels_from_socket_to_socket_and_not_back() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(3_600_000)));
        let server = rig.listen().await;
        let (mut phone, mut laptop) = (server.opened(who, "phone").await, server.opened(who, "laptop").await);
        phone.next_of("device").await;
        let say = |position_ms: u64, base_version: i64| {
            json!({
                "type": "progress", "ref": position_ms, "content_id": content, "position_ms": position_ms,
                "base_version": base_version, "playing": true,
            })
        };
        phone.say(&say(600_000, 0)).await;
        let saved = phone.next().await;
        assert_eq!((&saved["type"], &saved["ref"]), (&json!("saved"), &json!(600_000)));
        assert_eq!(saved["progress"]["version"], 1);
        assert_eq!(laptop.next().await["progress"]["position_ms"], 600_000);
        let playing = laptop.next().await;
        assert_eq!((&playing["type"], &playing["device"]["id"]), (&json!("device"), &json!("phone")));
        assert_eq!(playing["device"]["now_playing"]["playing"], true);

        // The laptop did not look.
        laptop.say(&say(900_000, 0)).await;
        let conflict = laptop.next().await;
        assert_eq!((&conflict["type"], &conflict["reason"]), (&json!("conflict"), &json!("stale")));
        assert_eq!(conflict["progress"]["position_ms"], 600_000);
        laptop.say(&say(900_000, 1)).await;
        assert_eq!(laptop.next().await["type"], "saved");
        assert_eq!(phone.next_of("progress").await["progress"]["position_ms"], 900_000);
    }
}

#[tokio::test]
async fn one_device_pauses_another_and_goes_on_in_its_place() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(Some(3_600_000)));
        let server = rig.listen().await;
        let (mut phone, mut laptop) = (server.opened(who, "phone").await, server.opened(who, "laptop").await);
        phone.next_of("device").await;
        laptop
            .say(&json!({ "type": "command", "to": "phone", "ref": 1, "command": { "action": "pause" } }))
            .await;
        assert_eq!(laptop.next().await, json!({ "type": "done", "ref": 1 }));
        let command = phone.next().await;
        assert_eq!(command, json!({ "type": "command", "from": "laptop", "command": { "action": "pause" } }));

        laptop.say(&json!({ "type": "take_over", "content_id": content })).await;
        assert_eq!(laptop.next().await, json!({ "type": "done" }));
        assert_eq!(
            phone.next().await,
            json!({ "type": "taken_over", "content_id": content, "by": "laptop" })
        );
        // The phone says where it was, and the laptop goes on there.
        phone.say(&json!({ "type": "progress", "content_id": content, "position_ms": 61_000, "playing": false })).await;
        assert_eq!(laptop.next_of("progress").await["progress"]["position_ms"], 61_000);

        let hand_over =
            json!({ "action": "play", "content_id": content, "position_ms": 61_000, "speed": 1.5 });
        laptop.say(&json!({ "type": "command", "to": "phone", "command": hand_over })).await;
        assert_eq!(phone.next_of("command").await["command"], hand_over);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_the_socket_stays() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        let server = rig.listen().await;
        let mut phone = server.opened(who, "phone").await;
        let command =
            |to: &str, command: Value| json!({ "type": "command", "to": to, "ref": "r", "command": command });
        let nowhere = sori_contracts::ContentId::generate();
        for (message, code) in [
            (json!("text"), "REQUEST_MALFORMED"),
            (json!({ "type": "dance" }), "REQUEST_MALFORMED"),
            (json!({ "type": "progress", "content_id": nowhere, "position_ms": 5 }), "CONTENT_NOT_FOUND"),
            (json!({ "type": "progress", "content_id": content, "position_ms": u64::MAX }), "FIELD_INVALID"),
            (json!({ "type": "take_over", "content_id": nowhere }), "CONTENT_NOT_FOUND"),
            (command("laptop", json!({ "action": "pause" })), "DEVICE_NOT_FOUND"),
            (command("phone", json!({ "action": "speed", "speed": 99 })), "FIELD_INVALID"),
            (
                command("phone", json!({ "action": "play", "content_id": nowhere, "position_ms": 0 })),
                "CONTENT_NOT_FOUND",
            ),
        ] {
            phone.say(&message).await;
            let answer = phone.next().await;
            assert_eq!(
                (&answer["type"], &answer["error"]["code"]),
                (&json!("error"), &json!(code)),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn a_device_that_leaves_is_gone_and_comes_back_to_what_stands() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        let server = rig.listen().await;
        let mut laptop = server.opened(who, "laptop").await;
        let phone = server.opened(who, "phone").await;
        assert_eq!(laptop.next_of("device").await["device"]["online"], true);
        phone.close().await;
        assert_eq!(laptop.next_of("device").await["device"]["online"], false);
        laptop.say(&json!({ "type": "progress", "content_id": content, "position_ms": 90_000 })).await;
        laptop.next_of("saved").await;
        let mut phone = server.open(who, "phone").await;
        assert_eq!(phone.next().await["progress"][0]["position_ms"], 90_000);
        assert_eq!(laptop.next_of("device").await["device"]["online"], true);
    }
}

#[tokio::test]
async fn changes_of_bookmarks_and_speed_are_pushed() {
    for rig in rigs().await {
        let (who, content) = (Who::new(), rig.world.content(None));
        let server = rig.listen().await;
        let mut laptop = server.opened(who, "laptop").await;
        let playback = json!({ "speed": 1.5, "device_id": "phone" });
        rig.put(who, &format!("/v1/playback/{content}"), &playback).await;
        assert_eq!(laptop.next_of("playback").await["playback"]["speed"], 1.5);
        rig.post(who, "/api/mypage/bookmarks/", &json!({ "content_id": content })).await;
        assert_eq!(laptop.next_of("bookmarks").await["content_id"], json!(content));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_at_two_processes_hear_each_other() {
    for rig in rigs().await {
        let beside = rig.beside().await;
        let (who, content) = (Who::new(), rig.world.content(None));
        let (here, there) = (rig.listen().await, beside.listen().await);
        let mut laptop = here.opened(who, "laptop").await;
        let mut phone = there.opened(who, "phone").await;
        let said = json!({ "type": "progress", "content_id": content, "position_ms": 600_000 });
        phone.say(&said).await;
        assert_eq!(laptop.next_of("progress").await["progress"]["position_ms"], 600_000);
        laptop.say(&json!({ "type": "command", "to": "phone", "command": { "action": "pause" } })).await;
        assert_eq!(phone.next_of("command").await["from"], "laptop");
        rig.listening.close_sockets();
        beside.listening.close_sockets();
    }
}

#[tokio::test]
async fn the_end_of_the_server_ends_every_socket() {
    for rig in rigs().await {
        let server = rig.listen().await;
        let mut phone = server.opened(Who::new(), "phone").await;
        rig.listening.close_sockets();
        assert_eq!(phone.closed().await, Some(1001));
    }
}

#[tokio::test]
async fn whoever_says_too_much_or_nonsense_is_cut_off() {
    let rig = rigs().await.remove(0);
    let server = rig.listen().await;
    let who = Who::new();
    let mut chatty = server.opened(who, "phone").await;
    for _ in 0..2_000 {
        if !chatty.send_raw(Message::text(r#"{"type":"ping"}"#)).await {
            break;
        }
    }
    // The close frame may be lost in a reset when much was still unread.
    assert!(matches!(chatty.closed().await, Some(4429) | None));

    let mut binary = server.opened(who, "phone").await;
    binary.send_raw(Message::binary(vec![0; 10])).await;
    assert_eq!(binary.closed().await, Some(1003));

    let mut large = server.opened(who, "phone").await;
    large.send_raw(Message::text(" ".repeat(17 << 10))).await;
    large.closed().await;

    // All of that is over for the hub.
    let opened = server.opened(who, "phone").await;
    opened.close().await;
}

#[tokio::test]
async fn an_account_has_so_many_sockets_and_no_more() {
    let rig = rigs().await.remove(0);
    let server = rig.listen().await;
    let who = Who::new();
    let mut open = Vec::new();
    for n in 0..20 {
        open.push(server.opened(who, &format!("device-{n}")).await);
    }
    assert_eq!(server.try_open(who, "one-more").await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    server.opened(Who::new(), "phone").await;
    open.pop().unwrap().close().await;
    until("a place is given back", async || server.try_open(who, "one-more").await.is_ok()).await;
}

#[tokio::test]
async fn a_plain_request_is_no_handshake() {
    let rig = rigs().await.remove(0);
    let (status, _) = rig.get(Who::new(), "/api/sync").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_credential_that_was_taken_back_ends_its_socket() {
    let rig = rigs().await.remove(0);
    let server = rig.listen().await;
    let mut phone = server.opened(Who::new(), "phone").await;
    rig.world.set_good(false);
    assert_eq!(phone.closed().await, Some(4401));
}
