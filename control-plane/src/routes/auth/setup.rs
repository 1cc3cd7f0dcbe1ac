//! `POST /api/v1/auth/setup`: the first admin, by the one-time link printed at start.

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
use crate::routes::problems::{Conflict, Problems};
use crate::services::accounts::Registered;
use crate::services::setup as service;

/// Who becomes the first admin.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct SetupRequest {
    /// The token of the link.
    #[garde(length(chars, max = 100))]
    #[schema(max_length = 100)]
    token: String,
    #[garde(custom(validate::email))]
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[garde(custom(validate::new_password))]
    #[schema(format = Password, min_length = 8, max_length = 200)]
    password: String,
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: String,
    /// `bearer` unless given.
    transport: Option<SessionTransport>,
}

/// Make the first admin.
#[utoipa::path(post, path = "/auth/setup", tag = "auth", operation_id = "setup", security(()),
    request_body = SetupRequest, responses((status = 201, body = Session), Problems, Conflict))]
pub(crate) async fn setup(
    State(app): State<Arc<App>>,
    door: Door,
    Body(request): Body<SetupRequest>,
) -> Result<Response, ApiError> {
    let form = Registered::new(&request.email, request.password, &request.display_name);
    let transport = door.attempt(&app, &form.email, request.transport).await?;
    let (user, tokens) = service::make_first_admin(&app, &door.caller, &request.token, form, transport).await?;
    Ok(door.answer(&app, StatusCode::CREATED, transport, user, &tokens))
}
