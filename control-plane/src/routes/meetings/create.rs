//! `POST /api/v1/meetings`: a new meeting.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MeetingView, rules};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::model::clock::Micros;
use crate::model::room::AccessLevel;
use crate::routes::problems::{Conflict, NotFound, Problems};
use crate::services::meetings::{self, plan::MeetingForm};

/// What the meeting is to be.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateMeetingRequest {
    #[garde(custom(rules::title))]
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[garde(custom(rules::optional_description))]
    #[schema(max_length = 8000)]
    description: Option<String>,
    /// A BCP 47 language tag; the caller's unless given.
    #[garde(custom(validate::optional_locale))]
    language: Option<String>,
    /// What the clock on the wall shows, `2026-03-01T09:30:00`. The meeting begins now unless this or `starts_at` is given.
    #[garde(custom(rules::optional_short))]
    local_start: Option<String>,
    /// The same as a moment.
    starts_at: Option<Micros>,
    /// An IANA time zone; the caller's unless given.
    #[garde(custom(validate::optional_timezone))]
    timezone: Option<String>,
    /// 60 unless given.
    #[garde(custom(rules::optional_duration))]
    #[schema(minimum = 1, maximum = 1440)]
    duration_min: Option<i64>,
    /// A rule of RFC 5545 such as `FREQ=WEEKLY;BYDAY=MO,WE`; the start moves to its first instance.
    #[garde(custom(rules::optional_short))]
    #[schema(max_length = 500)]
    rrule: Option<String>,
    /// A video room the caller may change; one of its own is made unless given.
    room_id: Option<Uuid>,
    /// An organization the caller belongs to.
    org_id: Option<Uuid>,
    /// Of its own room; the caller's default unless given.
    access_level: Option<AccessLevel>,
}

/// Plan a meeting; the caller organizes it.
#[utoipa::path(post, path = "/meetings", tag = "meetings", operation_id = "create_meeting",
    request_body = CreateMeetingRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = MeetingView), Problems, NotFound, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<CreateMeetingRequest>,
) -> Result<(StatusCode, Json<MeetingView>), ApiError> {
    let form = MeetingForm {
        title: request.title.trim().to_owned(),
        description: request.description.unwrap_or_default(),
        language: request.language.unwrap_or_else(|| who.user.locale.clone()),
        start: rules::start(request.local_start, request.starts_at)?,
        timezone: request.timezone.unwrap_or_else(|| who.user.timezone.clone()),
        duration_min: request.duration_min,
        rrule: request.rrule,
        room_id: request.room_id,
        org_id: request.org_id,
        access_level: request.access_level,
    };
    let meeting = meetings::create(&app, &who, form).await?;
    Ok((StatusCode::CREATED, Json(MeetingView::of(&meeting, Some(who.user.id)))))
}
