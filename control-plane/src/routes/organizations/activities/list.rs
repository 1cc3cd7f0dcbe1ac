//! `GET /api/v1/organizations/{org_id}/activities`: what happened in an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::http::validate;
use crate::model::activity::Activity;
use crate::model::clock::Micros;
use crate::routes::organizations::ActorView;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::{activities, organizations};
use crate::store::organizations::OrgName;

/// Which activities, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListActivitiesQuery {
    /// Only of this type, such as `channel.created`.
    #[garde(skip)]
    #[serde(rename = "type")]
    #[param(max_length = 80)]
    kind: Option<String>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActivityView {
    id: Uuid,
    org_id: Uuid,
    /// Who did it; null for the server itself.
    actor: Option<ActorView>,
    #[serde(rename = "type")]
    kind: String,
    /// What it is about: organization, user, channel, room or meeting.
    ref_kind: String,
    ref_id: Uuid,
    /// More about it, by type.
    #[schema(value_type = Object)]
    data: Value,
    created_at: Micros,
}

impl From<Activity> for ActivityView {
    fn from(one: Activity) -> Self {
        Self {
            id: one.id,
            org_id: one.org_id,
            actor: ActorView::of(one.actor_id, one.actor_name),
            kind: one.kind,
            ref_kind: one.ref_kind,
            ref_id: one.ref_id,
            data: one.data.0,
            created_at: one.created_at,
        }
    }
}

/// A page of activities.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActivityPage {
    items: Vec<ActivityView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// What happened in an organization, as far as the caller may see what it is about; the newest first.
///
/// Problems: 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/activities", tag = "organizations",
    operation_id = "list_activities", params(("org_id" = Uuid, Path), ListActivitiesQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ActivityPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<ListActivitiesQuery>,
) -> Result<Json<ActivityPage>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::See).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max());
    let kind = query.kind.as_deref().unwrap_or_default();
    // By hand, so that the field is called what the query calls it.
    validate::search(kind, &()).map_err(|error| ApiError::field("type", error.message()))?;
    let rows = activities::list(&app, org.id, who.user.id, kind, before, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |activity| activity.id);
    Ok(Json(ActivityPage { items: rows.into_iter().map(ActivityView::from).collect(), next_cursor }))
}
