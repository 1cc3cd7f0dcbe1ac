//! `GET /api/v1/me/identities`: the ways into one's account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::IdentityView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::Problems;
use crate::services::identities;

/// The ways into one's account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Identities {
    /// The oldest first.
    items: Vec<IdentityView>,
    has_password: bool,
    /// Whether a code by mail opens the account: this server sends mail.
    code_by_mail: bool,
}

/// Lists the providers that open one's account, and what else does.
#[utoipa::path(get, path = "/me/identities", tag = "me", operation_id = "list_identities",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = Identities), Problems))]
pub(crate) async fn list(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<Identities>, ApiError> {
    let ways = identities::list(&app, who.user.id).await?;
    let items = ways.identities.into_iter().map(IdentityView::from).collect();
    Ok(Json(Identities { items, has_password: ways.has_password, code_by_mail: ways.by_mail }))
}
