//! The protocol, and what happens when something breaks in the middle of it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{Method, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use sori_contracts::{Caller, PersonalData, Role};

use crate::rig::{Rig, made_by_ffmpeg, person, wav};

fn sha256(bytes: &[u8]) -> String {
    format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)))
}

/// A body that breaks off behind these bytes.
fn broken(bytes: &[u8]) -> Body {
    let first = stream::iter([Ok(Bytes::copy_from_slice(bytes))]);
    Body::from_stream(first.chain(stream::iter([Err(std::io::Error::other("the line is cut"))])))
}

#[tokio::test]
async fn pieces_become_a_content_that_is_the_file() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(20_000);
        let path = rig.begun(me, file.len(), "밤의 라디오").await;
        let mut at = 0;
        for piece in file.chunks(15_000) {
            let answer = rig.patch(me, &path, at, &[], piece.to_vec()).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
            at += piece.len() as u64;
            assert_eq!((answer.offset(), answer.header("tus-resumable")), (at, "1.0.0"));
            // The last answer may have been lost: what it said can be asked for.
            let head = rig.head(me, &path).await;
            assert_eq!((head.status, head.offset()), (StatusCode::OK, at));
            assert_eq!(head.header("upload-length"), file.len().to_string());
            assert_eq!(head.header("cache-control"), "no-store");
        }
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(rig.stored(me, id).await, file);
        let content = rig.get(me, &format!("/v1/contents/{id}")).await.body;
        assert_eq!(content["title"], "밤의 라디오");
        assert_eq!((&content["kind"], &content["format"]), (&"audio".into(), &"wav".into()));
        assert_eq!((&content["duration_ms"], &content["audio_codec"]), (&2_500.into(), &"pcm_s16le".into()));
        assert!(!rig.part(id).exists());
        // Nothing more can be added, and asking again at the end is no fault.
        assert_eq!(rig.patch(me, &path, at, &[], ()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(rig.patch(me, &path, 0, &[], "x").await.code(), "UPLOAD_OFFSET_DIFFERS");
    }
}

#[tokio::test]
async fn what_came_before_a_restart_counts() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(9_000);
        let path = rig.begun(me, file.len(), "a").await;
        let answer = rig.patch(me, &path, 0, &[], broken(&file[..7_000])).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BODY_BROKEN"));
        let rig = rig.restarted().await;
        assert_eq!(rig.head(me, &path).await.offset(), 7_000);
        let answer = rig.patch(me, &path, 7_000, &[], file[7_000..].to_vec()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        assert_eq!(rig.stored(me, path.rsplit('/').next().unwrap()).await, file);
    }
}

#[tokio::test]
async fn an_upload_that_was_whole_when_the_process_died_is_finished_by_the_next() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(3_000);
        let path = rig.begun(me, file.len(), "a").await;
        let id = path.rsplit('/').next().unwrap();
        std::fs::write(rig.part(id), &file).unwrap();
        let rig = rig.restarted().await;
        let finished = async {
            while rig.get(me, &format!("/v1/contents/{id}")).await.status != StatusCode::OK {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), finished).await.unwrap();
        assert_eq!(rig.stored(me, id).await, file);
    }
}

#[tokio::test]
async fn offsets_other_than_where_it_stands_are_told_where_it_stands() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(3_000);
        let path = rig.begun(me, file.len(), "a").await;
        rig.patch(me, &path, 0, &[], file[..100].to_vec()).await;
        for at in [0, 99, 101, u64::MAX] {
            let answer = rig.patch(me, &path, at, &[], "x").await;
            assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "UPLOAD_OFFSET_DIFFERS"));
            assert_eq!(answer.offset(), 100);
        }
        let too_much = rig.patch(me, &path, 100, &[], file.clone()).await;
        assert_eq!((too_much.status, too_much.code()), (StatusCode::PAYLOAD_TOO_LARGE, "CONTENT_TOO_LARGE"));
        // The same without a length.
        let pieces = stream::iter([Ok::<_, std::io::Error>(file.clone())]);
        let too_much = rig.patch(me, &path, 100, &[], Body::from_stream(pieces)).await;
        assert_eq!(too_much.code(), "CONTENT_TOO_LARGE");
        assert_eq!(rig.head(me, &path).await.offset(), 100);
    }
}

