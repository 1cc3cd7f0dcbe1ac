//! `/api/v1/me/identities`: the providers one signs in with.

mod link;
mod list;
mod start;
mod unlink;

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::model::clock::Micros;
use crate::model::user::Provider;
use crate::store::identities::Identity;

/// Every route of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(link::link, unlink::unlink))
        .routes(routes!(start::start))
}

/// A provider that opens one's account.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityView {
    provider: Provider,
    /// The address the provider told when it was linked; may be empty.
    email: String,
    created_at: Micros,
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        Self { provider: identity.provider, email: identity.email_at_link, created_at: identity.created_at }
    }
}
