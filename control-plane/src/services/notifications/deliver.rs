//! What leaves the house: for fresh rows, the jobs that push and mail them.

use std::time::Duration;

use uuid::Uuid;

use super::push::MAX_SUBSCRIPTIONS;
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::notification::MailTiming;
use crate::store::db::StoreError;
use crate::store::{notifications, push_subscriptions};

/// How long people get to read something in the app before it is mailed with whatever else they have not read.
const DIGEST_WAIT: Duration = Duration::from_secs(600);

/// Takes the rows that wait for delivery out of `ids` and enqueues what each of them wants, in one transaction, so that
/// running this again enqueues nothing.
///
/// # Errors
/// As any statement.
pub(crate) async fn deliver(app: &App, ids: &[Uuid]) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    for id in ids {
        let Some(row) = notifications::take_for_delivery(&mut tx, *id, now).await? else { continue };
        if row.email && app.mailer.is_some() {
            let job = match row.kind.mail_timing() {
                MailTiming::AtOnce => NewJob::notification_mail(row.user_id, row.id),
                MailTiming::Digest => NewJob::notification_digest(row.user_id, now.plus(DIGEST_WAIT)),
            };
            tx.enqueue(job, now).await?;
        }
        if row.push {
            let browsers = push_subscriptions::list_live(&mut tx, row.user_id, now, MAX_SUBSCRIPTIONS).await?;
            for browser in browsers {
                tx.enqueue(NewJob::push_send(browser, row.id, 0), now).await?;
            }
        }
    }
    tx.commit(now).await
}
