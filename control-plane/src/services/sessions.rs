//! Sessions: begun at sign-in, found by their access token, rotated by their refresh token, revoked.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::audit;
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::http::origin::ClientFacts;
use crate::model::clock::Micros;
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::{Actor, SessionTransport, User};
use crate::store::db::StoreError;
use crate::store::outbox::{self, AuditRow};
use crate::store::sessions::{self as store, NewSession, Rotation};
use crate::store::tx::Tx;

/// How stale "last seen" may be: a write per request would make every read a write.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Sessions of one person at a time; beyond it the least recently used one ends.
const MAX_SESSIONS: i64 = 100;

/// A pair of tokens in clear text, on its way to its owner.
#[derive(Debug)]
pub(crate) struct TokenPair {
    pub access: Secret,
    pub refresh: Secret,
    pub access_expires_at: Micros,
}

/// A refreshed session.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub user: User,
    pub tokens: TokenPair,
}

/// Why a refresh token is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    #[error("unknown, expired or revoked")]
    Unknown,
    #[error("used before: the session is revoked")]
    Reused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins a session inside the transaction that admits the person.
pub(crate) async fn begin(
    app: &App,
    tx: &mut Tx,
    user_id: Uuid,
    transport: SessionTransport,
    facts: &ClientFacts,
    now: Micros,
) -> Result<TokenPair, StoreError> {
    let (access, refresh) = (Secret::random(SecretKind::Access), Secret::random(SecretKind::Refresh));
    let access_expires_at = now.plus(app.access_ttl());
    let new = NewSession {
        user_id,
        transport,
        access_hash: access.hash(),
        access_expires_at,
        refresh_hash: refresh.hash(),
        user_agent: &facts.user_agent,
        ip: &facts.ip_text,
        expires_at: now.plus(app.refresh_ttl()),
    };
    store::insert(tx, new, now).await?;
    store::revoke_surplus(tx, user_id, MAX_SESSIONS, now).await?;
    Ok(TokenPair { access, refresh, access_expires_at })
}

/// Finds who presents an access token; [`Actor::Anonymous`] when it opens nothing.
pub(crate) async fn find_actor(app: &App, access: &Secret, now: Micros) -> Result<Actor, StoreError> {
    let Some(live) = store::find_live(&app.db, &access.hash(), now).await? else {
        return Ok(Actor::Anonymous);
    };
    if live.session.session_last_seen_at < now.minus(TOUCH_EVERY) {
        store::touch(&app.db, live.session.id, now).await?;
    }
    Ok(Actor::User { user: Box::new(live.user), session: live.session })
}

/// Exchanges a refresh token for the next pair.
///
/// The same token presented again within the grace period gets the same pair (a lost answer, two tabs); later, or when
/// it is older than the last one, it revokes the session, because one of the two who hold it stole it.
///
/// # Errors
/// See [`RefreshError`].
pub(crate) async fn refresh(app: &App, presented: &Secret, facts: &ClientFacts) -> Result<Refreshed, RefreshError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let hash = presented.hash();
    let Some(session) = store::find_by_refresh(&mut tx, &hash, now).await? else {
        let spent = store::find_by_spent(&mut tx, &hash, now).await?;
        let (session_id, user_id) = spent.ok_or(RefreshError::Unknown)?;
        end_stolen(tx, session_id, user_id, facts, now).await?;
        return Err(RefreshError::Reused);
    };
    let access = presented.successor(&app.rotation_key, SecretKind::Access);
    let refresh = presented.successor(&app.rotation_key, SecretKind::Refresh);
    let user = session.user;
    if session.refresh_hash != hash {
        let in_grace = now <= session.rotated_at.plus(app.refresh_grace());
        if in_grace && session.refresh_hash == refresh.hash() {
            let tokens = TokenPair { access, refresh, access_expires_at: session.access_expires_at };
            return Ok(Refreshed { user, tokens });
        }
        end_stolen(tx, session.session_id, user.id, facts, now).await?;
        return Err(RefreshError::Reused);
    }
    let access_expires_at = now.plus(app.access_ttl());
    let next = Rotation {
        session_id: session.session_id,
        presented_hash: hash,
        access_hash: access.hash(),
        access_expires_at,
        refresh_hash: refresh.hash(),
        expires_at: now.plus(app.refresh_ttl()),
        ip: &facts.ip_text,
        user_agent: &facts.user_agent,
    };
    if !store::rotate(&mut tx, next, now).await? {
        // On PostgreSQL a twin of this request may have rotated between our read and our write; it got this very pair.
        drop(tx);
        let winner = store::find_live(&app.db, &access.hash(), now).await?.ok_or(RefreshError::Unknown)?;
        return Ok(Refreshed { user: winner.user, tokens: TokenPair { access, refresh, access_expires_at } });
    }
    tx.commit(now).await?;
    Ok(Refreshed { user, tokens: TokenPair { access, refresh, access_expires_at } })
}

