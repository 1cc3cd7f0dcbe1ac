//! `/api/v1/me`: one's own profile.

pub(crate) mod get;
pub(crate) mod update;
