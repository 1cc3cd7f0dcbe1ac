//! The HTTP surface: one file per URL path and verb, each registered with its entry in the OpenAPI document.
//!
//! In: requests that passed [`crate::http`]. Out: JSON or a problem document. Must not hold rules: services do.

mod admin;
pub(crate) mod auth;
mod calls;
mod channels;
mod config;
mod conversations;
mod docs;
mod events;
mod files;
mod health;
mod ice_servers;
mod internal;
mod invites;
mod jobs;
mod me;
mod meetings;
mod notifications;
mod organization_invites;
mod organizations;
mod page;
mod presence;
mod problems;
mod push;
mod rings;
mod rooms;
#[cfg(test)]
mod tests;
mod users;
mod versions;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Router, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{OpenApi, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Problem;
use crate::http::layers;

/// Where every resource lives.
pub(crate) const API_BASE: &str = "/api/v1";
/// Largest body a media node sends: a webhook with a participant's metadata.
const INTERNAL_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The head of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plenum",
        description = "Accounts, rooms and calls of a Plenum server. Media runs over the LiveKit protocol at the `url` \
            a join answers. Errors are RFC 9457 problem documents.",
        license(name = "MIT OR Apache-2.0")
    ),
    modifiers(&Security),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "channels", description = "Threads of organizations"),
        (name = "conversations", description = "Threads of rooms, channels and pairs of people"),
        (name = "admin", description = "Running the server, for its admins"),
        (name = "files", description = "What people put into conversations"),
        (name = "me", description = "One's own profile"),
        (name = "notifications", description = "What one is told, and how"),
        (name = "organizations", description = "Workspaces, their people and figures"),
        (name = "meetings", description = "Meetings, when they happen, who is invited"),
        (name = "users", description = "Accounts, for platform admins"),
        (name = "rooms", description = "Rooms, joining them, their calls"),
        (name = "calls", description = "Calls, who is in them, host control, breakouts, ringing"),
        (name = "events", description = "What happens, as it happens"),
        (name = "server", description = "What this server offers")
    )
)]
struct Document;

/// How requests are authorized.
struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.schemas.insert(Problem::name().into_owned(), Problem::schema());
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let cookie = ApiKeyValue::with_description(
            "plenum_access",
            "Set by signing in with transport=cookie, with a suffix over HTTPS (`_s`) and on a port of its own (`_7880`): \
             send back what was set.",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Every documented route.
fn api() -> OpenApiRouter<Arc<App>> {
    let resources = OpenApiRouter::new()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(users::routes())
        .routes(routes!(config::get::get))
        .routes(routes!(health::health))
        .routes(routes!(docs::openapi))
        .merge(channels::routes())
        .merge(conversations::routes())
        .merge(organization_invites::routes())
        .merge(organizations::routes())
        .merge(rooms::routes())
        .merge(calls::routes())
        .routes(routes!(ice_servers::ice_servers))
        .merge(admin::routes())
        .merge(jobs::routes())
        .merge(files::routes())
        .merge(notifications::routes())
        .merge(push::routes())
        .merge(meetings::routes())
        .merge(invites::routes())
        .merge(admin::media_nodes::routes())
        .merge(events::routes())
        .merge(presence::routes())
        .merge(rings::routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest(API_BASE, resources)
}

/// The OpenAPI document of every route.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = api().into_openapi();
    versions::document(&mut document);
    problems::document(&mut document);
    document
}

/// All routes, ready to serve.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (api, _) = api().split_for_parts();
    let api = api
        .fallback(layers::unknown_route)
        .method_not_allowed_fallback(layers::unknown_method)
        .layer(from_fn_with_state(Arc::clone(app), layers::identify))
        .layer(DefaultBodyLimit::max(app.max_body_bytes))
        .layer(from_fn(layers::secure))
        .layer(layers::cors());
    let internal = Router::new()
        .route("/internal/webhooks/livekit", axum::routing::post(internal::webhooks::livekit))
        .route("/internal/nodes", get(internal::nodes::list))
        .route("/internal/nodes/{id}/heartbeat", axum::routing::post(internal::nodes::heartbeat))
        .route("/internal/nodes/{id}/drain", axum::routing::post(internal::nodes::drain))
        .route("/internal/nodes/{id}/undrain", axum::routing::post(internal::nodes::undrain))
        .layer(DefaultBodyLimit::max(INTERNAL_BODY_BYTES));
    let docs = docs::swagger()
        .route(&format!("{API_BASE}/docs"), get(docs::redirect))
        .merge(Router::new().route(&format!("{API_BASE}/redoc"), get(docs::redoc)).layer(from_fn(layers::secure)));
    api.merge(internal)
        .merge(docs)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(Arc::clone(app), layers::observe))
        .with_state(Arc::clone(app))
}
