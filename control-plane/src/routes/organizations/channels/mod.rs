//! `/api/v1/organizations/{org_id}/channels`: the channels of an organization.

pub(crate) mod create;
pub(crate) mod list;
