//! `/api/v1/rooms/{room}/calls`: the room's calls.

pub(crate) mod list;
