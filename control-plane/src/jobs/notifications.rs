//! Jobs of notifications: more people of a large audience, and what leaves the house.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::NewJob;
use super::handlers::JobError;
use crate::app::App;
use crate::model::notification::NotificationKind;
use crate::services::notifications::{self, announce};
use crate::store::jobs::ClaimedJob;

/// Tells up to [`notifications::PEOPLE_PER_ACT`] more people.
const TELL: &str = "notification.tell";
/// Tells the next page of an audience.
const ANNOUNCE: &str = "notification.announce";
/// Enqueues the pushes and mails of fresh rows.
const DELIVER: &str = "notification.deliver";

/// Tries of a job that only needs the database.
const TRIES: i64 = 10;

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

/// Whether a job is one of these.
pub(super) fn knows(kind: &str) -> bool {
    [TELL, ANNOUNCE, DELIVER].contains(&kind)
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
        _ => return Err(JobError::UnknownKind),
    }
    Ok(())
}
