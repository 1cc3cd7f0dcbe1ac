//! `/api/v1/auth/password`: a new password for who forgot theirs.

pub(crate) mod confirm;
pub(crate) mod reset;
