//! `/api/v1/config`: what clients need to know of this server before anybody signs in.

pub(crate) mod get;
