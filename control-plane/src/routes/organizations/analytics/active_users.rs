//! `GET /api/v1/organizations/{org_id}/analytics/active-users`: who is about.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::{analytics, organizations};
use crate::store::organizations::OrgName;

/// Minutes looked back unless said otherwise.
const DEFAULT_MINUTES: u32 = 15;

/// How far to look back.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MinutesQuery {
    /// 1 to 1,440, 15 unless given.
    #[garde(inner(range(min = 1, max = 1_440)))]
    #[param(minimum = 1, maximum = 1_440)]
    minutes: Option<u32>,
}

/// How many members are about.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActiveUsers {
    minutes: u32,
    /// Members who did something within these minutes, to the minute.
    active_users: i64,
    members: i64,
}

/// How many members of an organization did something lately; for its members. Problems: 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/analytics/active-users", tag = "organizations",
    operation_id = "get_active_users", params(("org_id" = uuid::Uuid, Path), MinutesQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ActiveUsers), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<MinutesQuery>,
) -> Result<Json<ActiveUsers>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::See).await?;
    let minutes = query.minutes.unwrap_or(DEFAULT_MINUTES);
    let (members, active_users) = analytics::active_users(&app, org.id, minutes).await?;
    Ok(Json(ActiveUsers { minutes, active_users, members }))
}
