//! Organizations: made, found, changed, deleted.
//!
//! In: a signed-in person. Out: organizations as they see them. Members are in `members.rs`.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::authorize::{OrgAction, Refusal, authorize_organization};
use super::meetings::adrift;
use super::topics::{Concerned, rights_changed};
use super::{activities, audit_in};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::NewJob;
use crate::model::activity::{AuditEntry, NewActivity};
use crate::model::organization::Organization;
use crate::store::activities::{self as activity_store, AuditFilter};
use crate::store::db::StoreError;
use crate::store::meetings_adrift::Adrift;
use crate::store::organizations::{self as store, NewOrganization, OrgName};
use crate::store::tx::Tx;
use crate::store::users;

/// Organizations one person may own.
pub(super) const MAX_OWNED: i64 = 100;
/// Members of an organization.
pub(super) const MAX_MEMBERS: i64 = 10_000;
/// Longest slug, in characters.
pub(crate) const SLUG_CHARS: usize = 40;
/// Tries to find a free slug made from a name.
const SLUG_TRIES: usize = 4;
/// Rooms looked at in one statement when rights change.
const ROOMS_AT_ONCE: i64 = 100;

/// What a new organization is to be.
#[derive(Debug)]
pub(crate) struct OrgForm {
    pub name: String,
    pub slug: Option<String>,
    pub description: String,
}

/// What is to change; `None` leaves it.
#[derive(Debug, Default)]
pub(crate) struct OrgChange {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub settings: Option<Map<String, Value>>,
}

/// Why an organization or its people cannot be had or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrgError {
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the slug is taken")]
    SlugTaken,
    #[error("the caller owns too many organizations")]
    TooManyOwned,
    #[error("the organization is full")]
    TooManyMembers,
    #[error("they are a member already")]
    AlreadyMember,
    #[error("no such member")]
    NoSuchMember,
    #[error("there is no such person for the caller")]
    NoSuchPerson,
    #[error("the last owner must stay")]
    LastOwner,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for OrgError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate => Self::SlugTaken,
            other => Self::Store(other),
        }
    }
}

/// The topic of what happens in an organization.
pub(crate) fn topic(org_id: Uuid) -> String {
    format!("activity:{org_id}")
}

/// A slug made of a name: letters and digits of ASCII, the rest hyphens.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if slug.len() >= SLUG_CHARS - 8 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-').to_owned();
    if slug.len() < 2 { "organization".to_owned() } else { slug }
}

/// A few letters that tell a slug from one like it.
fn suffix() -> String {
    let id = Uuid::new_v4().simple().to_string();
    id.get(..6).unwrap_or("x").to_owned()
}

/// Makes an organization owned by the caller.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn create(app: &App, who: &SignedIn, form: OrgForm) -> Result<Organization, OrgError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !users::lock_active(&mut tx, who.user.id).await? {
        return Err(Refusal::SignInRequired.into());
    }
    // What others hand over does not count: it would keep people from making their own.
    if store::count_made(&mut tx, who.user.id).await? >= MAX_OWNED {
        return Err(OrgError::TooManyOwned);
    }
    let wanted = form.slug.clone().unwrap_or_else(|| slug_of(&form.name));
    let mut slug = wanted.clone();
    let mut id = None;
    for _ in 0..SLUG_TRIES {
        let new =
            NewOrganization { slug: &slug, name: &form.name, description: &form.description, created_by: who.user.id };
        id = store::insert(&mut tx, new, now).await?;
        if id.is_some() || form.slug.is_some() {
            break;
        }
        slug = format!("{wanted}-{}", suffix());
    }
    let id = id.ok_or(OrgError::SlugTaken)?;
    let diff = json!({ "name": form.name, "slug": slug });
    audit_in(&mut tx, &who.caller, Some(id), "organization.created", ("organization", id), diff, now).await?;
    let actor = Some((who.user.id, who.user.display_name.as_str()));
    let data = json!({ "name": form.name });
    let new = NewActivity { org_id: id, actor, kind: "organization.created", of: ("organization", id), data };
    activities::record(&mut tx, new, None, now).await?;
    let org = store::find(&mut tx, &OrgName::Id(id), who.user.id).await?.ok_or(Refusal::NotFound)?;
    tx.commit(now).await?;
    Ok(org)
}

