//! Topics: what people can listen to.
//!
//! In: a name as a client writes it, or the noun an act is about. Out: the name in the event log. Whether somebody may
//! listen is decided elsewhere.

use uuid::Uuid;

use super::user::Actor;

/// Longest name of a topic that can make sense: a word, a colon, an id.
pub(crate) const MAX_TOPIC_BYTES: usize = 64;
/// What the log calls the topic that only replicas read: whose rights changed.
pub(crate) const RIGHTS: &str = "rights";

/// A topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Topic {
    /// Messages of a conversation, and who types.
    Conversation(Uuid),
    /// A room, its call and its lobby.
    Room(Uuid),
    /// What happens in an organization.
    Activity(Uuid),
    /// Who of an organization is there.
    Presence(Uuid),
    /// What concerns one person.
    Notifications(Uuid),
}

impl Topic {
    /// Reads a client's name of a topic; `notifications` are always one's own. `None` for what names no topic.
    pub(crate) fn parse(name: &str, actor: &Actor) -> Option<Self> {
        if name == "notifications" {
            return actor.user().map(|user| Self::Notifications(user.id));
        }
        let (kind, id) = name.split_once(':').filter(|_| name.len() <= MAX_TOPIC_BYTES)?;
        // One spelling per topic: what is subscribed and what is told must be the same text.
        let id = Uuid::try_parse(id).ok().filter(|parsed| parsed.hyphenated().to_string() == id)?;
        match kind {
            "conversation" => Some(Self::Conversation(id)),
            "room" => Some(Self::Room(id)),
            "activity" => Some(Self::Activity(id)),
            "presence" => Some(Self::Presence(id)),
            _ => None,
        }
    }

    /// Its name in the event log.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Conversation(id) => format!("conversation:{id}"),
            Self::Room(id) => format!("room:{id}"),
            Self::Activity(id) => format!("activity:{id}"),
            Self::Presence(id) => format!("presence:{id}"),
            Self::Notifications(id) => format!("notifications:{id}"),
        }
    }

    /// Its name in frames.
    pub(crate) fn public_name(self) -> String {
        public_name(&self.name()).to_owned()
    }
}

/// What clients call a topic of the log.
pub(crate) fn public_name(name: &str) -> &str {
    if name.starts_with("notifications:") { "notifications" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_survives_its_name() {
        let id = Uuid::now_v7();
        for topic in [Topic::Conversation(id), Topic::Room(id), Topic::Activity(id), Topic::Presence(id)] {
            assert_eq!(Topic::parse(&topic.name(), &Actor::Anonymous), Some(topic));
            assert_eq!(topic.public_name(), topic.name());
        }
        assert_eq!(Topic::Notifications(id).public_name(), "notifications");
    }

    #[test]
    fn other_texts_name_no_topic() {
        let id = Uuid::now_v7();
        for name in [
            "",
            ":",
            "rights",
            "room",
            "room:",
            "room:x",
            "notifications",
            &format!("notifications:{id}"),
            &format!("rights:{id}"),
            &format!("room:{}", id.simple()),
            &format!("room:{}", id.to_string().to_uppercase()),
            &format!("room:{id} "),
            &format!("room:{{{id}}}"),
        ] {
            assert_eq!(Topic::parse(name, &Actor::Anonymous), None, "{name}");
        }
    }
}
