//! `/api/v1/calls`: calls, who is in them, and what hosts do there.

pub(crate) mod breakouts;
pub(crate) mod end;
pub(crate) mod get;
pub(crate) mod lock;
pub(crate) mod lower_hands;
pub(crate) mod mute_all;
pub(crate) mod participants;
pub(crate) mod quality;
pub(crate) mod start;
pub(crate) mod unlock;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use self::quality::QualityView;
use crate::app::App;
use crate::error::ApiError;
use crate::model::call::{Call, CallState};
use crate::model::clock::Micros;
use crate::services::call_access::HostError;

/// Everything below `/calls`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(start::start))
        .routes(routes!(get::get))
        .routes(routes!(quality::get))
        .routes(routes!(end::end))
        .routes(routes!(lock::lock))
        .routes(routes!(unlock::unlock))
        .routes(routes!(mute_all::mute_all))
        .routes(routes!(lower_hands::lower_hands))
        .merge(participants::routes())
        .merge(breakouts::routes())
}

/// A call.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallDetails {
    id: Uuid,
    room_id: Uuid,
    state: CallState,
    /// Who opened it; absent when nobody with an account did.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_by: Option<Uuid>,
    created_at: Micros,
    /// null until the first person is in.
    started_at: Option<Micros>,
    /// null while it runs.
    ended_at: Option<Micros>,
    /// Why it ended: `finished`, `ended_by_host`, `room_closed`, …
    end_reason: Option<String>,
    /// Since when nobody new gets in; null = it is not locked.
    locked_at: Option<Micros>,
    /// Whole seconds since the first person was in, until now while it runs.
    duration_s: i64,
    /// Most people at once.
    peak_participants: i64,
    /// How good connections were, told by `GET /calls/{call_id}` alone; absent while nobody was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<QualityView>,
}

impl CallDetails {
    pub(super) fn of(call: Call, now: Micros) -> Self {
        let duration = call.started_at.map_or(0, |began| call.ended_at.unwrap_or(now).since(began));
        Self {
            id: call.id,
            room_id: call.room_id,
            state: call.state,
            started_by: call.started_by,
            created_at: call.created_at,
            started_at: call.started_at,
            ended_at: call.ended_at,
            end_reason: call.end_reason,
            locked_at: call.locked_at,
            duration_s: duration.max(0) / 1_000_000,
            peak_participants: call.peak_participants,
            quality: None,
        }
    }
}

/// Reads the id of a call in a path; what is no id is no call.
pub(super) fn call_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| HostError::NotFound.into())
}

impl From<HostError> for ApiError {
    fn from(error: HostError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            HostError::NotFound => Self::not_found("call_not_found", "There is no such call."),
            HostError::Refused(refusal) => refusal.into(),
            HostError::ParticipantNotFound => {
                Self::not_found("participant_not_found", "This person is not in the call (any more).")
            }
            HostError::Ended => conflict("call_ended", "The call is over."),
            HostError::RoleNotPossible => {
                conflict("role_not_possible", "Only people with an account who are no hosts can be cohosts.")
            }
            HostError::Media(reason) => {
                tracing::warn!(reason, "a media node did not do what a host asked for");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "media_unavailable",
                    "The media server does not answer. Try again in a moment.",
                )
                .retry_after(1)
            }
            HostError::Ban(error) => error.into(),
            HostError::Store(error) => error.into(),
        }
    }
}
