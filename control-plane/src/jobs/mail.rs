//! Jobs that send mail.

use serde::Deserialize;

use super::handlers::JobError;
use crate::app::App;
use crate::services::codes;
use crate::services::mail::{self, Mail};
use crate::store::jobs::ClaimedJob;

/// Renders and sends one mail; done twice, the second has the same `Message-ID`.
pub(super) async fn send(app: &App, job: &ClaimedJob) -> Result<(), JobError> {
    let mail = Mail::deserialize(&job.payload.0)?;
    Ok(mail::send(app, job.id, &mail, None).await?)
}

#[derive(Deserialize)]
struct CodePayload {
    code_id: uuid::Uuid,
}

/// Renders and sends a code while it lives.
pub(super) async fn send_code(app: &App, job: &ClaimedJob) -> Result<(), JobError> {
    let payload = CodePayload::deserialize(&job.payload.0)?;
    Ok(codes::deliver(app, job.id, payload.code_id).await?)
}
