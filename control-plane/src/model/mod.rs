//! What the control plane knows about: plain data, one file per noun. No SQL, no HTTP, no clock but [`clock`].

pub(crate) mod activity;
pub(crate) mod breakout;
pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod conversation;
pub(crate) mod file;
pub(crate) mod job;
pub(crate) mod lobby;
pub(crate) mod meeting;
pub(crate) mod member;
pub(crate) mod node;
pub(crate) mod notification;
pub(crate) mod organization;
pub(crate) mod quality;
pub(crate) mod recurrence;
pub(crate) mod ring;
pub(crate) mod room;
pub(crate) mod secret;
pub(crate) mod text_enum;
pub(crate) mod topic;
pub(crate) mod user;
