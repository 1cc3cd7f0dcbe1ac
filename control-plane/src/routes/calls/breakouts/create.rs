//! `POST /api/v1/calls/{call_id}/breakouts`: a call is to be split.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::BreakoutList;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::http::validate;
use crate::model::text_enum::text_enum;
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::breakouts::{self, MAX_BREAKOUTS};

text_enum! {
    /// How people are sent to breakouts at first: `evenly`, everybody but hosts and cohosts; `manually`, nobody yet.
    pub(crate) enum Assignment { Evenly = "evenly", Manually = "manually" }
}

/// Which breakouts to make.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateBreakoutsRequest {
    /// How many; they are called by their numbers.
    #[garde(inner(range(min = 1, max = MAX_BREAKOUTS)))]
    #[schema(minimum = 1, maximum = 50)]
    count: Option<usize>,
    /// Or what they are called.
    #[garde(inner(length(min = 1, max = MAX_BREAKOUTS), inner(custom(validate::name))))]
    #[schema(min_items = 1, max_items = 50)]
    names: Option<Vec<String>>,
    /// `manually` unless given.
    assign: Option<Assignment>,
}

/// Make breakouts; hosts and cohosts may. Nobody goes anywhere until they are opened.
#[utoipa::path(post, path = "/calls/{call_id}/breakouts", tag = "calls", operation_id = "create_breakouts",
    params(("call_id" = uuid::Uuid, Path)), request_body = CreateBreakoutsRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = BreakoutList), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    Body(request): Body<CreateBreakoutsRequest>,
) -> Result<(StatusCode, Json<BreakoutList>), ApiError> {
    let names: Vec<String> = match (request.count, request.names) {
        (Some(count), None) => (1..=count).map(|n| n.to_string()).collect(),
        (None, Some(names)) => names.iter().map(|name| name.trim().to_owned()).collect(),
        _ => return Err(ApiError::field("count", "give either count or names")),
    };
    let evenly = request.assign == Some(Assignment::Evenly);
    let plan = breakouts::create(&app, &caller, call_id(&id)?, &names, evenly).await?;
    Ok((StatusCode::CREATED, Json(plan.into())))
}
