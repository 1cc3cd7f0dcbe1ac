//! `GET /api/v1/organizations/{org_id}/analytics/messages-per-day`: how much is said.

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

/// Messages per day.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessagesPerDay {
    /// One entry per day, the oldest first.
    items: Vec<MessageDayView>,
}

/// Messages of a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageDayView {
    /// A day in UTC.
    #[schema(format = Date)]
    date: String,
    /// Sent in channels and rooms of the organization.
    messages: i64,
}

/// Messages per day in an organization's channels and rooms; for its owners and admins.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/analytics/messages-per-day", tag = "organizations",
    operation_id = "get_messages_per_day", params(("org_id" = uuid::Uuid, Path), DaysQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MessagesPerDay), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<DaysQuery>,
) -> Result<Json<MessagesPerDay>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::Manage).await?;
    let days = analytics::messages_per_day(&app, org.id, query.days.unwrap_or(DEFAULT_DAYS)).await?;
    let view = |day: analytics::MessageDay| MessageDayView { date: day.date, messages: day.messages };
    Ok(Json(MessagesPerDay { items: days.into_iter().map(view).collect() }))
}
