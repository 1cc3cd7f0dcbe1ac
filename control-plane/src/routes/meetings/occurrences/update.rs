//! `PATCH /api/v1/meetings/{meeting_id}/occurrences/{start}`: one time of a series, or it and all that follow.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::model::clock::Micros;
use crate::model::meeting::MeetingStatus;
use crate::model::text_enum::text_enum;
use crate::routes::meetings::names::Names;
use crate::routes::meetings::{MeetingView, OccurrenceView, meeting_id, rules};
use crate::routes::problems::{Conflict, Problems};
use crate::services::meetings::MeetingError;
use crate::services::meetings::occurrences::{self, OccurrenceChange};
use crate::services::meetings::plan::MeetingChange;

text_enum! {
    /// How far a change of an occurrence reaches.
    pub(crate) enum ChangeScope { This = "this", ThisAndFollowing = "this_and_following" }
}

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateOccurrenceRequest {
    /// `this` unless given.
    scope: Option<ChangeScope>,
    /// `cancelled` calls it off; nothing else can be set.
    status: Option<MeetingStatus>,
    #[garde(custom(rules::optional_title))]
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    #[garde(custom(rules::optional_description))]
    #[schema(max_length = 8000)]
    description: Option<String>,
    /// What the clock on the wall is to show at its start.
    #[garde(custom(rules::optional_short))]
    local_start: Option<String>,
    /// The same as a moment.
    starts_at: Option<Micros>,
    #[garde(custom(rules::optional_duration))]
    #[schema(minimum = 1, maximum = 1440)]
    duration_min: Option<i64>,
    /// Only with `this_and_following`.
    #[garde(custom(validate::optional_locale))]
    language: Option<String>,
    /// Only with `this_and_following`.
    #[garde(custom(validate::optional_timezone))]
    timezone: Option<String>,
    /// Only with `this_and_following`.
    #[garde(custom(rules::optional_short))]
    #[schema(max_length = 500)]
    rrule: Option<String>,
}

/// A changed occurrence, and the meeting it belongs to now.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedOccurrence {
    occurrence: OccurrenceView,
    /// After `this_and_following` usually a new one.
    meeting: MeetingView,
}

/// Change or call off one time of a series, or it and all that follow, which then become a meeting of their own.
#[utoipa::path(patch, path = "/meetings/{meeting_id}/occurrences/{start}", tag = "meetings",
    operation_id = "update_meeting_occurrence", params(("meeting_id" = String, Path, description = "Id"),
    ("start" = String, Path, description = "`original_start_at` of the occurrence")),
    request_body = UpdateOccurrenceRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChangedOccurrence), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    names: Names,
    Body(request): Body<UpdateOccurrenceRequest>,
) -> Result<Json<ChangedOccurrence>, ApiError> {
    let id = meeting_id(names.get("meeting_id"))?;
    let start = read_start(names.get("start"))?;
    let scope = request.scope.unwrap_or(ChangeScope::This);
    let form = form(request)?;
    let (meeting, occurrence) = match scope {
        ChangeScope::This => occurrences::update_one(&app, &who, id, start, form).await?,
        ChangeScope::ThisAndFollowing => occurrences::update_following(&app, &who, id, start, form).await?,
    };
    let occurrence = OccurrenceView::of(occurrence, &meeting);
    Ok(Json(ChangedOccurrence { occurrence, meeting: MeetingView::of(&meeting, Some(who.user.id)) }))
}

fn read_start(text: &str) -> Result<Micros, ApiError> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|at| Micros(at.as_microsecond())).map_err(|_| MeetingError::OccurrenceNotFound.into())
}

fn form(request: UpdateOccurrenceRequest) -> Result<OccurrenceChange, ApiError> {
    let cancel = match request.status {
        Some(MeetingStatus::Cancelled) => true,
        Some(_) => return Err(ApiError::field("status", "must be cancelled")),
        None => false,
    };
    let change = MeetingChange {
        title: request.title.map(|title| title.trim().to_owned()),
        description: request.description,
        language: request.language,
        start: rules::start(request.local_start, request.starts_at)?,
        timezone: request.timezone,
        duration_min: request.duration_min,
        rrule: request.rrule.map(Some),
    };
    Ok(OccurrenceChange { change, cancel })
}
