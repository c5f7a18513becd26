//! Shows as albums and scripts as songs, for players that know music; and the same as podcasts.

use sori_catalog::{ScriptFilter, ScriptSort, ScriptSummary, ShowFilter, ShowView};
use sori_contracts::{Caller, ContentFile, ContentId, ContentKind, Contents as _, Fault, Moment, ShowId};
use sori_http::PageQuery;
use sori_voice::RenderingFault;

use super::{
    Subsonic,
    answer::{Element, Refusal},
    asked::Parameters,
    media::extension,
};
use crate::flows::find_content::content_file;

/// Everything is of one artist: who speaks is told beside each song.
const ARTIST: &str = "Sori";
const ARTIST_ID: &str = "sori";
/// The album of scripts that are in no show.
const LOOSE: &str = "loose";
const LOOSE_NAME: &str = "Scripts";
/// How far lists are read: a player pages, and nobody scrolls further.
const MOST_LISTED: usize = 2_000;
const MOST_SONGS: usize = 500;
/// Of one page of the catalog.
const PAGE: u32 = 200;

/// A show, or the scripts without one.
struct Album {
    id: String,
    name: String,
    description: Option<String>,
    has_cover: bool,
    songs: i64,
    created_at_ms: i64,
}

impl Album {
    fn of(show: ShowView) -> Self {
        Self {
            id: show.id.to_string(),
            name: show.title,
            description: show.description,
            has_cover: show.cover_url.is_some(),
            songs: show.script_count,
            created_at_ms: show.created_at_ms,
        }
    }

    fn written(&self, duration_ms: u64) -> Element {
        Element::new()
            .text("id", &self.id)
            .text("name", &self.name)
            .text("title", &self.name)
            .text("album", &self.name)
            .text("artist", ARTIST)
            .text("artistId", ARTIST_ID)
            .text_if("coverArt", self.has_cover.then_some(&self.id))
            .number("songCount", self.songs)
            .number("duration", duration_ms / 1_000)
            .text("created", Moment(self.created_at_ms).to_string())
    }
}

fn artist(albums: usize) -> Element {
    Element::new().text("id", ARTIST_ID).text("name", ARTIST).number("albumCount", albums as u64)
}

impl Subsonic {
    pub(super) async fn artists(&self, caller: &Caller) -> Result<Element, Refusal> {
        let albums = self.albums(caller, "").await?.len();
        let index = Element::new().text("name", "S").many("artist", vec![artist(albums)]);
        Ok(Element::new()
            .one("artists", Element::new().text("ignoredArticles", "").many("index", vec![index])))
    }

    pub(super) async fn artist(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        if asked.required("id")? != ARTIST_ID {
            return Err(Refusal::not_found());
        }
        let albums = self.albums(caller, "").await?;
        let written = albums.iter().map(|album| album.written(0)).collect();
        Ok(Element::new().one("artist", artist(albums.len()).many("album", written)))
    }

    /// `getAlbumList2`: shows have neither years, genres nor stars.
    pub(super) async fn album_list(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        let order = asked.required("type")?;
        let (size, offset) = (asked.count("size", 10, 500)?, asked.count("offset", 0, MOST_LISTED)?);
        let mut albums = self.albums(caller, "").await?;
        match order {
            "newest" | "recent" | "frequent" | "highest" | "random" => {}
            "alphabeticalByName" | "alphabeticalByArtist" => {
                albums.sort_by_key(|album| album.name.to_lowercase());
            }
            "starred" | "byYear" | "byGenre" => albums.clear(),
            _ => return Err(Refusal::generic("The parameter type makes no sense.")),
        }
        let albums = albums.iter().skip(offset).take(size).map(|album| album.written(0)).collect();
        Ok(Element::new().one("albumList2", Element::new().many("album", albums)))
    }

