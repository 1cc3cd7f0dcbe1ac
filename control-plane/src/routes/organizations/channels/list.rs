//! `GET /api/v1/organizations/{org_id}/channels`: public channels, and those the caller is in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::http::validate;
use crate::routes::channels::ChannelView;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::{channels, organizations};
use crate::store::channels::ChannelFilter;
use crate::store::organizations::OrgName;

/// Which channels, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListChannelsQuery {
    /// Part of the name, in any case.
    #[garde(inner(custom(validate::search)))]
    #[param(max_length = 80)]
    q: Option<String>,
    /// Only archived ones, or only others; both unless given.
    archived: Option<bool>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of channels.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelPage {
    items: Vec<ChannelView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The public channels of an organization and the private ones the caller is in, the oldest first.
///
/// Problems: 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/channels", tag = "channels", operation_id = "list_channels",
    params(("org_id" = Uuid, Path), ListChannelsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChannelPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<ListChannelsQuery>,
) -> Result<Json<ChannelPage>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::See).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let filter = ChannelFilter {
        q: query.q.as_deref().unwrap_or_default().trim(),
        archived: query.archived,
        after: page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::nil()),
        limit: i64::from(limit) + 1,
    };
    let rows = channels::list(&app, &who, &org, filter).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |channel| channel.id);
    Ok(Json(ChannelPage { items: rows.into_iter().map(ChannelView::from).collect(), next_cursor }))
}
