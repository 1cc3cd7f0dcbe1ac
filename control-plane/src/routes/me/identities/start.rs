//! `POST /api/v1/me/identities/{provider}/start`: the way of a browser to a provider that is to be linked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum_extra::extract::CookieJar;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::cookies;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::routes::auth::oauth::provider;
use crate::routes::auth::oauth::start::own_path;
use crate::routes::problems::{BadGateway, Problems};
use crate::services::providers;

/// Where to go afterwards.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct StartLinkRequest {
    /// A path of this server; `/` unless given.
    #[garde(inner(custom(own_path)))]
    #[schema(max_length = 512)]
    return_to: Option<String>,
}

/// Where the browser goes now.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartedLink {
    /// A page of the provider.
    url: String,
}

/// Begin to link a provider in a browser that is signed in by cookies. It comes back to the callback of signing in, and then
/// to `return_to`.
///
/// Problems: 404 `provider_not_configured`, 502 `provider_unavailable`; those of linking are told on the way back.
#[utoipa::path(post, path = "/me/identities/{provider}/start", tag = "me", operation_id = "start_linking_identity",
    params(("provider" = String, Path, description = "`google` or `microsoft`")), request_body = StartLinkRequest,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "Where to go, and a cookie for the way", body = StartedLink), Problems, BadGateway))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
    Body(request): Body<StartLinkRequest>,
) -> Result<(CookieJar, Json<StartedLink>), ApiError> {
    let kind = provider(&name)?;
    app.limits.auth(who.caller.facts.ip, &format!("link {}", who.user.id)).await?;
    let return_to = request.return_to.as_deref().unwrap_or("/");
    let started = providers::start(&app, kind, &who.caller.facts, return_to, Some(who.user.id)).await?;
    let jar = cookies::keep_oauth(CookieJar::new(), &who.caller.facts, started.cookie, providers::STATE_TTL);
    Ok((jar, Json(StartedLink { url: started.url.into() })))
}
