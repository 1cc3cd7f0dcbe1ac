//! What the jobs of rooms and calls do: whoever lost a right is removed on the media node.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::handlers::JobError;
use super::{APPLY_GRANTS, CLOSE_BREAKOUTS, CLOSE_ROOM, RECHECK_ROOM, REMOVE_PARTICIPANT, SEND_TO_BREAKOUTS};
use crate::app::App;
use crate::services::{breakouts, hosting, removals};
use crate::store::jobs::ClaimedJob;

/// Kinds of jobs that [`run`] knows.
pub(super) const KINDS: &[&str] =
    &[APPLY_GRANTS, CLOSE_BREAKOUTS, CLOSE_ROOM, RECHECK_ROOM, REMOVE_PARTICIPANT, SEND_TO_BREAKOUTS];

#[derive(Deserialize)]
struct RoomPayload {
    room_id: Uuid,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    identity: String,
}

#[derive(Deserialize)]
struct CallPayload {
    call_id: Uuid,
}

/// Runs a job of [`KINDS`].
pub(super) async fn run(app: &Arc<App>, job: &ClaimedJob) -> Result<(), JobError> {
    let payload = &job.payload.0;
    if job.kind == SEND_TO_BREAKOUTS || job.kind == CLOSE_BREAKOUTS {
        let CallPayload { call_id } = CallPayload::deserialize(payload)?;
        if job.kind == CLOSE_BREAKOUTS {
            breakouts::finish(app, call_id).await?;
        } else {
            breakouts::send_people(app, call_id).await?;
        }
        return Ok(());
    }
    let RoomPayload { room_id, reason, identity } = RoomPayload::deserialize(payload)?;
    match job.kind.as_str() {
        APPLY_GRANTS => hosting::apply_grants(app, room_id, &identity).await?,
        CLOSE_ROOM => removals::close_room(app, room_id, &reason).await?,
        RECHECK_ROOM => removals::recheck_room(app, room_id).await?,
        REMOVE_PARTICIPANT => removals::remove_participant(app, room_id, &identity).await?,
        _ => return Err(JobError::UnknownKind),
    }
    Ok(())
}
