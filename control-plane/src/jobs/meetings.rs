//! Jobs of meetings: occurrences made ahead, people told and reminded, calls ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::NewJob;
use super::handlers::JobError;
use crate::app::App;
use crate::model::clock::Micros;
use crate::services::meetings::adrift;
use crate::services::meetings::announce::{self, MailPlan};
use crate::services::meetings::sweep::{self, Reminder};
use crate::services::removals;
use crate::services::rings;
use crate::store::jobs::ClaimedJob;
use crate::store::meetings_adrift::Adrift;

/// Makes the occurrences of a series that are missing.
const EXPAND: &str = "meeting.expand";
/// Writes one mail job per address.
const ANNOUNCE: &str = "meeting.announce";
/// Composes and sends one mail.
const MAIL: &str = "meeting.mail";
/// Plans the reminders of a meeting.
const PLAN: &str = "meeting.plan_reminders";
/// Reminds one person of one occurrence.
const REMIND: &str = "meeting.remind";
/// Calls off meetings that nobody can hold any more.
const CALL_OFF: &str = "meeting.call_off";
/// Ends the call of a meeting that was ended.
const END_CALL: &str = "meeting.end_call";

/// Nobody answered a ring.
const RING_TIMEOUT: &str = "call.ring_timeout";

/// Tries of a job that needs the database or a media node: about ten minutes.
const TRIES: i64 = 10;
/// Tries of a mail: about half an hour.
const MAIL_TRIES: i64 = 14;

fn job(kind: &'static str, payload: Value, key: Option<String>) -> NewJob {
    let dedupe_key = key.map(|key| format!("{kind}:{key}"));
    NewJob { kind, payload, run_at: None, max_attempts: TRIES, dedupe_key }
}

/// A payload of ours as JSON; plain data does not fail.
fn written(payload: &impl Serialize) -> Value {
    serde_json::to_value(payload).unwrap_or_default()
}

pub(crate) fn expand(meeting_id: Uuid) -> NewJob {
    job(EXPAND, json!({ "meeting_id": meeting_id }), Some(meeting_id.to_string()))
}

pub(crate) fn announce(plan: &MailPlan, key: &str) -> NewJob {
    job(ANNOUNCE, written(plan), Some(key.to_owned()))
}

pub(crate) fn mail(plan: &MailPlan) -> NewJob {
    let to = plan.to.as_ref().map(|to| to.invite_id).unwrap_or_default();
    let key = format!("{to}:{}:{}:{:?}", plan.method.as_str(), plan.seq, plan.occurrence.map(|at| at.0));
    NewJob { max_attempts: MAIL_TRIES, ..job(MAIL, written(plan), Some(key)) }
}

pub(crate) fn plan_reminders(meeting_id: Uuid) -> NewJob {
    job(PLAN, json!({ "meeting_id": meeting_id }), Some(meeting_id.to_string()))
}

pub(crate) fn remind(reminder: &Reminder, run_at: Micros) -> NewJob {
    let Reminder { occurrence_id, user_id, lead_min, starts_at } = reminder;
    let key = format!("{occurrence_id}:{user_id}:{lead_min}:{}", starts_at.0);
    NewJob { run_at: Some(run_at), ..job(REMIND, written(reminder), Some(key)) }
}

pub(crate) fn call_off(left_by: Adrift) -> NewJob {
    job(CALL_OFF, written(&left_by), Some(format!("{CALL_OFF}:{left_by:?}")))
}

pub(crate) fn end_call(call_id: Uuid, room_id: Uuid) -> NewJob {
    job(END_CALL, json!({ "call_id": call_id, "room_id": room_id }), Some(call_id.to_string()))
}

pub(crate) fn ring_timeout(ring_id: Uuid, run_at: Micros) -> NewJob {
    NewJob { run_at: Some(run_at), ..job(RING_TIMEOUT, json!({ "ring_id": ring_id }), Some(ring_id.to_string())) }
}

/// Whether a kind of job is one of these.
pub(super) fn knows(kind: &str) -> bool {
    [EXPAND, ANNOUNCE, MAIL, PLAN, REMIND, CALL_OFF, END_CALL, RING_TIMEOUT].contains(&kind)
}

#[derive(Deserialize)]
struct MeetingPayload {
    meeting_id: Uuid,
}

#[derive(Deserialize)]
struct CallPayload {
    call_id: Uuid,
    room_id: Uuid,
}

#[derive(Deserialize)]
struct RingPayload {
    ring_id: Uuid,
}

/// Runs a job; running it twice has no second effect.
pub(super) async fn run(app: &Arc<App>, job: &ClaimedJob) -> Result<(), JobError> {
    let payload = &job.payload.0;
    match job.kind.as_str() {
        EXPAND => sweep::run_expand(app, MeetingPayload::deserialize(payload)?.meeting_id).await?,
        ANNOUNCE => announce::run_announce(app, &MailPlan::deserialize(payload)?).await?,
        MAIL => announce::run_mail(app, job.id, &MailPlan::deserialize(payload)?).await?,
        PLAN => sweep::run_plan(app, MeetingPayload::deserialize(payload)?.meeting_id).await?,
        REMIND => sweep::run_remind(app, &Reminder::deserialize(payload)?).await?,
        CALL_OFF => adrift::run(app, Adrift::deserialize(payload)?).await?,
        END_CALL => {
            let call = CallPayload::deserialize(payload)?;
            removals::end_one(app, call.room_id, call.call_id).await?;
        }
        RING_TIMEOUT => rings::time_out(app, RingPayload::deserialize(payload)?.ring_id).await?,
        _ => return Err(JobError::UnknownKind),
    }
    Ok(())
}