#[tokio::test]
async fn a_piece_with_a_wrong_checksum_leaves_nothing() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(3_000);
        let path = rig.begun(me, file.len(), "a").await;
        let (first, second) = file.split_at(2_000);
        // A first one that is damaged says nothing about what the file is.
        let junk = [("upload-checksum", sha256(b"other"))];
        let junk = junk.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = rig.patch(me, &path, 0, &junk, vec![0; 5_000]).await;
        assert_eq!(answer.code(), "UPLOAD_CHECKSUM_DIFFERS");
        assert_eq!(rig.head(me, &path).await.offset(), 0);
        let answer = rig.patch(me, &path, 0, &[("upload-checksum", &sha256(first))], first.to_vec()).await;
        assert_eq!((answer.status, answer.offset()), (StatusCode::NO_CONTENT, 2_000));
        let answer =
            rig.patch(me, &path, 2_000, &[("upload-checksum", &sha256(first))], second.to_vec()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (460, "UPLOAD_CHECKSUM_DIFFERS"));
        assert_eq!(rig.head(me, &path).await.offset(), 2_000);
        // What cannot be compared any more goes as well.
        let sum = sha256(second);
        let answer = rig.patch(me, &path, 2_000, &[("upload-checksum", &sum)], broken(&second[..500])).await;
        assert_eq!(answer.code(), "BODY_BROKEN");
        assert_eq!(rig.head(me, &path).await.offset(), 2_000);
        let answer = rig.patch(me, &path, 2_000, &[("upload-checksum", &sum)], second.to_vec()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(rig.stored(me, path.rsplit('/').next().unwrap()).await, file);
    }
}

#[tokio::test]
async fn a_later_request_takes_over_from_one_that_stands_still() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(9_000);
        let path = rig.begun(me, file.len(), "a").await;
        // The line of the first one is dead, and nobody told this side.
        let (arrived, mut arrival) = tokio::sync::mpsc::unbounded_channel();
        let first = Bytes::copy_from_slice(&file[..5_000]);
        let pieces = stream::iter([first]).map(move |piece| {
            arrived.send(()).unwrap();
            Ok::<_, std::io::Error>(piece)
        });
        let dead = rig.patch(me, &path, 0, &[], Body::from_stream(pieces.chain(stream::pending())));
        let next = async {
            arrival.recv().await.unwrap();
            let at = rig.head(me, &path).await.offset();
            assert!(at == 0 || at == 5_000, "{at}");
            let answer = rig.patch(me, &path, at, &[], file[at as usize..].to_vec()).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        };
        let (dead, ()) =
            tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(dead, next) }).await.unwrap();
        assert_eq!((dead.status, dead.code()), (StatusCode::CONFLICT, "UPLOAD_OVERTAKEN"));
        assert_eq!(rig.stored(me, path.rsplit('/').next().unwrap()).await, file);
    }
}

