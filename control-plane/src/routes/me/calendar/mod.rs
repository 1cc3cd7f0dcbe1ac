//! `/api/v1/me/calendar`: the feed that one's calendar subscribes to.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod read;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get::get, create::create, delete::delete)).routes(routes!(read::read))
}
