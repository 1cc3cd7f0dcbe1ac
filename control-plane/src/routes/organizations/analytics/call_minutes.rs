//! `GET /api/v1/organizations/{org_id}/analytics/call-minutes`: how much is called.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DEFAULT_DAYS, DaysQuery};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::{analytics, organizations};
use crate::store::organizations::OrgName;

/// Calls per day.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallMinutes {
    /// One entry per day, the oldest first.
    items: Vec<CallDayView>,
}

/// Calls of a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallDayView {
    /// A day in UTC; a stay counts on the day it began.
    #[schema(format = Date)]
    date: String,
    calls: i64,
    /// Times somebody was in one.
    stays: i64,
    /// Whole minutes of all stays together.
    minutes: i64,
}

/// Call minutes per day in an organization's rooms and meetings; for its owners and admins.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/analytics/call-minutes", tag = "organizations",
    operation_id = "get_call_minutes", params(("org_id" = uuid::Uuid, Path), DaysQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = CallMinutes), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<DaysQuery>,
) -> Result<Json<CallMinutes>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::Manage).await?;
    let days = analytics::call_minutes(&app, org.id, query.days.unwrap_or(DEFAULT_DAYS)).await?;
    let view = |day: analytics::CallDay| CallDayView {
        date: day.date,
        calls: day.calls,
        stays: day.stays,
        minutes: day.minutes,
    };
    Ok(Json(CallMinutes { items: days.into_iter().map(view).collect() }))
}