    pub(super) async fn album(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        let (album, songs) = self.album_with_songs(caller, asked.required("id")?).await?;
        let mut duration_ms = 0;
        let mut written = Vec::new();
        for (place, song) in songs.iter().enumerate() {
            duration_ms += song.duration_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default();
            if let Some(song) = self.song_of(song).await? {
                written.push(song.number("track", place as u64 + 1));
            }
        }
        let album = Album { songs: written.len() as i64, ..album };
        Ok(Element::new().one("album", album.written(duration_ms).many("song", written)))
    }

    pub(super) async fn song(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        let id: ContentId = asked.id("id")?;
        Ok(Element::new().one("song", self.entry(caller, id).await?))
    }

    pub(super) async fn search(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        // Some players say "everything" with two quotes.
        let query = asked.get("query").ok_or_else(|| Refusal::missing("query"))?.trim().trim_matches('"');
        let part = |kind: &str| -> Result<(usize, usize), Refusal> {
            let count = asked.count(&format!("{kind}Count"), 20, MOST_SONGS)?;
            Ok((asked.count(&format!("{kind}Offset"), 0, MOST_LISTED)?, count))
        };
        let (artists, albums, songs) = (part("artist")?, part("album")?, part("song")?);
        let mut found = Element::new();
        if artists.1 > 0 && artists.0 == 0 && ARTIST.to_lowercase().contains(&query.to_lowercase()) {
            let count = self.albums(caller, "").await?.len();
            found = found.many("artist", vec![artist(count)]);
        }
        if albums.1 > 0 {
            let all = self.albums(caller, query).await?;
            let listed = all.iter().skip(albums.0).take(albums.1).map(|album| album.written(0));
            found = found.many("album", listed.collect());
        }
        if songs.1 > 0 {
            let filter = ScriptFilter {
                query: Some(query.to_owned()).filter(|query| !query.is_empty()),
                ..ScriptFilter::default()
            };
            let all = self.scripts(caller, filter, songs.0 + songs.1, |_| true).await?;
            let mut written = Vec::new();
            for song in all.iter().skip(songs.0) {
                written.extend(self.song_of(song).await?);
            }
            found = found.many("song", written);
        }
        Ok(Element::new().one("searchResult3", found))
    }

    pub(super) async fn random_songs(&self, caller: &Caller, asked: &Parameters) -> Result<Element, Refusal> {
        let size = asked.count("size", 10, MOST_SONGS)?;
        let mut songs = self.scripts(caller, ScriptFilter::default(), MOST_SONGS, |_| true).await?;
        // Ids end in random bits (RFC 9562, 5.7); each call turns them otherwise.
        let turn = uuid::Uuid::new_v4().as_u128();
        songs.sort_by_key(|song| (song.id.0.as_u128() ^ turn) & u128::from(u64::MAX));
        let mut written = Vec::new();
        for song in songs.iter().take(size) {
            written.extend(self.song_of(song).await?);
        }
        Ok(Element::new().one("randomSongs", Element::new().many("song", written)))
    }

    pub(super) async fn podcasts(
        &self,
        caller: &Caller,
        asked: &Parameters,
        base: &str,
    ) -> Result<Element, Refusal> {
        let with_episodes = asked.flag("includeEpisodes", true)?;
        let shows = match asked.get("id").filter(|id| !id.is_empty()) {
            Some(_) => vec![Album::of(self.catalog.show(caller, asked.id("id")?).await.map_err(fault)?)],
            None => self.shows(caller, "").await?,
        };
        let (mut channels, mut room) = (Vec::new(), MOST_SONGS);
        for show in shows {
            let mut channel = Element::new()
                .text("id", &show.id)
                .text("url", format!("{base}/feeds/public/{}/feed.xml", show.id))
                .text("title", &show.name)
                .text_if("description", show.description.as_ref())
                .text_if("coverArt", show.has_cover.then_some(&show.id))
                .text("status", "completed");
            if with_episodes {
                let (_, songs) = self.album_with_songs(caller, &show.id).await?;
                let mut episodes = Vec::new();
                for song in songs.iter().rev().take(room) {
                    episodes.extend(self.episode(song).await?);
                }
                room -= episodes.len().min(room);
                channel = channel.many("episode", episodes);
            }
            channels.push(channel);
        }
        Ok(Element::new().one("podcasts", Element::new().many("channel", channels)))
    }

