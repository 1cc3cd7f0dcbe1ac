//! Follows the event log: everything behind the cursor is told, in order, once.
//!
//! In: the bus (what this process committed, what others said over Redis) and the log itself. Out: the hub. An event
//! that comes next in the log is told as it comes; after a gap, a lag, or simply a while, the log is read. Numbers of
//! rolled-back transactions leave gaps that look the same and cost one reading.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{EventBus, Heard, Told};
use crate::app::App;
use crate::events::hub::End;
use crate::store::db::StoreError;
use crate::store::events as store;

/// Events read from the log at once.
const PAGE: i64 = 500;

/// Runs until `stop`, then ends every listener.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut bus = EventBus::listen(&app.outbox.bus);
    let mut poll = tokio::time::interval(Duration::from_millis(app.realtime.poll_ms.max(10)));
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_away = false;
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => break,
            _ = poll.tick() => catch_up(&app).await,
            heard = bus.recv() => match heard {
                Ok(Heard { told: Told::Ephemeral(event), .. }) => {
                    app.hub.tell_ephemeral(&event);
                    Ok(())
                }
                Ok(Heard { told: Told::Written(event), .. }) if event.seq == app.hub.cursor() + 1 => {
                    app.hub.tell(&event);
                    Ok(())
                }
                Ok(Heard { told: Told::Written(event), .. }) if event.seq <= app.hub.cursor() => Ok(()),
                Ok(_) => catch_up(&app).await,
                Err(RecvError::Lagged(_)) => catch_up(&app).await,
                Err(RecvError::Closed) => break,
            },
        };
        match done {
            Err(ref error) if !is_away => tracing::warn!(%error, "the event log cannot be read"),
            Ok(()) if is_away => tracing::info!("the event log is read again"),
            _ => {}
        }
        is_away = done.is_err();
    }
    app.hub.end_all(End::Stopping);
}

/// Tells everything behind the cursor. Also for a listener that has seen more, elsewhere, than this process has: two
/// that read at once do no harm, what was told is not told again.
///
/// # Errors
/// As any statement.
pub(crate) async fn catch_up(app: &App) -> Result<(), StoreError> {
    loop {
        let events = store::list_after(&app.background, app.hub.cursor(), PAGE).await?;
        for event in &events {
            app.hub.tell(event);
        }
        if i64::try_from(events.len()).unwrap_or(PAGE) < PAGE {
            return Ok(());
        }
    }
}
