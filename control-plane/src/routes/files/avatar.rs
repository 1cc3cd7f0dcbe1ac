//! `PUT` and `DELETE /api/v1/me/avatar`, `GET /api/v1/users/{user_id}/avatar`: people's pictures.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use uuid::Uuid;

use super::content::send;
use super::disposition::disposition;
use super::incoming;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment, SignedIn};
use crate::model::user::User;
use crate::routes::problems::{Conflict, Problems};
use crate::services::files::{self, FileError};

/// A picture changes seldom, and its address in profiles changes with it.
const CACHING: &str = "private, max-age=300";

/// Show a picture of oneself: PNG, JPEG or WebP, at most 2 MiB and 4096 pixels each way.
///
/// 413 `file_too_large`, 415 for other types, 422 `file_rejected`.
#[utoipa::path(put, path = "/me/avatar", tag = "me", operation_id = "put_avatar",
    request_body(content((String = "image/png"), (String = "image/jpeg"), (String = "image/webp"))),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = User), Problems, Conflict))]
pub(crate) async fn put(State(app): State<Arc<App>>, who: SignedIn, request: Request) -> Result<Json<User>, ApiError> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    if !content_type.starts_with("image/") {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the picture itself with the header Content-Type: image/png, image/jpeg or image/webp.",
        ));
    }
    let file = files::avatar::set(&app, &who, &content_type, incoming(request.into_body())).await?;
    let mut user = who.user;
    user.avatar_file_id = Some(file.id);
    Ok(Json(user))
}

/// Show no picture of oneself any more.
#[utoipa::path(delete, path = "/me/avatar", tag = "me", operation_id = "delete_avatar",
    security(("bearer" = []), ("cookie" = [])), responses((status = 204, description = "Gone"), Problems))]
pub(crate) async fn delete(State(app): State<Arc<App>>, who: SignedIn) -> Result<StatusCode, ApiError> {
    files::avatar::remove(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody's picture, for people who are signed in and guests of a room.
#[utoipa::path(get, path = "/users/{user_id}/avatar", tag = "users", operation_id = "get_avatar",
    params(("user_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The picture", content_type = "image/*", body = Vec<u8>),
        (status = 206, description = "The range asked for", content_type = "image/*", body = Vec<u8>),
        (status = 304, description = "What `If-None-Match` names is still right"),
        Problems
    ))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| nothing())?;
    let file = match files::avatar::find(&app, &caller.actor, id).await {
        Err(FileError::NotFound) => return Err(nothing()),
        other => other?,
    };
    send(&app, &file, &headers, &disposition(true, &file.name), CACHING).await
}

/// A picture by its own address, as profiles name it: what is found there never changes.
#[utoipa::path(get, path = "/avatars/{file_id}", tag = "users", operation_id = "get_avatar_by_file",
    params(("file_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The picture", content_type = "image/*", body = Vec<u8>),
        (status = 206, description = "The range asked for", content_type = "image/*", body = Vec<u8>),
        (status = 304, description = "What `If-None-Match` names is still right"),
        Problems
    ))]
pub(crate) async fn get_by_file(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| nothing())?;
    let file = match files::avatar::find_by_file(&app, &caller.actor, id).await {
        Err(FileError::NotFound) => return Err(nothing()),
        other => other?,
    };
    send(&app, &file, &headers, &disposition(true, &file.name), CACHING).await
}

fn nothing() -> ApiError {
    ApiError::not_found("avatar_not_found", "This person shows no picture.")
}
