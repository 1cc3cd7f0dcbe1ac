//! `PATCH` and `PUT /api/v1/meetings/{meeting_id}`: changes of a meeting as a whole.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{MeetingView, meeting_id, rules};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::http::validate;
use crate::http::version::Tagged;
use crate::model::clock::Micros;
use crate::routes::problems::{Conflict, Problems};
use crate::services::meetings::{self, plan::MeetingChange};

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateMeetingRequest {
    #[garde(custom(rules::optional_title))]
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    #[garde(custom(rules::optional_description))]
    #[schema(max_length = 8000)]
    description: Option<String>,
    #[garde(custom(validate::optional_locale))]
    language: Option<String>,
    /// What the clock on the wall shows at the start.
    #[garde(custom(rules::optional_short))]
    local_start: Option<String>,
    /// The same as a moment.
    starts_at: Option<Micros>,
    #[garde(custom(validate::optional_timezone))]
    timezone: Option<String>,
    #[garde(custom(rules::optional_duration))]
    #[schema(minimum = 1, maximum = 1440)]
    duration_min: Option<i64>,
    /// null = it happens once.
    #[garde(custom(check_rule))]
    #[serde(default, deserialize_with = "rules::present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    rrule: Option<Option<String>>,
}

fn check_rule<C>(value: &Option<Option<String>>, context: &C) -> garde::Result {
    rules::optional_short(&value.clone().flatten(), context)
}

impl UpdateMeetingRequest {
    pub(super) fn change(self) -> Result<MeetingChange, ApiError> {
        Ok(MeetingChange {
            title: self.title.map(|title| title.trim().to_owned()),
            description: self.description,
            language: self.language,
            start: rules::start(self.local_start, self.starts_at)?,
            timezone: self.timezone,
            duration_min: self.duration_min,
            rrule: self.rrule,
        })
    }
}

/// Change a meeting; its organizers may. Whoever is invited is told.
#[utoipa::path(patch, path = "/meetings/{meeting_id}", tag = "meetings", operation_id = "update_meeting",
    params(("meeting_id" = String, Path, description = "Id")), request_body = UpdateMeetingRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MeetingView), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
    Body(request): Body<UpdateMeetingRequest>,
) -> Result<Tagged<MeetingView>, ApiError> {
    let meeting = meetings::update(&app, &who, meeting_id(&name)?, request.change()?).await?;
    Ok(Tagged(MeetingView::of(&meeting, Some(who.user.id)), meeting.updated_at))
}

/// Change a meeting, for clients that say PUT; what is left out stays here too.
#[utoipa::path(put, path = "/meetings/{meeting_id}", tag = "meetings", operation_id = "replace_meeting",
    params(("meeting_id" = String, Path, description = "Id")), request_body = UpdateMeetingRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MeetingView), Problems, Conflict))]
pub(crate) async fn replace(
    state: State<Arc<App>>,
    who: SignedIn,
    name: Segment,
    body: Body<UpdateMeetingRequest>,
) -> Result<Tagged<MeetingView>, ApiError> {
    update(state, who, name, body).await
}
