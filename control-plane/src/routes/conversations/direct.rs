//! `POST /api/v1/conversations/direct`: the conversation of two people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ConversationView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::routes::problems::{Conflict, NotFound, Problems};
use crate::services::conversations;

/// With whom.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct DirectRequest {
    /// Somebody who shares an organization or a room with the caller.
    user_id: Uuid,
}

/// Find or begin the direct conversation with somebody; there is one per pair. Problems: 404 `user_not_found`.
#[utoipa::path(post, path = "/conversations/direct", tag = "conversations", operation_id = "begin_direct_conversation",
    request_body = DirectRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "It exists", body = ConversationView),
        (status = 201, description = "It is new", body = ConversationView), Problems, NotFound, Conflict))]
pub(crate) async fn direct(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<DirectRequest>,
) -> Result<(StatusCode, Json<ConversationView>), ApiError> {
    let (conversation, fresh) = conversations::direct(&app, &who, request.user_id).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(conversation.into())))
}
