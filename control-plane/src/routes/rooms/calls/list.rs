//! `GET /api/v1/rooms/{room}/calls`: past calls with their durations, the newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, Segment, SignedIn};
use crate::model::call::{Call, CallState};
use crate::model::clock::Micros;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::authorize::Action;
use crate::services::rooms;
use crate::store::calls;

/// How many, and from where.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCallsQuery {
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallPage {
    items: Vec<CallView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// A call that had somebody in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallView {
    id: Uuid,
    state: CallState,
    started_at: Option<Micros>,
    /// null while it runs.
    ended_at: Option<Micros>,
    /// Whole seconds, until now while it runs.
    duration_s: i64,
    /// Most people at once.
    peak_participants: i64,
}

impl CallView {
    fn of(call: &Call, now: Micros) -> Self {
        let began = call.started_at.unwrap_or(call.created_at);
        Self {
            id: call.id,
            state: call.state,
            started_at: call.started_at,
            ended_at: call.ended_at,
            duration_s: call.ended_at.unwrap_or(now).since(began).max(0) / 1_000_000,
            peak_participants: call.peak_participants,
        }
    }
}

/// The calls of a room, for its members.
#[utoipa::path(get, path = "/rooms/{room}/calls", tag = "rooms", operation_id = "list_room_calls",
    params(("room" = String, Path, description = "Id or code"), ListCallsQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CallPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Params(query): Params<ListCallsQuery>,
) -> Result<Json<CallPage>, ApiError> {
    let room = rooms::find(&app, &who.caller, &room_name(&room)?, Action::SeeHistory).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max());
    let rows = calls::list(&app.db, room.id, before, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |call| call.id);
    let now = app.clock.now();
    Ok(Json(CallPage { items: rows.iter().map(|call| CallView::of(call, now)).collect(), next_cursor }))
}
