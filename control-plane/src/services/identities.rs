//! The providers one signs in with: seen, bound and unbound by who is signed in.
//!
//! In: somebody with a session, what a provider vouches for. Out: bindings. The last way into an account stays.

use serde_json::json;
use uuid::Uuid;

use super::audit;
use super::providers::ProviderError;
use crate::adapters::providers::Claims;
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::http::validate;
use crate::model::user::Provider;
use crate::store::db::StoreError;
use crate::store::identities::{self as store, Identity};

/// The ways into one's account.
#[derive(Debug)]
pub(crate) struct WaysIn {
    pub identities: Vec<Identity>,
    pub has_password: bool,
    /// A code by mail opens every account, where mail is on.
    pub by_mail: bool,
}

impl WaysIn {
    /// Whether somebody could still get in without `provider`.
    fn would_stay_open(&self, provider: Provider) -> bool {
        self.has_password || self.by_mail || self.identities.iter().any(|identity| identity.provider != provider)
    }
}

/// Lists the ways into one's account.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(app: &App, user_id: Uuid) -> Result<WaysIn, StoreError> {
    Ok(WaysIn {
        identities: store::list(&app.db, user_id).await?,
        has_password: store::has_password(&app.db, user_id).await?,
        by_mail: app.mailer.is_some(),
    })
}

/// Binds what a provider vouched for to the account of who is signed in; one that is bound to it already is fine.
///
/// # Errors
/// [`ProviderError::IdentityTaken`], [`ProviderError::AlreadyLinked`], or as any statement.
pub(super) async fn attach(
    app: &App,
    caller: &Caller,
    user_id: Uuid,
    kind: Provider,
    claims: &Claims,
) -> Result<Identity, ProviderError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::lock_account(&mut tx, user_id).await? {
        return Err(ProviderError::NotSignedIn);
    }
    let known = store::list(&mut tx, user_id).await?.into_iter().find(|identity| identity.provider == kind);
    match (store::find_user(&mut tx, kind, &claims.subject).await?, known) {
        (Some(owner), Some(known)) if owner.id == user_id => return Ok(known),
        (Some(_), _) => return Err(ProviderError::IdentityTaken),
        (None, Some(_)) => return Err(ProviderError::AlreadyLinked),
        (None, None) => {}
    }
    let email = claims.email.as_deref().filter(|email| validate::email(email, &()).is_ok());
    let email = email.map(validate::fold_email).unwrap_or_default();
    match store::insert(&mut tx, kind, &claims.subject, user_id, &email, now).await {
        Err(StoreError::Duplicate) => return Err(ProviderError::IdentityTaken),
        other => other?,
    }
    audit(&mut tx, caller, "user.provider_linked", ("user", user_id), json!({ "provider": kind }), now).await?;
    tx.commit(now).await?;
    Ok(Identity { provider: kind, email_at_link: email, created_at: now })
}

/// Unbinds a provider from one's account.
///
/// # Errors
/// [`ProviderError::NotLinked`], [`ProviderError::LastWayIn`], or as any statement.
pub(crate) async fn detach(app: &App, who: &SignedIn, kind: Provider) -> Result<(), ProviderError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    // Two at once could each count on the other's way.
    if !store::lock_account(&mut tx, who.user.id).await? {
        return Err(ProviderError::NotSignedIn);
    }
    let ways = WaysIn {
        identities: store::list(&mut tx, who.user.id).await?,
        has_password: store::has_password(&mut tx, who.user.id).await?,
        by_mail: app.mailer.is_some(),
    };
    if !ways.identities.iter().any(|identity| identity.provider == kind) {
        return Err(ProviderError::NotLinked);
    }
    if !ways.would_stay_open(kind) {
        return Err(ProviderError::LastWayIn);
    }
    store::delete_at(&mut tx, who.user.id, kind).await?;
    let diff = json!({ "provider": kind });
    audit(&mut tx, &who.caller, "user.provider_unlinked", ("user", who.user.id), diff, now).await?;
    Ok(tx.commit(now).await?)
}
