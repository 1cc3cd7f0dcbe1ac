//! `GET /api/v1/meetings/{meeting_id}/occurrences`: when a meeting happens within a time.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, Segment, SignedIn};
use crate::model::clock::Micros;
use crate::routes::meetings::{OccurrenceView, meeting_id};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::meetings::{occurrences, schedule};

/// Days that may lie between `from` and `to`.
const MAX_DAYS: i64 = 366;
const DAY_US: i64 = 86_400_000_000;

/// Which occurrences.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListOccurrencesQuery {
    /// Those that end after this; now unless given.
    from: Option<Micros>,
    /// Those that start before this; 90 days after `from` unless given, at most 366.
    to: Option<Micros>,
}

/// The occurrences of a meeting within a time.
#[derive(Serialize, ToSchema)]
pub(crate) struct OccurrenceList {
    items: Vec<OccurrenceView>,
}

/// When a meeting happens within a time; those further ahead than 90 days are not known yet.
#[utoipa::path(get, path = "/meetings/{meeting_id}/occurrences", tag = "meetings",
    operation_id = "list_meeting_occurrences",
    params(("meeting_id" = String, Path, description = "Id"), ListOccurrencesQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = OccurrenceList), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
    Params(query): Params<ListOccurrencesQuery>,
) -> Result<Json<OccurrenceList>, ApiError> {
    let from = query.from.unwrap_or_else(|| app.clock.now());
    let to = query.to.unwrap_or_else(|| from.plus(schedule::AHEAD + Duration::from_secs(1)));
    if to < from {
        return Err(ApiError::field("to", "must not be before from"));
    }
    if to.since(from) > MAX_DAYS * DAY_US {
        return Err(ApiError::field("to", "must be at most 366 days after from"));
    }
    let (meeting, rows) = occurrences::list(&app, &who.caller, meeting_id(&name)?, from, to).await?;
    Ok(Json(OccurrenceList { items: rows.into_iter().map(|row| OccurrenceView::of(row, &meeting)).collect() }))
}
