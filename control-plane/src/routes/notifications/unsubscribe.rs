//! `GET` and `POST /api/v1/notifications/unsubscribe/{token}`: no more mail of a kind, by the link in a mail.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Segment;
use crate::http::page::Page;
use crate::model::notification::NotificationKind;
use crate::routes::problems::Problems;
use crate::services::notifications::unsubscribe;

const TITLE: &str = "Notifications by mail";

fn unknown() -> ApiError {
    ApiError::not_found(
        "unsubscribe_link_not_found",
        "This link is not one of ours. Change your settings after signing in.",
    )
}

fn about(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::MeetingInvited => "invitations to meetings",
        NotificationKind::MeetingUpdated => "changed meetings",
        NotificationKind::MeetingCancelled => "cancelled meetings",
        NotificationKind::MeetingInviteAnswered => "answers to your invitations",
        NotificationKind::MeetingReminder => "meetings that begin soon",
        NotificationKind::CallRinging => "calls for you",
        NotificationKind::CallMissed => "missed calls",
        NotificationKind::MessageMention => "messages that mention you",
        NotificationKind::MessageDirect => "messages to you",
        NotificationKind::OrganizationInvited => "invitations to organizations",
        NotificationKind::RoomLobbyWaiting => "people who wait to be let in",
        NotificationKind::Announcement => "announcements",
        NotificationKind::System => "news of this server",
    }
}

fn list(kinds: &[NotificationKind]) -> String {
    kinds.iter().map(|kind| about(*kind)).collect::<Vec<_>>().join(", ")
}

/// Ask whether mail of the kinds that a link names shall end; a page for people. Changes nothing.
///
/// Problems: 404 `unsubscribe_link_not_found`.
#[utoipa::path(get, path = "/notifications/unsubscribe/{token}", tag = "notifications",
    operation_id = "show_unsubscribe", security(()), params(("token" = String, Path, description = "From a mail")),
    responses((status = 200, description = "A page with a button", body = String, content_type = "text/html"), Problems))]
pub(crate) async fn show(State(app): State<Arc<App>>, Segment(token): Segment) -> Result<Response, ApiError> {
    let kinds = unsubscribe::kinds(&app, &token).ok_or_else(unknown)?;
    let paragraphs = [format!("You get mails about: {}. They can stop at once.", list(&kinds))];
    let page = Page { title: TITLE, paragraphs: &paragraphs, button: Some("Stop these mails"), ..Page::default() };
    Ok(page.answer(StatusCode::OK))
}

/// End mail of the kinds that a link names (RFC 8058: one click, no session). Repeating is fine.
///
/// Problems: 404 `unsubscribe_link_not_found`.
#[utoipa::path(post, path = "/notifications/unsubscribe/{token}", tag = "notifications",
    operation_id = "unsubscribe", security(()), params(("token" = String, Path, description = "From a mail")),
    responses((status = 200, description = "A page that says so", body = String, content_type = "text/html"), Problems))]
pub(crate) async fn act(State(app): State<Arc<App>>, Segment(token): Segment) -> Result<Response, ApiError> {
    let kinds = unsubscribe::act(&app, &token).await?.ok_or_else(unknown)?;
    let paragraphs = [
        format!("No more mails about: {}.", list(&kinds)),
        "You can switch them on again in your settings.".to_owned(),
    ];
    let page = Page { title: TITLE, paragraphs: &paragraphs, link: Some("Open"), href: "/", ..Page::default() };
    Ok(page.answer(StatusCode::OK))
}
