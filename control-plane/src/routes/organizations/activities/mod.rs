//! `/api/v1/organizations/{org_id}/activities`: what happens in an organization.

pub(crate) mod list;