    pub(super) async fn newest_episodes(
        &self,
        caller: &Caller,
        asked: &Parameters,
    ) -> Result<Element, Refusal> {
        let count = asked.count("count", 20, MOST_SONGS)?;
        let filter = ScriptFilter { sort: ScriptSort::Created, ..ScriptFilter::default() };
        let songs = self.scripts(caller, filter, count, |script| script.show.is_some()).await?;
        let mut episodes = Vec::new();
        for song in &songs {
            episodes.extend(self.episode(song).await?);
        }
        Ok(Element::new().one("newestPodcasts", Element::new().many("episode", episodes)))
    }

    pub(super) async fn podcast_episode(
        &self,
        caller: &Caller,
        asked: &Parameters,
    ) -> Result<Element, Refusal> {
        let id: ContentId = asked.id("id")?;
        let content = self.contents.content(caller, id).await?;
        let channel = content.show.ok_or_else(Refusal::not_found)?;
        let entry = self.entry(caller, id).await?;
        Ok(Element::new().one("podcastEpisode", entry.and(of_channel(&id.to_string(), channel))))
    }

    /// A content as a queue or a bookmark shows it.
    pub(super) async fn entry(&self, caller: &Caller, id: ContentId) -> Result<Element, Refusal> {
        let content = self.contents.content(caller, id).await?;
        let album = match content.show {
            Some(show) => match self.catalog.show(caller, show).await {
                Ok(show) => Some((show.id.to_string(), show.title, show.cover_url.is_some())),
                Err(_) => None,
            },
            None => None,
        };
        let song = with_file(song(&id.to_string(), &content.title, album), content.files.first());
        Ok(song
            .number_if("duration", content.duration_ms.map(|ms| ms / 1_000))
            .flag("isVideo", content.kind == ContentKind::Video)
            .text("type", if content.kind == ContentKind::Video { "video" } else { "podcast" }))
    }

    /// A script of a list. One whose rendering goes away in this moment is no song.
    async fn song_of(&self, script: &ScriptSummary) -> Result<Option<Element>, Refusal> {
        let Some(rendering) = script.rendering_id else { return Ok(None) };
        let sound = match self.contents.sound(rendering).await {
            Ok(sound) => sound,
            Err(RenderingFault::NotFound(_)) => return Ok(None),
            Err(error) => return Err(fault(error)),
        };
        let album = script.show.as_ref().map(|show| (show.id.to_string(), show.title.clone(), false));
        let file = sound.audio.first().map(|file| content_file(file, &sound));
        let song = with_file(song(&script.id.to_string(), &script.title, album), file.as_ref());
        Ok(Some(
            song.number("duration", sound.duration_ms / 1_000)
                .text("created", Moment(script.created_at_ms).to_string())
                .text_if("displayArtist", Some(script.speakers.join(", ")).filter(|names| !names.is_empty()))
                .flag("isVideo", false)
                .text("type", "podcast"),
        ))
    }

    async fn episode(&self, script: &ScriptSummary) -> Result<Option<Element>, Refusal> {
        let (Some(song), Some(show)) = (self.song_of(script).await?, &script.show) else { return Ok(None) };
        let episode = song.and(of_channel(&script.id.to_string(), show.id));
        Ok(Some(
            episode
                .text_if("description", script.description.as_ref())
                .text("publishDate", Moment(script.created_at_ms).to_string()),
        ))
    }

    /// Those of the catalog and, last, the one of scripts without a show.
    async fn albums(&self, caller: &Caller, query: &str) -> Result<Vec<Album>, Refusal> {
        let mut albums = self.shows(caller, query).await?;
        if LOOSE_NAME.to_lowercase().contains(&query.to_lowercase()) {
            let loose = self.loose(caller).await?;
            albums.extend((!loose.is_empty()).then(|| loose_album(&loose)));
        }
        Ok(albums)
    }

