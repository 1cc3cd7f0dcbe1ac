//! Jobs of organizations: who lost rights is looked at again wherever those rights let them in.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::NewJob;
use super::handlers::JobError;
use crate::app::App;
use crate::services::{organizations, removals};
use crate::store::jobs::ClaimedJob;

/// Looks again at everybody in calls of an organization's rooms.
const RECHECK: &str = "organization.recheck_rooms";

#[derive(Deserialize)]
struct Payload {
    org_id: Uuid,
}

impl NewJob {
    /// Has everybody in calls of an organization's rooms looked at again.
    pub(crate) fn recheck_organization(org_id: Uuid) -> Self {
        Self::media(RECHECK, json!({ "org_id": org_id }), format!("{RECHECK}:{org_id}"))
    }
}

/// Whether this file runs jobs of that kind.
pub(super) fn knows(kind: &str) -> bool {
    kind == RECHECK
}

/// Runs a job; running it twice has no second effect.
pub(super) async fn run(app: &Arc<App>, job: &ClaimedJob) -> Result<(), JobError> {
    let Payload { org_id } = Payload::deserialize(&job.payload.0)?;
    let mut after = Uuid::nil();
    loop {
        let rooms = organizations::rooms_in_call(app, org_id, after).await?;
        let Some(last) = rooms.last() else { return Ok(()) };
        after = *last;
        for room in rooms {
            removals::recheck_room(app, room).await?;
        }
    }
}
