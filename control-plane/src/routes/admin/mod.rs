//! `/api/v1/admin`: what platform admins see and do.

pub(crate) mod media_nodes;
