//! `GET /api/v1/users`: accounts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::http::validate;
use crate::model::user::{PlatformRole, User, UserStatus};
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::users;
use crate::store::users::UserFilter;

/// Which accounts, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListUsersQuery {
    /// Part of the address, the name or the user name.
    #[garde(inner(custom(validate::search)))]
    #[param(max_length = 80)]
    q: Option<String>,
    status: Option<UserStatus>,
    platform_role: Option<PlatformRole>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserPage {
    items: Vec<User>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Accounts, newest first; for platform admins.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "list_users", params(ListUsersQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = UserPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListUsersQuery>,
) -> Result<Json<UserPage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let filter = UserFilter {
        q: query.q.as_deref().unwrap_or_default().trim(),
        status: query.status,
        platform_role: query.platform_role,
        after: page::read_cursor(query.cursor.as_deref())?,
        limit: i64::from(limit) + 1,
    };
    let rows = users::list(&app, &who, filter).await?;
    let (items, next_cursor) = page::cut(rows, limit, |user| user.id);
    Ok(Json(UserPage { items, next_cursor }))
}