#[tokio::test]
async fn what_is_no_media_is_refused_with_the_list_of_what_is() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n".repeat(100);
        let tagged = [b"ID3\x04\0\0\0\0\0\x04abcd".as_slice(), &playlist].concat();
        let mut cut = made_by_ffmpeg("a.mp4", &["-c:v", "mpeg4", "-c:a", "aac"]);
        // Without its index nothing of it can be found.
        cut.truncate(cut.len() / 3);
        let silent = [b"RIFF\x24\0\0\0WAVEjunk".as_slice(), &[0; 5_000]].concat();
        // A tag that is longer than what is looked at, and FFmpeg looks behind it.
        let other = rig.folder.path().join("other.wav");
        std::fs::write(&other, wav(8_000)).unwrap();
        let list = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:{}\n#EXT-X-ENDLIST\n",
            other.display()
        );
        let hidden = [b"ID3\x04\0\0\0\0\x40\0".as_slice(), &[0; 8_192], list.as_bytes()].concat();
        for (name, file) in [
            ("playlist", playlist.clone()),
            ("tagged", tagged),
            ("hidden", hidden),
            ("cut", cut),
            ("silent", silent),
        ] {
            let path = rig.begun(me, file.len(), name).await;
            let answer = rig.patch(me, &path, 0, &[], file).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "AUDIO_FORMAT_UNSUPPORTED"),
                "{name}"
            );
            let supported = answer.body["error"]["details"]["supported"].as_array().unwrap();
            assert!(supported.contains(&"mp3".into()), "{name}");
            // Nothing of it stays.
            assert_eq!(rig.head(me, &path).await.status, StatusCode::NOT_FOUND, "{name}");
            assert!(!rig.part(path.rsplit('/').next().unwrap()).exists(), "{name}");
        }
        // A long one as soon as it can be told, and not at its end.
        let path = rig.begun(me, 1 << 30, "long").await;
        let answer = rig.patch(me, &path, 0, &[], playlist[..5_000].to_vec()).await;
        assert_eq!(answer.code(), "AUDIO_FORMAT_UNSUPPORTED");
        assert_eq!(rig.head(me, &path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_film_is_known_by_its_content() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        for (name, arguments, kind, content_type, format) in [
            ("a.mp4", ["-c:v", "mpeg4", "-c:a", "aac"].as_slice(), "video", "video/mp4", "mp4"),
            ("a.mkv", &["-c:v", "mpeg4", "-c:a", "flac"], "video", "video/x-matroska", "mkv"),
            ("a.m4a", &["-map", "1:a", "-c:a", "aac"], "audio", "audio/mp4", "m4a"),
            ("a.mp3", &["-map", "1:a", "-c:a", "libmp3lame"], "audio", "audio/mpeg", "mp3"),
            ("a.opus", &["-map", "1:a", "-c:a", "libopus"], "audio", "audio/ogg", "ogg"),
            ("a.flac", &["-map", "1:a"], "audio", "audio/flac", "flac"),
            ("a.aac", &["-map", "1:a", "-c:a", "aac", "-f", "adts"], "audio", "audio/aac", "aac"),
            ("a.aiff", &["-map", "1:a"], "audio", "audio/aiff", "aiff"),
        ] {
            let id = rig.uploaded(me, name, made_by_ffmpeg(name, arguments)).await;
            let content = rig.get(me, &format!("/v1/contents/{id}")).await.body;
            let found =
                (content["kind"].as_str(), content["content_type"].as_str(), content["format"].as_str());
            assert_eq!(found, (Some(kind), Some(content_type), Some(format)), "{name}");
            let duration_ms = content["duration_ms"].as_i64().unwrap();
            assert!((1_900..2_300).contains(&duration_ms), "{name} {duration_ms}");
            assert!(content["audio_codec"].is_string(), "{name}");
            let size = (kind == "video").then_some((64, 48));
            assert_eq!(content["width"].as_i64().zip(content["height"].as_i64()), size, "{name}");
        }
    }
}

#[tokio::test]
async fn headers_that_the_protocol_does_not_know_are_refused() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let post =
            async |headers: &[(&str, &str)]| rig.send(me, Method::POST, "/v1/uploads", headers, ()).await;
        let answer = post(&[("upload-length", "5")]).await;
        assert_eq!((answer.status, answer.header("tus-version")), (StatusCode::PRECONDITION_FAILED, "1.0.0"));
        assert_eq!(post(&[("tus-resumable", "0.2.2"), ("upload-length", "5")]).await.status, 412);
        for length in ["", "-1", "1e3", "0"] {
            let answer = post(&[("tus-resumable", "1.0.0"), ("upload-length", length)]).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{length}");
        }
        let huge = post(&[("tus-resumable", "1.0.0"), ("upload-length", "99999999999999")]).await;
        assert_eq!((huge.status, huge.code()), (StatusCode::PAYLOAD_TOO_LARGE, "CONTENT_TOO_LARGE"));
        let path = rig.begun(me, 10, "a").await;
        let form = [("tus-resumable", "1.0.0"), ("upload-offset", "0"), ("content-type", "application/json")];
        let answer = rig.send(me, Method::PATCH, &path, &form, "x").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let answer = rig.send(Caller::Visitor, Method::OPTIONS, "/v1/uploads", &[], ()).await;
        assert_eq!((answer.status, answer.header("tus-max-size")), (StatusCode::NO_CONTENT, "21474836480"));
        assert!(answer.header("tus-extension").contains("checksum"));
    }
}

