//! `/api/v1/calls/{call_id}/participants`: who is, and was, in a call, and what hosts do with them.

pub(crate) mod hand;
pub(crate) mod list;
pub(crate) mod mute;
pub(crate) mod permissions;
pub(crate) mod remove;
pub(crate) mod role;

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::model::call::{CallGrant, CallParticipant, CallRole};
use crate::model::clock::Micros;

/// Everything below `/calls/{call_id}/participants`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(mute::mute))
        .routes(routes!(remove::remove))
        .routes(routes!(role::set_role))
        .routes(routes!(permissions::set_permissions))
        .routes(routes!(hand::set_hand))
}

/// A stay in a call; coming back is another one.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stay {
    id: Uuid,
    /// Absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_id: Option<Uuid>,
    name: String,
    /// The LiveKit identity.
    identity: String,
    role: CallRole,
    joined_at: Micros,
    /// null while they are in.
    left_at: Option<Micros>,
    /// Whole seconds, until now while they are in.
    duration_s: i64,
}

impl Stay {
    pub(super) fn of(stay: CallParticipant, now: Micros) -> Self {
        Self {
            id: stay.id,
            user_id: stay.user_id,
            guest_id: stay.guest_id,
            name: stay.name,
            identity: stay.identity,
            role: stay.role,
            joined_at: stay.joined_at,
            left_at: stay.left_at,
            duration_s: stay.left_at.unwrap_or(now).since(stay.joined_at).max(0) / 1_000_000,
        }
    }
}

/// Somebody in a call, as hosts set them.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetParticipant {
    id: Uuid,
    identity: String,
    name: String,
    role: CallRole,
    /// What they may not send: `microphone`, `camera`, `screen_share`.
    #[schema(value_type = Vec<String>)]
    blocked: Vec<&'static str>,
}

impl SetParticipant {
    pub(super) fn of(stay: CallParticipant, grant: CallGrant) -> Self {
        Self { id: stay.id, identity: stay.identity, name: stay.name, role: stay.role, blocked: grant.blocked() }
    }
}
