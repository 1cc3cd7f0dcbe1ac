//! Who listens in this process, to what; hands each event to the queues of those concerned.
//!
//! In: events in the order of the log, ephemeral events, listeners. Out: frames in bounded queues. A listener whose
//! queue is full is ended, never waited for. No I/O, no SQL: everything here is done under one short lock.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::frame::Frame;
use super::{Ephemeral, Event};
use crate::config::RealtimeSettings;
use crate::model::topic::RIGHTS;

/// Kinds of events after which somebody may have lost a right to the event's topic.
const TAKES_RIGHTS: [&str; 8] = [
    "room.updated",
    "room.deleted",
    "channel.updated",
    "channel.deleted",
    "organization.deleted",
    "member.removed",
    "member.updated",
    "member.left",
];

/// Told to a person whose session ends (`session_id`), or whose sessions end but one (`all_but`), or all of them.
const SESSION_REVOKED: &str = "session.revoked";
/// How the log begins the name of a person's own topic.
const NOTIFICATIONS: &str = "notifications:";

/// Why a listener is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The session was revoked, has expired, or its person may not sign in any more.
    SessionEnded,
    /// It did not read fast enough.
    TooSlow,
    /// The process stops.
    Stopping,
}

/// Why there is no place for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The process has as many as it may.
    Process,
    /// This person, guest or address has.
    Caller,
}

/// Who listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub session: Option<Uuid>,
    pub user: Option<Uuid>,
    pub guest: Option<Uuid>,
    pub address: IpAddr,
}

/// The hub's side of one listener.
struct Entry {
    who: Identity,
    topics: HashSet<Arc<str>>,
    queue: mpsc::Sender<Arc<Frame>>,
    signals: Arc<Signals>,
}

/// What the hub tells a listener beside frames.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    end: OnceLock<End>,
    ended: CancellationToken,
    /// Rights may have changed.
    in_doubt: AtomicBool,
    doubted: Notify,
}

impl Signals {
    /// Ends the listener; the first reason counts.
    pub(crate) fn end(&self, why: End) {
        let _other_reason_came_first = self.end.set(why);
        self.ended.cancel();
    }

    /// Rights may have changed: the listener looks again before it says anything more.
    fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Release);
        self.doubted.notify_one();
    }

    /// Whether to look again, once.
    pub(crate) fn take_doubt(&self) -> bool {
        self.in_doubt.swap(false, Ordering::AcqRel)
    }

    /// Resolves when it is time to look again.
    pub(crate) async fn doubted(&self) {
        self.doubted.notified().await;
    }

    /// Resolves when the listener has to end.
    pub(crate) async fn ended(&self) -> End {
        self.ended.cancelled().await;
        self.end.get().copied().unwrap_or(End::Stopping)
    }
}

/// A listener's side of its place; dropping it gives the place back.
pub(crate) struct Seat {
    hub: Arc<Hub>,
    id: u64,
    pub queue: mpsc::Receiver<Arc<Frame>>,
    pub signals: Arc<Signals>,
}

/// All listeners of a process.
pub(crate) struct Hub {
    table: Mutex<Table>,
    limits: RealtimeSettings,
}

#[derive(Default)]
struct Table {
    /// Everything up to here has been told.
    cursor: i64,
    next: u64,
    entries: HashMap<u64, Entry>,
    topics: HashMap<Arc<str>, HashSet<u64>>,
    per_user: HashMap<Uuid, usize>,
    per_guest: HashMap<Uuid, usize>,
    per_address: HashMap<IpAddr, usize>,
}

impl Hub {
    /// `cursor` is the last event nobody here needs to be told.
    pub(crate) fn new(limits: RealtimeSettings, cursor: i64) -> Arc<Self> {
        Arc::new(Self { table: Mutex::new(Table { cursor, ..Table::default() }), limits })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics half-way through a change.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last event that was told.
    pub(crate) fn cursor(&self) -> i64 {
        self.table().cursor
    }

    /// Takes a place for somebody.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn sit(self: &Arc<Self>, who: Identity) -> Result<Seat, Full> {
        let mut table = self.table();
        let limits = &self.limits;
        if table.entries.len() >= limits.max_sockets {
            return Err(Full::Process);
        }
        let count = |map: &HashMap<Uuid, usize>, id: Option<Uuid>| id.and_then(|id| map.get(&id)).copied().unwrap_or(0);
        if count(&table.per_user, who.user) >= limits.max_sockets_per_user
            || count(&table.per_guest, who.guest) >= limits.max_sockets_per_guest
            || table.per_address.get(&who.address).copied().unwrap_or(0) >= limits.max_sockets_per_address
        {
            return Err(Full::Caller);
        }
        let (sender, queue) = mpsc::channel(limits.queue_frames.max(1));
        let signals = Arc::new(Signals::default());
        let id = table.next;
        table.next += 1;
        if let Some(user) = who.user {
            *table.per_user.entry(user).or_default() += 1;
        }
        if let Some(guest) = who.guest {
            *table.per_guest.entry(guest).or_default() += 1;
        }
        *table.per_address.entry(who.address).or_default() += 1;
        let entry = Entry { who, topics: HashSet::new(), queue: sender, signals: Arc::clone(&signals) };
        table.entries.insert(id, entry);
        metrics::gauge!("plenum_event_sockets").set(table.entries.len() as f64);
        Ok(Seat { hub: Arc::clone(self), id, queue, signals })
    }

