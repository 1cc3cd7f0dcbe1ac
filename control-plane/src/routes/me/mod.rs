//! `/api/v1/me`: one's own profile, password and sessions.

pub(crate) mod calendar;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod identities;
pub(crate) mod password;
pub(crate) mod preferences;
pub(crate) mod push_subscriptions;
pub(crate) mod sessions;
pub(crate) mod update;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(calendar::routes())
        .routes(routes!(get::get, update::update, delete::delete))
        .routes(routes!(password::put))
        .merge(identities::routes())
        .merge(preferences::routes())
        .merge(push_subscriptions::routes())
        .routes(routes!(sessions::list::list, sessions::delete_others::delete_others))
        .routes(routes!(sessions::delete::delete))
}
