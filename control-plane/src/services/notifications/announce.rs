//! Announcements: what somebody with the right to tells their whole audience.
//!
//! In: an audience and a text. Out: for a few named people their rows at once, for everybody else a job that goes through
//! the audience page by page. The same `client_id` of the same sender reaches nobody twice.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PEOPLE_PER_ACT, notify};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::notification::NotificationKind;
use crate::model::organization::OrgRole;
use crate::services::audit;
use crate::services::authorize::{MeetingAction, Refusal, authorize_meeting, is_platform_admin};
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{meetings, notifications as store};

/// Who is to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Audience {
    /// These people; at most [`PEOPLE_PER_ACT`].
    Users(Vec<Uuid>),
    /// The members of an organization.
    Organization(Uuid),
    /// Who is invited to a meeting and has not declined, and its organizer.
    Meeting(Uuid),
    /// Everybody with an account.
    Everyone,
}

/// What is told.
#[derive(Debug)]
pub(crate) struct Announcement {
    pub audience: Audience,
    pub title: String,
    pub text: String,
    /// A path of the web app.
    pub link: Option<String>,
    /// Chosen by the sender, so that a request may be repeated.
    pub client_id: String,
}

/// One page of an audience, as a job carries it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    audience: Audience,
    kind: NotificationKind,
    payload: Value,
    dedupe_key: String,
    /// The last person of the page before.
    after: Uuid,
}

/// Why nothing was announced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error("the caller may not tell this audience anything")]
    Forbidden,
    #[error("there is no such audience, as far as the caller may know")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tells an audience something; how many people will have it from this request.
///
/// # Errors
/// See [`AnnounceError`].
pub(crate) async fn announce(app: &App, who: &SignedIn, what: Announcement) -> Result<i64, AnnounceError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let kind = permit(&mut tx, who, &what.audience).await?;
    let (actor_id, actor_name) = (who.user.id, &who.user.display_name);
    let mut payload = json!({ "title": what.title, "text": what.text, "actor_id": actor_id, "actor_name": actor_name });
    match &what.audience {
        Audience::Organization(id) => payload["org_id"] = json!(id),
        Audience::Meeting(id) => payload["meeting_id"] = json!(id),
        Audience::Users(_) | Audience::Everyone => {}
    }
    if let Some(link) = what.link {
        payload["link"] = link.into();
    }
    let dedupe_key = format!("announcement:{}:{}", who.user.id.simple(), what.client_id);
    let diff = json!({ "audience": what.audience, "title": what.title, "client_id": what.client_id });
    audit(&mut tx, &who.caller, "notification.announced", ("user", who.user.id), diff, now).await?;
    let recipients = match &what.audience {
        Audience::Users(ids) => {
            let told = notify(&mut tx, ids, kind, payload, &dedupe_key, now).await?;
            i64::try_from(told).unwrap_or(i64::MAX)
        }
        Audience::Organization(_) | Audience::Meeting(_) | Audience::Everyone => {
            let recipients = match &what.audience {
                Audience::Organization(id) => store::count_members(&mut tx, *id).await?,
                Audience::Meeting(id) => store::count_invited(&mut tx, *id).await?,
                Audience::Users(_) | Audience::Everyone => store::count_everyone(&mut tx).await?,
            };
            let page = Page { audience: what.audience, kind, payload, dedupe_key, after: Uuid::nil() };
            enqueue(&mut tx, &page, now).await?;
            recipients
        }
    };
    tx.commit(now).await?;
    Ok(recipients)
}

/// Whether the caller may speak to this audience, and as what.
async fn permit(tx: &mut Tx, who: &SignedIn, audience: &Audience) -> Result<NotificationKind, AnnounceError> {
    let admin = is_platform_admin(&who.caller.actor);
    match audience {
        Audience::Users(_) | Audience::Everyone if admin => Ok(NotificationKind::System),
        Audience::Users(_) | Audience::Everyone => Err(AnnounceError::Forbidden),
        Audience::Organization(id) => match store::find_org_role(tx, *id, who.user.id).await? {
            Some(_) if admin => Ok(NotificationKind::Announcement),
            Some(Some(OrgRole::Owner | OrgRole::Admin)) => Ok(NotificationKind::Announcement),
            Some(Some(_)) => Err(AnnounceError::Forbidden),
            Some(None) | None => Err(AnnounceError::NotFound),
        },
        Audience::Meeting(id) => {
            let meeting = meetings::find(tx, *id, who.user.id).await?.ok_or(AnnounceError::NotFound)?;
            match authorize_meeting(&who.caller.actor, MeetingAction::Edit, &meeting) {
                Ok(()) => Ok(NotificationKind::Announcement),
                Err(Refusal::NotFound) => Err(AnnounceError::NotFound),
                Err(_) => Err(AnnounceError::Forbidden),
            }
        }
    }
}

/// Enqueues a page; while it waits, the same one again is no other.
async fn enqueue(tx: &mut Tx, page: &Page, now: Micros) -> Result<(), StoreError> {
    let key = format!("{}:{}", page.dedupe_key, page.after.simple());
    tx.enqueue(NewJob::notification_announce(json!(page), &key), now).await
}

/// Tells the people of one page and enqueues the next, in one transaction.
///
/// # Errors
/// As any statement.
pub(crate) async fn tell_page(app: &App, mut page: Page) -> Result<(), StoreError> {
    let now = app.clock.now();
    let limit = i64::try_from(PEOPLE_PER_ACT).unwrap_or(i64::MAX);
    let mut tx = app.begin().await?;
    let people = match &page.audience {
        Audience::Organization(id) => store::list_members(&mut tx, *id, page.after, limit).await?,
        Audience::Meeting(id) => store::list_invited(&mut tx, *id, page.after, limit).await?,
        Audience::Everyone => store::list_everyone(&mut tx, page.after, limit).await?,
        // Named people were told in the act itself.
        Audience::Users(_) => Vec::new(),
    };
    let Some(last) = people.last().copied() else { return Ok(()) };
    notify(&mut tx, &people, page.kind, page.payload.clone(), &page.dedupe_key, now).await?;
    if people.len() == PEOPLE_PER_ACT {
        page.after = last;
        enqueue(&mut tx, &page, now).await?;
    }
    tx.commit(now).await
}
