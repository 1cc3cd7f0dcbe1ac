//! What leaves the house: for fresh rows, the jobs that push and mail them.

use uuid::Uuid;

use crate::app::App;
use crate::store::db::StoreError;
use crate::store::notifications as store;

/// Takes the rows that wait for delivery out of `ids` and enqueues what each of them wants, in one transaction, so that
/// running this again enqueues nothing.
///
/// # Errors
/// As any statement.
pub(crate) async fn deliver(app: &App, ids: &[Uuid]) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    for id in ids {
        store::take_for_delivery(&mut tx, *id, now).await?;
    }
    tx.commit(now).await
}
