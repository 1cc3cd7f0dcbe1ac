//! Jobs: work that an act causes and nobody waits for.

use super::text_enum::text_enum;

text_enum! {
    /// How far a job is: `dead` jobs failed too often and wait for an admin.
    pub(crate) enum JobState { Ready = "ready", Running = "running", Done = "done", Dead = "dead" }
}
