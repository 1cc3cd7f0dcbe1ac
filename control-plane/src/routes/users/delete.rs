//! `DELETE /api/v1/users/{user_id}`: the end of an account, by an admin.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::user_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::users;

/// Delete an account; platform admins may. Its name and address vanish from history soon after.
#[utoipa::path(delete, path = "/users/{user_id}", tag = "users", operation_id = "delete_user",
    params(("user_id" = Uuid, Path, description = "Id of the account")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    users::delete(&app, &who, user_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
