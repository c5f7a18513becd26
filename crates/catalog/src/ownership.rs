//! Whose a show or a script is, and what that means for a caller.
//!
//! The rule stands here twice, and a test keeps both alike: [`Ownership::right`] decides about one
//! thing, [`Select::seen_by`] is the same as a condition of a list.

use serde::{Deserialize, Serialize};
use sori_contracts::{AccountId, Caller, Fault, Right, Role, ScriptAccess, ScriptId, ShowId};
use sori_db::{DbError, Tx, Value};
use sori_http::AccessFault;
use uuid::Uuid;

use crate::{Catalog, CatalogFault, select::Select};

/// Who may see a thing besides its owner and admins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    #[default]
    Private,
    /// The accounts it is shared with.
    Shared,
    /// Everybody, visitors too. Only editors publish.
    Public,
}

impl Visibility {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Public => "public",
        }
    }

    /// The database admits no other word; if it did, nobody else should see the thing.
    pub(crate) fn stored(word: &str) -> Self {
        [Self::Shared, Self::Public].into_iter().find(|known| known.as_str() == word).unwrap_or_default()
    }
}

/// A part of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Library {
    /// What belongs to the caller.
    Mine,
    /// What others share with the caller.
    Shared,
    /// What everybody sees.
    Public,
}

/// A thing that belongs to someone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Show(ShowId),
    Script(ScriptId),
}

impl Thing {
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Show(id) => id.0,
            Self::Script(id) => id.0,
        }
    }

    pub(crate) fn not_found(self) -> CatalogFault {
        match self {
            Self::Show(id) => CatalogFault::ShowNotFound(id),
            Self::Script(id) => CatalogFault::ScriptNotFound(id),
        }
    }

    fn ownership_sql(self) -> &'static str {
        self.sql(
            "SELECT owner_id, visibility, (SELECT count(*) FROM catalog_show_share h
                WHERE h.show_id = catalog_show.id AND h.account_id = $2) AS shares
             FROM catalog_show WHERE id = $1",
            "SELECT owner_id, visibility, (SELECT count(*) FROM catalog_script_share h
                WHERE h.script_id = catalog_script.id AND h.account_id = $2) AS shares
             FROM catalog_script WHERE id = $1",
        )
    }

    /// One of two fixed texts: that of shows, that of scripts.
    pub(crate) fn sql(self, of_shows: &'static str, of_scripts: &'static str) -> &'static str {
        match self {
            Self::Show(_) => of_shows,
            Self::Script(_) => of_scripts,
        }
    }
}

/// Whose one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ownership {
    pub(crate) owner: Option<AccountId>,
    pub(crate) visibility: Visibility,
    /// Whether the caller is among those it is shared with.
    pub(crate) is_shared_with_caller: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    owner_id: Option<Uuid>,
    visibility: String,
    shares: i64,
}

impl Ownership {
    /// What the caller may do; `None` when the thing does not exist for them.
    pub(crate) fn right(&self, caller: &Caller) -> Option<Right> {
        let is_owner = self.owner.is_some() && caller.account() == self.owner;
        let is_public = self.visibility == Visibility::Public;
        if caller.is_at_least(Role::Admin) || is_owner {
            Some(Right::Share)
        } else if is_public && caller.is_at_least(Role::Editor) {
            Some(Right::Write)
        } else if is_public || (self.visibility == Visibility::Shared && self.is_shared_with_caller) {
            Some(Right::Read)
        } else {
            None
        }
    }

    /// Whether who may write it may give it this visibility: publishing is for editors.
    pub(crate) fn may_become(&self, caller: &Caller, visibility: Visibility) -> bool {
        visibility == self.visibility || visibility != Visibility::Public || caller.is_at_least(Role::Editor)
    }

    pub(crate) async fn find(tx: &mut Tx, caller: &Caller, thing: Thing) -> Result<Option<Self>, DbError> {
        Ok(tx
            .query(thing.ownership_sql())
            .bind(thing.id())
            .bind(caller.account())
            .fetch_optional()
            .await?
            .map(Self::of))
    }

    fn of(row: Row) -> Self {
        Self {
            owner: row.owner_id.map(AccountId),
            visibility: Visibility::stored(&row.visibility),
            is_shared_with_caller: row.shares > 0,
        }
    }

    /// What is needed of a thing that was found or not.
    fn check(
        found: Option<Self>,
        caller: &Caller,
        thing: Thing,
        needed: Right,
    ) -> Result<Self, CatalogFault> {
        let found = found.ok_or_else(|| thing.not_found())?;
        match found.right(caller) {
            None => Err(thing.not_found()),
            Some(right) if right < needed => Err(AccessFault::Forbidden.into()),
            Some(_) => Ok(found),
        }
    }

    /// # Errors
    /// Not found when it does not exist for the caller, forbidden when they may do less.
    pub(crate) async fn require(
        tx: &mut Tx,
        caller: &Caller,
        thing: Thing,
        needed: Right,
    ) -> Result<Self, CatalogFault> {
        Self::check(Self::find(tx, caller, thing).await?, caller, thing, needed)
    }
}

impl Catalog {
    async fn ownership(&self, caller: &Caller, thing: Thing) -> Result<Option<Ownership>, DbError> {
        let query = self.db.query(thing.ownership_sql());
        Ok(query.bind(thing.id()).bind(caller.account()).fetch_optional().await?.map(Ownership::of))
    }

