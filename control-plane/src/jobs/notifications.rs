//! Jobs of notifications: more people of a large audience, and what leaves the house.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::NewJob;
use super::handlers::JobError;
use crate::app::App;
use crate::model::clock::Micros;
use crate::model::notification::NotificationKind;
use crate::services::notifications::{self, announce, push};
use crate::store::jobs::ClaimedJob;

/// Tells up to [`notifications::PEOPLE_PER_ACT`] more people.
const TELL: &str = "notification.tell";
/// Tells the next page of an audience.
const ANNOUNCE: &str = "notification.announce";
/// Enqueues the pushes and mails of fresh rows.
const DELIVER: &str = "notification.deliver";
/// Mails one person what is due.
const MAIL: &str = "notification.mail";
/// Sends one notification to one browser.
const PUSH: &str = "push.send";

/// Tries of a job that only needs the database.
const TRIES: i64 = 10;
/// Tries of a push: with the growing delays of the worker about a minute.
const PUSH_TRIES: i64 = 6;

impl NewJob {
    fn of_notifications(kind: &'static str, payload: Value, dedupe_key: Option<String>) -> Self {
        Self { kind, payload, run_at: None, max_attempts: TRIES, dedupe_key }
    }

    /// The payload is a [`Tell`] in JSON.
    pub(crate) fn notification_tell(payload: Value) -> Self {
        Self::of_notifications(TELL, payload, None)
    }

    /// The payload is an [`announce::Page`] in JSON; `key` names the page.
    pub(crate) fn notification_announce(payload: Value, key: &str) -> Self {
        Self::of_notifications(ANNOUNCE, payload, Some(format!("{ANNOUNCE}:{key}")))
    }

    pub(crate) fn notification_deliver(ids: &[Uuid]) -> Self {
        Self::of_notifications(DELIVER, json!({ "ids": ids }), None)
    }

    /// Mails one notification by itself.
    pub(crate) fn notification_mail(user_id: Uuid, notification_id: Uuid) -> Self {
        let payload = json!({ "user_id": user_id, "notification_id": notification_id });
        Self::of_notifications(MAIL, payload, None)
    }

    /// Mails everything that somebody has not read by `run_at`; one that waits already is enough.
    pub(crate) fn notification_digest(user_id: Uuid, run_at: Micros) -> Self {
        let payload = json!({ "user_id": user_id, "notification_id": null });
        let mut job = Self::of_notifications(MAIL, payload, Some(format!("{MAIL}:{user_id}")));
        job.run_at = Some(run_at);
        job
    }

    /// `waits`: how often the push service asked for patience already.
    pub(crate) fn push_send(subscription_id: Uuid, notification_id: Uuid, waits: u32) -> Self {
        let payload = json!({ "subscription_id": subscription_id, "notification_id": notification_id, "waits": waits });
        Self { kind: PUSH, payload, run_at: None, max_attempts: PUSH_TRIES, dedupe_key: None }
    }
}

#[derive(Deserialize)]
struct Tell {
    user_ids: Vec<Uuid>,
    kind: NotificationKind,
    payload: Value,
    dedupe_key: String,
}

#[derive(Deserialize)]
struct Deliver {
    ids: Vec<Uuid>,
}

#[derive(Deserialize)]
struct MailOne {
    user_id: Uuid,
    notification_id: Option<Uuid>,
}

#[derive(Deserialize)]
struct Send {
    subscription_id: Uuid,
    notification_id: Uuid,
    waits: u32,
}

/// Whether a job is one of these.
pub(super) fn knows(kind: &str) -> bool {
    [TELL, ANNOUNCE, DELIVER, MAIL, PUSH].contains(&kind)
}

/// Runs a job; running it twice tells nobody twice.
pub(super) async fn run(app: &Arc<App>, job: &ClaimedJob) -> Result<(), JobError> {
    match job.kind.as_str() {
        TELL => {
            let tell = Tell::deserialize(&job.payload.0)?;
            let now = app.clock.now();
            let mut tx = app.begin().await?;
            notifications::notify(&mut tx, &tell.user_ids, tell.kind, tell.payload, &tell.dedupe_key, now).await?;
            tx.commit(now).await?;
        }
        ANNOUNCE => announce::tell_page(app, announce::Page::deserialize(&job.payload.0)?).await?,
        DELIVER => notifications::deliver::deliver(app, &Deliver::deserialize(&job.payload.0)?.ids).await?,
        MAIL => {
            let MailOne { user_id, notification_id } = MailOne::deserialize(&job.payload.0)?;
            notifications::mail::mail(app, user_id, notification_id).await?;
        }
        PUSH => {
            let Send { subscription_id, notification_id, waits } = Send::deserialize(&job.payload.0)?;
            push::send(app, subscription_id, notification_id, waits).await?;
        }
        _ => return Err(JobError::UnknownKind),
    }
    Ok(())
}
