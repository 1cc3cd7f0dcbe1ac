//! How good connections were, as counts of judgements.

use serde::Serialize;
use utoipa::ToSchema;

use super::clock::Micros;

/// Judgements of the connections of people in calls: each of them is judged every few seconds and counts once each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub(crate) struct QualityCounts {
    /// Nothing to complain about.
    pub excellent: i64,
    /// Losses or delays that are hardly noticed.
    pub good: i64,
    /// Losses or delays that hurt.
    pub poor: i64,
    /// The client could not be reached.
    pub lost: i64,
}

impl QualityCounts {
    /// All of them.
    pub(crate) fn samples(self) -> i64 {
        self.excellent.saturating_add(self.good).saturating_add(self.poor).saturating_add(self.lost)
    }
}

/// What was found in a step of time.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct QualityStep {
    pub at: Micros,
    #[sqlx(flatten)]
    pub counts: QualityCounts,
}

/// What was found on a day, counted from 1970-01-01, UTC.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct QualityDay {
    pub day: i64,
    #[sqlx(flatten)]
    pub counts: QualityCounts,
}
