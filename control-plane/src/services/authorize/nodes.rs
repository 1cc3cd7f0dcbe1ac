//! Who may see and drain media nodes.

use super::{Refusal, is_platform_admin, require};
use crate::model::user::Actor;

/// Platform admins alone.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_nodes(actor: &Actor) -> Result<(), Refusal> {
    require(actor, is_platform_admin(actor))
}
