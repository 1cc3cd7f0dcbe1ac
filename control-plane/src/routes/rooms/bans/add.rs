//! `POST /api/v1/rooms/{room}/bans`: somebody is kept out from now on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::BanView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::http::validate;
use crate::model::clock::Micros;
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::bans::{self, BanForm, Subject};

/// Longest reason, in characters.
const REASON_CHARS: usize = 500;

/// Whom to ban, and why.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct BanRequest {
    user_id: Option<Uuid>,
    guest_id: Option<Uuid>,
    /// Also every other guest from the address this guest came from. `false` unless given.
    address: Option<bool>,
    #[garde(inner(custom(check_reason)))]
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// For good unless given.
    expires_at: Option<Micros>,
}

fn check_reason<C>(value: &str, context: &C) -> garde::Result {
    if value.chars().count() > REASON_CHARS {
        return Err(garde::Error::new(format_args!("must be at most {REASON_CHARS} characters")));
    }
    validate::text(value, context)
}

/// Ban a person or a guest: out of the call at once, out of the room from now on. Any account can be banned by its id; the
/// answer does not tell whether there is such an account.
#[utoipa::path(post, path = "/rooms/{room}/bans", tag = "rooms", operation_id = "ban_from_room",
    params(("room" = String, Path, description = "Id or code")), request_body = BanRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = BanView),
    (status = 200, description = "Banned already; renewed", body = BanView), Problems, Conflict))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Body(request): Body<BanRequest>,
) -> Result<(StatusCode, Json<BanView>), ApiError> {
    let with_address = request.address.unwrap_or(false);
    let subject = match (request.user_id, request.guest_id) {
        (Some(_), None) if with_address => {
            return Err(ApiError::field("address", "only guests can be banned by address"));
        }
        (Some(id), None) => Subject::User(id),
        (None, Some(id)) => Subject::Guest { id, with_address },
        _ => return Err(ApiError::field("user_id", "give either user_id or guest_id")),
    };
    let reason = request.reason.unwrap_or_default().trim().to_owned();
    let form = BanForm { subject, reason, expires_at: request.expires_at };
    let (ban, is_new) = bans::ban(&app, &who, &room_name(&room)?, form).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(ban.into())))
}
