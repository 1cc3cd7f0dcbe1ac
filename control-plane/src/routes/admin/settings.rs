//! `GET` and `PATCH /api/v1/admin/settings`: what can be changed while the server runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Admin;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Body;
use crate::model::clock::Micros;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::settings::{self, KEYS, Kind, Shown};

/// A setting.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingView {
    key: &'static str,
    /// What it does.
    about: &'static str,
    /// In force now.
    value: Value,
    /// What the configuration of the server says.
    configured: Value,
    /// The values it takes, if it is one of a few.
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<&'static [&'static str]>,
    /// The least value, if it is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
    /// The greatest value, if it is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    /// Who changed it here last; null while the configured value holds.
    updated_by: Option<Uuid>,
    updated_at: Option<Micros>,
}

impl From<Shown> for SettingView {
    fn from(shown: Shown) -> Self {
        let (choices, minimum, maximum) = match shown.key.kind {
            Kind::Choice(choices) => (Some(choices), None, None),
            Kind::Number { min, max } => (None, Some(min), Some(max)),
        };
        Self {
            key: shown.key.name,
            about: shown.key.about,
            value: shown.value,
            configured: shown.configured,
            choices,
            minimum,
            maximum,
            updated_by: shown.stored.as_ref().and_then(|stored| stored.updated_by),
            updated_at: shown.stored.as_ref().map(|stored| stored.updated_at),
        }
    }
}

/// Every setting.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsView {
    items: Vec<SettingView>,
}

/// New values by key; null goes back to the configured value.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct ChangeSettingsRequest(BTreeMap<String, Value>);

/// The values are the service's to judge; here counts only how many there are.
impl Validate for ChangeSettingsRequest {
    type Context = ();
    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> garde::Path, report: &mut garde::Report) {
        if self.0.len() > KEYS.len() {
            report.append(parent(), garde::Error::new("holds more settings than there are"));
        }
    }
}

/// Every setting that can be changed while the server runs.
#[utoipa::path(get, path = "/admin/settings", tag = "admin", operation_id = "admin_get_settings",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = SettingsView), Problems, Forbidden))]
pub(crate) async fn show(State(app): State<Arc<App>>, _: Admin) -> Result<Json<SettingsView>, ApiError> {
    Ok(view(settings::show(&app).await?))
}

/// Change settings, all of them or none: in force at once here, within three seconds in every other replica.
#[utoipa::path(patch, path = "/admin/settings", tag = "admin", operation_id = "admin_change_settings",
    request_body = ChangeSettingsRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = SettingsView), Problems))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Admin(who): Admin,
    Body(ChangeSettingsRequest(changes)): Body<ChangeSettingsRequest>,
) -> Result<Json<SettingsView>, ApiError> {
    Ok(view(settings::change(&app, &who, &changes).await?))
}

fn view(shown: Vec<Shown>) -> Json<SettingsView> {
    Json(SettingsView { items: shown.into_iter().map(SettingView::from).collect() })
}
