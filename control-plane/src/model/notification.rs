//! What people are told: the kinds of news, how each kind travels unless somebody chose otherwise, and one entry.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// What a notification is about.
    pub(crate) enum NotificationKind {
        MeetingInvited = "meeting.invited",
        MeetingUpdated = "meeting.updated",
        MeetingCancelled = "meeting.cancelled",
        MeetingInviteAnswered = "meeting.invite_answered",
        MeetingReminder = "meeting.reminder",
        CallRinging = "call.ringing",
        CallMissed = "call.missed",
        MessageMention = "message.mention",
        MessageDirect = "message.direct",
        OrganizationInvited = "organization.invited",
        RoomLobbyWaiting = "room.lobby_waiting",
        Announcement = "announcement",
        System = "system",
    }
}

/// The ways a notification travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channels {
    pub in_app: bool,
    pub push: bool,
    pub email: bool,
}

/// When a mail about something unread goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailTiming {
    /// Useless if it comes late.
    AtOnce,
    /// Together with whatever else is unread by then.
    Digest,
}

const MINUTE: u64 = 60;
/// A push nobody could take for a day is no news any more.
const DAY: u64 = 86_400;

impl NotificationKind {
    /// Every kind, in the order preferences are shown.
    pub(crate) const ALL: [Self; 13] = [
        Self::MeetingInvited,
        Self::MeetingUpdated,
        Self::MeetingCancelled,
        Self::MeetingInviteAnswered,
        Self::MeetingReminder,
        Self::CallRinging,
        Self::CallMissed,
        Self::MessageMention,
        Self::MessageDirect,
        Self::OrganizationInvited,
        Self::RoomLobbyWaiting,
        Self::Announcement,
        Self::System,
    ];

    /// How this kind travels unless the person chose otherwise. Invitations are mails in themselves, so the notification
    /// about one is not mailed; what matters for seconds is not mailed either.
    pub(crate) const fn default_channels(self) -> Channels {
        let email = matches!(
            self,
            Self::MeetingReminder
                | Self::CallMissed
                | Self::MessageMention
                | Self::MessageDirect
                | Self::Announcement
                | Self::System
        );
        Channels { in_app: true, push: true, email }
    }

    /// How long a push is worth delivering (the header `TTL` of RFC 8030).
    pub(crate) const fn push_lifetime(self) -> Duration {
        Duration::from_secs(match self {
            Self::CallRinging => 45,
            Self::RoomLobbyWaiting => 2 * MINUTE,
            Self::MeetingReminder => 10 * MINUTE,
            _ => DAY,
        })
    }

    /// Whether a device should be woken for it (the header `Urgency` of RFC 8030).
    pub(crate) const fn is_urgent(self) -> bool {
        matches!(self, Self::CallRinging | Self::RoomLobbyWaiting | Self::MeetingReminder)
    }

    /// When its mail goes out.
    pub(crate) const fn mail_timing(self) -> MailTiming {
        match self {
            Self::MeetingReminder | Self::CallRinging | Self::RoomLobbyWaiting => MailTiming::AtOnce,
            _ => MailTiming::Digest,
        }
    }
}

/// One entry of somebody's inbox.
#[derive(Clone, Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct Notification {
    pub id: Uuid,
    pub kind: NotificationKind,
    /// The ids the kind is about, and the texts `title`, `actor_name`, `text`, `link` where they make sense.
    #[schema(value_type = Object)]
    pub payload: Json<Value>,
    pub created_at: Micros,
    pub read_at: Option<Micros>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::NotificationKind;

    #[test]
    fn every_kind_is_listed_once() {
        let spelled: HashSet<_> = NotificationKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(spelled.len(), NotificationKind::ALL.len());
        // A new kind does not compile here until it is counted.
        let count = |kind| match kind {
            NotificationKind::MeetingInvited
            | NotificationKind::MeetingUpdated
            | NotificationKind::MeetingCancelled
            | NotificationKind::MeetingInviteAnswered
            | NotificationKind::MeetingReminder
            | NotificationKind::CallRinging
            | NotificationKind::CallMissed
            | NotificationKind::MessageMention
            | NotificationKind::MessageDirect
            | NotificationKind::OrganizationInvited
            | NotificationKind::RoomLobbyWaiting
            | NotificationKind::Announcement
            | NotificationKind::System => 13,
        };
        assert_eq!(NotificationKind::ALL.len(), count(NotificationKind::System));
    }
}
