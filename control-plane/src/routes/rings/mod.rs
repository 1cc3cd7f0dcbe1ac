//! `/api/v1/calls/direct`: ringing another person.

pub(crate) mod answer;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod decline;
pub(crate) mod get;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::ring::{Ring, RingState};
use crate::services::rings::RingError;

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(get::get))
        .routes(routes!(answer::answer))
        .routes(routes!(decline::decline))
        .routes(routes!(cancel::cancel))
}

/// One side of a ring.
#[derive(Serialize, ToSchema)]
pub(crate) struct RingSide {
    id: Uuid,
    display_name: String,
}

/// A ring. Both sides meet by joining its room.
#[derive(Serialize, ToSchema)]
pub(crate) struct RingView {
    id: Uuid,
    state: RingState,
    room_id: Uuid,
    room_code: String,
    /// The two people's direct conversation if there is one, else that of the room.
    conversation_id: Uuid,
    caller: RingSide,
    callee: RingSide,
    created_at: Micros,
    /// Until when it rings.
    expires_at: Micros,
    ended_at: Option<Micros>,
}

impl From<Ring> for RingView {
    fn from(ring: Ring) -> Self {
        Self {
            id: ring.id,
            state: ring.state,
            room_id: ring.room_id,
            room_code: ring.room_code,
            conversation_id: ring.conversation_id,
            caller: RingSide { id: ring.caller_id, display_name: ring.caller_name },
            callee: RingSide { id: ring.callee_id, display_name: ring.callee_name },
            created_at: ring.created_at,
            expires_at: ring.expires_at,
            ended_at: ring.ended_at,
        }
    }
}

/// Reads the id in a path.
fn ring_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| RingError::NotFound.into())
}

impl From<RingError> for ApiError {
    fn from(error: RingError) -> Self {
        match error {
            RingError::NoSuchPerson => Self::not_found("user_not_found", "There is nobody you could ring by this id."),
            RingError::Oneself => Self::field("user_id", "must be somebody else"),
            RingError::NotFound => Self::not_found("ring_not_found", "There is no such ring."),
            RingError::OtherSide => Self::forbidden(),
            RingError::Over => Self::new(StatusCode::CONFLICT, "ring_over", "It does not ring any more."),
            RingError::TooMany => {
                Self::new(StatusCode::CONFLICT, "too_many_rings", "You ring ten people already. Wait for them.")
            }
            RingError::NoRoom => Self::internal(&error),
            RingError::Store(error) => error.into(),
        }
    }
}
