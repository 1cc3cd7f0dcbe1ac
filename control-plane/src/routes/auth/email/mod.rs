//! `/api/v1/auth/email`: proof that one's address is one's own.

pub(crate) mod confirm;
pub(crate) mod verify;
