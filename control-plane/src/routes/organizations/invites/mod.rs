//! `/api/v1/organizations/{org_id}/invites`: who is asked to join an organization.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
