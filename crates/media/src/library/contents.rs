//! Contents that were uploaded: whose they are, what is in them, where their bytes are.

use serde::{Deserialize, Deserializer, Serialize};
use sori_contracts::{
    AccountId, Caller, Content, ContentFile, ContentId, ContentKind, MediaId, Right, Role, ShowId,
    StoredMedia,
};
use sori_db::{DbError, Query, Tx, Value, now_ms};
use sori_http::{AccessFault, Page, PageQuery};
use uuid::Uuid;

use super::{Library, LibraryFault, Visibility, Wishes, finish::Facts, uploads::UploadRow, wishes::title_of};

/// A content as its readers see it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Content)]
pub struct ContentView {
    pub id: ContentId,
    pub title: String,
    pub kind: ContentKind,
    pub visibility: Visibility,
    /// It belongs to you.
    pub is_mine: bool,
    /// You may change and delete it.
    pub may_change: bool,
    /// Of the file that was uploaded, such as `mp3` or `mp4`.
    pub format: String,
    #[schema(example = "audio/mpeg")]
    pub content_type: String,
    pub size_bytes: u64,
    pub duration_ms: Option<u64>,
    /// As FFmpeg names it.
    #[schema(example = "aac")]
    pub audio_codec: Option<String>,
    pub channels: Option<u32>,
    pub sample_rate_hz: Option<u32>,
    pub video_codec: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub show_id: Option<ShowId>,
    /// Played when the file of this one is gone.
    pub alternative_id: Option<ContentId>,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
}

/// What to change of a content: a field that is left out stays, `null` empties it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContentChange {
    #[schema(max_length = 300)]
    pub title: Option<String>,
    /// Only editors publish.
    pub visibility: Option<Visibility>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<ShowId>)]
    pub show_id: Option<Option<ShowId>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<ContentId>)]
    pub alternative_id: Option<Option<ContentId>>,
}

fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// A part of what was uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// What belongs to you.
    Mine,
    /// What everybody sees.
    Public,
}

/// Which contents to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct ContentFilter {
    /// Part of the title; case makes no difference.
    pub(crate) query: Option<String>,
    #[param(inline)]
    pub(crate) kind: Option<ContentKind>,
    #[param(value_type = Option<String>)]
    pub(crate) show_id: Option<ShowId>,
    /// Everything that you may see when left out.
    #[param(inline)]
    pub(crate) library: Option<Part>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ContentRow {
    id: Uuid,
    owner_id: Option<Uuid>,
    visibility: String,
    title: String,
    kind: String,
    media_id: Uuid,
    format: String,
    content_type: String,
    size_bytes: i64,
    duration_ms: Option<i64>,
    audio_codec: Option<String>,
    channels: Option<i64>,
    sample_rate_hz: Option<i64>,
    video_codec: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    show_id: Option<Uuid>,
    alternative_id: Option<Uuid>,
    created_at_ms: i64,
    updated_at_ms: i64,
}

const COLUMNS: &str =
    "SELECT id, owner_id, visibility, title, kind, media_id, format, content_type, size_bytes,
    duration_ms, audio_codec, channels, sample_rate_hz, video_codec, width, height, show_id, alternative_id,
    created_at_ms, updated_at_ms FROM media_content";

impl ContentRow {
    pub(super) fn new(upload: &UploadRow, wishes: Wishes, facts: Facts, media: &StoredMedia) -> Self {
        let now = now_ms();
        let number = |number: Option<u32>| number.map(i64::from);
        Self {
            id: upload.id,
            owner_id: Some(upload.owner_id),
            visibility: wishes.visibility.as_str().to_owned(),
            title: wishes.title(),
            kind: if facts.kind == ContentKind::Video { "video" } else { "audio" }.to_owned(),
            media_id: media.id.0,
            format: facts.format,
            content_type: facts.content_type,
            size_bytes: media.size_bytes as i64,
            duration_ms: facts.duration_ms.map(|duration| duration as i64),
            audio_codec: facts.audio_codec,
            channels: number(facts.channels),
            sample_rate_hz: number(facts.sample_rate_hz),
            video_codec: facts.video_codec,
            width: number(facts.width),
            height: number(facts.height),
            show_id: wishes.show_id.map(|show| show.0),
            alternative_id: wishes.alternative_id.map(|content| content.0),
            created_at_ms: now,
            updated_at_ms: now,
        }
    }

