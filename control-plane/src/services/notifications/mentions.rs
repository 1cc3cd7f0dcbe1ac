//! Who a message concerns beyond those who look at the conversation: the other person of a direct one, and who is
//! mentioned.
//!
//! In: a message that was just inserted. Out: notifications in the same transaction. A mention is `@username` or
//! `<@user id>`; it reaches members of the conversation's room or channel only, so that nobody can be called from outside.

use serde_json::json;
use uuid::Uuid;

use super::notify;
use crate::model::clock::Micros;
use crate::model::conversation::{Conversation, ConversationKind, Message, SenderKind};
use crate::model::notification::NotificationKind;
use crate::store::db::StoreError;
use crate::store::notifications as store;
use crate::store::tx::Tx;

/// Mentions in one message; more are text.
const MAX_MENTIONS: usize = 20;
/// Letters of a user name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 3..=32;

/// What somebody wrote to call others.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mentions {
    /// User names, folded.
    names: Vec<String>,
    ids: Vec<Uuid>,
}

/// Tells those a new message concerns.
///
/// # Errors
/// As any statement.
pub(crate) async fn tell(
    tx: &mut Tx,
    conversation: &Conversation,
    message: &Message,
    now: Micros,
) -> Result<(), StoreError> {
    let (kind, mut people) = match (conversation.kind, conversation.peer_id) {
        (ConversationKind::Direct, Some(peer)) => (NotificationKind::MessageDirect, vec![peer]),
        (ConversationKind::Direct, None) => return Ok(()),
        _ => {
            let found = mentions(&message.body);
            if found == Mentions::default() {
                return Ok(());
            }
            let people = store::list_mentioned(tx, conversation.owner_id, &found.names, &found.ids).await?;
            (NotificationKind::MessageMention, people)
        }
    };
    if message.sender_kind == SenderKind::User {
        people.retain(|id| *id != message.sender_id);
    }
    let title = conversation.title.as_deref().filter(|_| kind == NotificationKind::MessageMention);
    let payload = json!({
        "conversation_id": message.conversation_id,
        "message_id": message.id,
        "seq": message.seq,
        "actor_id": (message.sender_kind == SenderKind::User).then_some(message.sender_id),
        "actor_name": message.sender_name,
        "title": title,
        "text": message.body,
    });
    notify(tx, &people, kind, payload, &format!("message:{}", message.id), now).await.map(drop)
}

/// Finds the mentions of a text. `a@b` is an address, and a name ends before the dot of a sentence.
fn mentions(body: &str) -> Mentions {
    let mut found = Mentions::default();
    let mut before = ' ';
    for (at, c) in body.char_indices() {
        let rest = body.get(at + c.len_utf8()..).unwrap_or_default();
        if c == '@' && before == '<' {
            let id = rest.split_once('>').and_then(|(id, _)| Uuid::try_parse(id).ok());
            found.ids.extend(id.filter(|id| !found.ids.contains(id)));
        } else if c == '@' && !before.is_alphanumeric() {
            let name = name(rest);
            found.names.extend(name.filter(|name| !found.names.contains(name)));
        }
        if found.names.len() + found.ids.len() >= MAX_MENTIONS {
            break;
        }
        before = c;
    }
    found
}

/// The user name a text begins with.
fn name(text: &str) -> Option<String> {
    let is_inner = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = text.chars().take_while(is_inner).take(NAME_CHARS.end() + 1).collect();
    let name = name.trim_end_matches(['.', '-']).to_ascii_lowercase();
    let fits = NAME_CHARS.contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase());
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> Vec<String> {
        mentions(body).names
    }

    #[test]
    fn names_are_found_where_they_are_meant() {
        assert_eq!(names("@ada, see @Bob.Smith. (@eve-1)"), ["ada", "bob.smith", "eve-1"]);
        assert_eq!(names("@ada @ADA"), ["ada"]);
        for none in [
            "mail ada@example.org",
            "@",
            "@ab",
            "@1ada",
            "@@",
            "\u{e9}@ada",
            "@ada\u{e9}".get(..1).unwrap(),
            &format!("@{}", "x".repeat(33)),
        ] {
            assert_eq!(names(none), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn ids_are_found_in_brackets() {
        let id = Uuid::now_v7();
        let found = mentions(&format!("<@{id}> and <@{id}> and <@nonsense> <@"));
        assert_eq!((found.ids, found.names), (vec![id], Vec::new()));
    }

    #[test]
    fn there_are_only_so_many() {
        let many: String = (0..500).map(|n| format!("@name{n} ")).collect();
        assert_eq!(names(&many).len(), MAX_MENTIONS);
    }
}
