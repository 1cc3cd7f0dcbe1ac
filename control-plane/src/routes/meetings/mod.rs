//! `/api/v1/meetings`: meetings, their occurrences and invitations.

pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod cursor;
pub(crate) mod delete;
pub(crate) mod end;
pub(crate) mod get;
pub(crate) mod ics;
pub(crate) mod invites;
pub(crate) mod list;
pub(crate) mod names;
pub(crate) mod occurrences;
pub(crate) mod problems;
pub(crate) mod rules;
pub(crate) mod start;
pub(crate) mod update;

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::meeting::{InviteRole, InviteStatus, ListedMeeting, Meeting, MeetingStatus, Occurrence};

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(get::get, update::update, update::replace, delete::delete))
        .routes(routes!(ics::get))
        .routes(routes!(start::start))
        .routes(routes!(end::end))
        .routes(routes!(cancel::cancel))
        .routes(routes!(occurrences::list::list))
        .routes(routes!(occurrences::update::update))
        .routes(routes!(invites::create::create, invites::list::list))
        .routes(routes!(invites::delete::delete))
}

/// Who organizes a meeting.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizerView {
    id: Uuid,
    display_name: String,
}

/// What the caller is in a meeting.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MeetingRole {
    Organizer,
    CoOrganizer,
    Participant,
}

/// One time a meeting happens.
#[derive(Serialize, ToSchema)]
pub(crate) struct OccurrenceView {
    id: Uuid,
    meeting_id: Uuid,
    /// Where the rule put it, which is its name in paths.
    original_start_at: Micros,
    starts_at: Micros,
    ends_at: Micros,
    status: MeetingStatus,
    title: String,
    description: String,
    /// It differs from the series.
    edited: bool,
    /// Its latest call.
    call_id: Option<Uuid>,
}

impl OccurrenceView {
    pub(crate) fn of(occurrence: Occurrence, meeting: &Meeting) -> Self {
        let edits = occurrence.edits.0;
        let edited = !edits.is_empty();
        Self {
            id: occurrence.id,
            meeting_id: occurrence.meeting_id,
            original_start_at: occurrence.original_start_at,
            starts_at: occurrence.starts_at,
            ends_at: occurrence.ends_at,
            status: occurrence.status,
            title: edits.title.unwrap_or_else(|| meeting.title.clone()),
            description: edits.description.unwrap_or_else(|| meeting.description.clone()),
            edited,
            call_id: occurrence.call_id,
        }
    }
}

/// A meeting.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeetingView {
    id: Uuid,
    title: String,
    description: String,
    /// A BCP 47 language tag.
    language: String,
    room_id: Uuid,
    room_code: String,
    /// The conversation of its room.
    conversation_id: Uuid,
    org_id: Option<Uuid>,
    organizer: OrganizerView,
    /// What the clock on the wall shows at its start, or at that of the first instance.
    local_start: String,
    /// An IANA time zone.
    timezone: String,
    duration_min: i64,
    /// RFC 5545, without `RRULE:`.
    rrule: Option<String>,
    starts_at: Micros,
    /// End of the last instance; null for a series without end.
    ends_at: Option<Micros>,
    status: MeetingStatus,
    ical_uid: String,
    /// Raised by every change that calendars show.
    ical_seq: i64,
    /// The series this one was split from.
    split_from: Option<Uuid>,
    /// null for who was in a call of it without an invitation.
    my_role: Option<MeetingRole>,
    my_invite_id: Option<Uuid>,
    my_answer: Option<InviteStatus>,
    invite_count: i64,
    created_at: Micros,
    updated_at: Micros,
}

impl MeetingView {
    pub(crate) fn of(meeting: &Meeting, user_id: Option<Uuid>) -> Self {
        let role = match meeting.invite_role {
            _ if user_id == Some(meeting.organizer_id) => Some(MeetingRole::Organizer),
            Some(InviteRole::CoOrganizer) => Some(MeetingRole::CoOrganizer),
            Some(InviteRole::Participant) => Some(MeetingRole::Participant),
            None => None,
        };
        let meeting = meeting.clone();
        Self {
            id: meeting.id,
            title: meeting.title,
            description: meeting.description,
            language: meeting.language,
            room_id: meeting.room_id,
            room_code: meeting.room_code,
            conversation_id: meeting.conversation_id,
            org_id: meeting.org_id,
            organizer: OrganizerView { id: meeting.organizer_id, display_name: meeting.organizer_name },
            local_start: meeting.local_start,
            timezone: meeting.timezone,
            duration_min: meeting.duration_min,
            rrule: meeting.rrule,
            starts_at: meeting.starts_at,
            ends_at: meeting.ends_at,
            status: meeting.status,
            ical_uid: meeting.ical_uid,
            ical_seq: meeting.ical_seq,
            split_from: meeting.split_from,
            my_role: role,
            my_invite_id: meeting.invite_id,
            my_answer: meeting.invite_status,
            invite_count: meeting.invite_count,
            created_at: meeting.created_at,
            updated_at: meeting.updated_at,
        }
    }
}

/// A meeting in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedMeetingView {
    #[serde(flatten)]
    meeting: MeetingView,
    /// The occurrence the list is about: the next one, the last one, or in the history each.
    occurrence: Option<OccurrenceView>,
    /// When its first call began.
    started_at: Option<Micros>,
    /// When its last call ended; null while one runs.
    ended_at: Option<Micros>,
    /// Seconds of its calls together.
    duration_s: i64,
    /// Most people at once.
    peak_participants: i64,
}

impl ListedMeetingView {
    fn of(row: ListedMeeting, user_id: Uuid) -> Self {
        let meeting = MeetingView::of(&row.meeting, Some(user_id));
        let running = row.occurrence_status == Some(MeetingStatus::Ongoing);
        Self {
            started_at: row.call_started_at,
            ended_at: row.call_ended_at.filter(|_| !running),
            duration_s: row.call_us / 1_000_000,
            peak_participants: row.call_peak,
            occurrence: occurrence_of(row),
            meeting,
        }
    }
}

fn occurrence_of(row: ListedMeeting) -> Option<OccurrenceView> {
    let occurrence = Occurrence {
        id: row.occurrence_id?,
        meeting_id: row.meeting.id,
        original_start_at: row.occurrence_original_start_at?,
        starts_at: row.occurrence_starts_at?,
        ends_at: row.occurrence_ends_at?,
        status: row.occurrence_status?,
        edits: row.occurrence_edits?,
        call_id: row.occurrence_call_id,
    };
    Some(OccurrenceView::of(occurrence, &row.meeting))
}

/// Reads the id in a path.
///
/// # Errors
/// 404: what is no id names no meeting.
pub(crate) fn meeting_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| problems::meeting_not_found())
}