    /// Tells an event of the log and moves the cursor; one that was told before is left out.
    pub(crate) fn tell(&self, event: &Event) {
        let mut table = self.table();
        if event.seq <= table.cursor {
            return;
        }
        table.cursor = event.seq;
        if event.topic == RIGHTS {
            let topic = event.payload.get("topic").and_then(Value::as_str);
            match id_of(&event.payload, "guest_id") {
                Some(guest) => table.recheck_guest(guest),
                None => table.recheck(id_of(&event.payload, "user_id"), topic),
            }
            return;
        }
        if event.kind == SESSION_REVOKED {
            table.sessions_revoked(event);
        }
        if TAKES_RIGHTS.contains(&event.kind.as_str()) {
            table.recheck(id_of(&event.payload, "user_id"), Some(&event.topic));
        }
        if table.topics.contains_key(event.topic.as_str()) {
            table.hand_out(&event.topic, &Arc::new(Frame::written(event)));
        }
    }

    /// Tells an event that is in no log.
    pub(crate) fn tell_ephemeral(&self, event: &Ephemeral) {
        let mut table = self.table();
        if table.topics.contains_key(event.topic.as_str()) {
            table.hand_out(&event.topic, &Arc::new(Frame::ephemeral(event)));
        }
    }

    /// Ends everybody.
    pub(crate) fn end_all(&self, why: End) {
        for entry in self.table().entries.values() {
            entry.signals.end(why);
        }
    }

    fn leave(&self, id: u64) {
        let mut table = self.table();
        table.remove(id);
        metrics::gauge!("plenum_event_sockets").set(table.entries.len() as f64);
    }
}

impl Table {
    fn hand_out(&mut self, topic: &str, frame: &Arc<Frame>) {
        let Some(ids) = self.topics.get(topic) else { return };
        for entry in ids.iter().filter_map(|id| self.entries.get(id)) {
            if let Err(mpsc::error::TrySendError::Full(_)) = entry.queue.try_send(Arc::clone(frame)) {
                metrics::counter!("plenum_event_sockets_too_slow_total").increment(1);
                entry.signals.end(End::TooSlow);
            }
        }
    }

    /// Ends the sockets of sessions that ended.
    fn sessions_revoked(&self, event: &Event) {
        let user = event.topic.strip_prefix(NOTIFICATIONS).and_then(|id| Uuid::try_parse(id).ok());
        let (one, all_but) = (id_of(&event.payload, "session_id"), id_of(&event.payload, "all_but"));
        let concerned = |who: &Identity| match one {
            Some(_) => who.session == one,
            None => all_but.is_none() || who.session != all_but,
        };
        let theirs = self.entries.values().filter(|entry| user.is_some() && entry.who.user == user);
        theirs.filter(|entry| concerned(&entry.who)).for_each(|entry| entry.signals.end(End::SessionEnded));
    }

    /// Makes a guest's listeners look again.
    fn recheck_guest(&self, guest: Uuid) {
        let theirs = self.entries.values().filter(|entry| entry.who.guest == Some(guest));
        theirs.for_each(|entry| entry.signals.doubt());
    }

    /// Makes a person's listeners look again, else those of a topic, else all.
    fn recheck(&self, user: Option<Uuid>, topic: Option<&str>) {
        match (user, topic) {
            (Some(_), _) => {
                let theirs = self.entries.values().filter(|entry| entry.who.user == user);
                theirs.for_each(|entry| entry.signals.doubt());
            }
            (None, Some(topic)) => {
                let ids = self.topics.get(topic).into_iter().flatten();
                ids.filter_map(|id| self.entries.get(id)).for_each(|entry| entry.signals.doubt());
            }
            (None, None) => self.entries.values().for_each(|entry| entry.signals.doubt()),
        }
    }

