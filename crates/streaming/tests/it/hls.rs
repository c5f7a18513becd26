//! Packages and playlists on both databases: begun by whoever listens first, played while they grow,
//! given up, taken over, removed.

mod rig;

use std::{sync::atomic::Ordering, time::SystemTime};

use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use sori_contracts::{
    Caller, Cancel, Event, Fault as _, JobError, JobId, MediaFault, MediaStore, Priority, RunningJob,
};
use sori_db::testing::databases;
use sori_http::{
    UrlSigner,
    signed::{Signature, SigningKey},
};
use sori_streaming::{
    MIGRATIONS,
    hls::{PrepareState, PrepareStatus},
};

use rig::{Percents, Rig, SECONDS, bytes, eventually, member, text, uris, written};

const WHOLE: usize = 100;

fn damaged() -> MediaFault {
    MediaFault::Ffmpeg("Invalid data found when processing input".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_is_played_while_the_rest_is_written() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        rig.pen.allow(2);
        let master = rig.text("master.m3u8").await;
        let rates: Vec<&str> =
            master.lines().filter_map(|line| line.strip_prefix("#EXT-X-STREAM-INF:")).collect();
        assert!(
            rates[0].starts_with("BANDWIDTH=70400,AVERAGE-BANDWIDTH=64000,CODECS=\"mp4a.40.2\""),
            "{master}"
        );
        assert_eq!(rates.len(), 3, "{master}");

        let growing = rig.media_with("#EXTINF").await;
        assert!(growing.contains("TYPE:EVENT") && !growing.contains("ENDLIST"), "{growing}");
        let (whole, ends) = written();
        let file = rig.path(uris(&growing).next().unwrap());
        let range = |range: String| rig.ask(Request::get(&file).header("range", range));
        let first = range(format!("bytes=100-{}", ends[0] - 1)).await;
        assert_eq!(first.status(), 206);
        assert_eq!(first.headers()["content-range"], format!("bytes 100-{}/*", ends[0] - 1));
        assert_eq!(first.headers()["cache-control"], "no-store");
        assert!(bytes(first).await == whole[100..ends[0]]);
        // Not written yet, and all of it: come again.
        for asked in [range(format!("bytes={}-", whole.len() - 5)).await, rig.get(&file).await] {
            assert_eq!(
                (asked.status().as_u16(), &asked.headers()["retry-after"]),
                (503, &"2".parse().unwrap())
            );
        }

        rig.pen.allow(WHOLE);
        let complete = rig.media_with("#EXT-X-ENDLIST").await;
        assert!(complete.contains("TYPE:VOD"), "{complete}");
        let begun: Vec<&str> = growing.lines().filter(|line| line.starts_with("#EXT-X-BYTERANGE")).collect();
        let ended: Vec<&str> = complete.lines().filter(|line| line.starts_with("#EXT-X-BYTERANGE")).collect();
        assert!(ended.len() > begun.len() && ended.starts_with(&begun), "{growing}\n{complete}");
        let last = range(format!("bytes={}-", whole.len() - 5)).await;
        assert_eq!(
            last.headers()["content-range"],
            format!("bytes {0}-{1}/{2}", whole.len() - 5, whole.len() - 1, whole.len())
        );
        assert_eq!(rig.pen.begun.load(Ordering::SeqCst), 1);
        assert!(std::fs::read_dir(rig.packages()).unwrap().next().is_none(), "the folder is removed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_begin_at_once_begin_one_package() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        let beside = rig.beside(&database);
        rig.pen.allow(WHOLE);
        beside.pen.allow(WHOLE);
        let asked = (0..16).map(|n| {
            let rig = if n % 2 == 0 { &rig } else { &beside };
            rig.text("master.m3u8")
        });
        let answers = futures::future::join_all(asked).await;
        let packages: std::collections::BTreeSet<&str> =
            answers.iter().filter_map(|text| text.split_once("package=")?.1.lines().next()).collect();
        assert_eq!(packages.len(), 1, "{answers:?}");
        let begun = [&rig, &beside].map(|rig| rig.pen.begun.load(Ordering::SeqCst));
        assert_eq!(begun.iter().sum::<usize>(), 1, "{begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_plays_what_this_one_is_writing() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        let beside = rig.beside(&database);
        rig.pen.allow(1);
        rig.text("master.m3u8").await;
        let growing = beside.media_with("#EXTINF").await;
        assert!(!growing.contains("ENDLIST"), "{growing}");
        rig.pen.allow(WHOLE);
        beside.media_with("#EXT-X-ENDLIST").await;
        assert_eq!(beside.pen.begun.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_a_process_that_died_is_begun_anew() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        rig.pen.allow(1);
        let before = rig.text("master.m3u8").await;
        let beside = rig.beside(&database);
        beside.pen.allow(WHOLE);
        eventually(async || {
            // As if it had not been heard of for a while; it is alive, and may say so in between.
            let sql = "UPDATE streaming_package SET until_ms = 1 WHERE state = 'packaging'";
            database.db.query(sql).execute().await.unwrap();
            beside.text("master.m3u8").await;
            (beside.pen.begun.load(Ordering::SeqCst) == 1).then_some(())
        })
        .await;
        beside.media_with("#EXT-X-ENDLIST").await;
        assert_ne!(beside.text("master.m3u8").await, before);
        // The first one notices, and takes nothing away.
        rig.pen.allow(WHOLE);
        eventually(async || std::fs::read_dir(rig.packages()).unwrap().next().is_none().then_some(())).await;
        beside.media_with("#EXT-X-ENDLIST").await;
        assert_eq!(rig.store.count(), 1 + 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_source_is_tried_twice_and_then_played_as_it_is() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        rig.pen.allow(WHOLE);
        rig.pen.faults.lock().unwrap().extend([damaged(), damaged()]);
        for _ in 0..2 {
            let refused = eventually(async || {
                Some(rig.get(&rig.path("master.m3u8")).await).filter(|answer| answer.status() == 307)
            })
            .await;
            assert_eq!(refused.headers()["location"], format!("/api/stream/{}", rig.contents[0].id));
        }
        assert_eq!(*rig.pen.attempts.lock().unwrap(), [false, true]);
        let heard = rig.heard.failures();
        assert!(
            matches!(&heard[..], [Event::PackagingFailed { content_id, error_code, .. }]
                if *content_id == rig.contents[0].id && error_code == "ENCODING_FAILED"),
            "{heard:?}"
        );
        assert_eq!(rig.store.count(), 1, "nothing stays of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_damaged_in_one_place_is_played_all_the_same() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        rig.pen.allow(WHOLE);
        rig.pen.faults.lock().unwrap().push_back(damaged());
        eventually(async || {
            let attempts = rig.pen.attempts.lock().unwrap().len();
            (attempts == 2 || rig.get(&rig.path("master.m3u8")).await.status() == 404).then_some(())
        })
        .await;
        rig.media_with("#EXT-X-ENDLIST").await;
        assert!(rig.heard.failures().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_packaged_is_played_as_it_is_and_is_no_failure() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        rig.pen.is_film.store(true, Ordering::SeqCst);
        let refused = rig.get(&rig.path("master.m3u8")).await;
        assert_eq!(refused.status(), 307);
        assert_eq!(rig.hls.qualities(&rig.contents[0]).await.unwrap(), []);
        assert_eq!((rig.heard.failures(), rig.pen.begun.load(Ordering::SeqCst)), (vec![], 0));
        let refused = rig.hls.prepare(&rig.contents[0], Priority::Normal, None).await.unwrap_err();
        assert_eq!(refused.code(), "STREAM_NOT_PACKAGED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_prepares_what_somebody_will_play() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        let content = &rig.contents[0];
        let prepared = rig.hls.prepare(content, Priority::High, None).await.unwrap();
        let again = rig.hls.prepare(content, Priority::Low, None).await.unwrap();
        assert_eq!((prepared.status, &prepared), (PrepareState::Queued, &again));
        let (id, job) = rig.queue.0.lock().unwrap().pop().unwrap();
        assert!(rig.queue.0.lock().unwrap().is_empty(), "one job is enough");
        assert_eq!((prepared.job_id, job.priority), (Some(id), Priority::High));

        rig.pen.allow(1);
        let percents = std::sync::Arc::<Percents>::default();
        let (running, cancel) = running(id, &job.payload, &percents);
        let handler = rig.hls.handlers().remove(0);
        assert_eq!(handler.kind(), job.kind);
        let working = tokio::spawn(async move { handler.run(running).await });
        let under_way = eventually(async || {
            let status = rig.hls.prepare(content, Priority::Normal, None).await.unwrap();
            (status.status == PrepareState::Preparing).then_some(status)
        })
        .await;
        assert_eq!(under_way.job_id, Some(id));
        rig.pen.allow(WHOLE);
        let result = working.await.unwrap().unwrap();
        assert_eq!(result["url"], rig.path("master.m3u8"));
        assert_eq!(percents.0.lock().unwrap()[..3], [20, 40, 60]);
        let ready = PrepareStatus { status: PrepareState::Ready, progress: 100, job_id: Some(id) };
        assert_eq!(rig.hls.prepare(content, Priority::Normal, None).await.unwrap(), ready);
        assert!(!cancel.is_cancelled());
        assert!(rig.text("master.m3u8").await.contains("64k.m3u8?package="));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_leaves_nothing_behind() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 1);
        rig.hls.prepare(&rig.contents[0], Priority::Normal, None).await.unwrap();
        let (id, job) = rig.queue.0.lock().unwrap().pop().unwrap();
        let (running, cancel) = running(id, &job.payload, &std::sync::Arc::default());
        let handler = rig.hls.handlers().remove(0);
        let working = tokio::spawn(async move { handler.run(running).await });
        eventually(async || (rig.pen.begun.load(Ordering::SeqCst) == 1).then_some(())).await;
        cancel.cancel();
        assert!(matches!(working.await.unwrap(), Err(JobError::Cancelled)));
        assert!(std::fs::read_dir(rig.packages()).unwrap().next().is_none());
        // Whoever comes next begins anew.
        rig.pen.allow(WHOLE);
        rig.media_with("#EXT-X-ENDLIST").await;
    }
}

fn running(id: JobId, payload: &Value, percents: &std::sync::Arc<Percents>) -> (RunningJob, Cancel) {
    let cancel = Cancel::new();
    let job = RunningJob {
        id,
        payload: payload.clone(),
        owner: None,
        attempt: 1,
        progress: std::sync::Arc::clone(percents) as _,
        cancel: cancel.clone(),
    };
    (job, cancel)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_next_in_the_show_is_prepared_once() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 2);
        rig.pen.allow(WHOLE);
        rig.media_with("#EXT-X-ENDLIST").await;
        rig.text("master.m3u8").await;
        let (_, job) = eventually(async || rig.queue.0.lock().unwrap().pop()).await;
        assert_eq!(job.payload["content_id"], json!(rig.contents[1].id));
        assert_eq!((job.priority, job.owner), (Priority::Low, None));
        assert!(rig.queue.0.lock().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_go_with_their_sources_and_when_nobody_uses_them() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 3);
        rig.pen.allow(WHOLE);
        for content in &rig.contents {
            let job = rig.hls.prepare(content, Priority::Normal, None).await.unwrap();
            let payload = rig.queue.0.lock().unwrap().pop().unwrap().1.payload;
            let (running, _) = running(job.job_id.unwrap(), &payload, &std::sync::Arc::default());
            rig.hls.handlers().remove(0).run(running).await.unwrap();
        }
        assert_eq!(rig.store.count(), 3 + 3 * 3);
        assert_eq!(rig.hls.sweep().await.unwrap(), 0);

        rig.store.delete(rig.contents[0].files[0].media).await.unwrap();
        assert_eq!(rig.hls.sweep().await.unwrap(), 1);
        assert_eq!(rig.store.count(), 2 + 2 * 3);

        // As if a process had died between storing and noting that all is stored.
        let sql = "UPDATE streaming_package SET state = 'packaging', until_ms = 1 WHERE source_id = $1";
        database.db.query(sql).bind(rig.contents[1].files[0].media).execute().await.unwrap();
        assert_eq!(rig.hls.sweep().await.unwrap(), 0);
        assert_eq!(rig.store.count(), 2 + 3);

        database.db.query("UPDATE streaming_package SET used_at_ms = 1").execute().await.unwrap();
        assert_eq!(rig.hls.sweep().await.unwrap(), 1);
        assert_eq!(rig.store.count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_a_rendition() {
    let database = sori_db::testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.unwrap();
    let rig = Rig::new(&database, 1);
    rig.pen.allow(WHOLE);
    let master = rig.text("master.m3u8").await;
    assert!(
        master
            .contains("TYPE=SUBTITLES,GROUP-ID=\"captions\",NAME=\"English\",LANGUAGE=\"en-US\",DEFAULT=YES")
            && master.contains("URI=\"captions.m3u8\"")
            && master.contains("SUBTITLES=\"captions\""),
        "{master}"
    );
    let list = rig.text("captions.m3u8").await;
    assert!(list.contains(&format!("#EXTINF:{SECONDS}.000000,\ncaptions.vtt\n#EXT-X-ENDLIST")), "{list}");
    let captions = rig.text("captions.vtt").await;
    assert!(captions.starts_with("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n1\n"), "{captions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_in_playlists_stand_for_whoever_asked() {
    let database = sori_db::testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.unwrap();
    let rig = Rig::new(&database, 1);
    rig.pen.allow(WHOLE);
    let signer = UrlSigner::new(SigningKey::new([7; 32]), []);
    let member = member();
    let signed = async |path: &str| {
        let request = Request::get(path).extension(Caller::Account(member)).extension(signer.clone());
        text(rig.ask(request).await).await
    };
    let master = signed(&rig.path("master.m3u8")).await;
    let captions = master.split_once("URI=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let media = uris(&master).next().unwrap().to_owned();
    let playlist = signed(&rig.path(&media)).await;
    let file = uris(&playlist).next().unwrap().to_owned();
    for uri in [captions, media, file] {
        let (name, query) = uri.split_once('?').unwrap();
        let verified = signer.verify(&Method::GET, &rig.path(name), Some(query), SystemTime::now());
        assert!(matches!(verified, Signature::Valid(by) if by.account == member.account), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_plays_in_pieces_has_one_session_and_one_slot() {
    for database in databases(&[MIGRATIONS]).await {
        let rig = Rig::new(&database, 2);
        rig.pen.allow(2);
        let caller = Caller::Account(member());
        let asked = |method: Method, path: &str| {
            Request::builder().method(method).uri(path).extension(caller).header("range", "bytes=0-99")
        };
        let master = rig.path("master.m3u8?device_id=phone-1");
        assert_eq!(rig.ask(asked(Method::HEAD, &master)).await.status(), 200);
        assert_eq!(rig.sessions.count(), 0, "a look is no session");
        let playlist = text(rig.ask(asked(Method::GET, &master)).await).await;
        let media = rig.path(uris(&playlist).next().unwrap());
        assert!(media.ends_with("&device_id=phone-1"), "{media}");
        let playlist = text(rig.ask(asked(Method::GET, &media)).await).await;
        let file = rig.path(uris(&playlist).next().unwrap());
        for fragments in [2, WHOLE] {
            rig.pen.allow(fragments);
            let segment = bytes(rig.ask(asked(Method::GET, &file)).await).await;
            assert!(segment == written().0[..100]);
        }
        assert_eq!(rig.sessions.count(), 1);
        // The one slot that this account has is taken; on the same content it is the same session.
        let other = format!("/api/stream/{}/hls/master.m3u8?device_id=tablet", rig.contents[1].id);
        let refused = rig.ask(asked(Method::GET, &other)).await;
        assert_eq!(refused.status(), 429);
        assert!(refused.headers().contains_key("retry-after"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let database = sori_db::testing::sqlite().await;
    database.db.migrate(&[MIGRATIONS]).await.unwrap();
    let rig = Rig::new(&database, 2);
    rig.pen.allow(WHOLE);
    let media = uris(&rig.text("master.m3u8").await).next().unwrap().to_owned();
    let of_another = format!("/api/stream/{}/hls/{media}", rig.contents[1].id);
    let nobody = uuid::Uuid::now_v7();
    for path in [
        rig.path("5k.m3u8"),
        rig.path("64k.ts"),
        rig.path(&format!("64k.m3u8?package={nobody}")),
        of_another,
        format!("/api/stream/{nobody}/hls/master.m3u8"),
    ] {
        assert_eq!(rig.get(&path).await.status(), 404, "{path}");
    }
    let head = rig.ask(Request::head(rig.path("64k.mp4"))).await;
    assert!(head.status().is_success() || head.status() == 503);
    let accepted = rig.get(&rig.path("master.m3u8")).await;
    assert_eq!(accepted.headers()[header::CONTENT_TYPE], "application/vnd.apple.mpegurl");
}
