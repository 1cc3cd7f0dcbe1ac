//! `GET /api/v1/calls/{call_id}/participants`: who is, and was, in a call, by pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Stay;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Params, Segment};
use crate::routes::calls::call_id;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::CallAction;
use crate::services::call_access;
use crate::store::hosting;

/// Which stays, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListStaysQuery {
    /// Only of those who are in now.
    present: Option<bool>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of stays.
#[derive(Serialize, ToSchema)]
pub(crate) struct StayPage {
    items: Vec<Stay>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Who is, and was, in a call, in the order they came.
#[utoipa::path(get, path = "/calls/{call_id}/participants", tag = "calls", operation_id = "list_call_participants",
    params(("call_id" = Uuid, Path), ListStaysQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = StayPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    Params(query): Params<ListStaysQuery>,
) -> Result<Json<StayPage>, ApiError> {
    let seat = call_access::find(&app, &caller, call_id(&id)?, CallAction::See).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::nil());
    let present = query.present.unwrap_or(false);
    let rows = hosting::list_stays(&app.db, seat.call.id, after, present, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |stay| stay.id);
    let now = app.clock.now();
    Ok(Json(StayPage { items: rows.into_iter().map(|stay| Stay::of(stay, now)).collect(), next_cursor }))
}
