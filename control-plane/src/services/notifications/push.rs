//! Browsers that take pushes: remembered, listed, forgotten, and sent to.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::wording::wording;
use crate::adapters::push::{MAX_MESSAGE, Outcome, Push, PushError, TargetError};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::NewJob;
use crate::model::notification::Notification;
use crate::store::db::StoreError;
use crate::store::push_subscriptions::{self as store, NewSubscription, Subscription};

/// Browsers of one person.
pub(crate) const MAX_SUBSCRIPTIONS: i64 = 20;
/// Times a push service may ask for patience about one message.
pub(crate) const MAX_WAITS: u32 = 5;

/// What a browser says about itself.
#[derive(Debug)]
pub(crate) struct Browser {
    pub endpoint: String,
    pub p256dh: Vec<u8>,
    pub auth: Vec<u8>,
}

/// Why a browser is not remembered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the endpoint belongs to another account")]
    Taken,
    #[error("the account has as many browsers as allowed")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a message has to be sent again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Remembers the caller's browser for as long as the session lives; whether it is new.
///
/// # Errors
/// See [`SubscribeError`].
pub(crate) async fn subscribe(
    app: &App,
    who: &SignedIn,
    browser: Browser,
) -> Result<(Subscription, bool), SubscribeError> {
    let target = app.push.target(&browser.endpoint, &browser.p256dh, &browser.auth)?;
    let now = app.clock.now();
    let id = Uuid::now_v7();
    let new = NewSubscription {
        user_id: who.user.id,
        session_id: who.session.id,
        endpoint: target.endpoint.as_str(),
        p256dh: &browser.p256dh,
        auth: &browser.auth,
        user_agent: &who.caller.facts.user_agent,
    };
    let mut tx = app.begin().await?;
    if store::count_others(&mut tx, who.user.id, new.endpoint).await? >= MAX_SUBSCRIPTIONS {
        return Err(SubscribeError::TooMany);
    }
    let row = store::upsert(&mut tx, id, new, now).await?.ok_or(SubscribeError::Taken)?;
    tx.commit(now).await?;
    let is_new = row.id == id;
    Ok((row, is_new))
}

/// Lists the browsers of a person.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(app: &App, user_id: Uuid) -> Result<Vec<Subscription>, StoreError> {
    store::list(&app.db, user_id, MAX_SUBSCRIPTIONS).await
}

/// Forgets one of a person's browsers; `false` when it was not there.
///
/// # Errors
/// As any statement.
pub(crate) async fn unsubscribe(app: &App, user_id: Uuid, id: Uuid) -> Result<bool, StoreError> {
    store::delete(&app.db, user_id, id).await
}

/// Sends one notification to one browser, unless it was read, has lost its worth, or the browser's session ended.
/// `waits` is how often the push service asked for patience already.
///
/// # Errors
/// See [`SendError`]: worth another try.
pub(crate) async fn send(app: &App, subscription_id: Uuid, notification_id: Uuid, waits: u32) -> Result<(), SendError> {
    let now = app.clock.now();
    let Some(waiting) = store::find_live(&app.db, subscription_id, notification_id, now).await? else {
        return Ok(());
    };
    let entry = &waiting.entry;
    let age = Duration::from_micros(u64::try_from(now.since(entry.created_at)).unwrap_or(0));
    let Some(ttl) = entry.kind.push_lifetime().checked_sub(age).filter(|left| !left.is_zero()) else {
        count("late");
        return Ok(());
    };
    let outcome = match app.push.target(&waiting.endpoint, &waiting.p256dh, &waiting.auth) {
        Ok(target) => {
            let message = message(entry);
            let push = Push { message: &message, ttl, urgent: entry.kind.is_urgent() };
            app.push.send(&target, push, now).await?
        }
        // The setting that permitted its host was changed.
        Err(_) => Outcome::Gone,
    };
    match outcome {
        Outcome::Taken => {
            count("taken");
            store::touch(&app.db, subscription_id, now).await?;
        }
        Outcome::Gone => {
            count("gone");
            store::delete_gone(&app.db, subscription_id, &waiting.endpoint).await?;
        }
        Outcome::Later(_) if waits >= MAX_WAITS => count("given_up"),
        Outcome::Later(delay) => {
            count("later");
            let mut tx = app.begin().await?;
            let mut job = NewJob::push_send(subscription_id, notification_id, waits + 1);
            job.run_at = Some(now.plus(delay));
            tx.enqueue(job, now).await?;
            tx.commit(now).await?;
        }
        Outcome::Refused(status) => {
            count("refused");
            tracing::warn!(%status, "a push service refuses a message");
        }
    }
    Ok(())
}

fn count(outcome: &'static str) {
    metrics::counter!("plenum_pushes_total", "outcome" => outcome).increment(1);
}

/// What the service worker of the web app gets.
fn message(entry: &Notification) -> Vec<u8> {
    let words = wording(entry.kind, &entry.payload.0);
    let mut message = json!({
        "id": entry.id,
        "kind": entry.kind,
        "title": words.title,
        "body": words.body,
        "link": words.link,
        "created_at": entry.created_at,
    });
    if message.to_string().len() > MAX_MESSAGE {
        message["body"] = "".into();
        message["link"] = serde_json::Value::Null;
    }
    message.to_string().into_bytes()
}
