//! What a notification says outside the app: a title and a line or two, from its kind and its payload.

use serde_json::Value;

use crate::model::notification::NotificationKind;

/// Characters of a title.
const TITLE_CHARS: usize = 120;
/// Characters of the text below it.
const BODY_CHARS: usize = 300;

/// What is shown on a lock screen or in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wording {
    pub title: String,
    pub body: String,
    /// A path of the web app.
    pub link: Option<String>,
}

/// Words a notification. A payload without the texts it should have is worded without them.
pub(crate) fn wording(kind: NotificationKind, payload: &Value) -> Wording {
    let text = |field: &str| payload.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let title = text("title");
    let actor = text("actor_name").unwrap_or("Somebody");
    let about = |what: &str| title.map_or_else(|| what.to_owned(), |title| format!("{what}: {title}"));
    let inside = |what: &str| title.map_or_else(|| what.to_owned(), |title| format!("{what} in {title}"));
    let head = match kind {
        NotificationKind::MeetingInvited => about(&format!("{actor} invites you")),
        NotificationKind::MeetingUpdated => about("Meeting changed"),
        NotificationKind::MeetingCancelled => about("Meeting cancelled"),
        NotificationKind::MeetingInviteAnswered => about(&format!("{actor} answered your invitation")),
        NotificationKind::MeetingReminder => about("Starting soon"),
        NotificationKind::CallRinging => inside(&format!("{actor} is calling")),
        NotificationKind::CallMissed => inside(&format!("Missed call from {actor}")),
        NotificationKind::MessageMention => inside(&format!("{actor} mentioned you")),
        NotificationKind::MessageDirect => format!("Message from {actor}"),
        NotificationKind::OrganizationInvited => about(&format!("{actor} invites you to an organization")),
        NotificationKind::RoomLobbyWaiting => inside(&format!("{actor} is waiting")),
        NotificationKind::Announcement | NotificationKind::System => title.unwrap_or("News").to_owned(),
    };
    let link = text("link").filter(|link| link.starts_with('/') && !link.starts_with("//"));
    Wording {
        title: clip(&head, TITLE_CHARS),
        body: clip(text("text").unwrap_or_default(), BODY_CHARS),
        link: link.map(str::to_owned),
    }
}

fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_who_and_what() {
        let payload = json!({ "actor_name": "Ada", "title": "Planning", "text": " See you ", "link": "/rooms/x" });
        let told = wording(NotificationKind::MessageMention, &payload);
        assert_eq!(told.title, "Ada mentioned you in Planning");
        assert_eq!((told.body.as_str(), told.link.as_deref()), ("See you", Some("/rooms/x")));
        assert_eq!(wording(NotificationKind::System, &payload).title, "Planning");
    }

    #[test]
    fn does_with_little_and_with_much() {
        for kind in NotificationKind::ALL {
            assert!(!wording(kind, &json!({})).title.is_empty());
            assert!(!wording(kind, &json!({ "title": 7, "link": ["x"] })).title.is_empty());
            let long = wording(
                kind,
                &json!({ "title": "ß".repeat(900), "actor_name": "x".repeat(900), "text": "y".repeat(900) }),
            );
            assert!(long.title.chars().count() <= TITLE_CHARS + 1 && long.body.chars().count() == BODY_CHARS + 1);
        }
        assert_eq!(wording(NotificationKind::System, &json!({ "link": "//evil.example" })).link, None);
    }
}
