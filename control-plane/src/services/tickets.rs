//! Tickets: what a page without a header for its socket shows instead of a token, once, within seconds.

use crate::app::App;
use crate::model::clock::Micros;
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::Actor;
use crate::store::db::StoreError;
use crate::store::tickets::{self as store, Ticket};
use crate::store::{guests, sessions};

/// A new ticket for a session or a guest.
///
/// # Errors
/// As any statement.
pub(crate) async fn issue(app: &App, actor: &Actor) -> Result<(Secret, Micros), StoreError> {
    let expires_at = app.clock.now().plus(std::time::Duration::from_secs(app.realtime.ticket_ttl_s));
    let (session_id, guest_id) = match actor {
        Actor::User { session, .. } => (Some(session.id), None),
        Actor::Guest(guest) => (None, Some(guest.id)),
        Actor::Anonymous => (None, None),
    };
    let secret = Secret::random(SecretKind::Ticket);
    store::insert(&app.db, &secret.hash(), &Ticket { session_id, guest_id, expires_at }).await?;
    Ok((secret, expires_at))
}

/// Uses a ticket up; whoever it was issued to, if it still lives and they may still come in.
///
/// # Errors
/// As any statement.
pub(crate) async fn redeem(app: &App, text: &str) -> Result<Option<Actor>, StoreError> {
    let Some(secret) = Secret::parse(SecretKind::Ticket, text) else { return Ok(None) };
    let now = app.clock.now();
    let ticket = store::take(&app.db, &secret.hash()).await?.filter(|ticket| ticket.expires_at > now);
    match ticket {
        Some(Ticket { session_id: Some(id), .. }) => {
            let live = sessions::find_live_by_id(&app.db, id, now).await?;
            Ok(live.map(|live| Actor::User { user: Box::new(live.user), session: live.session }))
        }
        Some(Ticket { guest_id: Some(id), .. }) => Ok(guests::find_by_id(&app.db, id, now).await?.map(Actor::Guest)),
        _ => Ok(None),
    }
}
