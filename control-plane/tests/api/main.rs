//! The API as clients meet it: HTTP in, JSON out, every case on SQLite and on PostgreSQL.
//!
//! One file per noun and verb, one program for all of them: linking a program per file takes longer than running it.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends where it fails")]

mod api_document;
mod api_limits;
mod api_malformed;
mod auth_email;
mod auth_login;
mod auth_oauth;
mod auth_otp;
mod auth_password;
mod auth_refresh;
mod auth_register;
mod auth_setup;
mod calls_breakouts;
mod calls_host;
mod calls_reconcile;
mod calls_record;
mod channels;
mod conversations_direct;
mod conversations_list;
mod me_delete;
mod me_preferences;
mod me_push_subscriptions;
mod me_sessions;
mod me_update;
mod me_username;
mod media_nodes;
mod media_nodes_admin;
mod meetings_calendar;
mod meetings_create;
mod meetings_invites;
mod meetings_lifecycle;
mod meetings_list;
mod meetings_mail;
mod meetings_occurrences;
mod meetings_update;
mod messages_change;
mod messages_list;
mod messages_send;
mod notifications_inbox;
mod notifications_mail;
mod notifications_mentions;
mod notifications_send;
mod organizations;
mod organizations_insight;
mod organizations_members;
mod parity;
mod push_send;
mod rooms_bans;
mod rooms_create;
mod rooms_join;
mod rooms_list;
mod rooms_lobby;
mod rooms_members;
mod rooms_update;
mod story_meet_clone;
mod story_meetin;
mod support;
mod users_admin;
