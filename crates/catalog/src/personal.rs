//! An account's shows and scripts, when it asks for them and when it leaves.

use async_trait::async_trait;
use serde_json::{Value, json};
use sori_contracts::{
    AccountId, Caller, Credential, Fault, Member, PersonalData, Role, Scopes, ScriptId, ShowId,
};
use uuid::Uuid;

use crate::{Catalog, CatalogFault};

#[async_trait]
impl PersonalData for Catalog {
    fn name(&self) -> &'static str {
        "library"
    }

    async fn export(&self, account: AccountId) -> Result<Value, Box<dyn Fault>> {
        self.library_of(account).await.map_err(|fault| Box::new(fault) as _)
    }

    /// What is public stays, and is nobody's from now on; the rest goes, with what was rendered for it.
    async fn forget(&self, account: AccountId) -> Result<(), Box<dyn Fault>> {
        self.forget_account(account).await.map_err(|fault| Box::new(fault) as _)
    }
}

impl Catalog {
    async fn library_of(&self, account: AccountId) -> Result<Value, CatalogFault> {
        let caller = owner(account);
        let mut shows = Vec::new();
        for (id,) in
            self.owned("SELECT id FROM catalog_show WHERE owner_id = $1 ORDER BY id", account).await?
        {
            shows.push(self.show(&caller, ShowId(id)).await?);
        }
        let mut scripts = Vec::new();
        let ids =
            self.owned("SELECT id FROM catalog_script WHERE owner_id = $1 ORDER BY id", account).await?;
        for (id,) in ids {
            match self.script(&caller, ScriptId(id)).await {
                Ok(script) => scripts.push(script),
                // Deleted meanwhile.
                Err(CatalogFault::ScriptNotFound(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(json!({ "shows": shows, "scripts": scripts }))
    }

    async fn owned(&self, sql: &'static str, account: AccountId) -> Result<Vec<(Uuid,)>, CatalogFault> {
        Ok(self.db.query(sql).bind(account).fetch_all().await?)
    }

    async fn forget_account(&self, account: AccountId) -> Result<(), CatalogFault> {
        let mut tx = self.db.begin().await?;
        let scripts: Vec<(Uuid,)> = tx
            .query("SELECT id FROM catalog_script WHERE owner_id = $1 AND visibility <> 'public'")
            .bind(account)
            .fetch_all()
            .await?;
        for (id,) in scripts {
            self.remove_script(&mut tx, ScriptId(id)).await?;
        }
        for statement in [
            "DELETE FROM catalog_show WHERE owner_id = $1 AND visibility <> 'public'",
            "UPDATE catalog_show SET owner_id = NULL WHERE owner_id = $1",
            "UPDATE catalog_script SET owner_id = NULL WHERE owner_id = $1",
            "DELETE FROM catalog_show_share WHERE account_id = $1",
            "DELETE FROM catalog_script_share WHERE account_id = $1",
        ] {
            tx.query(statement).bind(account).execute().await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The account as it reads its own things.
fn owner(account: AccountId) -> Caller {
    Caller::Account(Member {
        account,
        role: Role::Learner,
        scopes: Scopes::default(),
        credential: Credential::External,
    })
}
