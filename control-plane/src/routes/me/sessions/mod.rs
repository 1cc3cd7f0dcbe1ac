//! `/api/v1/me/sessions`: where one is signed in.

pub(crate) mod delete;
pub(crate) mod delete_others;
pub(crate) mod list;
