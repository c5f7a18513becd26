//! Sessions and slots, on both engines, over real sockets.

mod rig;

use std::time::Duration;

use serde_json::json;
use sori_contracts::{ContentKind::*, Event, PersonalData, StreamSessions};
use sori_db::testing;
use sori_streaming::{MIGRATIONS, StreamLimits};
use tokio::{io::AsyncReadExt, task::JoinSet};

use crate::server::content;
use rig::{As, House, Process, somebody, until};

/// Longer than a client that went away is waited for.
const GONE: Duration = Duration::from_secs(11);
const IDLE: Duration = Duration::from_secs(91);
const LEASE: Duration = Duration::from_secs(46);

async fn houses(limits: StreamLimits) -> Vec<House> {
    let databases = testing::databases(&[MIGRATIONS]).await;
    databases.into_iter().map(|database| House::new(database, limits)).collect()
}

fn started(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::StreamStarted(_))).count()
}

fn stopped(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::StreamStopped(_))).count()
}

#[test]
fn migrations_are_the_same_on_both_engines() {
    testing::check_migrations(env!("CARGO_MANIFEST_DIR"), &MIGRATIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_viewer_who_seeks_is_one_session() {
    for house in houses(StreamLimits::default()).await {
        let bytes = content(1 << 20);
        let (film, who, process) = (house.put(Video, &bytes), somebody(), house.process().await);
        let mut seeks = JoinSet::new();
        let process = std::sync::Arc::new(process);
        for n in 0..40_usize {
            let process = std::sync::Arc::clone(&process);
            seeks.spawn(async move {
                let from = n * 20_000;
                (from, process.range(who, film, &format!("{from}-{}", from + 9_999)).await)
            });
        }
        while let Some(seek) = seeks.join_next().await {
            let (from, answer) = seek.unwrap();
            assert_eq!(answer.status, 206);
            assert!(answer.body == bytes[from..from + 10_000], "other bytes at {from}");
        }
        assert_eq!((process.sessions.count(), house.rows("ended_at_ms IS NULL").await), (1, 1));
        assert_eq!(house.bytes_written_down().await, 0, "ranges are not written down one by one");
        let mine = process.ask(who, "GET /api/me/streams", "", "").await.json();
        assert_eq!(mine["items"][0]["bytes_transferred"], 400_000, "{mine}");
        assert_eq!(mine["items"][0]["status"], "streaming");
        process.sessions.tend().await.unwrap();
        assert_eq!(house.bytes_written_down().await, 400_000);

        house.wait(IDLE);
        process.sessions.tend().await.unwrap();
        assert_eq!((process.sessions.count(), house.rows("ended_at_ms IS NULL").await), (0, 0));
        let events = process.heard();
        assert_eq!(started(&events), 1, "{events:?}");
        let Some(Event::StreamStopped(end)) = events.last() else { panic!("{events:?}") };
        assert_eq!((end.content_id, end.bytes_transferred), (film, 400_000));
        assert!(end.duration_seconds > 90.0);
        let history = process.ask(who, "GET /api/me/history", "", "").await.json();
        assert_eq!(history["items"][0]["bytes_transferred"], 400_000, "{history}");
        assert_eq!(history["items"][0]["status"], "stopped");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_video_of_one_user_waits_until_one_ends() {
    for house in houses(StreamLimits::default()).await {
        let process = house.process().await;
        let films: Vec<_> = (0..4).map(|_| house.put(Video, &content(1000))).collect();
        let song = house.put(Audio, &content(1000));
        let who = somebody();
        for film in &films[..3] {
            assert_eq!(process.get(who, *film).await.status, 200);
        }
        let refused = process.get(who, films[3]).await;
        assert_eq!(refused.error(), (429, "STREAM_RATE_LIMITED".into(), "동시 재생 3개 초과".into()));
        assert!(refused.head.contains("retry-after: "), "{}", refused.head);
        assert_eq!(process.get(who, films[0]).await.status, 200, "what is open goes on");
        assert_eq!(process.get(who, song).await.status, 200, "sound is not limited");
        assert_eq!(process.get(somebody(), films[3]).await.status, 200, "others have their own");
        let head = process.ask(who, &format!("HEAD /api/stream/{}", films[3]), "", "").await;
        assert_eq!(head.status, 200, "HEAD takes no slot");

        let mine = process.ask(who, "GET /api/me/streams", "", "").await.json();
        let id = mine["items"][1]["session_id"].as_str().unwrap().to_owned();
        let end = format!("DELETE /api/v1/audio/sessions/{id}");
        assert_eq!(process.ask(somebody(), &end, "", "").await.status, 404, "it is not theirs");
        assert_eq!(process.ask(who, &end, "", "").await.status, 204);
        assert_eq!(process.ask(who, &end, "", "").await.status, 404);
        assert_eq!(process.get(who, films[3]).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_the_slots_and_never_give_out_more() {
    let limits = StreamLimits { video: 5, ..StreamLimits::default() };
    for house in houses(limits).await {
        let processes = [house.process().await, house.process().await].map(std::sync::Arc::new);
        let film = house.put(Video, &content(1000));
        let mut viewers = JoinSet::new();
        for n in 0..24 {
            let process = std::sync::Arc::clone(&processes[n % 2]);
            viewers.spawn(async move { process.get(somebody(), film).await });
        }
        let answers = viewers.join_all().await;
        let begun = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(begun, 5);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            let expected = (429, "STREAM_RATE_LIMITED".into(), "서버 동시 접속 한도 초과입니다.".into());
            assert_eq!(refused.error(), expected);
        }
        let events = processes.iter().flat_map(|process| process.heard()).collect::<Vec<_>>();
        assert_eq!(started(&events), 5);

        processes[0].sessions.close().await.unwrap();
        processes[1].sessions.close().await.unwrap();
        assert_eq!(house.rows("ended_at_ms IS NULL").await, 0, "an end in good order frees all");
        assert_eq!(processes[0].get(somebody(), film).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_process_gives_its_slots_back() {
    let limits = StreamLimits { video: 1, ..StreamLimits::default() };
    for house in houses(limits).await {
        let film = house.put(Video, &content(1000));
        let (dying, living) = (house.process().await, house.process().await);
        assert_eq!(dying.get(somebody(), film).await.status, 200);
        house.wait(LEASE / 2);
        dying.sessions.tend().await.unwrap();
        house.wait(LEASE / 2 + Duration::from_secs(1));
        assert_eq!(living.get(somebody(), film).await.status, 429, "the lease was renewed");
        drop(dying);
        house.wait(LEASE);
        assert_eq!(living.get(somebody(), film).await.status, 200, "the claim looks for itself");
        assert_eq!(stopped(&living.heard()), 1);

        let dying = house.process().await;
        let song = house.put(Audio, &content(1000));
        dying.get(somebody(), song).await;
        drop(dying);
        house.wait(LEASE);
        living.sessions.tend().await.unwrap();
        living.sessions.tend().await.unwrap();
        assert_eq!(stopped(&living.heard()), 1, "what nobody claims is cleared away too, once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_of_two_processes_has_one_session() {
    for house in houses(StreamLimits { video_per_user: 1, ..StreamLimits::default() }).await {
        let (one, other) = (house.process().await, house.process().await);
        let (film, who) = (house.put(Video, &content(1000)), somebody());
        assert_eq!(one.get(who, film).await.status, 200);
        assert_eq!(other.get(who, film).await.status, 200);
        assert_eq!(house.rows("ended_at_ms IS NULL").await, 1);
        assert_eq!((started(&one.heard()), started(&other.heard())), (1, 0));
        one.sessions.tend().await.unwrap();
        other.sessions.tend().await.unwrap();
        // It stays open for one while the other has nothing more to do with it.
        house.wait(IDLE / 2);
        one.sessions.tend().await.unwrap();
        other.sessions.tend().await.unwrap();
        assert_eq!(other.get(who, film).await.status, 200);
        house.wait(IDLE / 2 + Duration::from_secs(1));
        other.sessions.tend().await.unwrap();
        one.sessions.tend().await.unwrap();
        assert_eq!((one.sessions.count(), other.sessions.count()), (0, 1));
        assert_eq!((stopped(&one.heard()), house.rows("ended_at_ms IS NULL").await), (0, 1));
        other.sessions.close().await.unwrap();
        let sql = "SELECT bytes_sent FROM streaming_session";
        let bytes: i64 = house.database.db.query(sql).scalar().await.unwrap();
        assert_eq!(bytes, 3000, "both counted");
    }
}

/// The answer has begun when this returns.
async fn begin(process: &Process, who: As, line: &str) -> tokio::net::TcpStream {
    let mut stream = process.begin(who, line, "", "").await;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_clients_that_vanish_leaves_nothing_behind() {
    for house in houses(StreamLimits::default()).await {
        let process = house.process().await;
        let film = house.put(Video, &content(24 << 20));
        let song = house.put(Audio, &content(8 << 20));
        let listeners: Vec<_> = (0..6).map(|_| somebody()).collect();
        for round in 0..4 {
            let mut streams = Vec::new();
            for who in &listeners {
                for n in 0..5 {
                    let device = format!("?device_id=d{}", n % 2);
                    streams.push(begin(&process, *who, &format!("GET /api/stream/{film}{device}")).await);
                    streams.push(begin(&process, *who, &format!("GET /api/stream/{song}{device}")).await);
                }
            }
            assert_eq!(process.sessions.count(), 24);
            process.sessions.tend().await.unwrap();
            house.wait(GONE);
            process.sessions.tend().await.unwrap();
            assert_eq!(process.sessions.count(), 24, "round {round}: who still listens is not gone");
            // Half of them without a word.
            for (n, stream) in streams.into_iter().enumerate() {
                if n % 2 == 0 {
                    stream.set_zero_linger().unwrap();
                }
                drop(stream);
            }
            until("all sessions ended", async || {
                house.wait(GONE);
                process.sessions.tend().await.unwrap();
                process.sessions.count() == 0
            })
            .await;
            assert_eq!(house.rows("ended_at_ms IS NULL").await, 0);
        }
        let events = process.heard();
        assert_eq!((started(&events), stopped(&events)), (96, 96));
        until("connections closed", async || process.open_connections() == 0).await;
        assert!(house.open_files() <= 2, "each object is open once at the most: {}", house.open_files());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_who_all_come_at_once_all_begin() {
    for house in houses(StreamLimits::default()).await {
        let process = std::sync::Arc::new(house.process().await);
        let song = house.put(Audio, &content(1000));
        let mut listeners = JoinSet::new();
        for _ in 0..300 {
            let process = std::sync::Arc::clone(&process);
            listeners.spawn(async move { process.get(somebody(), song).await.status });
        }
        assert_eq!(listeners.join_all().await, vec![200; 300]);
        assert_eq!((process.sessions.count(), house.rows("ended_at_ms IS NULL").await), (300, 300));
        assert_eq!(started(&process.heard()), 300);
        process.sessions.tend().await.unwrap();
        assert_eq!(house.bytes_written_down().await, 300_000);
        process.sessions.close().await.unwrap();
        assert_eq!((house.rows("ended_at_ms IS NULL").await, stopped(&process.heard())), (0, 300));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_viewer_went_away_from_makes_room_for_what_they_want_now() {
    for house in houses(StreamLimits { video_per_user: 1, ..StreamLimits::default() }).await {
        let process = house.process().await;
        let (first, second) = (house.put(Video, &content(24 << 20)), house.put(Video, &content(1000)));
        let who = somebody();
        let watching = begin(&process, who, &format!("GET /api/stream/{first}")).await;
        assert_eq!(process.get(who, second).await.status, 429);
        drop(watching);
        until("the second begins", async || process.get(who, second).await.status == 200).await;
        assert_eq!(process.sessions.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_that_is_heard_of_keeps_its_session() {
    for house in houses(StreamLimits::default()).await {
        let (process, other) = (house.process().await, house.process().await);
        let (song, who) = (house.put(Audio, &content(1000)), somebody());
        let path = format!("GET /api/stream/{song}?device_id=phone");
        assert_eq!(process.ask(who, &path, "", "").await.status, 200);
        let mine = process.ask(who, "GET /api/me/streams", "", "").await.json();
        assert_eq!(mine["items"][0]["device_id"], "phone");
        let id: uuid::Uuid = mine["items"][0]["session_id"].as_str().unwrap().parse().unwrap();
        let id = sori_contracts::StreamId(id);
        for _ in 0..4 {
            house.wait(IDLE - Duration::from_secs(31));
            let heard = process.sessions.heard_from(&who.caller(), id, None).await.unwrap();
            assert_eq!((heard.content, heard.device.as_deref()), (song, Some("phone")));
            process.sessions.tend().await.unwrap();
        }
        let pause = format!("PATCH /api/v1/audio/sessions/{id}");
        assert_eq!(process.ask(who, &pause, "", &json!({"playing": false}).to_string()).await.status, 204);
        house.wait(Duration::from_secs(800));
        process.sessions.tend().await.unwrap();
        let mine = process.ask(who, "GET /api/me/streams", "", "").await.json();
        assert_eq!(mine["items"][0]["status"], "paused", "{mine}");

        // By way of another process, which does not serve it.
        other.sessions.heard_from(&who.caller(), id, Some(true)).await.unwrap();
        let fault = other.sessions.heard_from(&somebody().caller(), id, None).await.unwrap_err();
        assert_eq!(fault.code(), "SESSION_NOT_FOUND");
        house.wait(Duration::from_secs(200));
        process.sessions.tend().await.unwrap();
        assert_eq!((process.sessions.count(), house.rows("ended_at_ms IS NULL").await), (0, 1));
        house.wait(LEASE);
        other.sessions.tend().await.unwrap();
        other.sessions.heard_from(&who.caller(), id, Some(true)).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_of_one_address_are_one_viewer_and_are_forgotten() {
    for house in houses(StreamLimits::default()).await {
        let process = house.process().await;
        let song = house.put(Audio, &content(1000));
        for address in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            assert_eq!(process.get(As::Address(address), song).await.status, 200);
        }
        assert_eq!((process.sessions.count(), house.rows("viewer = '192.0.2.1'").await), (2, 1));
        process.sessions.tend().await.unwrap();
        house.wait(IDLE);
        process.sessions.tend().await.unwrap();
        assert_eq!(house.rows("viewer = ''").await, 2, "no address is kept");
        house.wait(Duration::from_secs(31 * 86_400));
        process.sessions.tend().await.unwrap();
        assert_eq!(house.rows("TRUE").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_and_ends_the_sessions_of_all_processes() {
    for house in houses(StreamLimits::default()).await {
        let (one, other) = (house.process().await, house.process().await);
        let (film, who, admin) =
            (house.put(Video, &content(1000)), somebody(), As::Admin(uuid::Uuid::now_v7()));
        one.get(who, film).await;
        one.get(As::Address("192.0.2.1"), film).await;
        let all = other.ask(admin, "GET /api/admin/streams", "", "").await.json();
        let items = all["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{all}");
        assert_eq!((&items[0]["user_id"], &items[1]["kind"]), (&json!(null), &json!("video")));
        assert_eq!(items[1]["title"], "A walk");
        for item in items {
            let end = format!("DELETE /api/v1/audio/sessions/{}", item["session_id"].as_str().unwrap());
            assert_eq!(other.ask(admin, &end, "", "").await.status, 204);
        }
        assert_eq!(stopped(&other.heard()), 2);
        one.sessions.tend().await.unwrap();
        assert_eq!((one.sessions.count(), stopped(&one.heard())), (0, 0), "the process hears of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_its_owners_to_take_along_and_to_clear() {
    for house in houses(StreamLimits::default()).await {
        let process = house.process().await;
        let (who, other) = (somebody(), somebody());
        let songs: Vec<_> = (0..3).map(|_| house.put(Audio, &content(1000))).collect();
        for song in &songs {
            process.get(who, *song).await;
        }
        process.get(other, songs[0]).await;
        let page = process.ask(who, "GET /api/me/history?limit=2", "", "").await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert_eq!(page["items"][0]["content_id"], songs[2].to_string());
        assert_eq!(page["items"][0]["ended_at"], json!(null));
        let next = format!("GET /api/me/history?cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = process.ask(who, &next, "", "").await.json();
        assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{rest}");

        let account = who.caller().account().unwrap();
        assert_eq!(process.sessions.export(account).await.unwrap().as_array().unwrap().len(), 3);
        assert_eq!(process.ask(who, "DELETE /api/me/history", "", "").await.status, 204);
        assert_eq!(house.rows("TRUE").await, 4, "what is open stays");
        process.sessions.close().await.unwrap();
        assert_eq!(process.ask(who, "DELETE /api/me/history", "", "").await.status, 204);
        assert_eq!(house.rows("TRUE").await, 1);

        process.get(other, songs[1]).await;
        process.sessions.forget(other.caller().account().unwrap()).await.unwrap();
        assert_eq!((house.rows("TRUE").await, process.sessions.count()), (0, 0));
        process.sessions.tend().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_replaced_or_said_to_be_gone() {
    let database = testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.unwrap();
    let house = House::new(database, StreamLimits::default());
    let (process, who) = (house.process().await, somebody());
    let spare = house.put(Audio, b"another one");
    let (with, without) = (house.put_with(Audio, b"the one", Some(spare)), house.put(Audio, b"alone"));
    house.lose(with);
    house.lose(without);
    let answer = process.get(who, with).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"another one".as_slice()));
    let gone = process.get(who, without).await;
    assert_eq!(gone.error(), (503, "STREAM_FILE_UNAVAILABLE".into(), "파일을 찾을 수 없습니다.".into()));
    let events = process.heard();
    let errors: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::StreamError(error) => Some((error.content_id, error.error_code.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(errors, [(without, "STREAM_FILE_UNAVAILABLE")]);
    let streams = process.ask(who, "GET /api/me/streams", "", "").await.json();
    assert_eq!(streams["items"][0]["status"], "error", "{streams}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_hidden_from_those_who_listen_too() {
    let database = testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.unwrap();
    let house = House::new(database, StreamLimits::default());
    let (process, who, song) = (house.process().await, somebody(), house.put(Audio, &content(1000)));
    assert_eq!(process.range(who, song, "0-9").await.status, 206);
    house.hide(song);
    house.wait(Duration::from_secs(3));
    assert_eq!(process.range(who, song, "10-19").await.error().1, "CONTENT_NOT_FOUND");
    assert_eq!(process.get(somebody(), song).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_content() {
    let database = testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.unwrap();
    let house = House::new(database, StreamLimits::default());
    let (process, who, film) = (house.process().await, somebody(), house.put(Video, &content(1000)));
    let info = process.ask(who, &format!("GET /api/stream/{film}/info"), "", "").await.json();
    let expected = json!({
        "content_id": film.to_string(), "title": "A walk", "duration": 90.5, "file_size": 1000,
        "mime_type": "video/mp4", "codecs": {"video": "h264", "audio": "aac"},
        "resolution": {"width": 1280, "height": 720}, "bitrate": 64_000, "source": "ssd", "cache_hit": true,
        "qualities": ["original"],
    });
    assert_eq!(info, expected);
    let wrong = process.ask(who, &format!("GET /api/stream/{film}?quality=wav"), "", "").await;
    assert_eq!(
        wrong.error(),
        (400, "QUALITY_UNKNOWN".into(), "없는 음질입니다. original 중에서 고르세요.".into())
    );
    let kept = process.ask(who, &format!("GET /api/stream/{film}?download=true"), "", "").await;
    assert!(
        kept.head.contains(
            "content-disposition: attachment; filename=\"sori.mp4\"; filename*=utf-8''a%20walk.mp4"
        ),
        "{}",
        kept.head
    );
    assert_eq!(process.sessions.count(), 1, "asking about it opened nothing, listening did");
}