    fn unsubscribe(&mut self, id: u64, topic: &str) {
        if let Some(ids) = self.topics.get_mut(topic) {
            ids.remove(&id);
            if ids.is_empty() {
                self.topics.remove(topic);
            }
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.topics.remove(topic);
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(entry) = self.entries.get(&id) else { return };
        let (who, topics) = (entry.who, entry.topics.clone());
        for topic in topics {
            self.unsubscribe(id, &topic);
        }
        self.entries.remove(&id);
        release(&mut self.per_user, who.user);
        release(&mut self.per_guest, who.guest);
        release(&mut self.per_address, Some(who.address));
    }
}

fn release<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: Option<K>) {
    let Some(key) = key else { return };
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

fn id_of(payload: &Value, field: &str) -> Option<Uuid> {
    payload.get(field).and_then(Value::as_str).and_then(|text| Uuid::try_parse(text).ok())
}

impl Seat {
    /// Number of this place, unique in the process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Puts events of `topics` into the queue from now on; what lies at or before the answer is not among them.
    pub(crate) fn subscribe(&self, topics: &[String]) -> i64 {
        let mut table = self.hub.table();
        for topic in topics {
            let name: Arc<str> = Arc::from(topic.as_str());
            table.topics.entry(Arc::clone(&name)).or_default().insert(self.id);
            if let Some(entry) = table.entries.get_mut(&self.id) {
                entry.topics.insert(name);
            }
        }
        table.cursor
    }

    pub(crate) fn unsubscribe(&self, topic: &str) {
        self.hub.table().unsubscribe(self.id, topic);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::clock::Micros;

    fn hub(change: fn(&mut RealtimeSettings)) -> Arc<Hub> {
        let mut limits = RealtimeSettings::default();
        change(&mut limits);
        Hub::new(limits, 10)
    }

    fn somebody() -> Identity {
        let id = || Some(Uuid::now_v7());
        Identity { session: id(), user: id(), guest: None, address: "192.0.2.1".parse().unwrap() }
    }

    fn event(seq: i64, topic: &str) -> Event {
        Event { seq, topic: topic.into(), kind: "room.named".into(), payload: json!({}), created_at: Micros(0) }
    }

    #[test]
    fn each_event_reaches_those_who_listen_once() {
        let hub = hub(|_| ());
        let (mut a, mut b) = (hub.sit(somebody()).unwrap(), hub.sit(somebody()).unwrap());
        assert_eq!(a.subscribe(&["room:1".into(), "room:2".into()]), 10);
        b.subscribe(&["room:2".into()]);
        for event in [event(11, "room:1"), event(12, "room:2"), event(12, "room:2"), event(9, "room:1")] {
            hub.tell(&event);
        }
        let seqs = |seat: &mut Seat| std::iter::from_fn(|| seat.queue.try_recv().ok()?.seq).collect::<Vec<_>>();
        assert_eq!(seqs(&mut a), [11, 12]);
        assert_eq!(seqs(&mut b), [12]);
        a.unsubscribe("room:1");
        hub.tell(&event(13, "room:1"));
        assert_eq!(seqs(&mut a), [0; 0]);
        assert_eq!(hub.cursor(), 13);
    }

    #[tokio::test]
    async fn who_does_not_read_is_ended_and_the_others_are_not() {
        let hub = hub(|limits| limits.queue_frames = 2);
        let (slow, mut quick) = (hub.sit(somebody()).unwrap(), hub.sit(somebody()).unwrap());
        slow.subscribe(&["room:1".into()]);
        quick.subscribe(&["room:1".into()]);
        for seq in 11..14 {
            hub.tell(&event(seq, "room:1"));
            assert_eq!(quick.queue.try_recv().unwrap().seq, Some(seq));
        }
        assert_eq!(slow.signals.ended().await, End::TooSlow);
        assert!(!quick.signals.ended.is_cancelled());
    }

    #[tokio::test]
    async fn a_session_that_ends_takes_its_sockets_along() {
        let hub = hub(|_| ());
        let (ada, eve) = (somebody(), somebody());
        let (adas, eves) = (hub.sit(ada).unwrap(), hub.sit(eve).unwrap());
        let other = hub.sit(Identity { session: Some(Uuid::now_v7()), ..ada }).unwrap();
        let topic = format!("notifications:{}", ada.user.unwrap());
        let ended = |seq, payload| Event { kind: SESSION_REVOKED.into(), payload, ..event(seq, &topic) };
        hub.tell(&ended(11, json!({ "session_id": ada.session })));
        assert_eq!(adas.signals.ended().await, End::SessionEnded);
        assert!(!eves.signals.ended.is_cancelled() && !other.signals.ended.is_cancelled());
        hub.tell(&ended(12, json!({ "all_but": ada.session })));
        assert_eq!(other.signals.ended().await, End::SessionEnded);
        assert!(!eves.signals.ended.is_cancelled());
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let hub = hub(|limits| (limits.max_sockets, limits.max_sockets_per_user) = (3, 2));
        let ada = somebody();
        let first = hub.sit(ada).unwrap();
        let _second = hub.sit(ada).unwrap();
        assert_eq!(hub.sit(ada).err(), Some(Full::Caller));
        let _third = hub.sit(somebody()).unwrap();
        assert_eq!(hub.sit(somebody()).err(), Some(Full::Process));
        first.subscribe(&["room:1".into()]);
        drop(first);
        assert!(hub.table().topics.is_empty());
        assert!(hub.sit(ada).is_ok());
    }
}