    /// [`Ownership::require`] outside of a transaction, for what is only read.
    pub(crate) async fn require(
        &self,
        caller: &Caller,
        thing: Thing,
        needed: Right,
    ) -> Result<Ownership, CatalogFault> {
        Ownership::check(self.ownership(caller, thing).await?, caller, thing, needed)
    }
}

/// Scripts `s` that a caller may see; `$` stands for the place of the account.
macro_rules! seen {
    ($alias:literal, $share:literal, $key:literal) => {
        concat!(
            $alias,
            ".visibility = 'public' OR ",
            $alias,
            ".owner_id = ? OR (",
            $alias,
            ".visibility = 'shared' AND EXISTS (SELECT 1 FROM ",
            $share,
            " h WHERE h.",
            $key,
            " = ",
            $alias,
            ".id AND h.account_id = ?0))"
        )
    };
}

/// What a list is of, under the name that its statement gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listed {
    /// `catalog_show w`
    Shows,
    /// `catalog_script s`
    Scripts,
    /// `catalog_line`, which is its script's.
    Lines,
}

impl Listed {
    /// `None`: all of them.
    fn seen(self, caller: &Caller) -> Option<&'static str> {
        if caller.is_at_least(Role::Admin) {
            return None;
        }
        let (by_visitors, by_accounts) = match self {
            Self::Shows => ("w.visibility = 'public'", seen!("w", "catalog_show_share", "show_id")),
            Self::Scripts => ("s.visibility = 'public'", seen!("s", "catalog_script_share", "script_id")),
            Self::Lines => (
                "EXISTS (SELECT 1 FROM catalog_script s WHERE s.id = catalog_line.script_id
                    AND s.visibility = 'public')",
                concat!(
                    "EXISTS (SELECT 1 FROM catalog_script s WHERE s.id = catalog_line.script_id AND (",
                    seen!("s", "catalog_script_share", "script_id"),
                    "))"
                ),
            ),
        };
        Some(if caller.account().is_some() { by_accounts } else { by_visitors })
    }
}

impl Select {
    /// Only what exists for the caller.
    pub(crate) fn seen_by(self, caller: &Caller, listed: Listed) -> Self {
        match listed.seen(caller) {
            Some(condition) => self.and(condition, account(caller)),
            None => self,
        }
    }

    /// The same inside the statement's head, where `{seen}` stands.
    pub(crate) fn joined(head: &'static str, caller: &Caller, listed: Listed) -> Self {
        Self::with_condition(head, listed.seen(caller).unwrap_or("TRUE"), account(caller))
    }

    /// Shows of one part of the library. For a visitor the account is absent, and nothing equals that.
    pub(crate) fn shows_in(self, caller: &Caller, library: Option<Library>) -> Self {
        let account = [Value::from(caller.account())];
        match library {
            None => self,
            Some(Library::Public) => self.and("w.visibility = 'public'", []),
            Some(Library::Mine) => self.and("w.owner_id = ?", account),
            Some(Library::Shared) => self.and(
                "w.visibility = 'shared' AND EXISTS (SELECT 1 FROM catalog_show_share h
                    WHERE h.show_id = w.id AND h.account_id = ?)",
                account,
            ),
        }
    }

    pub(crate) fn scripts_in(self, caller: &Caller, library: Option<Library>) -> Self {
        let account = [Value::from(caller.account())];
        match library {
            None => self,
            Some(Library::Public) => self.and("s.visibility = 'public'", []),
            Some(Library::Mine) => self.and("s.owner_id = ?", account),
            Some(Library::Shared) => self.and(
                "s.visibility = 'shared' AND EXISTS (SELECT 1 FROM catalog_script_share h
                    WHERE h.script_id = s.id AND h.account_id = ?)",
                account,
            ),
        }
    }
}

fn account(caller: &Caller) -> Option<Value> {
    let sees_by_account = !caller.is_at_least(Role::Admin);
    caller.account().filter(|_| sees_by_account).map(Value::from)
}

/// The fields of every view that say whose the thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Ownedness {
    pub visibility: Visibility,
    /// It belongs to the caller.
    pub is_mine: bool,
    /// The caller may change and delete it.
    pub may_change: bool,
    /// The caller may say who else sees it.
    pub may_share: bool,
}

impl Ownedness {
    pub(crate) fn of(caller: &Caller, owner: Option<Uuid>, visibility: &str) -> Self {
        let ownership = Ownership {
            owner: owner.map(AccountId),
            visibility: Visibility::stored(visibility),
            // Sharing gives no more than to read, which is not told here.
            is_shared_with_caller: false,
        };
        let right = ownership.right(caller);
        Self {
            visibility: ownership.visibility,
            is_mine: ownership.owner.is_some() && ownership.owner == caller.account(),
            may_change: right >= Some(Right::Write),
            may_share: right >= Some(Right::Share),
        }
    }
}

#[async_trait::async_trait]
impl ScriptAccess for Catalog {
    async fn right(&self, caller: &Caller, script: ScriptId) -> Result<Option<Right>, Box<dyn Fault>> {
        let found = self.ownership(caller, Thing::Script(script)).await;
        found.map(|found| found.and_then(|found| found.right(caller))).map_err(|error| Box::new(error) as _)
    }
}
