//! Who is there: online, idle or offline, by the sockets people hold.
//!
//! In: sockets that come, say a status, and go. Out: `presence.changed` to the organizations of a person, and the
//! statuses of people. This process knows its own sockets; with Redis, replicas put what they know together there. A
//! socket that is gone counts for some seconds more, so that reloading a page is no absence; a replica that dies is
//! forgotten when its entries expire.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::model::text_enum::text_enum;
use crate::store::db::StoreError;
use crate::store::presence::{self as store, Seen};

mod shared;

pub(crate) use shared::Shared;

/// How often absences are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// How often "last seen" is written for people who are there.
const LAST_SEEN_EVERY: Duration = Duration::from_secs(60);
/// People whose "last seen" is written in one transaction.
const LAST_SEEN_BATCH: usize = 200;
/// Organizations of one person that are told.
const MAX_ORGANIZATIONS: i64 = 200;

text_enum! {
    /// Whether somebody is there.
    pub(crate) enum Status { Online = "online", Idle = "idle", Offline = "offline" }
}

/// The people of this process.
#[derive(Clone, Default)]
pub(crate) struct Presence {
    people: Arc<Mutex<HashMap<Uuid, Person>>>,
    changed: Arc<Notify>,
}

struct Person {
    sockets: HashMap<u64, Status>,
    /// The status of the last socket, and when it went.
    gone: Option<(Status, Instant)>,
    /// What others were told last.
    told: Status,
    /// What this process owes the others: something changed, or its word expires soon.
    due: Instant,
}

impl Person {
    fn status(&self, linger: Duration) -> Status {
        let sockets = || self.sockets.values();
        match self.gone {
            _ if sockets().any(|status| *status == Status::Online) => Status::Online,
            _ if !self.sockets.is_empty() => Status::Idle,
            Some((status, at)) if at.elapsed() < linger => status,
            _ => Status::Offline,
        }
    }
}

/// A socket's part in its person's presence; dropping it ends it.
pub(crate) struct Here {
    presence: Presence,
    user: Uuid,
    socket: u64,
}

impl Here {
    /// Says how attentive the person is at this socket.
    pub(crate) fn set(&self, status: Status) {
        self.presence.change(self.user, |person| {
            person.sockets.insert(self.socket, status);
        });
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.presence.change(self.user, |person| {
            let last = person.sockets.remove(&self.socket);
            if let (Some(status), true) = (last, person.sockets.is_empty()) {
                person.gone = Some((status, Instant::now()));
            }
        });
    }
}

impl Presence {
    fn people(&self) -> MutexGuard<'_, HashMap<Uuid, Person>> {
        // Nothing in here panics half-way through a change.
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, user: Uuid, change: impl FnOnce(&mut Person)) {
        if let Some(person) = self.people().get_mut(&user) {
            change(person);
            person.due = Instant::now();
        }
        self.changed.notify_one();
    }

    /// Notes that somebody opened a socket.
    pub(crate) fn arrive(&self, user: Uuid, socket: u64) -> Here {
        let mut people = self.people();
        let now = Instant::now();
        let nobody = || Person { sockets: HashMap::new(), gone: None, told: Status::Offline, due: now };
        let person = people.entry(user).or_insert_with(nobody);
        person.sockets.insert(socket, Status::Online);
        person.due = now;
        drop(people);
        self.changed.notify_one();
        Here { presence: self.clone(), user, socket }
    }

    /// What this process alone knows of somebody.
    fn known_here(&self, user: Uuid, linger: Duration) -> Status {
        self.people().get(&user).map_or(Status::Offline, |person| person.status(linger))
    }

    /// People to speak of now: changed, lingering, or about to expire.
    fn due(&self, linger: Duration, ttl: Duration) -> Vec<(Uuid, Status, Status)> {
        let mut people = self.people();
        let now = Instant::now();
        let mut due = Vec::new();
        for (user, person) in people.iter_mut() {
            let status = person.status(linger);
            if status != person.told || person.due <= now {
                due.push((*user, person.told, status));
                person.told = status;
                // A third of its life: two renewals may fail before others take it for dead.
                person.due = now + ttl / 3;
            }
        }
        people.retain(|_, person| person.told != Status::Offline || !person.sockets.is_empty());
        due
    }

    fn everybody(&self) -> HashSet<Uuid> {
        self.people().iter().filter(|(_, person)| !person.sockets.is_empty()).map(|(user, _)| *user).collect()
    }
}

/// People of an organization after `after`, and whether they are there; `None` when the asking person may not know.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(
    app: &App,
    asking: Uuid,
    organization: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Option<Vec<(Seen, Status)>>, StoreError> {
    if !store::is_member(&app.db, organization, asking).await? {
        return Ok(None);
    }
    let people = store::list_people(&app.db, organization, after, limit).await?;
    let ids: Vec<Uuid> = people.iter().map(|seen| seen.id).collect();
    let statuses = statuses(app, &ids).await;
    Ok(Some(people.into_iter().zip(statuses).collect()))
}