/// Ends a session one of whose refresh tokens came a second time.
async fn end_stolen(
    mut tx: Tx,
    session_id: Uuid,
    user_id: Uuid,
    facts: &ClientFacts,
    now: Micros,
) -> Result<(), StoreError> {
    store::revoke(&mut tx, session_id, now).await?;
    let row = AuditRow {
        actor_id: Some(user_id),
        session_id: Some(session_id),
        ip: &facts.ip_text,
        action: "session.reuse_detected",
        target_kind: "session",
        target_id: Some(session_id),
        diff: json!({}),
    };
    outbox::insert_audit(&mut tx, row, now).await?;
    tx.event(format!("notifications:{user_id}"), "session.revoked", &json!({ "session_id": session_id }));
    tx.commit(now).await?;
    metrics::counter!("plenum_refresh_token_reuse_total").increment(1);
    Ok(())
}

/// Ends the session of the caller, if there is one, and the one `refresh` belongs to.
pub(crate) async fn end(app: &App, caller: &Caller, refresh: Option<&Secret>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let mut ended = caller.session().map(|(user, session)| (user.id, session.id));
    if let (None, Some(refresh)) = (ended, refresh) {
        let found = store::find_by_refresh(&mut tx, &refresh.hash(), now).await?;
        ended = found.map(|session| (session.user.id, session.session_id));
    }
    if let Some((user_id, id)) = ended
        && store::revoke(&mut tx, id, now).await?
    {
        tx.event(format!("notifications:{user_id}"), "session.revoked", &json!({ "session_id": id }));
        audit(&mut tx, caller, "session.ended", ("session", id), json!({}), now).await?;
    }
    tx.commit(now).await
}

/// Ends every session of somebody, but for `keep`, and tells their open sockets.
pub(super) async fn revoke_all(tx: &mut Tx, user_id: Uuid, keep: Option<Uuid>, now: Micros) -> Result<(), StoreError> {
    if store::revoke_all(tx, user_id, keep, now).await? > 0 {
        tx.event(format!("notifications:{user_id}"), "session.revoked", &json!({ "all_but": keep }));
    }
    Ok(())
}

/// Ends one session of the caller; `false` when they have no such live one.
pub(crate) async fn revoke_own(app: &App, who: &SignedIn, id: Uuid) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::revoke_of(&mut tx, id, who.user.id, now).await? {
        return Ok(false);
    }
    tx.event(format!("notifications:{}", who.user.id), "session.revoked", &json!({ "session_id": id }));
    audit(&mut tx, &who.caller, "session.revoked", ("session", id), json!({}), now).await?;
    tx.commit(now).await?;
    Ok(true)
}

/// Ends every session of the caller but the one they ask with.
pub(crate) async fn revoke_others(app: &App, who: &SignedIn) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    revoke_all(&mut tx, who.user.id, Some(who.session.id), now).await?;
    audit(&mut tx, &who.caller, "session.revoked_others", ("user", who.user.id), json!({}), now).await?;
    tx.commit(now).await
}
