//! `POST /api/v1/users`: an account made by an admin.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::model::user::{PlatformRole, User};
use crate::routes::problems::{Conflict, Problems};
use crate::services::users::{self, NewAccount};

/// Who gets an account.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateUserRequest {
    #[garde(custom(validate::email))]
    #[schema(format = Email, max_length = 254)]
    email: String,
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: String,
    /// Without one, its owner signs in by a code or sets one by a reset.
    #[garde(inner(custom(validate::new_password)))]
    #[schema(format = Password, min_length = 8, max_length = 200)]
    password: Option<String>,
    /// 3 to 32 of a–z, 0–9, `.`, `_`, `-`, beginning with a letter.
    #[garde(inner(custom(validate::username)))]
    #[schema(min_length = 3, max_length = 32)]
    username: Option<String>,
    /// A BCP 47 language tag.
    #[garde(custom(validate::optional_locale))]
    locale: Option<String>,
    /// An IANA time zone.
    #[garde(custom(validate::optional_timezone))]
    timezone: Option<String>,
    /// `user` unless given.
    platform_role: Option<PlatformRole>,
    /// Whether the admin vouches for the address; `false` unless given.
    email_verified: Option<bool>,
}

/// Make an account; platform admins may, whatever the registration setting says.
#[utoipa::path(post, path = "/users", tag = "users", operation_id = "create_user", request_body = CreateUserRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = User), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<CreateUserRequest>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    let new = NewAccount {
        email: validate::fold_email(&request.email),
        password: request.password,
        display_name: request.display_name.trim().to_owned(),
        username: request.username.as_deref().map(validate::fold_username),
        locale: request.locale,
        timezone: request.timezone,
        platform_role: request.platform_role.unwrap_or(PlatformRole::User),
        email_verified: request.email_verified.unwrap_or_default(),
    };
    Ok((StatusCode::CREATED, Json(users::create(&app, &who, new).await?)))
}