    async fn shows(&self, caller: &Caller, query: &str) -> Result<Vec<Album>, Refusal> {
        let filter =
            ShowFilter { query: Some(query.to_owned()).filter(|query| !query.is_empty()), library: None };
        let mut page = PageQuery { limit: Some(PAGE), cursor: None };
        let mut albums = Vec::new();
        loop {
            let found = self.catalog.shows(caller, &filter, &page).await.map_err(fault)?;
            albums.extend(found.items.into_iter().map(Album::of));
            page.cursor = found.next_cursor;
            if page.cursor.is_none() || albums.len() >= MOST_LISTED {
                return Ok(albums);
            }
        }
    }

    async fn loose(&self, caller: &Caller) -> Result<Vec<ScriptSummary>, Refusal> {
        let filter = ScriptFilter { sort: ScriptSort::Created, ..ScriptFilter::default() };
        self.scripts(caller, filter, MOST_SONGS, |script| script.show.is_none()).await
    }

    /// The songs in the order in which they were made.
    async fn album_with_songs(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<(Album, Vec<ScriptSummary>), Refusal> {
        let (album, mut songs) = if id == LOOSE {
            let songs = self.loose(caller).await?;
            (loose_album(&songs), songs)
        } else {
            let show: ShowId = id.parse().map_err(|_| Refusal::not_found())?;
            let album = Album::of(self.catalog.show(caller, show).await.map_err(fault)?);
            let filter =
                ScriptFilter { show_id: Some(show), sort: ScriptSort::Created, ..ScriptFilter::default() };
            (album, self.scripts(caller, filter, MOST_SONGS, |_| true).await?)
        };
        songs.reverse();
        Ok((album, songs))
    }

    /// The first `most` scripts that can be heard.
    async fn scripts(
        &self,
        caller: &Caller,
        filter: ScriptFilter,
        most: usize,
        is_wanted: impl Fn(&ScriptSummary) -> bool,
    ) -> Result<Vec<ScriptSummary>, Refusal> {
        let mut page = PageQuery { limit: Some(PAGE), cursor: None };
        let (mut found, mut seen) = (Vec::new(), 0);
        while found.len() < most && seen < MOST_LISTED {
            let next = self.catalog.scripts(caller, &filter, &page).await.map_err(fault)?;
            seen += next.items.len();
            found.extend(next.items.into_iter().filter(|one| one.rendering_id.is_some() && is_wanted(one)));
            page.cursor = next.next_cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }
}

pub(super) fn fault(fault: impl Fault) -> Refusal {
    Refusal::of(&fault)
}

fn loose_album(songs: &[ScriptSummary]) -> Album {
    Album {
        id: LOOSE.to_owned(),
        name: LOOSE_NAME.to_owned(),
        description: None,
        has_cover: false,
        songs: songs.len() as i64,
        created_at_ms: songs.iter().map(|song| song.created_at_ms).min().unwrap_or_default(),
    }
}

/// What every song has. The album is the id of a show, its title, and whether there is a picture.
fn song(id: &str, title: &str, album: Option<(String, String, bool)>) -> Element {
    let (album_id, album, has_cover) =
        album.unwrap_or_else(|| (LOOSE.to_owned(), LOOSE_NAME.to_owned(), false));
    Element::new()
        .text("id", id)
        .text("parent", &album_id)
        .flag("isDir", false)
        .text("title", title)
        .text("album", album)
        .text("artist", ARTIST)
        .text_if("coverArt", has_cover.then_some(&album_id))
        .text("albumId", album_id)
        .text("artistId", ARTIST_ID)
        .text("mediaType", "song")
}

fn with_file(song: Element, file: Option<&ContentFile>) -> Element {
    let Some(file) = file else { return song };
    song.number("size", file.size_bytes)
        .text("contentType", &file.content_type)
        .text("suffix", extension(file))
        .number_if("bitRate", file.bitrate_bps.map(|bits| bits / 1_000))
        .number_if("samplingRate", file.sample_rate_hz)
        .number_if("channelCount", file.channels)
}

fn of_channel(id: &str, channel: ShowId) -> Element {
    Element::new().text("streamId", id).text("channelId", channel.to_string()).text("status", "completed")
}
