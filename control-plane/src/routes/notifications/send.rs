//! `POST /api/v1/notifications`: an announcement to one's own audience.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::routes::problems::{NotFound, Problems};
use crate::services::notifications::PEOPLE_PER_ACT;
use crate::services::notifications::announce::{self, Announcement, Audience};

/// Characters of a `client_id` at most.
const CLIENT_ID_CHARS: usize = 64;
/// Characters of a link at most.
const LINK_CHARS: usize = 300;

/// What is told to whom.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct SendNotificationRequest {
    #[garde(custom(check_audience))]
    audience: AudienceRequest,
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    title: String,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    text: Option<String>,
    /// A path of the web app that the notification leads to.
    #[garde(inner(custom(check_link)))]
    #[schema(pattern = "^/", max_length = 300)]
    link: Option<String>,
    /// Chosen by the sender: the same one again reaches nobody twice.
    #[garde(inner(custom(check_client_id)))]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    client_id: Option<String>,
}

/// Who is to be told: exactly one of the fields.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AudienceRequest {
    /// These people; platform admins only.
    #[schema(max_items = 50)]
    user_ids: Option<Vec<Uuid>>,
    /// The members of this organization; its owners and admins only.
    org_id: Option<Uuid>,
    /// The people of this meeting; its organizers only.
    meeting_id: Option<Uuid>,
    /// `true`: everybody with an account; platform admins only.
    everyone: Option<bool>,
}

impl AudienceRequest {
    fn read(&self) -> Result<Audience, &'static str> {
        match (&self.user_ids, self.org_id, self.meeting_id, self.everyone) {
            (Some(ids), None, None, None) if ids.is_empty() => Err("must name somebody"),
            (Some(ids), None, None, None) if ids.len() > PEOPLE_PER_ACT => Err("must name at most 50 people"),
            (Some(ids), None, None, None) => Ok(Audience::Users(ids.clone())),
            (None, Some(id), None, None) => Ok(Audience::Organization(id)),
            (None, None, Some(id), None) => Ok(Audience::Meeting(id)),
            (None, None, None, Some(true)) => Ok(Audience::Everyone),
            _ => Err("must have exactly one of user_ids, org_id, meeting_id and everyone"),
        }
    }
}

fn check_audience<C>(value: &AudienceRequest, _: &C) -> garde::Result {
    value.read().map(drop).map_err(garde::Error::new)
}

fn check_client_id<C>(value: &str, _: &C) -> garde::Result {
    let fits = (1..=CLIENT_ID_CHARS).contains(&value.len());
    if fits && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        return Ok(());
    }
    Err(garde::Error::new("must be 1 to 64 of A-Z, a-z, 0-9, _ and -"))
}

/// A path of this server: `//host` would lead elsewhere, and so does a backslash in browsers.
fn check_link<C>(value: &str, _: &C) -> garde::Result {
    let is_path = value.starts_with('/') && !value.starts_with("//") && value.chars().count() <= LINK_CHARS;
    if is_path && !value.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Ok(());
    }
    Err(garde::Error::new("must be a path of this server, such as /rooms"))
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct SendNotificationAnswer {
    client_id: String,
    /// People who are told because of this request; of a meeting, its organizer and everybody invited, though who has no
    /// account has no inbox.
    recipients: i64,
}

/// Tell an audience of one's own something.
#[utoipa::path(post, path = "/notifications", tag = "notifications", operation_id = "send_notification",
    request_body = SendNotificationRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 202, body = SendNotificationAnswer), Problems, NotFound))]
pub(crate) async fn send(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<SendNotificationRequest>,
) -> Result<(StatusCode, Json<SendNotificationAnswer>), ApiError> {
    let audience = request.audience.read().map_err(|message| ApiError::field("audience", message))?;
    let client_id = request.client_id.unwrap_or_else(|| Uuid::now_v7().simple().to_string());
    let what = Announcement {
        audience,
        title: request.title.trim().to_owned(),
        text: request.text.unwrap_or_default().trim().to_owned(),
        link: request.link,
        client_id: client_id.clone(),
    };
    let recipients = announce::announce(&app, &who, what).await?;
    Ok((StatusCode::ACCEPTED, Json(SendNotificationAnswer { client_id, recipients })))
}
