//! `GET /api/v1/organizations`: the caller's organizations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::OrganizationView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::http::validate;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::Problems;
use crate::services::organizations;

/// Which organizations, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListOrganizationsQuery {
    /// Part of the name, in any case.
    #[garde(inner(custom(validate::search)))]
    #[param(max_length = 80)]
    q: Option<String>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of organizations.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationPage {
    items: Vec<OrganizationView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The organizations the caller belongs to, the newest first.
#[utoipa::path(get, path = "/organizations", tag = "organizations", operation_id = "list_organizations",
    params(ListOrganizationsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrganizationPage), Problems))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListOrganizationsQuery>,
) -> Result<Json<OrganizationPage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max());
    let q = query.q.as_deref().unwrap_or_default().trim();
    let rows = organizations::list(&app, who.user.id, q, before, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |org| org.id);
    Ok(Json(OrganizationPage { items: rows.into_iter().map(OrganizationView::from).collect(), next_cursor }))
}
