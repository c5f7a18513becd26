//! Fragmented MP4 out of what people really have, by the FFmpeg of this machine.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sori_contracts::{Cancel, MediaFault, Packager, PackagingOrder, RenditionOrder, Sound};
use sori_media::FfmpegPackager;

/// A file that FFmpeg makes.
fn made(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments)
        .arg("-y")
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success(), "{name}");
    path
}

/// Noise, since a tone needs no more bits when it is given them.
const SPEECH: &[&str] =
    &["-f", "lavfi", "-i", "anoisesrc=amplitude=0.1:sample_rate=24000:duration=10:seed=1"];
const FILM: &[&str] = &[
    "-f",
    "lavfi",
    "-i",
    "testsrc=size=320x180:rate=25:duration=10",
    "-f",
    "lavfi",
    "-i",
    "sine=sample_rate=44100:duration=10",
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-bf",
    "2",
    "-g",
    "50",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
];

fn aac(bitrate_bps: u32) -> Option<Sound> {
    Some(Sound::Aac { bitrate_bps, channels: 1, sample_rate_hz: 24_000 })
}

fn order(source: &Path, renditions: Vec<RenditionOrder>) -> PackagingOrder {
    PackagingOrder {
        source: File::open(source).unwrap(),
        renditions,
        fragment_ms: 4_000,
        is_tolerant: false,
        timeout: Duration::from_secs(300),
    }
}

fn rendition(path: PathBuf, has_picture: bool, sound: Option<Sound>) -> RenditionOrder {
    RenditionOrder { path, has_picture, sound }
}

fn package(order: &PackagingOrder) -> Result<Vec<u64>, MediaFault> {
    let mut seen = Vec::new();
    FfmpegPackager.package(order, &mut |ms| seen.push(ms), &Cancel::new()).map(|()| seen)
}

/// The kinds of the boxes, one after the other.
fn boxes(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut kinds) = (0, Vec::new());
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        kinds.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += length;
    }
    kinds
}

/// What FFmpeg decodes of it, in samples and without a complaint.
fn decoded_samples(path: &Path) -> usize {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-f", "s16le", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.len() / 2
}

#[test]
fn speech_becomes_fragments_of_four_seconds_at_several_rates() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(folder.path(), "a.wav", SPEECH);
    let paths = [64, 128].map(|rate| folder.path().join(format!("{rate}.mp4")));
    let renditions =
        paths.iter().zip([64_000, 128_000]).map(|(path, rate)| rendition(path.clone(), false, aac(rate)));
    let seen = package(&order(&source, renditions.collect())).unwrap();
    assert!(seen.last().is_some_and(|ms| (9_900..10_100).contains(ms)), "{seen:?}");
    for path in &paths {
        assert_eq!(boxes(path), ["ftyp", "moov", "moof", "mdat", "moof", "mdat", "moof", "mdat"]);
        // The samples that the encoder lets run ahead are cut off: captions stay in time.
        let samples = decoded_samples(path);
        assert!((240_000..241_024 + 1_024).contains(&samples), "{samples}");
    }
    assert!(fs::metadata(&paths[1]).unwrap().len() > fs::metadata(&paths[0]).unwrap().len() * 3 / 2);
}

#[test]
fn aac_and_h264_are_copied() {
    let folder = tempfile::tempdir().unwrap();
    let song = made(folder.path(), "a.m4a", &[SPEECH, &["-c:a", "aac", "-b:a", "96k"]].concat());
    let copy = folder.path().join("song.mp4");
    package(&order(&song, vec![rendition(copy.clone(), false, Some(Sound::Copied))])).unwrap();
    assert!((240_000..243_000).contains(&decoded_samples(&copy)));
    let film = made(folder.path(), "a.mp4", FILM);
    let copy = folder.path().join("film.mp4");
    package(&order(&film, vec![rendition(copy.clone(), true, Some(Sound::Copied))])).unwrap();
    // Key frames every two seconds: cut at the first that makes four.
    let fragments = boxes(&copy).iter().filter(|kind| *kind == "moof").count();
    assert_eq!(fragments, 3, "{:?}", boxes(&copy));
    let facts = FfmpegPackager.inspect(&File::open(&copy).unwrap()).unwrap();
    assert_eq!(facts.picture.as_ref().map(|picture| picture.codec.as_str()), Some("h264"));
    let silent = folder.path().join("silent.mp4");
    package(&order(&film, vec![rendition(silent.clone(), true, None)])).unwrap();
    assert_eq!(FfmpegPackager.inspect(&File::open(&silent).unwrap()).unwrap().sound, None);
}

