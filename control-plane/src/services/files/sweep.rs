//! What is left over: unfinished uploads, pictures nobody shows, files of conversations that are gone.

use std::time::Duration;

use uuid::Uuid;

use super::FileError;
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::file::File;
use crate::store::db::StoreError;
use crate::store::files as store;

/// After this an upload that did not end is given up.
pub(crate) const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// Files swept in one round; the rest waits for the next.
const BATCH: i64 = 1_000;

/// Marks what is left over, and has everything marked erased by jobs.
///
/// # Errors
/// As any statement.
pub(crate) async fn round(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let abandoned = store::delete_abandoned(&mut tx, super::abandoned(now), BATCH, now).await?;
    for id in store::list_to_erase(&mut tx, BATCH).await? {
        tx.enqueue(NewJob::erase_file(id), now).await?;
    }
    tx.commit(now).await?;
    if abandoned > 0 {
        tracing::info!(abandoned, "files were swept");
    }
    Ok(())
}

/// Deletes the bytes of a deleted file, then its row; doing it twice has no second effect.
///
/// # Errors
/// What may pass when it is tried again.
pub(crate) async fn erase(app: &App, id: Uuid) -> Result<(), FileError> {
    if store::find(&app.db, id).await?.is_some() {
        // Not deleted after all.
        return Ok(());
    }
    app.storage.delete_all(&File::folder(id)).await?;
    Ok(store::erase(&app.db, id).await?)
}
