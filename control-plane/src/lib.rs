//! The control plane: who may do what, what is remembered, who is told. It never touches media.
//!
//! A request passes, in this order:
//!
//! 1. [`http`]: request id, caller, rate limit, cross-site check; problem documents on the way out.
//! 2. [`routes`]: a URL path each; parses and validates, calls one service, shapes the answer.
//! 3. [`services`]: the rules, with one `authorize(actor, action, object)`.
//! 4. [`store`]: the only place with SQL, one text for SQLite and PostgreSQL; writes carry their audit row, events and
//!    jobs in the same transaction.
//! 5. [`model`]: the plain data all of them share.
//!
//! Beside it run [`jobs`] (what an act causes and nobody waits for), [`events`] (who is told), reconciliation with the
//! media nodes, and forgetting. Media nodes are reached through [`adapters`] and the contract in `signaling-proto`
//! alone; this crate knows nothing of how they work.

mod adapters;
mod app;
pub mod config;
mod error;
mod events;
mod http;
mod jobs;
mod model;
mod routes;
mod services;
mod store;

pub use app::{ControlPlane, CreateAdminError, NewAdmin, StartError, create_admin};
pub use config::{
    ControlPlaneConfig, InternalKey, MailSettings, MediaConnection, OauthSettings, ProviderSettings, Registration,
    Sharing, StorageKey,
};
pub use http::origin::TrustedProxyError;
pub use model::clock::{Clock, Micros};
pub use store::db::StoreError;
