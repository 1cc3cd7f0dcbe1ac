//! Who may do what in an organization and with its channels.

use super::{Refusal, is_platform_admin, require};
use crate::model::organization::{Channel, ChannelRole, OrgRole, Organization, Visibility};
use crate::model::user::{Actor, PlatformRole};

/// What somebody wants to do with an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrgAction {
    /// See it, its members, its public channels, its activities.
    See,
    /// Make channels.
    Contribute,
    /// Change it and its members, read its figures and its audit log.
    Manage,
    /// Delete it.
    Own,
}

/// What somebody wants to do with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelAction {
    /// Know that it exists, and who is in it.
    See,
    /// Change it and who is in it.
    Manage,
}

/// What `actor` is in an organization as far as rights go; platform admins count as owners.
pub(crate) fn effective_role(actor: &Actor, role: Option<OrgRole>) -> Option<OrgRole> {
    if is_platform_admin(actor) { Some(OrgRole::Owner) } else { role }
}

/// As [`effective_role`], of somebody who is not asking.
pub(crate) fn effective_role_of(platform_role: PlatformRole, role: Option<OrgRole>) -> Option<OrgRole> {
    if platform_role == PlatformRole::Admin { Some(OrgRole::Owner) } else { role }
}

/// Decides whether `actor` may do `action` with an organization.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_organization(actor: &Actor, action: OrgAction, org: &Organization) -> Result<(), Refusal> {
    let role = effective_role(actor, org.role).ok_or(Refusal::NotFound)?;
    let least = match action {
        OrgAction::See => OrgRole::Viewer,
        OrgAction::Contribute => OrgRole::Member,
        OrgAction::Manage => OrgRole::Admin,
        OrgAction::Own => OrgRole::Owner,
    };
    require(actor, role.covers(least))
}

/// Decides whether `actor` may do `action` with a channel. A private one exists only for who is in it.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_channel(actor: &Actor, action: ChannelAction, channel: &Channel) -> Result<(), Refusal> {
    if is_platform_admin(actor) {
        return Ok(());
    }
    let org_role = channel.org_role.ok_or(Refusal::NotFound)?;
    let public = channel.visibility == Visibility::Public;
    if !public && channel.role.is_none() {
        return Err(Refusal::NotFound);
    }
    // Where no admin is left, everybody in the channel is one.
    let acting = channel.role == Some(ChannelRole::Admin) || (channel.role.is_some() && !channel.has_admin);
    let allowed = match action {
        ChannelAction::See => true,
        ChannelAction::Manage => acting || (public && org_role.covers(OrgRole::Admin)),
    };
    require(actor, allowed)
}
