//! Who may run the server.

use super::{Refusal, is_platform_admin, require};
use crate::model::user::Actor;

/// Decides whether `actor` may administer the platform; that there is an administration is no secret.
///
/// # Errors
/// How to refuse.
pub(crate) fn administer(actor: &Actor) -> Result<(), Refusal> {
    require(actor, is_platform_admin(actor))
}
