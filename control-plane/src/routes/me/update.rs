//! `PATCH /api/v1/me`: changes of one's own profile.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn, present};
use crate::http::validate;
use crate::http::version::Tagged;
use crate::model::room::AccessLevel;
use crate::model::user::User;
use crate::routes::problems::{Conflict, Problems, username_taken};
use crate::services::accounts::{self, ProfileChange};
use crate::store::db::StoreError;

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateMeRequest {
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: Option<String>,
    /// Another name to sign in by: 3 to 32 of a–z, 0–9, `.`, `_`, `-`, beginning with a letter; null gives it up.
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
    /// Access level of one's new rooms.
    default_room_access: Option<AccessLevel>,
}

/// Change one's own profile.
#[utoipa::path(patch, path = "/me", tag = "me", operation_id = "update_me", request_body = UpdateMeRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = User), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<UpdateMeRequest>,
) -> Result<Tagged<User>, ApiError> {
    let change = ProfileChange {
        display_name: request.display_name.map(|name| name.trim().to_owned()),
        username: request.username.map(|name| name.as_deref().map(validate::fold_username)),
        locale: request.locale,
        timezone: request.timezone,
        default_room_access: request.default_room_access,
    };
    match accounts::update_profile(&app, &who.caller, who.user, change).await {
        Ok(user) => user.map(|user| Tagged(user.clone(), user.updated_at)).ok_or_else(ApiError::sign_in_required),
        Err(StoreError::Duplicate) => Err(username_taken()),
        Err(error) => Err(error.into()),
    }
}
