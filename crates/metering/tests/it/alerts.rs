//! Alerts over a shared database.

use sori_contracts::{ContentId, MediaId};
use sori_metering::AlertSettings;

use crate::rig::{Scene, webhook};

#[tokio::test]
async fn full_slots_are_told_once_and_their_end_too() {
    for scene in Scene::on_both().await {
        let node = scene.node(AlertSettings::default());
        node.set_slots(18);
        let mut told = Vec::new();
        for second in (0..300).step_by(5) {
            told.extend(node.look().await.into_iter().map(|change| (second, change)));
            scene.pass(5);
            match second {
                // A short dip ends nothing.
                100 => node.set_slots(15),
                120 => node.set_slots(19),
                150 => node.set_slots(3),
                _ => {}
            }
        }
        let expected = [(15, "stream_slots_filling: firing"), (215, "stream_slots_filling: resolved")];
        assert_eq!(told, expected.map(|(second, change)| (second, change.to_owned())));
    }
}

#[tokio::test]
async fn errors_of_all_processes_count_together() {
    for scene in Scene::on_both().await {
        let (one, two) = (scene.node(AlertSettings::default()), scene.node(AlertSettings::default()));
        one.fail(6);
        two.fail(5);
        // Whose turn it is not still tells what it counted.
        assert_eq!(one.look().await, Vec::<String>::new());
        assert_eq!(two.look().await, Vec::<String>::new());
        scene.pass(5);
        assert_eq!(two.look().await, ["stream_errors_high: firing"]);
        assert_eq!(one.look().await, Vec::<String>::new());
        let mut later = Vec::new();
        for second in (5..400).step_by(5) {
            scene.pass(5);
            for node in [&one, &two] {
                later.extend(node.look().await.into_iter().map(|change| (second, change)));
            }
        }
        let [(second, change)] = later.as_slice() else { panic!("{later:?}") };
        assert_eq!(change, "stream_errors_high: resolved");
        // The minute of the errors, and two calm ones.
        assert!((175..=185).contains(second), "{second}");
    }
}

#[tokio::test]
async fn a_process_that_starts_again_goes_on_where_the_last_one_was() {
    for scene in Scene::on_both().await {
        let first = scene.node(AlertSettings::default());
        first.set_slots(20);
        first.look().await;
        scene.pass(10);
        drop(first);
        let second = scene.node(AlertSettings::default());
        second.set_slots(20);
        assert_eq!(second.look().await, Vec::<String>::new());
        scene.pass(5);
        assert_eq!(second.look().await, ["stream_slots_filling: firing"]);
        drop(second);
        scene.pass(5);
        let third = scene.node(AlertSettings::default());
        third.set_slots(20);
        assert_eq!(third.look().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_missing_file_is_told_at_once_and_by_its_name() {
    for scene in Scene::on_both().await {
        let node = scene.node(AlertSettings::default());
        let media = MediaId::generate();
        node.miss(media, None);
        node.miss(media, None);
        let told = node.metering.look().await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].alert.as_str(), told[0].measure), ("file_missing", Some(1.0)));
        assert_eq!(told[0].detail.as_deref(), Some(format!("media {media}").as_str()));
        assert_eq!(told[0].severity.as_str(), "P0");
        scene.pass(600);
        node.miss(media, None);
        assert_eq!(node.look().await, Vec::<String>::new());
        scene.pass(899);
        assert_eq!(node.look().await, Vec::<String>::new());
        scene.pass(5);
        assert_eq!(node.look().await, ["file_missing: resolved"]);
    }
}

#[tokio::test]
async fn a_cache_that_is_seldom_hit_is_told_of() {
    for scene in Scene::on_both().await {
        let node = scene.node(AlertSettings::default());
        node.start("nas", 15);
        node.start("ssd", 5);
        let mut told = Vec::new();
        for _ in 0..20 {
            told.extend(node.look().await);
            scene.pass(5);
        }
        assert_eq!(told, ["stream_cache_hit_rate_low: firing"]);
    }
}

#[tokio::test]
async fn only_one_of_many_processes_tells_of_a_change() {
    for scene in Scene::on_both().await {
        let nodes: Vec<_> = (0..6).map(|_| scene.node(webhook("https://alerts.example"))).collect();
        for node in &nodes {
            node.set_slots(20);
        }
        nodes[0].look().await;
        scene.pass(15);
        let looks = nodes.iter().map(|node| {
            let metering = node.metering.clone();
            tokio::spawn(async move { metering.look().await.unwrap().len() })
        });
        let mut told = 0;
        for look in looks.collect::<Vec<_>>() {
            told += look.await.unwrap();
        }
        assert_eq!(told, 1);
        let orders: usize = nodes.iter().map(|node| node.queue.0.lock().unwrap().len()).sum();
        assert_eq!(orders, 1);
    }
}

#[tokio::test]
async fn a_content_without_its_file_is_one_missing_file_however_it_is_noticed() {
    for scene in Scene::on_both().await {
        let node = scene.node(AlertSettings::default());
        // Players notice first, and then whoever looks after files.
        node.fail_at(ContentId::generate(), 2);
        let content = ContentId::generate();
        node.fail_at(content, 3);
        assert_eq!(node.look().await, ["file_missing: firing"]);
        scene.pass(5);
        let media = MediaId::generate();
        node.miss(media, Some(content));
        assert_eq!(node.look().await, Vec::<String>::new());
        let (measure, detail): (f64, String) = scene
            .database
            .db
            .query("SELECT measure, detail FROM metering_alert WHERE name = 'file_missing'")
            .fetch_one()
            .await
            .unwrap();
        assert_eq!(measure, 2.0);
        assert!(detail.starts_with(&format!("content {content} (media {media}), content ")), "{detail}");
    }
}
