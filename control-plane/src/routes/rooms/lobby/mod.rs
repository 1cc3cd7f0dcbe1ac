//! `/api/v1/rooms/{room}/lobby`: who waits to be let in.

pub(crate) mod admit;
pub(crate) mod admit_all;
pub(crate) mod deny;
pub(crate) mod knock;
pub(crate) mod leave;
pub(crate) mod list;
pub(crate) mod poll;

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
use crate::model::lobby::{LobbyEntry, LobbyStatus};
use crate::model::secret::Secret;
use crate::routes::rooms::join::GuestAnswer;
use crate::services::lobby::{LobbyError, Waiting};

/// Everything below `/rooms/{room}/lobby`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(knock::knock, list::list))
        .routes(routes!(admit_all::admit_all))
        .routes(routes!(poll::poll, leave::leave))
        .routes(routes!(admit::admit))
        .routes(routes!(deny::deny))
}

/// How things stand for somebody at the door.
#[derive(Serialize, ToSchema)]
pub(crate) struct LobbyAnswer {
    /// What to ask about from now on; null = one need not wait.
    id: Option<Uuid>,
    /// `accepted`: join now.
    status: LobbyStatus,
    /// Who waits without an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<GuestAnswer>,
}

impl From<Waiting> for LobbyAnswer {
    fn from(waiting: Waiting) -> Self {
        let guest = waiting.guest.map(|(guest, secret)| GuestAnswer {
            id: guest.id,
            display_name: guest.name,
            access_token: secret.as_ref().map(Secret::text),
        });
        Self { id: waiting.entry.map(|entry| entry.id), status: waiting.status, guest }
    }
}

/// Somebody at the door, as hosts see them.
#[derive(Serialize, ToSchema)]
pub(crate) struct LobbyEntryView {
    id: Uuid,
    /// Absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_id: Option<Uuid>,
    display_name: String,
    status: LobbyStatus,
    /// Since when they wait.
    created_at: Micros,
}

impl From<LobbyEntry> for LobbyEntryView {
    fn from(entry: LobbyEntry) -> Self {
        Self {
            id: entry.id,
            user_id: (!entry.is_guest).then_some(entry.subject_id),
            guest_id: entry.is_guest.then_some(entry.subject_id),
            display_name: entry.name,
            status: entry.status,
            created_at: entry.created_at,
        }
    }
}

/// Reads the id of an entry in a path; what is no id is no entry.
fn entry_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| LobbyError::NotFound.into())
}

impl From<LobbyError> for ApiError {
    fn from(error: LobbyError) -> Self {
        match error {
            LobbyError::Join(error) => error.into(),
            LobbyError::NotFound => {
                Self::not_found("lobby_entry_not_found", "Nobody waits under this id. Ask to be let in again.")
            }
            LobbyError::Full => {
                Self::new(StatusCode::CONFLICT, "lobby_full", "Too many people are waiting. Try again later.")
                    .retry_after(30)
            }
        }
    }
}
