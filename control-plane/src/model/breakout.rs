//! Breakouts: rooms that a call is split into for a while.

use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// `prepared` until the hosts open it, `closing` while everybody is called back.
    pub(crate) enum BreakoutState {
        Prepared = "prepared", Open = "open", Closing = "closing", Closed = "closed"
    }
}

/// A breakout as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Breakout {
    /// Its id, which is that of its room.
    pub room_id: Uuid,
    pub name: String,
    pub state: BreakoutState,
    pub closes_at: Option<Micros>,
    /// People in it now.
    pub present: i64,
}

/// Somebody who is sent to a breakout.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct Assignment {
    /// A user, or a guest.
    pub subject_id: Uuid,
    pub room_id: Uuid,
}