#[tokio::test]
async fn an_upload_is_its_owners_alone() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(1_000);
        let path = rig.begun(me, file.len(), "a").await;
        for other in [person(Role::Learner), person(Role::Admin)] {
            assert_eq!(rig.head(other, &path).await.status, StatusCode::NOT_FOUND);
            assert_eq!(rig.patch(other, &path, 0, &[], file.clone()).await.status, StatusCode::NOT_FOUND);
            let answer = rig.send(other, Method::DELETE, &path, &[], ()).await;
            assert_eq!(answer.code(), "UPLOAD_NOT_FOUND");
        }
        assert_eq!(rig.head(Caller::Visitor, &path).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(rig.send(me, Method::DELETE, &path, &[], ()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(rig.head(me, &path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn an_account_has_limits_and_the_disk_too() {
    for rig in Rig::all_with(|settings| (settings.max_unfinished, settings.max_contents) = (2, 3)).await {
        let me = person(Role::Learner);
        let headers = |length: &'static str| [("tus-resumable", "1.0.0"), ("upload-length", length)];
        let begin = async |length| rig.send(me, Method::POST, "/v1/uploads", &headers(length), ()).await;
        rig.uploaded(me, "a", wav(100)).await;
        let first = begin("10").await.header("location").to_owned();
        assert_eq!(begin("10").await.status, StatusCode::CREATED);
        let full = begin("10").await;
        assert_eq!((full.status, full.code()), (StatusCode::CONFLICT, "CONTENTS_FULL"));
        rig.send(me, Method::DELETE, &first, &[], ()).await;
        assert_eq!(begin("10").await.status, StatusCode::CREATED);
        let other = rig.send(person(Role::Learner), Method::POST, "/v1/uploads", &headers("10"), ()).await;
        assert_eq!(other.status, StatusCode::CREATED);
    }
    for rig in Rig::all_with(|settings| settings.keep_free_bytes = u64::MAX / 2).await {
        let headers = [("tus-resumable", "1.0.0"), ("upload-length", "10")];
        let full = rig.send(person(Role::Learner), Method::POST, "/v1/uploads", &headers, ()).await;
        assert_eq!((full.status, full.code()), (StatusCode::INSUFFICIENT_STORAGE, "STORAGE_FULL"));
    }
}

#[tokio::test]
async fn what_nobody_goes_on_with_expires() {
    for rig in Rig::all_with(|settings| settings.keep_unfinished = Duration::ZERO).await {
        let me = person(Role::Learner);
        let path = rig.begun(me, 100, "a").await;
        let id = path.rsplit('/').next().unwrap();
        std::fs::write(rig.part(id), b"RIFF").unwrap();
        // The first round comes with the start.
        let rig = rig.restarted().await;
        let gone = async {
            while rig.head(me, &path).await.status != StatusCode::NOT_FOUND || rig.part(id).exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
    }
}

#[tokio::test]
async fn a_body_may_come_with_the_beginning() {
    for rig in Rig::all().await {
        let me = person(Role::Learner);
        let file = wav(1_000);
        let length = file.len().to_string();
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", length.as_str()),
            ("content-type", "application/offset+octet-stream"),
        ];
        let answer = rig.send(me, Method::POST, "/v1/uploads", &headers, file.clone()).await;
        assert_eq!((answer.status, answer.offset()), (StatusCode::CREATED, file.len() as u64));
        let id = answer.header("location").rsplit('/').next().unwrap().to_owned();
        assert_eq!(rig.stored(me, &id).await, file);
    }
}

#[tokio::test]
async fn who_leaves_takes_private_things_along() {
    for rig in Rig::all().await {
        let editor = person(Role::Editor);
        let account = editor.account().unwrap();
        let private = rig.uploaded(editor, "private", wav(1_000)).await;
        let public = rig.uploaded(editor, "public", wav(2_000)).await;
        let path = format!("/v1/contents/{public}");
        let json = [("content-type", "application/json")];
        let answer = rig.send(editor, Method::PATCH, &path, &json, r#"{"visibility":"public"}"#).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let unfinished = rig.begun(editor, 100, "unfinished").await;
        let media =
            rig.library.find(&editor, private.parse().unwrap()).await.unwrap().unwrap().files[0].media;

        let exported = rig.library.export(account).await.unwrap();
        assert_eq!(exported["contents"].as_array().unwrap().len(), 2);
        assert_eq!(exported["unfinished"][0]["title"], "unfinished");
        // Twice, as it may be repeated.
        for _ in 0..2 {
            rig.library.forget(account).await.unwrap();
        }
        assert_eq!(rig.head(editor, &unfinished).await.status, StatusCode::NOT_FOUND);
        assert_eq!(rig.get(editor, &format!("/v1/contents/{private}")).await.code(), "CONTENT_NOT_FOUND");
        assert!(rig.bytes(media).await.is_none());
        let kept = rig.get(Caller::Visitor, &path).await;
        assert_eq!((kept.status, &kept.body["is_mine"]), (StatusCode::OK, &false.into()));
        assert_eq!(rig.get(editor, &path).await.body["is_mine"], false);
    }
}