    pub(super) async fn insert(&self, tx: &mut Tx) -> Result<(), DbError> {
        tx.query(
            "INSERT INTO media_content (id, owner_id, visibility, title, title_folded, kind, media_id, format,
                content_type, size_bytes, duration_ms, audio_codec, channels, sample_rate_hz, video_codec, width,
                height, show_id, alternative_id, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        )
        .bind(self.id)
        .bind(self.owner_id)
        .bind(&self.visibility)
        .bind(&self.title)
        .bind(folded(&self.title))
        .bind(&self.kind)
        .bind(self.media_id)
        .bind(&self.format)
        .bind(&self.content_type)
        .bind(self.size_bytes)
        .bind(self.duration_ms)
        .bind(self.audio_codec.as_deref())
        .bind(self.channels)
        .bind(self.sample_rate_hz)
        .bind(self.video_codec.as_deref())
        .bind(self.width)
        .bind(self.height)
        .bind(self.show_id)
        .bind(self.alternative_id)
        .bind(self.created_at_ms)
        .bind(self.updated_at_ms)
        .execute()
        .await?;
        Ok(())
    }

    fn kind(&self) -> ContentKind {
        if self.kind == "video" { ContentKind::Video } else { ContentKind::Audio }
    }

    fn visibility(&self) -> Visibility {
        Visibility::stored(&self.visibility)
    }

    /// What the caller may do; `None` when it does not exist for them. [`Library::list`] says the same of lists.
    fn right(&self, caller: &Caller) -> Option<Right> {
        let is_owner = self.owner_id.is_some() && caller.account().map(|account| account.0) == self.owner_id;
        let is_public = self.visibility() == Visibility::Public;
        if caller.is_at_least(Role::Admin) || is_owner {
            Some(Right::Share)
        } else if is_public && caller.is_at_least(Role::Editor) {
            Some(Right::Write)
        } else {
            is_public.then_some(Right::Read)
        }
    }

    fn view(self, caller: &Caller) -> ContentView {
        let number = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        ContentView {
            id: ContentId(self.id),
            kind: self.kind(),
            visibility: self.visibility(),
            is_mine: self.owner_id.is_some() && caller.account().map(|account| account.0) == self.owner_id,
            may_change: self.right(caller).is_some_and(|right| right >= Right::Write),
            title: self.title,
            format: self.format,
            content_type: self.content_type,
            size_bytes: self.size_bytes as u64,
            duration_ms: self.duration_ms.map(|duration| duration as u64),
            audio_codec: self.audio_codec,
            channels: number(self.channels),
            sample_rate_hz: number(self.sample_rate_hz),
            video_codec: self.video_codec,
            width: number(self.width),
            height: number(self.height),
            show_id: self.show_id.map(ShowId),
            alternative_id: self.alternative_id.map(ContentId),
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        }
    }

    fn content(self) -> Content {
        let number = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        let duration_ms = self.duration_ms.map(|duration| duration as u64).filter(|duration| *duration > 0);
        Content {
            id: ContentId(self.id),
            kind: self.kind(),
            owner: self.owner_id.map(AccountId),
            duration_ms,
            script: None,
            rendering: None,
            show: self.show_id.map(ShowId),
            alternative: self.alternative_id.map(ContentId),
            files: vec![ContentFile {
                media: MediaId(self.media_id),
                bitrate_bps: duration_ms.map(|ms| (self.size_bytes as u64).saturating_mul(8_000) / ms),
                format: self.format,
                content_type: self.content_type,
                size_bytes: self.size_bytes as u64,
                audio_codec: self.audio_codec,
                channels: number(self.channels),
                sample_rate_hz: number(self.sample_rate_hz),
                video_codec: self.video_codec,
                width: number(self.width),
                height: number(self.height),
            }],
            title: self.title,
        }
    }
}

