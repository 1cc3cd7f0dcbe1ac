//! `/api/v1/organizations/{org_id}/audit-log`: who did what in an organization.

pub(crate) mod list;
