//! What has to happen in time: occurrences made ahead, reminders planned, forgotten meetings closed.
//!
//! A round runs in every replica once a minute and finds out what is missing; doing it twice has no second effect.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{lifecycle, schedule};
use crate::app::App;
use crate::jobs::meetings::{expand as expand_job, plan_reminders as plan_job, remind as remind_job};
use crate::model::clock::Micros;
use crate::model::meeting::MeetingStatus;
use crate::model::notification::NotificationKind;
use crate::services::notifications::notify;
use crate::services::notifications::preferences::reminder_leads;
use crate::services::web_pages;
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{meeting_invites, meeting_occurrences, meetings, rooms};

/// How often a round runs.
const EVERY: Duration = Duration::from_secs(60);
/// How far the end of the expanded time may come closer before a series is expanded again.
const SLACK: Duration = Duration::from_secs(86_400);
/// Series expanded, and occurrences closed, in one round.
const BATCH: i64 = 500;
/// Occurrences whose reminders are planned by one statement.
const PAGE: i64 = 200;
/// Pages in one round; more than that many meetings in a day wait for the next round.
const MAX_PAGES: usize = 100;
/// Longest lead of a reminder.
const MAX_LEAD_MIN: i64 = 7 * 1_440;
/// Reminders are planned this long before the earliest of them.
const PLAN_AHEAD: Duration = Duration::from_secs(3_600);
/// A reminder this late is of no use.
const TOO_LATE: Duration = Duration::from_secs(300);

/// Runs rounds until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = round(&app).await {
            tracing::warn!(%error, "meetings could not be looked after");
        }
    }
}

/// One round.
///
/// # Errors
/// As any statement.
pub(crate) async fn round(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let wanted = now.plus(schedule::AHEAD).minus(SLACK);
    let series = meetings::list_to_expand(&app.db, wanted, BATCH).await?;
    if !series.is_empty() {
        let mut tx = app.begin().await?;
        for id in series {
            tx.enqueue(expand_job(id), now).await?;
        }
        tx.commit(now).await?;
    }
    plan_soon(app, now).await?;
    for (id, _) in meeting_occurrences::list_stale(&app.db, now.minus(lifecycle::stale_after()), BATCH).await? {
        lifecycle::close_stale(app, id, now).await?;
    }
    Ok(())
}

fn window(now: Micros) -> Micros {
    Micros(now.0.saturating_add(MAX_LEAD_MIN * super::plan::MINUTE_US)).plus(PLAN_AHEAD)
}

/// Enqueues the planning of reminders for all that begins soon.
async fn plan_soon(app: &App, now: Micros) -> Result<(), StoreError> {
    let mut after = (Micros(i64::MIN), Uuid::nil());
    for _ in 0..MAX_PAGES {
        let page = meeting_occurrences::list_unplanned(&app.db, now, window(now), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.starts_at, last.id);
        let full = i64::try_from(page.len()).is_ok_and(|n| n >= PAGE);
        let mut tx = app.begin().await?;
        for occurrence in &page {
            tx.enqueue(plan_job(occurrence.meeting_id), now).await?;
        }
        tx.commit(now).await?;
        if !full {
            return Ok(());
        }
    }
    Ok(())
}

/// Job: makes the occurrences of a series that are missing.
///
/// # Errors
/// As any statement.
pub(crate) async fn run_expand(app: &App, meeting_id: Uuid) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    meetings::lock(&mut tx, meeting_id).await?;
    schedule::expand(&mut tx, meeting_id, now).await?;
    tx.commit(now).await
}

/// Job: plans the reminders of a meeting that are due soon.
///
/// # Errors
/// As any statement.
pub(crate) async fn run_plan(app: &App, meeting_id: Uuid) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    plan_reminders(&mut tx, meeting_id, now).await?;
    tx.commit(now).await
}

/// A reminder to come; it is given only if all of it still holds then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reminder {
    pub occurrence_id: Uuid,
    pub user_id: Uuid,
    pub lead_min: i64,
    pub starts_at: Micros,
}

/// Enqueues a reminder for each person and occurrence that begins within a day; those that wait already are enough.
///
/// # Errors
/// As any statement.
pub(super) async fn plan_reminders(tx: &mut Tx, meeting_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let until = window(now);
    let soon = meeting_occurrences::list(&mut *tx, meeting_id, now, until, PAGE).await?;
    let soon: Vec<_> = soon.into_iter().filter(|one| one.starts_at > now).collect();
    if soon.is_empty() {
        return Ok(());
    }
    let people = meeting_invites::list_people(&mut *tx, meeting_id).await?;
    let leads = reminder_leads(tx, &people).await?;
    for occurrence in soon.iter().filter(|one| one.status == MeetingStatus::Scheduled) {
        for (user_id, lead_min) in &leads {
            let lead_min = (*lead_min).clamp(0, MAX_LEAD_MIN);
            let run_at = Micros(occurrence.starts_at.0 - lead_min * super::plan::MINUTE_US);
            if run_at < now.minus(TOO_LATE) {
                continue;
            }
            let reminder =
                Reminder { occurrence_id: occurrence.id, user_id: *user_id, lead_min, starts_at: occurrence.starts_at };
            tx.enqueue(remind_job(&reminder, run_at), now).await?;
        }
        meeting_occurrences::set_planned(tx, occurrence.id, occurrence.starts_at).await?;
    }
    Ok(())
}

/// Job: reminds one person of one occurrence, unless it moved, was called off, the person no longer comes, or nobody gets into
/// the room.
///
/// # Errors
/// As any statement.
pub(crate) async fn run_remind(app: &App, reminder: &Reminder) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let Some(one) = meeting_occurrences::find_by_id(&mut tx, reminder.occurrence_id).await? else { return Ok(()) };
    if one.starts_at != reminder.starts_at
        || one.status != MeetingStatus::Scheduled
        || now > one.starts_at.plus(TOO_LATE)
    {
        return Ok(());
    }
    let Some(meeting) = meetings::find(&mut tx, one.meeting_id, reminder.user_id).await? else { return Ok(()) };
    let people = meeting_invites::list_people(&mut tx, meeting.id).await?;
    let room = rooms::find_state(&mut tx, meeting.room_id).await?;
    if !people.contains(&reminder.user_id) || !room.is_some_and(|room| room.is_open(now)) {
        return Ok(());
    }
    let payload = json!({
        "meeting_id": meeting.id,
        "occurrence_id": one.id,
        "title": one.edits.0.title.as_ref().unwrap_or(&meeting.title),
        "starts_at": one.starts_at,
        "link": web_pages::join(&meeting.room_code),
    });
    let key = format!("meeting.reminder:{}:{}:{}", one.id, reminder.lead_min, one.starts_at.0);
    notify(&mut tx, &[reminder.user_id], NotificationKind::MeetingReminder, payload, &key, now).await?;
    tx.commit(now).await
}
