//! Rings: one person calls another, who answers, declines, or misses it.

use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// What became of a ring.
    pub(crate) enum RingState {
        Ringing = "ringing", Answered = "answered", Declined = "declined", Missed = "missed", Cancelled = "cancelled"
    }
}

/// A ring as stored, with the names of both sides and the room they are to meet in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Ring {
    pub id: Uuid,
    pub room_id: Uuid,
    pub room_code: String,
    pub conversation_id: Uuid,
    pub caller_id: Uuid,
    pub caller_name: String,
    pub callee_id: Uuid,
    pub callee_name: String,
    pub state: RingState,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub ended_at: Option<Micros>,
}
