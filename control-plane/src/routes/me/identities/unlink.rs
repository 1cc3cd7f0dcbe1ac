//! `DELETE /api/v1/me/identities/{provider}`: a provider opens one's account no more.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::auth::oauth::provider;
use crate::routes::problems::{Conflict, Problems};
use crate::services::identities;
use crate::services::providers::ProviderError;

/// Unlink a provider from one's account; sessions go on. The last way in stays.
///
/// Problems: 404 `identity_not_found`, 409 `last_way_in`.
#[utoipa::path(delete, path = "/me/identities/{provider}", tag = "me", operation_id = "unlink_identity",
    params(("provider" = String, Path, description = "`google` or `microsoft`")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn unlink(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<StatusCode, ApiError> {
    // A provider that was switched off since can still be unlinked; one nobody ever heard of is linked to nobody.
    let kind = provider(&name).map_err(|_| ApiError::from(ProviderError::NotLinked))?;
    identities::detach(&app, &who, kind).await?;
    Ok(StatusCode::NO_CONTENT)
}
