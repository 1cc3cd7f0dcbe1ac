//! SQL of tickets: each opens one socket; whoever deletes the row has used it, on whichever replica.

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::statements;
use crate::model::clock::Micros;

statements! {
    INSERT_TICKET = "INSERT INTO ws_tickets (token_hash, session_id, guest_id, expires_at) VALUES ($1, $2, $3, $4)";
    TAKE_TICKET = "DELETE FROM ws_tickets WHERE token_hash = $1 RETURNING session_id, guest_id, expires_at";
    DELETE_EXPIRED_TICKETS = "DELETE FROM ws_tickets WHERE token_hash IN \
        (SELECT token_hash FROM ws_tickets WHERE expires_at < $1 LIMIT $2)";
}

/// Whom a ticket speaks for.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Ticket {
    pub session_id: Option<Uuid>,
    pub guest_id: Option<Uuid>,
    pub expires_at: Micros,
}

pub(crate) async fn insert(db: &Db, hash: &[u8], ticket: &Ticket) -> Result<(), StoreError> {
    run!(db, execute, INSERT_TICKET, hash, ticket.session_id, ticket.guest_id, ticket.expires_at)?;
    Ok(())
}

/// Uses a ticket up; `None` when there is none, or somebody else was first.
pub(crate) async fn take(db: &Db, hash: &[u8]) -> Result<Option<Ticket>, StoreError> {
    run!(db, fetch_optional as Ticket, TAKE_TICKET, hash)
}

/// Deletes at most `batch` tickets that expired before `before`; how many went.
pub(crate) async fn delete_expired(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EXPIRED_TICKETS, before, batch)
}