/// The statuses of people, in their order.
async fn statuses(app: &App, users: &[Uuid]) -> Vec<Status> {
    if let Some(shared) = &app.shared_presence
        && let Some(statuses) = shared.statuses(users, app.clock.now()).await
    {
        return statuses;
    }
    let linger = linger(app);
    users.iter().map(|user| app.presence.known_here(*user, linger)).collect()
}

fn linger(app: &App) -> Duration {
    Duration::from_millis(app.realtime.presence_linger_ms)
}

/// Tells what changes, renews what expires, and writes "last seen", until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut sweep = tokio::time::interval(SWEEP.min(linger(&app).max(Duration::from_millis(20))));
    let mut last_seen = tokio::time::interval(LAST_SEEN_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = app.presence.changed.notified() => round(&app).await,
            _ = sweep.tick() => {
                round(&app).await;
                expire(&app).await;
            }
            _ = last_seen.tick() => note_last_seen(&app, app.presence.everybody()).await,
        }
    }
    note_last_seen(&app, app.presence.everybody()).await;
}

async fn round(app: &App) {
    let ttl = Duration::from_secs(app.realtime.presence_ttl_s);
    let mut left = HashSet::new();
    for (user, before, now) in app.presence.due(linger(app), ttl) {
        let shared = match &app.shared_presence {
            Some(shared) => shared.apply(app.replica_id, user, now, ttl, app.clock.now()).await,
            None => None,
        };
        // Without Redis this process is all there is to go by.
        let (before, now) = shared.unwrap_or((before, now));
        if before != now {
            tell(app, user, now).await;
        }
        if now == Status::Offline {
            left.insert(user);
        }
    }
    note_last_seen(app, left).await;
}

/// Tells of people whose replica died.
async fn expire(app: &App) {
    let Some(shared) = &app.shared_presence else { return };
    for user in shared.expired(app.clock.now()).await {
        tell(app, user, Status::Offline).await;
    }
}

async fn tell(app: &App, user: Uuid, status: Status) {
    let payload = json!({ "user_id": user, "status": status });
    match store::list_organizations(&app.background, user, MAX_ORGANIZATIONS).await {
        Ok(organizations) => {
            for id in organizations {
                app.outbox.bus.publish_ephemeral(format!("presence:{id}"), "presence.changed", &payload);
            }
        }
        Err(error) => tracing::debug!(%error, "nobody was told of a presence"),
    }
}

/// Notes that people were seen now, at most once a minute each.
async fn note_last_seen(app: &App, people: HashSet<Uuid>) {
    let people: Vec<Uuid> = people.into_iter().collect();
    for batch in people.chunks(LAST_SEEN_BATCH) {
        if let Err(error) = note_batch(app, batch).await {
            tracing::debug!(%error, "nobody's last seen was noted");
            return;
        }
    }
}

async fn note_batch(app: &App, batch: &[Uuid]) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    for user in batch {
        store::note_last_seen(&mut tx, *user, now, now.minus(LAST_SEEN_EVERY)).await?;
    }
    tx.commit(now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(30);
    const TTL: Duration = Duration::from_secs(75);

    #[test]
    fn the_most_attentive_socket_counts() {
        let presence = Presence::default();
        let user = Uuid::now_v7();
        let desk = presence.arrive(user, 1);
        assert_eq!(presence.due(LINGER, TTL), [(user, Status::Offline, Status::Online)]);
        assert!(presence.due(LINGER, TTL).is_empty());
        desk.set(Status::Idle);
        let phone = presence.arrive(user, 2);
        assert_eq!(presence.known_here(user, LINGER), Status::Online);
        phone.set(Status::Idle);
        assert_eq!(presence.known_here(user, LINGER), Status::Idle);
        drop(phone);
        assert_eq!(presence.known_here(user, LINGER), Status::Idle);
    }

    #[test]
    fn a_reload_is_no_absence() {
        let presence = Presence::default();
        let user = Uuid::now_v7();
        drop(presence.arrive(user, 1));
        assert_eq!(presence.known_here(user, Duration::from_secs(5)), Status::Online);
        let back = presence.arrive(user, 2);
        std::thread::sleep(LINGER * 2);
        assert_eq!(presence.known_here(user, LINGER), Status::Online);
        presence.due(LINGER, TTL);
        drop(back);
        std::thread::sleep(LINGER * 2);
        assert_eq!(presence.due(LINGER, TTL), [(user, Status::Online, Status::Offline)]);
        assert!(presence.people().is_empty());
    }
}
