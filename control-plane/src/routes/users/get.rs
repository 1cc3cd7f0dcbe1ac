//! `GET /api/v1/users/{user_id}`: an account, as far as the caller may see it.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::user_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::http::version::Tagged;
use crate::model::user::{User, avatar_path};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::Sight;
use crate::services::users;

/// What people who work together know of each other.
///
/// Nothing else: in the document, a whole account must not pass for a light view.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LightUser {
    id: Uuid,
    username: Option<String>,
    display_name: String,
    /// Address of the picture, below this server's; changes with it.
    avatar_url: Option<String>,
}

/// An account: all of it for oneself and platform admins, else a light view.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum UserView {
    Full(Box<User>),
    Light(LightUser),
}

/// An account: one's own, that of somebody in a shared organization, or any for platform admins.
#[utoipa::path(get, path = "/users/{user_id}", tag = "users", operation_id = "get_user",
    params(("user_id" = Uuid, Path, description = "Id of the account")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = UserView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
) -> Result<Tagged<UserView>, ApiError> {
    let (user, sight) = users::find(&app, &who, user_id(&id)?).await?;
    let version = user.updated_at;
    let view = match sight {
        Sight::Full => UserView::Full(Box::new(user)),
        Sight::Light => UserView::Light(LightUser {
            id: user.id,
            username: user.username,
            display_name: user.display_name,
            avatar_url: user.avatar_file_id.map(avatar_path),
        }),
    };
    Ok(Tagged(view, version))
}
