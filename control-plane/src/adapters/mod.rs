//! What lies outside this process, each behind a narrow interface.

pub(crate) mod mail;
pub(crate) mod media_nodes;
pub(crate) mod providers;
pub(crate) mod push;
pub(crate) mod redis;
pub(crate) mod storage;
