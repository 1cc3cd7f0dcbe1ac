//! No more mail of a kind: by a link that every notification mail carries (RFC 8058), without signing in.
//!
//! In: a token that only this server can have made; it names a person and kinds of news. Out: their preferences. The token
//! has no end, because mails are kept; all it can do is to switch mail off.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::app::App;
use crate::model::notification::NotificationKind;
use crate::model::user::UserStatus;
use crate::services::mail;
use crate::store::db::StoreError;
use crate::store::preferences::{self, PreferenceChange};
use crate::store::users;

/// What the key of these links is derived for.
const LABEL: &[u8] = b"plenum unsubscribe links 1";
/// Longest token, in bytes: a person and every kind there is.
const TOKEN_BYTES: usize = 1_024;

fn key(app: &App) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&app.state_key, LABEL).as_ref())
}

/// The link that switches mail about `kinds` off for somebody; `None` when nobody said where people reach this server.
pub(super) fn link(app: &App, user_id: Uuid, kinds: &[NotificationKind]) -> Option<String> {
    mail::link(app, &format!("/api/v1/notifications/unsubscribe/{}", seal(&key(app), user_id, kinds)))
}

/// Which kinds a token is about; `None` for what is no token of ours.
pub(crate) fn kinds(app: &App, token: &str) -> Option<Vec<NotificationKind>> {
    open(&key(app), token).map(|(_, kinds)| kinds)
}

/// Switches mail off, also again; `None` for what is no token of ours.
///
/// # Errors
/// As any statement.
pub(crate) async fn act(app: &App, token: &str) -> Result<Option<Vec<NotificationKind>>, StoreError> {
    let Some((user_id, kinds)) = open(&key(app), token) else { return Ok(None) };
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    // Whoever is gone gets no mail any more.
    if users::find(&mut tx, user_id).await?.is_some_and(|user| user.status != UserStatus::Deleted) {
        for kind in &kinds {
            let off =
                PreferenceChange { kind: *kind, in_app: None, push: None, email: Some(false), reminder_lead_min: None };
            preferences::upsert(&mut tx, user_id, off, now).await?;
        }
        metrics::counter!("plenum_unsubscribed_total").increment(1);
    }
    tx.commit(now).await?;
    Ok(Some(kinds))
}

fn seal(key: &hmac::Key, user_id: Uuid, kinds: &[NotificationKind]) -> String {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let body = URL_SAFE_NO_PAD.encode(format!("{}:{}", user_id.simple(), kinds.join(",")));
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(key, body.as_bytes()));
    format!("{body}.{tag}")
}

fn open(key: &hmac::Key, token: &str) -> Option<(Uuid, Vec<NotificationKind>)> {
    if token.len() > TOKEN_BYTES {
        return None;
    }
    let (body, tag) = token.split_once('.')?;
    hmac::verify(key, body.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    let (user_id, named) = text.split_once(':')?;
    // A kind that is no more is mailed no more either.
    let known = NotificationKind::ALL.into_iter().filter(|kind| named.split(',').any(|name| name == kind.as_str()));
    Some((Uuid::try_parse(user_id).ok()?, known.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_was_sealed_and_nothing_else() {
        let (one, other) = (hmac::Key::new(hmac::HMAC_SHA256, b"one"), hmac::Key::new(hmac::HMAC_SHA256, b"other"));
        let id = Uuid::from_u128(7);
        let all = seal(&one, id, &NotificationKind::ALL);
        assert!(all.len() <= TOKEN_BYTES, "{}", all.len());
        assert_eq!(open(&one, &all), Some((id, NotificationKind::ALL.to_vec())));
        let token = seal(&one, id, &[NotificationKind::MessageMention]);
        assert_eq!(open(&one, &token), Some((id, vec![NotificationKind::MessageMention])));
        let (body, tag) = token.split_once('.').unwrap();
        let (another, _) = all.split_once('.').unwrap();
        for bad in [body, ".", "", &format!("{another}.{tag}"), &format!("{body}."), &"x".repeat(5_000)] {
            assert_eq!(open(&one, bad), None, "{bad}");
        }
        assert_eq!(open(&other, &token), None);
    }
}
