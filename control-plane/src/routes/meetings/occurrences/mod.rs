//! `/api/v1/meetings/{meeting_id}/occurrences`: the times a meeting happens.

pub(crate) mod list;
pub(crate) mod update;
