//! `POST /api/v1/auth/oauth/{provider}/token`: a session by a code that an app got from a provider.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::provider;
use crate::adapters::providers::Exchange;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment};
use crate::model::user::SessionTransport;
use crate::routes::auth::{Door, Session};
use crate::routes::problems::{BadGateway, Conflict, Problems};
use crate::services::providers;

/// What an app brings from a provider.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct OauthTokenRequest {
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
    /// `bearer` unless given.
    transport: Option<SessionTransport>,
}

pub(crate) fn absolute<C>(value: &str, _: &C) -> garde::Result {
    Url::parse(value).map(drop).map_err(|_| garde::Error::new("must be an absolute URI"))
}

/// Sign in by the authorization code of a provider. A bare id token is not accepted.
#[utoipa::path(post, path = "/auth/oauth/{provider}/token", tag = "auth", operation_id = "oauth_token", security(()),
    params(("provider" = String, Path, description = "`google` or `microsoft`")), request_body = OauthTokenRequest,
    responses((status = 200, body = Session), Problems, Conflict, BadGateway))]
pub(crate) async fn token(
    State(app): State<Arc<App>>,
    door: Door,
    Segment(name): Segment,
    Body(request): Body<OauthTokenRequest>,
) -> Result<Response, ApiError> {
    let kind = provider(&name)?;
    let transport = door.attempt(&app, &format!("token {}", door.caller.facts.ip_text), request.transport).await?;
    let redirect_uri =
        Url::parse(&request.redirect_uri).map_err(|_| ApiError::field("redirect_uri", "must be an absolute URI"))?;
    let exchange = Exchange { code: request.code, verifier: request.code_verifier, redirect_uri, nonce: request.nonce };
    let (user, tokens) = providers::sign_in(&app, kind, &door.caller, exchange, transport).await?;
    Ok(door.answer(&app, StatusCode::OK, transport, user, &tokens))
}
