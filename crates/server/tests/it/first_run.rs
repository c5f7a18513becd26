//! What a new server puts before its first visitor, and what the two readmes promise.

use std::collections::BTreeSet;

use sori_db::testing;
use sori_server::{App, Config, first_run::Demo};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_library_gets_the_demo_once_even_where_no_voice_is_installed() {
    let database = testing::sqlite().await;
    let data = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: data.path().to_owned(),
        database_url: Some(database.url.clone()),
        assets_dir: data.path().join("no-assets"),
        ..Config::default()
    };
    let app = App::start(&config).await.unwrap();
    let outcome = app.prepare_demo(data.path(), |_| ()).await.unwrap();
    assert!(matches!(&outcome, Demo::Waiting(reason) if reason.contains("make assets")), "{outcome:?}");
    assert_eq!(app.prepare_demo(data.path(), |_| ()).await.unwrap(), Demo::NotNeeded);
    app.jobs.stop().await;
}

#[test]
fn the_demo_is_a_dialogue_of_four_voices() {
    let text = include_bytes!("../../../../examples/the-night-radio.fountain");
    let parsed =
        sori_script::read(text, sori_script::Format::Fountain, &sori_script::Limits::default()).unwrap();
    assert_eq!(parsed.problems, [], "the demo is written without a flaw");
    let speakers: BTreeSet<_> = parsed.script.lines().map(|(_, line)| line.speaker.as_str()).collect();
    let voices: BTreeSet<_> =
        parsed.script.cast.values().filter_map(|member| member.voice.as_deref()).collect();
    assert!(parsed.script.lines().count() >= 12);
    assert_eq!((speakers.len(), voices.len()), (4, 4), "{speakers:?} {voices:?}");
}

#[test]
fn both_readmes_have_the_same_sections_and_the_same_commands() {
    let shape = |text: &str| {
        let levels: Vec<usize> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.find(' ').unwrap_or(0))
            .collect();
        let blocks: Vec<String> = text.split("```").skip(1).step_by(2).map(str::to_owned).collect();
        // A comment in a code block begins with # as well, and is part of the block.
        (levels, blocks)
    };
    let english = shape(include_str!("../../../../README.md"));
    let korean = shape(include_str!("../../../../README.ko.md"));
    assert_eq!(english, korean);
}
