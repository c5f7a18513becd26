//! With whom a show or a script is shared.

use serde::Serialize;
use sori_contracts::{AccountId, Caller, Profile, Right};
use sori_db::now_ms;
use sori_http::RequestFault;
use uuid::Uuid;

use crate::{
    Catalog, CatalogFault, Visibility,
    ownership::{Ownership, Thing},
};

/// A class with its teachers; more people than that are the public.
const MAX_SHARES: i64 = 200;

/// Somebody who may see a thing that is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Share)]
pub struct ShareView {
    pub account_id: AccountId,
    pub name: String,
    pub email: String,
    pub created_at_ms: i64,
}

impl Catalog {
    /// Oldest first. An account that is gone is left out.
    pub(crate) async fn shares(&self, caller: &Caller, thing: Thing) -> Result<Vec<ShareView>, CatalogFault> {
        self.require(caller, thing, Right::Share).await?;
        let sql = thing.sql(
            "SELECT account_id, created_at_ms FROM catalog_show_share WHERE show_id = $1
             ORDER BY created_at_ms, account_id",
            "SELECT account_id, created_at_ms FROM catalog_script_share WHERE script_id = $1
             ORDER BY created_at_ms, account_id",
        );
        let rows: Vec<(Uuid, i64)> = self.db.query(sql).bind(thing.id()).fetch_all().await?;
        let ids: Vec<AccountId> = rows.iter().map(|(id, _)| AccountId(*id)).collect();
        let profiles = self.profiles(&ids).await?;
        let view = |(id, created_at_ms): (Uuid, i64)| {
            let profile = profiles.iter().find(|profile| profile.id.0 == id)?;
            Some(ShareView::of(profile.clone(), created_at_ms))
        };
        Ok(rows.into_iter().filter_map(view).collect())
    }

    /// Lets an account see the thing. What was private is shared from now on; safe to repeat.
    ///
    /// # Errors
    /// [`CatalogFault::AccountNotFound`] for an account that does not exist.
    pub(crate) async fn share(
        &self,
        caller: &Caller,
        thing: Thing,
        with: &str,
    ) -> Result<ShareView, CatalogFault> {
        // Asked first: who may not share finds out nothing about accounts.
        let whose = self.require(caller, thing, Right::Share).await?;
        let profile = self.account(with).await?.ok_or(CatalogFault::AccountNotFound)?;
        if whose.owner == Some(profile.id) {
            return Err(refused("It belongs to this account.", "이 계정이 소유자입니다."));
        }
        let mut tx = self.db.begin().await?;
        let whose = Ownership::require(&mut tx, caller, thing, Right::Share).await?;
        let insert = thing.sql(
            "INSERT INTO catalog_show_share (show_id, account_id, created_at_ms) VALUES ($1, $2, $3)
             ON CONFLICT (show_id, account_id) DO NOTHING",
            "INSERT INTO catalog_script_share (script_id, account_id, created_at_ms) VALUES ($1, $2, $3)
             ON CONFLICT (script_id, account_id) DO NOTHING",
        );
        tx.query(insert).bind(thing.id()).bind(profile.id).bind(now_ms()).execute().await?;
        let read = thing.sql(
            "SELECT (SELECT created_at_ms FROM catalog_show_share WHERE show_id = $1 AND account_id = $2),
                (SELECT count(*) FROM catalog_show_share WHERE show_id = $1)",
            "SELECT (SELECT created_at_ms FROM catalog_script_share WHERE script_id = $1 AND account_id = $2),
                (SELECT count(*) FROM catalog_script_share WHERE script_id = $1)",
        );
        let (created_at_ms, count): (i64, i64) =
            tx.query(read).bind(thing.id()).bind(profile.id).fetch_one().await?;
        if count > MAX_SHARES {
            return Err(refused(
                &format!("It can be shared with at most {MAX_SHARES} accounts."),
                &format!("최대 {MAX_SHARES}개 계정과 공유할 수 있습니다."),
            ));
        }
        if whose.visibility == Visibility::Private {
            let open = thing.sql(
                "UPDATE catalog_show SET visibility = 'shared' WHERE id = $1",
                "UPDATE catalog_script SET visibility = 'shared' WHERE id = $1",
            );
            tx.query(open).bind(thing.id()).execute().await?;
        }
        tx.commit().await?;
        Ok(ShareView::of(profile, created_at_ms))
    }

    /// Takes an account off again. An account may take itself off what others share with it.
    pub(crate) async fn unshare(
        &self,
        caller: &Caller,
        thing: Thing,
        with: &str,
    ) -> Result<(), CatalogFault> {
        let itself = caller.account().filter(|account| Some(*account) == with.parse().ok());
        let needed = if itself.is_some() { Right::Read } else { Right::Share };
        self.require(caller, thing, needed).await?;
        let account = match with.parse() {
            // An account that is gone has no profile any more, but may still stand here.
            Ok(id) => id,
            Err(_) => self.account(with).await?.ok_or(CatalogFault::AccountNotFound)?.id,
        };
        let sql = thing.sql(
            "DELETE FROM catalog_show_share WHERE show_id = $1 AND account_id = $2",
            "DELETE FROM catalog_script_share WHERE script_id = $1 AND account_id = $2",
        );
        match self.db.query(sql).bind(thing.id()).bind(account).execute().await? {
            0 => Err(CatalogFault::ShareNotFound(account)),
            _ => Ok(()),
        }
    }

    /// An account by its id or its e-mail address.
    async fn account(&self, named: &str) -> Result<Option<Profile>, CatalogFault> {
        let Some(accounts) = &self.accounts else { return Ok(None) };
        match named.parse::<AccountId>() {
            Ok(id) => Ok(self.profiles(&[id]).await?.pop()),
            Err(_) => accounts.find_by_email(named.trim()).await.map_err(CatalogFault::Elsewhere),
        }
    }

    async fn profiles(&self, ids: &[AccountId]) -> Result<Vec<Profile>, CatalogFault> {
        match &self.accounts {
            Some(accounts) if !ids.is_empty() => {
                accounts.profiles(ids).await.map_err(CatalogFault::Elsewhere)
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl ShareView {
    fn of(profile: Profile, created_at_ms: i64) -> Self {
        Self { account_id: profile.id, name: profile.name, email: profile.email, created_at_ms }
    }
}

fn refused(en: &str, ko: &str) -> CatalogFault {
    RequestFault::Field { field: "account_id", en: en.into(), ko: ko.into() }.into()
}
