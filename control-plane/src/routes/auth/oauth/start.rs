//! `GET /api/v1/auth/oauth/{provider}/start`: the way of a browser to its provider.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use garde::Validate;
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::{failed, provider};
use crate::app::App;
use crate::error::ApiError;
use crate::http::cookies;
use crate::http::extract::{AnyoneAtAll, Params, Segment};
use crate::routes::problems::{BadGateway, BadRequest, Problems};
use crate::services::providers;

/// Where to go afterwards.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StartQuery {
    /// A path of this server; `/` unless given.
    #[garde(inner(custom(own_path)))]
    #[param(max_length = 512)]
    return_to: Option<String>,
}

pub(crate) fn own_path<C>(value: &str, _: &C) -> garde::Result {
    if providers::is_own_path(value) {
        return Ok(());
    }
    Err(garde::Error::new("must be a path of this server, such as /rooms"))
}

/// Send a browser to a provider. It comes back to `/callback`.
#[utoipa::path(get, path = "/auth/oauth/{provider}/start", tag = "auth", operation_id = "start_oauth", security(()),
    params(("provider" = String, Path, description = "`google` or `microsoft`"), StartQuery),
    responses((status = 302, description = "To the provider"), Problems, BadRequest, BadGateway))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Segment(name): Segment,
    headers: HeaderMap,
    Params(query): Params<StartQuery>,
) -> Result<Response, ApiError> {
    let kind = provider(&name)?;
    app.limits.auth(caller.facts.ip, &format!("start {}", caller.facts.ip_text)).await?;
    let return_to = query.return_to.as_deref().unwrap_or("/");
    let started = match providers::start(&app, kind, &caller.facts, return_to, None).await {
        Ok(started) => started,
        Err(error) => return Ok(failed(error, &headers)),
    };
    let location = HeaderValue::from_str(started.url.as_str()).map_err(|error| ApiError::internal(&error))?;
    let jar = cookies::keep_oauth(CookieJar::new(), &caller.facts, started.cookie, providers::STATE_TTL);
    Ok((StatusCode::FOUND, [(LOCATION, location)], jar).into_response())
}
