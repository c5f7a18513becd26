//! A podcast feed as text: RSS 2.0 with the iTunes and Podcasting 2.0 namespaces.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use rss::{
    Channel, Enclosure, Guid, Image, Item,
    extension::{
        Extension, ExtensionMap,
        itunes::{ITunesChannelExtension, ITunesItemExtension},
    },
};
use serde_json::json;
use sori_voice::Transcript;

const PODCAST: &str = "https://podcastindex.org/namespace/1.0";

pub(super) struct Feed {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) lang: Option<String>,
    pub(super) cover_url: Option<String>,
    /// The page of the show for people.
    pub(super) page_url: String,
    /// Whether directories may not list it: it was made for one person.
    pub(super) is_private: bool,
    pub(super) episodes: Vec<Episode>,
}

pub(super) struct Episode {
    /// Stays when the episode is rendered again.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) lang: String,
    pub(super) published_ms: i64,
    pub(super) duration_ms: u64,
    pub(super) audio_url: String,
    pub(super) audio_type: String,
    pub(super) audio_bytes: u64,
    /// Address and media type.
    pub(super) transcripts: Vec<(String, &'static str)>,
    pub(super) chapters_url: Option<String>,
}

impl Feed {
    pub(super) fn to_rss(&self) -> String {
        let itunes = ITunesChannelExtension {
            explicit: Some("false".to_owned()),
            image: self.cover_url.clone(),
            block: self.is_private.then(|| "Yes".to_owned()),
            ..ITunesChannelExtension::default()
        };
        let blocked = self.is_private.then(|| element("podcast:block", "yes", &[]));
        let image = self.cover_url.as_ref().map(|url| Image {
            url: url.clone(),
            title: self.title.clone(),
            link: self.page_url.clone(),
            ..Image::default()
        });
        let namespaces = [("podcast", PODCAST)];
        Channel {
            title: self.title.clone(),
            description: self.description.clone(),
            link: self.page_url.clone(),
            language: self.lang.clone(),
            generator: Some("Sori".to_owned()),
            image,
            items: self.episodes.iter().map(Episode::to_item).collect(),
            namespaces: namespaces.map(|(name, uri)| (name.to_owned(), uri.to_owned())).into(),
            itunes_ext: Some(itunes),
            extensions: by_namespace(blocked),
            ..Channel::default()
        }
        .to_string()
    }
}

impl Episode {
    fn to_item(&self) -> Item {
        let seconds = self.duration_ms.div_ceil(1000).to_string();
        let mut extensions = Vec::new();
        for (url, kind) in &self.transcripts {
            extensions.push(element(
                "podcast:transcript",
                "",
                &[("url", url), ("type", kind), ("language", &self.lang)],
            ));
        }
        if let Some(url) = &self.chapters_url {
            extensions.push(element("podcast:chapters", "", &[("url", url), ("type", CHAPTERS_TYPE)]));
        }
        let published =
            SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(self.published_ms).unwrap_or(0));
        Item {
            title: Some(self.title.clone()),
            description: self.description.clone(),
            guid: Some(Guid { value: self.id.clone(), permalink: false }),
            // The date of HTTP is also one of RFC 2822.
            pub_date: Some(httpdate::fmt_http_date(published)),
            enclosure: Some(Enclosure {
                url: self.audio_url.clone(),
                length: self.audio_bytes.to_string(),
                mime_type: self.audio_type.clone(),
            }),
            itunes_ext: Some(ITunesItemExtension {
                duration: Some(seconds),
                ..ITunesItemExtension::default()
            }),
            extensions: by_namespace(extensions),
            ..Item::default()
        }
    }
}

fn element(name: &str, value: &str, attributes: &[(&str, &str)]) -> Extension {
    Extension {
        name: name.to_owned(),
        value: Some(value.to_owned()).filter(|value| !value.is_empty()),
        attrs: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        children: BTreeMap::new(),
    }
}

fn by_namespace(elements: impl IntoIterator<Item = Extension>) -> ExtensionMap {
    let mut map = ExtensionMap::new();
    for element in elements {
        if let Some((namespace, name)) = element.name.split_once(':') {
            let of_name = map.entry(namespace.to_owned()).or_default().entry(name.to_owned()).or_default();
            of_name.push(element);
        }
    }
    map
}

pub(super) const CHAPTERS_TYPE: &str = "application/json+chapters";

/// Podcasting 2.0, "JSON chapters" 1.2.
pub(super) fn chapters(transcript: &Transcript) -> String {
    let chapters = transcript.chapters.iter().map(|chapter| {
        json!({
            "startTime": chapter.start_ms as f64 / 1000.0,
            "endTime": chapter.end_ms as f64 / 1000.0,
            "title": chapter.title,
        })
    });
    json!({ "version": "1.2.0", "title": transcript.title, "chapters": chapters.collect::<Vec<_>>() })
        .to_string()
}

/// Podcasting 2.0, "JSON transcript": a segment for each line.
pub(super) fn transcript(transcript: &Transcript) -> String {
    let segments = transcript.lines.iter().map(|line| {
        json!({
            "speaker": line.speaker,
            "startTime": line.start_ms as f64 / 1000.0,
            "endTime": line.end_ms as f64 / 1000.0,
            "body": line.text,
        })
    });
    json!({ "version": "1.0.0", "segments": segments.collect::<Vec<_>>() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_what_a_reader_of_feeds_reads() {
        let episode = Episode {
            id: "e1".into(),
            title: "Rain & \"fog\" <1>".into(),
            description: Some("두 사람의 대화".into()),
            lang: "en-US".into(),
            published_ms: 1_795_252_500_000,
            duration_ms: 61_001,
            audio_url: "https://sori.example.org/feeds/public/s/e1/audio.mp3".into(),
            audio_type: "audio/mpeg".into(),
            audio_bytes: 12_345,
            transcripts: vec![("https://sori.example.org/t.vtt".into(), "text/vtt")],
            chapters_url: Some("https://sori.example.org/c.json?a=1&b=2".into()),
        };
        let feed = Feed {
            title: "Harbour".into(),
            description: "A show".into(),
            lang: Some("en-US".into()),
            cover_url: Some("https://sori.example.org/cover.png".into()),
            page_url: "https://sori.example.org/".into(),
            is_private: true,
            episodes: vec![episode],
        };
        let text = feed.to_rss();
        let read = Channel::read_from(text.as_bytes()).unwrap();
        assert_eq!(read.title, "Harbour");
        let item = &read.items[0];
        assert_eq!(item.title.as_deref(), Some("Rain & \"fog\" <1>"));
        assert_eq!(item.pub_date.as_deref(), Some("Sat, 21 Nov 2026 09:15:00 GMT"));
        let enclosure = item.enclosure.as_ref().unwrap();
        assert_eq!((enclosure.length.as_str(), enclosure.mime_type.as_str()), ("12345", "audio/mpeg"));
        let podcast = &item.extensions["podcast"];
        assert_eq!(podcast["transcript"][0].attrs["language"], "en-US");
        assert_eq!(podcast["chapters"][0].attrs["url"], "https://sori.example.org/c.json?a=1&b=2");
        assert_eq!(item.itunes_ext.as_ref().unwrap().duration.as_deref(), Some("62"));
        let itunes = read.itunes_ext.as_ref().unwrap();
        assert_eq!(itunes.block.as_deref(), Some("Yes"));
        assert_eq!(itunes.image.as_deref(), Some("https://sori.example.org/cover.png"));
        assert_eq!(read.extensions["podcast"]["block"][0].value.as_deref(), Some("yes"));
    }
}
