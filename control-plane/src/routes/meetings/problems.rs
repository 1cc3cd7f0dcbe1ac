//! How errors about meetings are answered.

use http::StatusCode;

use crate::error::ApiError;
use crate::services::authorize::Refusal;
use crate::services::meetings::MeetingError;

/// 404 about a meeting: not there, deleted, or not for this caller to know about.
pub(crate) fn meeting_not_found() -> ApiError {
    ApiError::not_found("meeting_not_found", "There is no such meeting.")
}

impl From<MeetingError> for ApiError {
    fn from(error: MeetingError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            MeetingError::NotFound => meeting_not_found(),
            MeetingError::OrganizationNotFound => {
                Self::not_found("organization_not_found", "There is no such organization.")
            }
            MeetingError::OccurrenceNotFound => {
                Self::not_found("occurrence_not_found", "The meeting does not happen at that time.")
            }
            MeetingError::InviteNotFound => {
                Self::not_found("invite_not_found", "There is no such invitation. It may have been taken back.")
            }
            MeetingError::CalendarNotFound => Self::not_found("calendar_not_found", "There is no such calendar."),
            MeetingError::Refused(Refusal::SignInRequired) => Self::sign_in_required(),
            MeetingError::Refused(Refusal::NotFound) => meeting_not_found(),
            MeetingError::Refused(_) => Self::forbidden(),
            MeetingError::Over => conflict("meeting_over", "The meeting is over or was cancelled."),
            MeetingError::OccurrenceOver => {
                conflict("occurrence_over", "That time of the meeting has begun, is over or was cancelled.")
            }
            MeetingError::NotOngoing => conflict("meeting_not_ongoing", "The meeting does not run right now."),
            MeetingError::Ongoing => conflict("meeting_ongoing", "The meeting runs right now. End it first."),
            MeetingError::NotDue => {
                conflict("meeting_not_due", "The next time of this series is more than a day away.")
            }
            MeetingError::TooMany => {
                conflict("too_many_meetings", "You organize as many meetings as allowed. Cancel one first.")
            }
            MeetingError::TooManyInvites => {
                conflict("too_many_invites", "A meeting takes 500 invitations. Take some back first.")
            }
            MeetingError::Field(field, message) => Self::field(field, &message),
            MeetingError::Calendar(_) => Self::internal(&error),
            MeetingError::Room(error) => error.into(),
            MeetingError::Store(error) => error.into(),
        }
    }
}
