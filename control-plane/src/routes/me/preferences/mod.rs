//! `/api/v1/me/preferences`: how one wants to be told about each kind of news.

mod get;
mod update;

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::model::notification::NotificationKind;
use crate::services::notifications::preferences::Preference;

/// Every route of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get::get, update::update))
}

/// What applies to one kind of notification.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreferenceView {
    kind: NotificationKind,
    /// Shows in the inbox and on the events socket.
    in_app: bool,
    /// Goes to the browsers that take pushes.
    push: bool,
    /// Goes to one's address, once that is verified.
    email: bool,
    /// Of `meeting.reminder` only: how long before the meeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    reminder_lead_minutes: Option<i64>,
}

/// What applies to every kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct Preferences {
    items: Vec<PreferenceView>,
}

impl From<Vec<Preference>> for Preferences {
    fn from(all: Vec<Preference>) -> Self {
        let view = |one: Preference| PreferenceView {
            kind: one.kind,
            in_app: one.channels.in_app,
            push: one.channels.push,
            email: one.channels.email,
            reminder_lead_minutes: one.lead_min,
        };
        Self { items: all.into_iter().map(view).collect() }
    }
}
