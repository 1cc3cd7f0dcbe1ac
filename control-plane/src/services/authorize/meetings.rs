//! Who may do what with a meeting: its organizer, co-organizers, invitees, and the owners and admins of the organization it
//! belongs to; nobody else knows that it exists.

use super::{Refusal, is_platform_admin};
use crate::model::meeting::{InviteRole, Meeting};
use crate::model::organization::OrgRole;
use crate::model::user::Actor;

/// What somebody wants to do with a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeetingAction {
    /// See it, its times and who is invited.
    See,
    /// Change it, invite, start, end, cancel.
    Edit,
    /// Delete it, give roles.
    Own,
}

/// Decides whether `actor` may do `action` to a meeting loaded for them.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_meeting(actor: &Actor, action: MeetingAction, meeting: &Meeting) -> Result<(), Refusal> {
    let Some(user) = actor.user() else { return Err(Refusal::SignInRequired) };
    // As in rooms: owners of the organization count as its owner, admins as those the owner trusts with it.
    let in_organization = |least| meeting.org_role.is_some_and(|role| role.covers(least));
    let owns = meeting.organizer_id == user.id || in_organization(OrgRole::Owner) || is_platform_admin(actor);
    let edits = owns || meeting.invite_role == Some(InviteRole::CoOrganizer) || in_organization(OrgRole::Admin);
    let sees = edits || meeting.invite_id.is_some() || meeting.attended;
    match action {
        _ if !sees => Err(Refusal::NotFound),
        MeetingAction::See => Ok(()),
        MeetingAction::Edit if edits => Ok(()),
        MeetingAction::Own if owns => Ok(()),
        MeetingAction::Edit | MeetingAction::Own => Err(Refusal::Forbidden),
    }
}
