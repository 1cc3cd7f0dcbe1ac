//! `POST /api/v1/calls/direct`: somebody is rung.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::RingView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::routes::problems::{Conflict, NotFound, Problems};
use crate::services::rings;

/// Who is to be rung.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct RingRequest {
    /// Somebody who shares an organization, a room or a direct conversation with the caller.
    user_id: Uuid,
}

/// Ring another person. Who is rung already goes on ringing; who is ringing the caller is answered.
#[utoipa::path(post, path = "/calls/direct", tag = "calls", operation_id = "ring_user", request_body = RingRequest,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, description = "It rings", body = RingView),
    (status = 200, description = "It rang already, or the other side was ringing", body = RingView), Problems, NotFound, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<RingRequest>,
) -> Result<(StatusCode, Json<RingView>), ApiError> {
    let (ring, is_new) = rings::ring(&app, &who, request.user_id).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(ring.into())))
}
