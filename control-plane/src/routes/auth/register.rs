//! `POST /api/v1/auth/register`: an account and its first session.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Door, Session};
use crate::app::{App, NewAdmin};
use crate::error::ApiError;
use crate::http::extract::Body;
use crate::http::validate;
use crate::model::user::SessionTransport;
use crate::routes::problems::{Conflict, Problems};
use crate::services::accounts::{self, Registered};

/// Who wants an account.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct RegisterRequest {
    #[garde(custom(validate::email))]
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[garde(custom(validate::new_password))]
    #[schema(format = Password, min_length = 8, max_length = 200)]
    password: String,
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: String,
    /// Another name to sign in by: 3 to 32 of a–z, 0–9, `.`, `_`, `-`, beginning with a letter.
    #[garde(inner(custom(validate::username)))]
    #[schema(min_length = 3, max_length = 32)]
    username: Option<String>,
    /// A BCP 47 language tag.
    #[garde(custom(validate::optional_locale))]
    locale: Option<String>,
    /// An IANA time zone.
    #[garde(custom(validate::optional_timezone))]
    timezone: Option<String>,
    /// Of an invitation into an organization; needed where registration is by invitation.
    #[garde(inner(length(chars, max = 100)))]
    #[schema(max_length = 100)]
    invite_token: Option<String>,
    /// `bearer` unless given.
    transport: Option<SessionTransport>,
}

/// Make an account and sign in.
#[utoipa::path(post, path = "/auth/register", tag = "auth", operation_id = "register", security(()),
    request_body = RegisterRequest, responses((status = 201, body = Session), Problems, Conflict))]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    door: Door,
    Body(request): Body<RegisterRequest>,
) -> Result<Response, ApiError> {
    let form = Registered {
        username: request.username.as_deref().map(validate::fold_username),
        locale: request.locale,
        timezone: request.timezone,
        invite_token: request.invite_token,
        ..Registered::new(&request.email, request.password, &request.display_name)
    };
    let transport = door.attempt(&app, &form.email, request.transport).await?;
    let (user, tokens) = accounts::register(&app, &door.caller, form, transport).await?;
    Ok(door.answer(&app, StatusCode::CREATED, transport, user, &tokens))
}

/// Holds an admin from the command line to the rules of this form.
pub(crate) fn checked_admin(admin: NewAdmin) -> Result<Registered, String> {
    let request = RegisterRequest {
        email: admin.email,
        password: admin.password,
        display_name: admin.display_name,
        username: None,
        locale: None,
        timezone: None,
        invite_token: None,
        transport: None,
    };
    request.validate().map_err(|report| report.to_string().trim().to_owned())?;
    Ok(Registered::new(&request.email, request.password, &request.display_name))
}
