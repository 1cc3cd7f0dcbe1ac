//! `GET /api/v1/calls/{call_id}/quality`: how good the connections in a call were, over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::call_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::clock::Micros;
use crate::model::quality::{QualityCounts, QualityStep};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::CallAction;
use crate::services::{call_access, quality};

/// Judgements of connections, counted: everybody in a call is judged every few seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct QualityView {
    /// All of them.
    samples: i64,
    #[serde(flatten)]
    counts: QualityCounts,
}

impl From<QualityCounts> for QualityView {
    fn from(counts: QualityCounts) -> Self {
        Self { samples: counts.samples(), counts }
    }
}

/// Five minutes of a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct QualityStepView {
    /// When they began.
    at: Micros,
    #[serde(flatten)]
    quality: QualityView,
}

impl From<QualityStep> for QualityStepView {
    fn from(step: QualityStep) -> Self {
        Self { at: step.at, quality: step.counts.into() }
    }
}

/// The quality of a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallQuality {
    /// The oldest first, a week at most; left out are those in which nobody was judged.
    items: Vec<QualityStepView>,
}

/// How good the connections in a call were, in steps of five minutes, for who may see the call.
#[utoipa::path(get, path = "/calls/{call_id}/quality", tag = "calls", operation_id = "get_call_quality",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CallQuality), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<CallQuality>, ApiError> {
    let call = call_access::find(&app, &caller, call_id(&id)?, CallAction::See).await?.call;
    let steps = quality::steps(&app, call.id).await?;
    Ok(Json(CallQuality { items: steps.into_iter().map(QualityStepView::from).collect() }))
}
