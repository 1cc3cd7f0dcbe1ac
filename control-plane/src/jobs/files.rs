//! Jobs about files: checking what arrived by itself, deleting bytes.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::NewJob;
use super::handlers::JobError;
use crate::app::App;
use crate::services::files::{presigned, sweep};
use crate::store::jobs::ClaimedJob;

/// Checks a presigned upload.
pub(super) const CHECK_FILE: &str = "file.check";
/// Deletes the bytes and the row of a deleted file.
pub(super) const ERASE_FILE: &str = "file.erase";

/// Tries of a job that speaks to the store: with the growing delays of the worker about half an hour.
const STORE_TRIES: i64 = 14;

#[derive(Deserialize)]
struct FilePayload {
    file_id: Uuid,
}

impl NewJob {
    fn file(kind: &'static str, id: Uuid) -> Self {
        let dedupe_key = Some(format!("{kind}:{id}"));
        Self { kind, payload: json!({ "file_id": id }), run_at: None, max_attempts: STORE_TRIES, dedupe_key }
    }

    pub(crate) fn check_file(id: Uuid) -> Self {
        Self::file(CHECK_FILE, id)
    }

    pub(crate) fn erase_file(id: Uuid) -> Self {
        Self::file(ERASE_FILE, id)
    }
}

/// Runs a job about a file; running it twice has no second effect.
pub(super) async fn run(app: &App, job: &ClaimedJob) -> Result<(), JobError> {
    let FilePayload { file_id } = FilePayload::deserialize(&job.payload.0)?;
    match job.kind.as_str() {
        CHECK_FILE => presigned::check(app, file_id).await?,
        _ => sweep::erase(app, file_id).await?,
    }
    Ok(())
}
