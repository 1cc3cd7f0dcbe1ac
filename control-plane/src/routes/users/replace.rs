//! `PUT /api/v1/users/{user_id}`: as PATCH, for clients that know no other verb.

use std::sync::Arc;

use axum::extract::State;

use super::update::{UpdateUserRequest, apply};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::http::version::Tagged;
use crate::model::user::User;
use crate::routes::problems::{Conflict, Problems};

/// Change an account, as PATCH does: what is left out stays.
#[utoipa::path(put, path = "/users/{user_id}", tag = "users", operation_id = "replace_user",
    params(("user_id" = Uuid, Path, description = "Id of the account")), request_body = UpdateUserRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = User), Problems, Conflict))]
pub(crate) async fn replace(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
    Body(request): Body<UpdateUserRequest>,
) -> Result<Tagged<User>, ApiError> {
    apply(&app, &who, &id, request).await
}
