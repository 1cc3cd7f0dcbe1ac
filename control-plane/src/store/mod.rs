//! The only place with SQL: one file per noun, verbs are find, list, insert, update, delete.
//!
//! In: plain values and a [`db::Db`] or an open [`tx::Tx`]. Out: models. Must not decide who may do what.
//!
//! Every statement is a named constant that runs on both engines (or a pair of constants where they differ), so that a
//! test can prepare each of them on each engine.

pub(crate) mod activities;
pub(crate) mod admin;
pub(crate) mod analytics;
pub(crate) mod bans;
pub(crate) mod breakouts;
pub(crate) mod calls;
pub(crate) mod channels;
pub(crate) mod claim;
pub(crate) mod codes;
pub(crate) mod conversations;
pub(crate) mod db;
pub(crate) mod erasure;
pub(crate) mod erasure_of_deleted;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod guests;
pub(crate) mod hosting;
pub(crate) mod identities;
pub(crate) mod installation;
pub(crate) mod jobs;
mod lend;
pub(crate) mod lobby;
pub(crate) mod meeting_invites;
pub(crate) mod meeting_occurrences;
pub(crate) mod meetings;
pub(crate) mod meetings_adrift;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod nodes;
pub(crate) mod notifications;
pub(crate) mod organization_invites;
pub(crate) mod organizations;
pub(crate) mod outbox;
pub(crate) mod preferences;
pub(crate) mod presence;
pub(crate) mod push_subscriptions;
pub(crate) mod rings;
pub(crate) mod rooms;
pub(crate) mod sessions;
pub(crate) mod settings;
#[cfg(test)]
mod statements_tests;
pub(crate) mod tickets;
pub(crate) mod tx;
pub(crate) mod users;

/// Declares named SQL constants and lists them in `ALL`, which the test that prepares every statement reads.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$meta])* const $name: &str = $sql;)+
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use statements;
