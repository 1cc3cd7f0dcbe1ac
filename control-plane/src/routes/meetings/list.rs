//! `GET /api/v1/meetings`: what the caller organizes, is invited to or took part in, and those of an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ListedMeetingView, cursor, rules};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::model::clock::Micros;
use crate::model::text_enum::text_enum;
use crate::routes::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::Problems;
use crate::store::meetings::{self, MeetingFilter, View};

text_enum! {
    /// Which meetings, and in which order.
    pub(crate) enum MeetingView {
        /// All, the newest first.
        All = "all",
        /// What one organizes, the newest first.
        Mine = "mine",
        /// What is still to come, by its next occurrence, the soonest first.
        Upcoming = "upcoming",
        /// What is over, the latest first.
        Past = "past",
        /// Each completed or cancelled occurrence, the latest first.
        History = "history",
    }
}

/// Which meetings, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListMeetingsQuery {
    #[param(inline)]
    view: Option<MeetingView>,
    /// Part of the title.
    #[garde(inner(length(chars, max = 200)), custom(rules::optional_short))]
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only what has an occurrence that ends after this.
    from: Option<Micros>,
    /// Only what has an occurrence that starts before this.
    to: Option<Micros>,
    /// Only what belongs to this organization; its owners and admins see all of that.
    org_id: Option<Uuid>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of meetings.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeetingPage {
    items: Vec<ListedMeetingView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The caller's meetings.
#[utoipa::path(get, path = "/meetings", tag = "meetings", operation_id = "list_meetings", params(ListMeetingsQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MeetingPage), Problems))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListMeetingsQuery>,
) -> Result<Json<MeetingPage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let view = match query.view.unwrap_or(MeetingView::All) {
        MeetingView::All => View::All,
        MeetingView::Mine => View::Mine,
        MeetingView::Upcoming => View::Upcoming,
        MeetingView::Past => View::Past,
        MeetingView::History => View::History,
    };
    let filter = MeetingFilter {
        view,
        q: query.q.as_deref().unwrap_or_default().trim(),
        from: query.from.unwrap_or(Micros(i64::MIN)),
        to: query.to.unwrap_or(Micros(i64::MAX)),
        org_id: query.org_id,
        after: cursor::read(query.cursor.as_deref())?,
        limit: i64::from(limit) + 1,
    };
    let rows = meetings::list(&app.db, who.user.id, filter, app.clock.now()).await?;
    let (rows, next_cursor) = cursor::cut(rows, limit, |row| {
        let start = row.occurrence_starts_at.map_or(0, |at| at.0);
        let id = if view == View::History { row.occurrence_id } else { None };
        (start, id.unwrap_or(row.meeting.id))
    });
    let items = rows.into_iter().map(|row| ListedMeetingView::of(row, who.user.id)).collect();
    Ok(Json(MeetingPage { items, next_cursor }))
}