/// Finds an organization for somebody who wants to do `action` with it.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn find(
    app: &App,
    who: &SignedIn,
    name: &OrgName,
    action: OrgAction,
) -> Result<Organization, OrgError> {
    let org = store::find(&app.db, name, who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_organization(&who.caller.actor, action, &org)?;
    Ok(org)
}

/// Finds an organization to change it, locked where the caller says which version of it they know, and of that version.
async fn find_known(tx: &mut Tx, who: &SignedIn, name: &OrgName, action: OrgAction) -> Result<Organization, OrgError> {
    let mut org = store::find(&mut *tx, name, who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_organization(&who.caller.actor, action, &org)?;
    let known = &who.caller.facts.if_match;
    if known.is_given() {
        store::lock(&mut *tx, org.id).await?;
        org = store::find(&mut *tx, &OrgName::Id(org.id), who.user.id).await?.ok_or(Refusal::NotFound)?;
        known.check(org.updated_at)?;
    }
    Ok(org)
}

/// Lists the caller's organizations.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(
    app: &App,
    user_id: Uuid,
    q: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Organization>, StoreError> {
    store::list(&app.db, user_id, q, before, limit).await
}

/// Changes an organization.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn update(
    app: &App,
    who: &SignedIn,
    name: &OrgName,
    change: OrgChange,
) -> Result<Organization, OrgError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let mut org = find_known(&mut tx, who, name, OrgAction::Manage).await?;
    let mut changed = Vec::new();
    if let Some(name) = change.name.filter(|name| *name != org.name) {
        org.name = name;
        changed.push("name");
    }
    if let Some(slug) = change.slug.filter(|slug| *slug != org.slug) {
        org.slug = slug;
        changed.push("slug");
    }
    if let Some(description) = change.description.filter(|text| *text != org.description) {
        org.description = description;
        changed.push("description");
    }
    if let Some(settings) = change.settings.filter(|settings| *settings != org.settings.0) {
        org.settings.0 = settings;
        changed.push("settings");
    }
    if changed.is_empty() {
        return Ok(org);
    }
    store::update(&mut tx, &org, now).await?;
    org.updated_at = now;
    let diff = json!({ "changed": changed });
    audit_in(&mut tx, &who.caller, Some(org.id), "organization.updated", ("organization", org.id), diff, now).await?;
    tx.event(topic(org.id), "organization.updated", &json!({ "org_id": org.id, "changed": changed }));
    tx.commit(now).await?;
    Ok(org)
}

/// Deletes an organization and its channels; whoever is in calls of its rooms is looked at again.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn delete(app: &App, who: &SignedIn, name: &OrgName) -> Result<(), OrgError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let org = find_known(&mut tx, who, name, OrgAction::Own).await?;
    store::delete(&mut tx, org.id, now).await?;
    let diff = json!({ "name": org.name });
    audit_in(&mut tx, &who.caller, Some(org.id), "organization.deleted", ("organization", org.id), diff, now).await?;
    tx.event(topic(org.id), "organization.deleted", &json!({ "org_id": org.id }));
    rights_changed(&mut tx, Concerned { org_id: Some(org.id), ..Concerned::default() });
    // Its admins ran what organizers who are gone had planned for it.
    adrift::enqueue(&mut tx, Adrift::Organization(org.id), now).await?;
    tx.enqueue(NewJob::recheck_organization(org.id), now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// Lists an organization's part of the audit log, the newest first.
///
/// # Errors
/// As any statement.
pub(crate) async fn audit_log(app: &App, org_id: Uuid, filter: AuditFilter<'_>) -> Result<Vec<AuditEntry>, StoreError> {
    activity_store::list_audit(&app.db, org_id, filter).await
}

/// The rooms of an organization in which somebody is, after `after`; for the job that looks at them again.
///
/// # Errors
/// As any statement.
pub(crate) async fn rooms_in_call(app: &App, org_id: Uuid, after: Uuid) -> Result<Vec<Uuid>, StoreError> {
    store::list_rooms_in_call(&app.db, org_id, after, ROOMS_AT_ONCE).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        for (name, slug) in [
            ("Ada & Friends!", "ada-friends"),
            ("  ---  ", "organization"),
            ("日本", "organization"),
            ("Übung 7", "bung-7"),
            (&"x".repeat(80), &"x".repeat(32)),
        ] {
            assert_eq!(slug_of(name), slug);
        }
    }
}
