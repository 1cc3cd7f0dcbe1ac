//! `POST /api/v1/auth/login`: a session by address or user name and password.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Door, Session};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Body;
use crate::http::validate;
use crate::model::user::SessionTransport;
use crate::routes::problems::Problems;
use crate::services::accounts;

/// Who signs in.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct LoginRequest {
    /// The email address or the user name.
    #[garde(custom(validate::identifier))]
    #[schema(min_length = 1, max_length = 254)]
    identifier: String,
    #[garde(custom(validate::any_password))]
    #[schema(format = Password, max_length = 200)]
    password: String,
    /// `bearer` unless given.
    transport: Option<SessionTransport>,
}

/// Sign in by address or user name and password.
#[utoipa::path(post, path = "/auth/login", tag = "auth", operation_id = "login", security(()),
    request_body = LoginRequest, responses((status = 200, body = Session), Problems))]
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    door: Door,
    Body(request): Body<LoginRequest>,
) -> Result<Response, ApiError> {
    let identifier = validate::fold_email(&request.identifier);
    let transport = door.attempt(&app, &identifier, request.transport).await?;
    let (user, tokens) = accounts::login(&app, &door.caller, &identifier, request.password, transport).await?;
    Ok(door.answer(&app, StatusCode::OK, transport, user, &tokens))
}
