//! What somebody says about what they upload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sori_contracts::{Caller, ContentId, Role, ShowId};
use sori_http::{AccessFault, RequestFault};

use super::{Library, LibraryFault};

pub(crate) const MAX_TITLE_CHARS: usize = 300;

/// Who may see a content besides its owner and admins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[schema(as = ContentVisibility)]
pub enum Visibility {
    #[default]
    Private,
    /// Everybody, visitors too. Only editors publish.
    Public,
}

impl Visibility {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }

    /// The database admits no other word; if it did, nobody else should see the thing.
    pub(crate) fn stored(word: &str) -> Self {
        if word == Self::Public.as_str() { Self::Public } else { Self::Private }
    }

    pub(crate) fn check(self, caller: &Caller) -> Result<(), LibraryFault> {
        match self {
            Self::Public if !caller.is_at_least(Role::Editor) => Err(AccessFault::Forbidden.into()),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Wishes {
    /// At most 300 characters; the name of the file without its ending when left out.
    pub title: Option<String>,
    /// The name of the file, for the title.
    pub filename: Option<String>,
    /// `private` when left out; only editors publish.
    #[param(inline)]
    pub visibility: Visibility,
    /// The show it belongs to, which has to be yours.
    #[param(value_type = Option<String>)]
    pub show_id: Option<ShowId>,
    /// Another content to play when the file of this one is gone.
    #[param(value_type = Option<String>)]
    pub alternative_id: Option<ContentId>,
}

impl Wishes {
    /// Of the metadata of an upload; keys that mean nothing here are passed over, as the protocol
    /// leaves them to whoever writes them.
    pub(crate) fn of(mut metadata: BTreeMap<String, String>) -> Result<Self, LibraryFault> {
        let mut take = |key: &str| metadata.remove(key).filter(|value| !value.trim().is_empty());
        let visibility = match take("visibility").as_deref() {
            None | Some("private") => Visibility::Private,
            Some("public") => Visibility::Public,
            Some(_) => return Err(refused("visibility", "private or public", "private 또는 public")),
        };
        Ok(Self {
            title: take("title"),
            filename: take("filename"),
            visibility,
            show_id: take("show_id").map(|id| id.parse().map_err(|_| not_an_id("show_id"))).transpose()?,
            alternative_id: take("alternative_id")
                .map(|id| id.parse().map_err(|_| not_an_id("alternative_id")))
                .transpose()?,
        })
    }

    /// The title of the content.
    pub(crate) fn title(&self) -> String {
        let of_file = self.filename.as_deref().map(|name| {
            let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
            name.rsplit_once('.').map_or(name, |(stem, _)| stem)
        });
        let title = self.title.as_deref().or(of_file).unwrap_or_default();
        // The name of a file may hold anything; a title that was given was checked.
        let title: String = title.chars().filter(|c| !c.is_control()).take(MAX_TITLE_CHARS).collect();
        if title.trim().is_empty() { "Upload".to_owned() } else { title.trim().to_owned() }
    }
}

impl Library {
    /// Whether the caller may have it so.
    pub(crate) async fn check(&self, caller: &Caller, wishes: &Wishes) -> Result<(), LibraryFault> {
        if let Some(title) = &wishes.title {
            title_of(title)?;
        }
        wishes.visibility.check(caller)?;
        if let Some(show) = wishes.show_id {
            self.0.shows.may_add(caller, show).await.map_err(LibraryFault::Elsewhere)?;
        }
        if let Some(alternative) = wishes.alternative_id {
            self.view(caller, alternative).await?;
        }
        Ok(())
    }
}

/// A title without blanks around it.
pub(crate) fn title_of(given: &str) -> Result<String, LibraryFault> {
    let title = given.trim();
    let length = title.chars().count();
    if length == 0 || length > MAX_TITLE_CHARS || title.chars().any(char::is_control) {
        return Err(refused("title", "1 to 300 characters", "1~300자"));
    }
    Ok(title.to_owned())
}

fn not_an_id(field: &'static str) -> LibraryFault {
    refused(field, "an id", "ID")
}

fn refused(field: &'static str, en: &str, ko: &str) -> LibraryFault {
    RequestFault::Field {
        field,
        en: format!("{field} must be {en}."),
        ko: format!("{field}: {ko}여야 합니다."),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(title: Option<&str>, filename: Option<&str>, expected: &str) {
        let [title, filename] = [title, filename].map(|text| text.map(str::to_owned));
        assert_eq!(Wishes { title, filename, ..Wishes::default() }.title(), expected);
    }

    #[test]
    fn a_title_comes_from_what_is_known() {
        check(Some(" 밤의 라디오 "), Some("x.mp3"), "밤의 라디오");
        check(None, Some("Night Radio.2024.mp3"), "Night Radio.2024");
        check(None, Some("C:\\music\\song.flac"), "song");
        check(None, Some("../../etc/passwd"), "passwd");
        check(None, Some("a\u{0}b\n.mp3"), "ab");
        check(None, Some(".mp3"), "Upload");
        check(None, None, "Upload");
    }

    #[test]
    fn metadata_says_what_is_wished() {
        let of = |pairs: &[(&str, &str)]| {
            Wishes::of(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let wishes = of(&[("title", "a"), ("visibility", "public"), ("filetype", "audio/mpeg")]).unwrap();
        assert_eq!((wishes.title.as_deref(), wishes.visibility), (Some("a"), Visibility::Public));
        assert!(of(&[("visibility", "everyone")]).is_err());
        assert!(of(&[("show_id", "../x")]).is_err());
        assert_eq!(of(&[("show_id", " ")]).unwrap(), Wishes::default());
    }
}
