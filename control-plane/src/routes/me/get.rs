//! `GET /api/v1/me`: who one is.

use crate::http::extract::SignedIn;
use crate::http::version::Tagged;
use crate::model::user::User;
use crate::routes::problems::Problems;

/// One's own profile.
#[utoipa::path(get, path = "/me", tag = "me", operation_id = "get_me",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = User), Problems))]
pub(crate) async fn get(who: SignedIn) -> Tagged<User> {
    let version = who.user.updated_at;
    Tagged(who.user, version)
}
