//! `/api/v1/calls/{call_id}/breakouts`: a call split into rooms for a while.

pub(crate) mod assign;
pub(crate) mod close;
pub(crate) mod create;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod open;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::model::breakout::BreakoutState;
use crate::model::clock::Micros;
use crate::services::breakouts::{BreakoutError, Plan};

/// Everything below `/calls/{call_id}/breakouts`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(assign::assign))
        .routes(routes!(open::open))
        .routes(routes!(close::close))
        .routes(routes!(join::join))
}

/// The breakouts of a call: all of them for who leads it, one's own for everybody else.
#[derive(Serialize, ToSchema)]
pub(crate) struct BreakoutList {
    items: Vec<BreakoutView>,
}

/// A breakout.
#[derive(Serialize, ToSchema)]
pub(crate) struct BreakoutView {
    /// Also the id of its room.
    id: Uuid,
    name: String,
    state: BreakoutState,
    /// When it closes, while everybody is called back.
    closes_at: Option<Micros>,
    /// People in it now.
    present: i64,
    /// Users and guests who are sent there.
    assigned: Vec<Uuid>,
}

impl From<Plan> for BreakoutList {
    fn from(plan: Plan) -> Self {
        let assigned = |room_id: Uuid| {
            let entries = plan.assignments.iter().filter(move |entry| entry.room_id == room_id);
            entries.map(|entry| entry.subject_id).collect()
        };
        let view = |breakout: crate::model::breakout::Breakout| BreakoutView {
            id: breakout.room_id,
            name: breakout.name,
            state: breakout.state,
            closes_at: breakout.closes_at,
            present: breakout.present,
            assigned: assigned(breakout.room_id),
        };
        Self { items: plan.breakouts.into_iter().map(view).collect() }
    }
}

impl From<BreakoutError> for ApiError {
    fn from(error: BreakoutError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            BreakoutError::Host(error) => error.into(),
            BreakoutError::Join(error) => error.into(),
            BreakoutError::Nested => conflict("is_a_breakout", "A breakout cannot be split again."),
            BreakoutError::Exist => conflict("breakouts_exist", "The call has breakouts. Close them first."),
            BreakoutError::None => conflict("no_breakouts", "The call has no breakouts. Make some first."),
            BreakoutError::NotFound => Self::not_found("breakout_not_found", "The call has no such breakout."),
            BreakoutError::Closed => conflict("breakout_closed", "The breakout is not open. Stay in the main call."),
            BreakoutError::NotAssigned => {
                Self::new(StatusCode::FORBIDDEN, "not_assigned", "The hosts have not sent you to this breakout.")
            }
        }
    }
}
