//! `/api/v1/rooms/{room}/bans`: who is kept out of a room.

pub(crate) mod add;
pub(crate) mod lift;
pub(crate) mod list;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::member::Ban;
use crate::services::bans::BanError;

/// A ban in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct BanView {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_id: Option<Uuid>,
    /// Guests from the same address are kept out too.
    by_address: bool,
    /// What the person was called; empty for somebody who shares nothing with the room or with who banned them.
    name: String,
    reason: String,
    banned_by: Uuid,
    created_at: Micros,
    /// null = for good.
    expires_at: Option<Micros>,
}

impl From<Ban> for BanView {
    fn from(ban: Ban) -> Self {
        Self {
            id: ban.id,
            user_id: ban.subject_id.filter(|_| !ban.is_guest),
            guest_id: ban.subject_id.filter(|_| ban.is_guest),
            by_address: ban.by_address,
            name: ban.name,
            reason: ban.reason,
            banned_by: ban.banned_by,
            created_at: ban.created_at,
            expires_at: ban.expires_at,
        }
    }
}

impl From<BanError> for ApiError {
    fn from(error: BanError) -> Self {
        match error {
            BanError::Room(error) => error.into(),
            BanError::UserNotFound => {
                Self::not_found("user_not_found", "This is the id of a guest: give it as guest_id.")
            }
            BanError::GuestNotFound => Self::not_found("guest_not_found", "This room knows no such guest."),
            BanError::BanNotFound => Self::not_found("ban_not_found", "There is no such ban, or it was lifted."),
            BanError::TooMany => {
                Self::new(StatusCode::CONFLICT, "too_many_bans", "The room has too many bans. Lift some first.")
            }
            BanError::Store(error) => error.into(),
        }
    }
}
