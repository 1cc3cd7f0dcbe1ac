//! `/api/v1/organizations/{org_id}/analytics`: figures of an organization.

pub(crate) mod active_users;
pub(crate) mod call_minutes;
pub(crate) mod messages_per_day;
pub(crate) mod quality;

use garde::Validate;
use serde::Deserialize;

/// Days a figure covers unless said otherwise.
pub(crate) const DEFAULT_DAYS: u32 = 14;
/// Days a figure covers at most: the rows of that time are counted.
const MAX_DAYS: u32 = 90;

/// How many days, today included.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// 1 to 90, 14 unless given.
    #[garde(inner(range(min = 1, max = MAX_DAYS)))]
    #[param(minimum = 1, maximum = 90)]
    pub(crate) days: Option<u32>,
}
