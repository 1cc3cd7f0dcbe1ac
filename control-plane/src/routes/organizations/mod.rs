//! `/api/v1/organizations`: workspaces, their people and their channels.

pub(crate) mod activities;
pub(crate) mod analytics;
pub(crate) mod audit_log;
pub(crate) mod channels;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod invites;
pub(crate) mod leave;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod replace;
pub(crate) mod update;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::node::MediaRegion;
use crate::model::organization::{OrgRole, Organization};
use crate::services::authorize::Refusal;
use crate::services::organizations::{OrgError, SLUG_CHARS};

/// Bytes of an organization's settings, as JSON.
const SETTINGS_BYTES: usize = 8_192;

/// Every route of organizations.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, update::update, replace::replace, delete::delete))
        .routes(routes!(leave::leave))
        .routes(routes!(members::list::list, members::add::add))
        .routes(routes!(members::get::get, members::update::update, members::remove::remove))
        .routes(routes!(channels::list::list, channels::create::create))
        .routes(routes!(invites::list::list, invites::create::create))
        .routes(routes!(invites::revoke::revoke))
        .routes(routes!(activities::list::list))
        .routes(routes!(analytics::messages_per_day::get))
        .routes(routes!(analytics::active_users::get))
        .routes(routes!(analytics::call_minutes::get))
        .routes(routes!(analytics::quality::get))
        .routes(routes!(audit_log::list::list))
}

/// An organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationView {
    id: Uuid,
    /// Names it in addresses.
    slug: String,
    name: String,
    description: String,
    /// What its admins decided; keys without a meaning are kept.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// The caller's role; null for a platform admin who is no member.
    role: Option<OrgRole>,
    /// People in it.
    members: i64,
    created_at: Micros,
    updated_at: Micros,
}

impl From<Organization> for OrganizationView {
    fn from(org: Organization) -> Self {
        Self {
            id: org.id,
            slug: org.slug,
            name: org.name,
            description: org.description,
            settings: org.settings.0,
            role: org.role,
            members: org.members,
            created_at: org.created_at,
            updated_at: org.updated_at,
        }
    }
}

/// Who did something.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActorView {
    id: Uuid,
    display_name: String,
}

impl ActorView {
    /// Somebody, unless the server itself did it.
    fn of(id: Option<Uuid>, name: Option<String>) -> Option<Self> {
        Some(Self { id: id?, display_name: name.unwrap_or_default() })
    }
}

/// 2 to 40 of a-z, 0-9 and inner hyphens.
pub(crate) fn check_slug<C>(value: &str, _: &C) -> garde::Result {
    let plain = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let hyphens = value.starts_with('-') || value.ends_with('-');
    // An id is looked for as an id.
    let is_id = Uuid::try_parse(value).is_ok();
    if (2..=SLUG_CHARS).contains(&value.len()) && plain && !hyphens && !is_id {
        return Ok(());
    }
    Err(garde::Error::new("must be 2 to 40 of a-z, 0-9 and hyphens between them"))
}

/// Settings that are not too large.
fn check_settings<C>(value: &Option<Map<String, Value>>, _: &C) -> garde::Result {
    let Some(value) = value else { return Ok(()) };
    let text = serde_json::to_string(value).unwrap_or_default();
    if text.len() > SETTINGS_BYTES {
        return Err(garde::Error::new("must be at most 8192 bytes of JSON"));
    }
    if let Some(region) = value.get("media_region")
        && region.as_str().and_then(|name| MediaRegion::try_from(name.to_owned()).ok()).is_none()
    {
        return Err(garde::Error::new("media_region must be a text of 1 to 64 characters"));
    }
    // PostgreSQL stores no NUL.
    if text.contains("\\u0000") {
        return Err(garde::Error::new("must not contain control characters"));
    }
    Ok(())
}

/// 404 about an organization: none, or not for this caller to know about.
pub(crate) fn organization_not_found() -> ApiError {
    ApiError::not_found("organization_not_found", "There is no such organization.")
}

/// How a request about an organization is refused.
pub(crate) fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::SignInRequired => ApiError::sign_in_required(),
        Refusal::NotFound => organization_not_found(),
        _ => ApiError::forbidden(),
    }
}

impl From<OrgError> for ApiError {
    fn from(error: OrgError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            OrgError::Refused(refusal) => refused(refusal),
            OrgError::SlugTaken => {
                conflict("slug_taken", "Another organization has this slug. Choose a different one.")
            }
            OrgError::TooManyOwned => {
                conflict("too_many_organizations", "The account owns as many organizations as allowed.")
            }
            OrgError::TooManyMembers => {
                conflict("too_many_members", "The organization has as many members as allowed.")
            }
            OrgError::AlreadyMember => conflict("already_member", "They are a member already."),
            OrgError::NoSuchMember => Self::not_found("member_not_found", "There is no such member."),
            OrgError::NoSuchPerson => Self::not_found("user_not_found", "There is no such person."),
            OrgError::LastOwner => {
                conflict("last_owner", "An organization needs an owner. Make somebody else an owner first.")
            }
            OrgError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        for good in ["ab", "plenum-2", &"x".repeat(40)] {
            assert!(check_slug(good, &()).is_ok(), "{good}");
        }
        for bad in ["", "a", "A b", "-ab", "ab-", "ü-ü", &"x".repeat(41), "0190d2a6-0000-7000-8000-000000000000"] {
            assert!(check_slug(bad, &()).is_err(), "{bad}");
        }
    }
}