impl Library {
    /// What was uploaded under this id; `None` when there is nothing, or nothing for this caller.
    pub async fn find(&self, caller: &Caller, id: ContentId) -> Result<Option<Content>, LibraryFault> {
        let row = self.row(id).await?;
        Ok(row.filter(|row| row.right(caller).is_some()).map(ContentRow::content))
    }

    /// What was uploaded for the show behind this content, if the caller may see it.
    pub async fn following(&self, caller: &Caller, id: ContentId) -> Result<Option<ContentId>, LibraryFault> {
        let Some(show) = self.row(id).await?.and_then(|row| row.show_id) else { return Ok(None) };
        let rows: Vec<ContentRow> = self
            .select("WHERE show_id = $1 AND id > $2 ORDER BY id LIMIT 100")
            .bind(show)
            .bind(id)
            .fetch_all()
            .await?;
        Ok(rows.into_iter().find(|row| row.right(caller).is_some()).map(|row| ContentId(row.id)))
    }

    pub(crate) async fn view(&self, caller: &Caller, id: ContentId) -> Result<ContentView, LibraryFault> {
        let row = self.row(id).await?.filter(|row| row.right(caller).is_some());
        row.map(|row| row.view(caller)).ok_or(LibraryFault::NotFound(id))
    }

    /// Newest first.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        filter: &ContentFilter,
        page: &PageQuery,
    ) -> Result<Page<ContentView>, LibraryFault> {
        let limit = page.limit()?;
        let after: Option<Uuid> = page.after()?;
        let account = Value::from(caller.account());
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec!["TRUE".to_owned()];
        // Only fixed text becomes SQL; `?` stands for the value.
        let mut and = |condition: &'static str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(condition.replace('?', &format!("${}", values.len())));
            }
        };
        match filter.library {
            Some(Part::Mine) => and("owner_id = ?", Some(account)),
            Some(Part::Public) => and("visibility = ?", Some(Visibility::Public.as_str().into())),
            None if caller.is_at_least(Role::Admin) => {}
            // The same as `ContentRow::right`. A visitor's account is absent, and nothing equals that.
            None => and("(visibility = 'public' OR owner_id = ?)", Some(account)),
        }
        and("id < ?", after.map(Value::from));
        and("show_id = ?", filter.show_id.map(Value::from));
        and(
            "kind = ?",
            filter.kind.map(|kind| if kind == ContentKind::Video { "video" } else { "audio" }.into()),
        );
        let query = filter.query.as_deref().map(str::trim).filter(|query| !query.is_empty());
        let pattern = query.map(|query| format!("%{}%", escaped(&folded(query))));
        and("title_folded LIKE ? ESCAPE '!'", pattern.map(Value::from));
        let sql = format!(
            "{COLUMNS} WHERE {} ORDER BY id DESC LIMIT {}",
            conditions.join(" AND "),
            u64::from(limit) + 1
        );
        let rows: Vec<ContentRow> =
            values.into_iter().fold(self.0.db.query_dynamic(sql), Query::bind).fetch_all().await?;
        let views = rows.into_iter().map(|row| row.view(caller)).collect();
        Ok(Page::cut(views, limit, |view: &ContentView| view.id.to_string()))
    }

    pub(crate) async fn change(
        &self,
        caller: &Caller,
        id: ContentId,
        change: ContentChange,
    ) -> Result<ContentView, LibraryFault> {
        let row = self.writable(caller, id).await?;
        if let Some(visibility) = change.visibility.filter(|visibility| *visibility != row.visibility()) {
            visibility.check(caller)?;
        }
        let title = change.title.as_deref().map(title_of).transpose()?;
        if let Some(Some(show)) = change.show_id {
            self.0.shows.may_add(caller, show).await.map_err(LibraryFault::Elsewhere)?;
        }
        if let Some(Some(alternative)) = change.alternative_id {
            // Itself is no way out, and says nothing.
            if alternative == id {
                return Err(LibraryFault::NotFound(alternative));
            }
            self.view(caller, alternative).await?;
        }
        let visibility = change.visibility.unwrap_or(row.visibility());
        let title = title.unwrap_or(row.title);
        self.0
            .db
            .query(
                "UPDATE media_content SET title = $2, title_folded = $3, visibility = $4, show_id = $5,
                    alternative_id = $6, updated_at_ms = $7 WHERE id = $1",
            )
            .bind(id)
            .bind(&title)
            .bind(folded(&title))
            .bind(visibility.as_str())
            .bind(change.show_id.unwrap_or(row.show_id.map(ShowId)))
            .bind(change.alternative_id.unwrap_or(row.alternative_id.map(ContentId)))
            .bind(now_ms())
            .execute()
            .await?;
        self.view(caller, id).await
    }

    /// The content is gone at once, its bytes soon after.
    pub(crate) async fn delete(&self, caller: &Caller, id: ContentId) -> Result<(), LibraryFault> {
        let row = self.writable(caller, id).await?;
        let mut tx = self.0.db.begin().await?;
        remove(&mut tx, &row).await?;
        tx.commit().await?;
        self.bury().await
    }

    async fn writable(&self, caller: &Caller, id: ContentId) -> Result<ContentRow, LibraryFault> {
        let row = self.row(id).await?.ok_or(LibraryFault::NotFound(id))?;
        match row.right(caller) {
            None => Err(LibraryFault::NotFound(id)),
            Some(Right::Read) => Err(AccessFault::Forbidden.into()),
            Some(_) => Ok(row),
        }
    }

    /// Of every visibility, oldest first.
    pub(super) async fn contents_of(&self, account: AccountId) -> Result<Vec<ContentRow>, LibraryFault> {
        Ok(self.select("WHERE owner_id = $1 ORDER BY id").bind(account).fetch_all().await?)
    }

    /// How long the file of an account's own content is.
    pub(super) async fn length_of_own(
        &self,
        account: AccountId,
        id: ContentId,
    ) -> Result<Option<u64>, LibraryFault> {
        let row = self.row(id).await?.filter(|row| row.owner_id == Some(account.0));
        Ok(row.map(|row| row.size_bytes as u64))
    }

    async fn row(&self, id: ContentId) -> Result<Option<ContentRow>, LibraryFault> {
        Ok(self.select("WHERE id = $1").bind(id).fetch_optional().await?)
    }

    fn select(&self, rest: &'static str) -> Query<'_> {
        self.0.db.query_dynamic(format!("{COLUMNS} {rest}"))
    }
}

/// Its object is deleted after the transaction, or later, by [`Library::bury`].
pub(super) async fn remove(tx: &mut Tx, row: &ContentRow) -> Result<(), DbError> {
    tx.query("DELETE FROM media_content WHERE id = $1").bind(row.id).execute().await?;
    tx.query("INSERT INTO media_grave (media_id, created_at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(row.media_id)
        .bind(now_ms())
        .execute()
        .await?;
    Ok(())
}

impl ContentRow {
    pub(super) fn is_public(&self) -> bool {
        self.visibility() == Visibility::Public
    }

    /// As its owner reads it.
    pub(super) fn exported(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id, "title": self.title, "visibility": self.visibility, "kind": self.kind,
            "content_type": self.content_type, "size_bytes": self.size_bytes, "duration_ms": self.duration_ms,
            "show_id": self.show_id, "created_at_ms": self.created_at_ms,
        })
    }
}

fn folded(title: &str) -> String {
    title.to_lowercase()
}

fn escaped(pattern: &str) -> String {
    pattern.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
