//! `/api/v1/meetings/{meeting_id}/invites`: who is invited.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::clock::Micros;
use crate::model::meeting::{Invite, InviteRole, InviteStatus};

/// An invitation.
#[derive(Serialize, ToSchema)]
pub(crate) struct InviteView {
    id: Uuid,
    meeting_id: Uuid,
    /// The account with that address; null while there is none that proved to own it, and for others, unless they know
    /// that person anyway, until it answers.
    user_id: Option<Uuid>,
    display_name: Option<String>,
    /// Absent for who is no organizer and not invited by it, and of who was invited by their id by a stranger.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    role: InviteRole,
    status: InviteStatus,
    /// When it was mailed last.
    sent_at: Option<Micros>,
    answered_at: Option<Micros>,
    created_at: Micros,
    /// Where it is answered; only for who invites, where no mail is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl InviteView {
    /// What the caller may see of an invitation.
    pub(crate) fn of(invite: Invite, shows_email: bool, link: Option<String>) -> Self {
        Self {
            id: invite.id,
            meeting_id: invite.meeting_id,
            user_id: invite.user_id,
            display_name: invite.display_name,
            email: shows_email.then_some(invite.email),
            role: invite.role,
            status: invite.status,
            sent_at: invite.sent_at,
            answered_at: invite.answered_at,
            created_at: invite.created_at,
            link,
        }
    }
}
