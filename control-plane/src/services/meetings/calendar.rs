//! Calendars to take along: one meeting as a file, and the feed that somebody's calendar subscribes to.
//!
//! A feed is opened by its token alone, since calendar programs cannot sign in; only its hash is stored.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::ics::{self, Entry, MAX_EXCEPTIONS};
use super::{MeetingError, base_url, find};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::http::origin::ClientFacts;
use crate::model::clock::Micros;
use crate::model::meeting::{Invite, MAX_INVITES, Occurrence};
use crate::model::secret::{Secret, SecretKind};
use crate::services::audit;
use crate::services::authorize::{MeetingAction, authorize_meeting};
use crate::store::db::StoreError;
use crate::store::{meeting_invites, meeting_occurrences, meetings};

/// Meetings in a feed.
const MAX_MEETINGS: i64 = 500;
/// Edited occurrences in a feed.
const MAX_FEED_EXCEPTIONS: i64 = 5_000;
/// How long past meetings stay in a feed.
const KEEP: Duration = Duration::from_secs(90 * 86_400);

/// A meeting as calendar data; the addresses of others are for its organizers.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn export(app: &App, caller: &Caller, id: Uuid) -> Result<String, MeetingError> {
    let meeting = find(app, caller, id, MeetingAction::See).await?;
    let exceptions = meeting_occurrences::list_exceptions(&app.db, id, MAX_EXCEPTIONS).await?;
    let invites = meeting_invites::list(&app.db, id, Uuid::nil(), MAX_INVITES).await?;
    let all = authorize_meeting(&caller.actor, MeetingAction::Edit, &meeting).is_ok();
    let is_own = |invite: &Invite| Some(invite.id) == meeting.invite_id;
    let shown = invites.into_iter().filter(|invite| all && invite.shows_email || is_own(invite));
    let invites: Vec<Invite> = shown.map(|invite| if is_own(&invite) { invite } else { invite.for_others() }).collect();
    let attendees: Vec<(&str, Option<&Invite>)> =
        invites.iter().map(|invite| (invite.email.as_str(), Some(invite))).collect();
    let entry = Entry { meeting: &meeting, exceptions: &exceptions, only: None, attendees: &attendees };
    Ok(ics::write(&base_url(app, &caller.facts), None, &[entry], app.clock.now())?)
}

/// Since when somebody has a feed.
///
/// # Errors
/// As any statement.
pub(crate) async fn find_feed(app: &App, user_id: Uuid) -> Result<Option<Micros>, StoreError> {
    meeting_invites::find_feed(&app.db, user_id).await
}

/// Makes somebody's feed, or replaces it; its address is told once.
///
/// # Errors
/// As any statement.
pub(crate) async fn make_feed(app: &App, who: &SignedIn) -> Result<String, StoreError> {
    let (now, secret) = (app.clock.now(), Secret::random(SecretKind::CalendarFeed));
    let mut tx = app.begin().await?;
    meeting_invites::set_feed(&mut tx, who.user.id, &secret.hash(), now).await?;
    audit(&mut tx, &who.caller, "calendar_feed.made", ("user", who.user.id), json!({}), now).await?;
    tx.commit(now).await?;
    Ok(format!("{}/api/v1/me/calendar/{}.ics", base_url(app, &who.caller.facts), secret.text()))
}

/// Ends somebody's feed.
///
/// # Errors
/// [`MeetingError::CalendarNotFound`] when there is none.
pub(crate) async fn end_feed(app: &App, who: &SignedIn) -> Result<(), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !meeting_invites::delete_feed(&mut tx, who.user.id).await? {
        return Err(MeetingError::CalendarNotFound);
    }
    audit(&mut tx, &who.caller, "calendar_feed.ended", ("user", who.user.id), json!({}), now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// The calendar that a feed's token opens.
///
/// # Errors
/// [`MeetingError::CalendarNotFound`] when it opens none.
pub(crate) async fn read_feed(app: &App, facts: &ClientFacts, token: &str) -> Result<String, MeetingError> {
    let secret = Secret::parse(SecretKind::CalendarFeed, token).ok_or(MeetingError::CalendarNotFound)?;
    let owner = meeting_invites::find_feed_owner(&app.db, &secret.hash()).await?;
    let user_id = owner.ok_or(MeetingError::CalendarNotFound)?;
    let now = app.clock.now();
    let listed = meetings::list_feed(&app.db, user_id, now.minus(KEEP), MAX_MEETINGS).await?;
    let rows = meeting_occurrences::list_exceptions_of_user(&app.db, user_id, MAX_FEED_EXCEPTIONS).await?;
    let mut exceptions: HashMap<Uuid, Vec<Occurrence>> = HashMap::new();
    for row in rows {
        exceptions.entry(row.meeting_id).or_default().push(row);
    }
    let mut entries = Vec::with_capacity(listed.len());
    for meeting in &listed {
        let exceptions = exceptions.get(&meeting.id).map_or(&[][..], Vec::as_slice);
        entries.push(Entry { meeting, exceptions, only: None, attendees: &[] });
    }
    Ok(ics::write(&base_url(app, facts), None, &entries, now)?)
}
