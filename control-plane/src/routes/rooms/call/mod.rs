//! `/api/v1/rooms/{room}/call`: the open call.

pub(crate) mod get;
