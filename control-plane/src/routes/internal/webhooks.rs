//! `POST /internal/webhooks/livekit`: a media node reports what happened.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use signaling_proto::webhook;

use super::{authorization, refused};
use crate::app::App;
use crate::error::ApiError;
use crate::services::calls;

/// Takes a report; the node sends it again unless the answer is 2xx.
pub(crate) async fn livekit(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let now = signaling_proto::unix_now();
    let report = webhook::verify(authorization(&headers), &body, &app.internal_keys, now)
        .map_err(|error| refused(error.status(), &error))?;
    metrics::counter!("plenum_webhooks_total").increment(1);
    calls::take_webhook(&app, &report.event).await?;
    Ok(StatusCode::NO_CONTENT)
}