#[test]
fn a_file_is_looked_into_wherever_its_handle_stands() {
    use std::io::{Read, Seek, SeekFrom};
    let folder = tempfile::tempdir().unwrap();
    // The index of an MP4 stands at its end: FFmpeg has to be able to go back.
    let film = made(folder.path(), "a.mp4", FILM);
    let mut file = File::open(&film).unwrap();
    file.seek(SeekFrom::Start(5_000)).unwrap();
    file.read_exact(&mut [0; 100]).unwrap();
    let facts = FfmpegPackager.inspect(&file).unwrap();
    let picture = facts.picture.unwrap();
    assert_eq!((picture.codec.as_str(), picture.width, picture.height), ("h264", 320, 180));
    let sound = facts.sound.unwrap();
    assert_eq!((sound.codec.as_str(), sound.channels, sound.sample_rate_hz), ("aac", 1, 44_100));
    assert!(facts.duration_ms.is_some_and(|ms| (9_900..10_200).contains(&ms)), "{:?}", facts.duration_ms);
    // Also one that was deleted meanwhile.
    fs::remove_file(&film).unwrap();
    assert!(FfmpegPackager.inspect(&file).is_ok());
}

#[test]
fn the_cover_of_a_song_is_no_film() {
    let folder = tempfile::tempdir().unwrap();
    let cover = made(folder.path(), "c.png", &["-f", "lavfi", "-i", "testsrc=size=64x64:duration=0.04"]);
    let sound = made(folder.path(), "a.wav", SPEECH);
    let (sound, cover) = (sound.to_str().unwrap(), cover.to_str().unwrap());
    let song =
        made(folder.path(), "a.mp3", &["-i", sound, "-i", cover, "-map", "0", "-map", "1", "-c:v", "copy"]);
    let facts = FfmpegPackager.inspect(&File::open(song).unwrap()).unwrap();
    assert_eq!((facts.picture, facts.sound.unwrap().codec.as_str()), (None, "mp3"));
}

#[test]
fn damage_is_reported_unless_patience_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(folder.path(), "a.mp3", &[SPEECH, &["-b:a", "64k"]].concat());
    let mut bytes = fs::read(&source).unwrap();
    let length = bytes.len();
    bytes[length / 2..length / 2 + 4_000].fill(0x55);
    fs::write(&source, bytes).unwrap();
    let path = folder.path().join("out.mp4");
    let mut order = order(&source, vec![rendition(path.clone(), false, aac(64_000))]);
    assert!(matches!(package(&order), Err(MediaFault::Ffmpeg(_))));
    order.is_tolerant = true;
    package(&order).unwrap();
    assert!(decoded_samples(&path) > 200_000);

    fs::write(&source, b"this is no media at all").unwrap();
    order.source = File::open(&source).unwrap();
    assert!(matches!(package(&order), Err(MediaFault::Ffmpeg(_))));
    assert!(matches!(FfmpegPackager.inspect(&order.source), Err(MediaFault::Ffmpeg(_))));
}

#[test]
fn what_is_cancelled_or_out_of_time_ends() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(folder.path(), "a.wav", SPEECH);
    let path = folder.path().join("out.mp4");
    let mut order = order(&source, vec![rendition(path, false, aac(64_000))]);
    let cancel = Cancel::new();
    cancel.cancel();
    let cancelled = FfmpegPackager.package(&order, &mut |_| (), &cancel);
    assert!(matches!(cancelled, Err(MediaFault::Cancelled)));
    order.timeout = Duration::ZERO;
    assert!(matches!(package(&order), Err(MediaFault::Ffmpeg(said)) if said.contains("not done within")));
}
