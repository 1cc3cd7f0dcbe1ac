//! `POST /api/v1/me/identities/{provider}`: a provider is linked by a code that an app got from it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::IdentityView;
use crate::adapters::providers::Exchange;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::routes::auth::oauth::provider;
use crate::routes::auth::oauth::token::absolute;
use crate::routes::problems::{BadGateway, Conflict, Problems};
use crate::services::providers;

/// What an app brings from a provider.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct LinkIdentityRequest {
    /// The authorization code.
    #[garde(length(bytes, min = 1, max = 4096))]
    #[schema(min_length = 1, max_length = 4096)]
    code: String,
    /// What the code challenge was made of (RFC 7636).
    #[garde(length(bytes, min = 43, max = 128), ascii)]
    #[schema(min_length = 43, max_length = 128)]
    code_verifier: String,
    /// Where the provider sent the code.
    #[garde(length(bytes, min = 1, max = 2048), custom(absolute))]
    #[schema(min_length = 1, max_length = 2048)]
    redirect_uri: String,
    /// What was asked for as `nonce`, if anything was.
    #[garde(inner(length(bytes, min = 1, max = 256)))]
    #[schema(min_length = 1, max_length = 256)]
    nonce: Option<String>,
}

/// Link a provider to one's account by its authorization code; one that is linked already is fine.
///
/// Problems: 401 `provider_token_refused`, 404 `provider_not_configured`, 409 `identity_taken`, `provider_linked`,
/// 502 `provider_unavailable`.
#[utoipa::path(post, path = "/me/identities/{provider}", tag = "me", operation_id = "link_identity",
    params(("provider" = String, Path, description = "`google` or `microsoft`")), request_body = LinkIdentityRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = IdentityView), Problems, Conflict, BadGateway))]
pub(crate) async fn link(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
    Body(request): Body<LinkIdentityRequest>,
) -> Result<Json<IdentityView>, ApiError> {
    let kind = provider(&name)?;
    app.limits.auth(who.caller.facts.ip, &format!("link {}", who.user.id)).await?;
    let redirect_uri =
        Url::parse(&request.redirect_uri).map_err(|_| ApiError::field("redirect_uri", "must be an absolute URI"))?;
    let exchange = Exchange { code: request.code, verifier: request.code_verifier, redirect_uri, nonce: request.nonce };
    Ok(Json(providers::link_by_code(&app, kind, &who, exchange).await?.into()))
}
