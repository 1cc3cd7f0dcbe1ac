//! `PATCH /api/v1/me/preferences`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Preferences;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::model::notification::NotificationKind;
use crate::routes::problems::Problems;
use crate::services::notifications::preferences::{self, MAX_LEAD_MIN};
use crate::store::preferences::PreferenceChange;

/// Changes in one request: every kind once, with room for kinds to come.
const MAX_CHANGES: usize = 50;

/// What is to change; kinds that are left out stay.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdatePreferencesRequest {
    #[garde(custom(check_number), dive)]
    #[schema(max_items = 50)]
    items: Vec<PreferenceRequest>,
}

/// What is to change about one kind; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct PreferenceRequest {
    kind: NotificationKind,
    in_app: Option<bool>,
    push: Option<bool>,
    email: Option<bool>,
    /// Of `meeting.reminder` only: how long before the meeting, at most a week.
    #[garde(custom(check_lead(self.kind)))]
    #[schema(minimum = 0, maximum = 10080)]
    reminder_lead_minutes: Option<i64>,
}

fn check_number<C>(value: &[PreferenceRequest], _: &C) -> garde::Result {
    if value.len() > MAX_CHANGES { Err(garde::Error::new("must be at most 50")) } else { Ok(()) }
}

fn check_lead<C>(kind: NotificationKind) -> impl FnOnce(&Option<i64>, &C) -> garde::Result {
    move |value, _| match value {
        Some(_) if kind != NotificationKind::MeetingReminder => {
            Err(garde::Error::new("is a matter of meeting.reminder alone"))
        }
        Some(minutes) if !(0..=MAX_LEAD_MIN).contains(minutes) => Err(garde::Error::new("must be between 0 and 10080")),
        _ => Ok(()),
    }
}

/// Choose how one is told about kinds of news.
#[utoipa::path(patch, path = "/me/preferences", tag = "notifications", operation_id = "update_preferences",
    request_body = UpdatePreferencesRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Preferences), Problems))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<UpdatePreferencesRequest>,
) -> Result<Json<Preferences>, ApiError> {
    let change = |item: PreferenceRequest| PreferenceChange {
        kind: item.kind,
        in_app: item.in_app,
        push: item.push,
        email: item.email,
        reminder_lead_min: item.reminder_lead_minutes,
    };
    let changes: Vec<_> = request.items.into_iter().map(change).collect();
    Ok(Json(preferences::update(&app, who.user.id, &changes).await?.into()))
}
