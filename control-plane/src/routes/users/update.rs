//! `PATCH /api/v1/users/{user_id}`: changes of an account by an admin.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::user_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn, present};
use crate::http::validate;
use crate::http::version::Tagged;
use crate::model::text_enum::text_enum;
use crate::model::user::{PlatformRole, User};
use crate::routes::problems::{Conflict, Problems};
use crate::services::users::{self, UserChange};

text_enum! {
    /// Whether an account is to be usable.
    pub(crate) enum NewStatus { Active = "active", Suspended = "suspended" }
}

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateUserRequest {
    /// A new address is not verified.
    #[garde(inner(custom(validate::email)))]
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: Option<String>,
    /// 3 to 32 of a–z, 0–9, `.`, `_`, `-`, beginning with a letter; null takes it away.
    #[garde(inner(inner(custom(validate::username))))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 3, max_length = 32)]
    username: Option<Option<String>>,
    /// A BCP 47 language tag.
    #[garde(custom(validate::optional_locale))]
    locale: Option<String>,
    /// An IANA time zone.
    #[garde(custom(validate::optional_timezone))]
    timezone: Option<String>,
    platform_role: Option<PlatformRole>,
    /// `suspended` ends every session and takes the person out of their calls.
    status: Option<NewStatus>,
    /// Whether the admin vouches for the address.
    email_verified: Option<bool>,
}

/// Change an account; platform admins may.
#[utoipa::path(patch, path = "/users/{user_id}", tag = "users", operation_id = "update_user",
    params(("user_id" = Uuid, Path, description = "Id of the account")), request_body = UpdateUserRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = User), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
    Body(request): Body<UpdateUserRequest>,
) -> Result<Tagged<User>, ApiError> {
    apply(&app, &who, &id, request).await
}

/// What PATCH and PUT both do.
pub(super) async fn apply(
    app: &App,
    who: &SignedIn,
    id: &str,
    request: UpdateUserRequest,
) -> Result<Tagged<User>, ApiError> {
    let change = UserChange {
        email: request.email.as_deref().map(validate::fold_email),
        display_name: request.display_name.map(|name| name.trim().to_owned()),
        username: request.username.map(|name| name.as_deref().map(validate::fold_username)),
        locale: request.locale,
        timezone: request.timezone,
        platform_role: request.platform_role,
        suspended: request.status.map(|status| status == NewStatus::Suspended),
        email_verified: request.email_verified,
    };
    let user = users::update(app, who, user_id(id)?, change).await?;
    let version = user.updated_at;
    Ok(Tagged(user, version))
}
