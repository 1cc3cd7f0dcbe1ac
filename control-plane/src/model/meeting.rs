//! Meetings: something that happens in a room at a time, once or again and again, and who is invited.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::organization::OrgRole;
use super::text_enum::text_enum;

/// Characters of a title.
pub(crate) const TITLE_CHARS: usize = 200;
/// Characters of a description.
pub(crate) const DESCRIPTION_CHARS: usize = 8_000;
/// Minutes a meeting may last.
pub(crate) const DURATION_MIN: std::ops::RangeInclusive<i64> = 1..=1_440;
/// Invitations of one meeting.
pub(crate) const MAX_INVITES: i64 = 500;

text_enum! {
    /// Where a meeting, or one occurrence of it, stands.
    pub(crate) enum MeetingStatus {
        Scheduled = "scheduled", Ongoing = "ongoing", Completed = "completed", Cancelled = "cancelled"
    }
}

text_enum! {
    /// What an invitation makes of somebody: `co_organizer` may do everything but delete the meeting and give roles.
    pub(crate) enum InviteRole { Participant = "participant", CoOrganizer = "co_organizer" }
}

text_enum! {
    /// What somebody answered to an invitation.
    pub(crate) enum InviteStatus {
        Pending = "pending", Accepted = "accepted", Declined = "declined", Tentative = "tentative"
    }
}

/// A meeting as stored, with what the asking person has to do with it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Meeting {
    pub id: Uuid,
    pub room_id: Uuid,
    /// The room was made for this meeting and goes with it.
    pub own_room: bool,
    pub org_id: Option<Uuid>,
    pub organizer_id: Uuid,
    pub title: String,
    pub description: String,
    pub language: String,
    /// Wall clock of the first instance, `2026-03-01T09:30:00`.
    pub local_start: String,
    pub timezone: String,
    pub duration_min: i64,
    /// As text, `UNTIL` in UTC.
    pub rrule: Option<String>,
    pub starts_at: Micros,
    /// End of the last instance; `None` = endless.
    pub ends_at: Option<Micros>,
    pub expanded_until: Option<Micros>,
    pub status: MeetingStatus,
    pub ical_uid: String,
    pub ical_seq: i64,
    pub split_from: Option<Uuid>,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub organizer_name: String,
    pub organizer_email: String,
    pub room_code: String,
    pub conversation_id: Uuid,
    /// The organization its room belongs to.
    pub room_org_id: Option<Uuid>,
    pub invite_count: i64,
    /// The asking person's invitation, if they have one.
    pub invite_id: Option<Uuid>,
    pub invite_role: Option<InviteRole>,
    pub invite_status: Option<InviteStatus>,
    /// The asking person was in a call of it.
    pub attended: bool,
    /// The asking person's role in the organization it belongs to.
    pub org_role: Option<OrgRole>,
}

/// A meeting in a list, with the occurrence the list is about and what really took place in it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ListedMeeting {
    #[sqlx(flatten)]
    pub meeting: Meeting,
    pub occurrence_id: Option<Uuid>,
    pub occurrence_original_start_at: Option<Micros>,
    pub occurrence_starts_at: Option<Micros>,
    pub occurrence_ends_at: Option<Micros>,
    pub occurrence_status: Option<MeetingStatus>,
    pub occurrence_edits: Option<Json<Edits>>,
    pub occurrence_call_id: Option<Uuid>,
    pub call_started_at: Option<Micros>,
    pub call_ended_at: Option<Micros>,
    /// Microseconds of its calls together, until now while one runs.
    pub call_us: i64,
    pub call_peak: i64,
}

impl Meeting {
    /// Whether nothing more will happen in it.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.status, MeetingStatus::Completed | MeetingStatus::Cancelled)
    }

    /// The organization whose audit log says what is done to it: its own, else that of its room.
    pub(crate) fn audited_in(&self) -> Option<Uuid> {
        self.org_id.or(self.room_org_id)
    }
}

/// What was edited of one occurrence alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Edits {
    /// Another wall clock, in the zone of the meeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Edits {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One time a meeting happens.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Occurrence {
    pub id: Uuid,
    pub meeting_id: Uuid,
    /// Where the rule put it; its name, whatever was edited since.
    pub original_start_at: Micros,
    pub starts_at: Micros,
    pub ends_at: Micros,
    pub status: MeetingStatus,
    pub edits: Json<Edits>,
    pub call_id: Option<Uuid>,
}

/// An invitation as stored, with the name of who has it, if they have an account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Invite {
    pub id: Uuid,
    pub meeting_id: Uuid,
    pub user_id: Option<Uuid>,
    pub email: String,
    /// Whoever organizes may see the address.
    pub shows_email: bool,
    /// Others may see whose address it is before they answer.
    pub shows_account: bool,
    pub role: InviteRole,
    pub status: InviteStatus,
    pub sent_at: Option<Micros>,
    pub answered_at: Option<Micros>,
    pub created_at: Micros,
    pub display_name: Option<String>,
}

impl Invite {
    /// As others see it: whether an address has an account, and whose it is, is told by who has it, with their answer.
    pub(crate) fn for_others(self) -> Self {
        if self.shows_account || self.status != InviteStatus::Pending {
            return self;
        }
        Self { user_id: None, display_name: None, ..self }
    }
}
