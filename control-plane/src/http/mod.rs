//! What every request passes: who connects from where, who asks, how often; and what every answer carries.

mod blame;
pub(crate) mod cookies;
pub(crate) mod csrf;
pub(crate) mod extract;
pub(crate) mod layers;
pub(crate) mod origin;
pub(crate) mod page;
pub(crate) mod rate_limit;
pub(crate) mod validate;
pub(crate) mod version;
