//! `GET /api/v1/organizations/{org_id}/audit-log`: who did what in an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::http::validate;
use crate::model::activity::AuditEntry;
use crate::model::clock::Micros;
use crate::routes::organizations::ActorView;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::organizations;
use crate::store::activities::AuditFilter;
use crate::store::organizations::OrgName;

/// Which acts, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListOrgAuditQuery {
    /// Only this act, such as `member.joined`.
    #[garde(inner(custom(validate::search)))]
    #[param(max_length = 80)]
    action: Option<String>,
    /// Only by this person.
    actor_id: Option<Uuid>,
    /// At or after this time.
    from: Option<Micros>,
    /// Before this time.
    to: Option<Micros>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// Something somebody did.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrgAuditView {
    id: Uuid,
    actor: Option<ActorView>,
    action: String,
    target_kind: String,
    target_id: Option<Uuid>,
    /// What changed, by act.
    #[schema(value_type = Object)]
    diff: Value,
    /// From which address.
    ip: String,
    created_at: Micros,
}

impl From<AuditEntry> for OrgAuditView {
    fn from(one: AuditEntry) -> Self {
        Self {
            id: one.id,
            actor: ActorView::of(one.actor_id, one.actor_name),
            action: one.action,
            target_kind: one.target_kind,
            target_id: one.target_id,
            diff: one.diff.0,
            ip: one.ip,
            created_at: one.created_at,
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrgAuditPage {
    items: Vec<OrgAuditView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The audit log of an organization, the newest first; for its owners and admins.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/audit-log", tag = "organizations",
    operation_id = "list_organization_audit_log", params(("org_id" = Uuid, Path), ListOrgAuditQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrgAuditPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<ListOrgAuditQuery>,
) -> Result<Json<OrgAuditPage>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::Manage).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let filter = AuditFilter {
        before: page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max()),
        action: query.action.as_deref().unwrap_or_default(),
        actor_id: query.actor_id,
        from: query.from.unwrap_or(Micros(i64::MIN)),
        until: query.to.unwrap_or(Micros(i64::MAX)),
        limit: i64::from(limit) + 1,
    };
    let rows = organizations::audit_log(&app, org.id, filter).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |entry| entry.id);
    Ok(Json(OrgAuditPage { items: rows.into_iter().map(OrgAuditView::from).collect(), next_cursor }))
}
