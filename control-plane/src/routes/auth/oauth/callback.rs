//! `GET /api/v1/auth/oauth/{provider}/callback`: a browser comes back from its provider.

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
use crate::routes::auth::add_session_cookies;
use crate::routes::problems::{BadGateway, BadRequest, Problems};
use crate::services::providers::{self, Returned};

/// What the provider says.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    #[garde(inner(length(bytes, max = 4096)))]
    code: Option<String>,
    #[garde(inner(length(bytes, max = 512)))]
    state: Option<String>,
    /// Why the provider lets nobody in.
    #[garde(inner(length(bytes, max = 512)))]
    error: Option<String>,
}

/// Take a browser back from its provider: signed in, with cookies, to where it wanted to go. What goes wrong is told on a
/// page when `Accept` names `text/html`.
#[utoipa::path(get, path = "/auth/oauth/{provider}/callback", tag = "auth", operation_id = "finish_oauth",
    security(()), params(("provider" = String, Path, description = "`google` or `microsoft`"), CallbackQuery),
    responses((status = 303, description = "To where the sign-in began, with the cookies of a session"),
    Problems, BadRequest, BadGateway))]
pub(crate) async fn callback(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Segment(name): Segment,
    jar: CookieJar,
    headers: HeaderMap,
    Params(query): Params<CallbackQuery>,
) -> Result<Response, ApiError> {
    let kind = provider(&name)?;
    app.limits.auth(caller.facts.ip, &format!("callback {}", caller.facts.ip_text)).await?;
    let returned = Returned {
        code: query.code,
        state: query.state.as_deref().unwrap_or_default(),
        error: query.error,
        cookie: cookies::read_oauth(&jar, &caller.facts),
    };
    // Whatever becomes of it: a state is for one try.
    let spent = cookies::drop_oauth(CookieJar::new(), &caller.facts);
    match providers::finish(&app, kind, &caller, returned).await {
        Ok((tokens, return_to)) => {
            let jar = match &tokens {
                Some(tokens) => add_session_cookies(spent, &app, &caller.facts, tokens),
                // The session that linked the provider goes on.
                None => spent,
            };
            let location = HeaderValue::from_str(&return_to).map_err(|error| ApiError::internal(&error))?;
            Ok((StatusCode::SEE_OTHER, [(LOCATION, location)], jar).into_response())
        }
        Err(error) => Ok((spent, failed(error, &headers)).into_response()),
    }
}
