//! `GET /api/v1/organizations/{org_id}/analytics/quality`: how good connections in calls are, over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DEFAULT_DAYS, DaysQuery};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::routes::calls::quality::QualityView;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::quality::DayOfQuality;
use crate::services::{organizations, quality};
use crate::store::organizations::OrgName;

/// Quality per day.
#[derive(Serialize, ToSchema)]
pub(crate) struct QualityPerDay {
    /// One entry per day, the oldest first.
    items: Vec<QualityDayView>,
}

impl From<Vec<DayOfQuality>> for QualityPerDay {
    fn from(days: Vec<DayOfQuality>) -> Self {
        let view = |day: DayOfQuality| QualityDayView { date: day.date, quality: day.counts.into() };
        Self { items: days.into_iter().map(view).collect() }
    }
}

/// Quality of a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct QualityDayView {
    /// A day in UTC.
    #[schema(format = Date)]
    date: String,
    #[serde(flatten)]
    quality: QualityView,
}

/// How good connections were, day by day, in calls of an organization's rooms and meetings; for its owners and admins.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/analytics/quality", tag = "organizations",
    operation_id = "get_quality_per_day", params(("org_id" = uuid::Uuid, Path), DaysQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = QualityPerDay), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<DaysQuery>,
) -> Result<Json<QualityPerDay>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::Manage).await?;
    Ok(Json(quality::per_day(&app, Some(org.id), query.days.unwrap_or(DEFAULT_DAYS)).await?.into()))
}
