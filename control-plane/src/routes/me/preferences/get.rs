//! `GET /api/v1/me/preferences`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Preferences;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::Problems;
use crate::services::notifications::preferences;

/// How one is told about each kind of news: one's choices, and the defaults where one made none.
#[utoipa::path(get, path = "/me/preferences", tag = "notifications", operation_id = "get_preferences",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = Preferences), Problems))]
pub(crate) async fn get(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<Preferences>, ApiError> {
    Ok(Json(preferences::list(&app, who.user.id).await?.into()))
}
