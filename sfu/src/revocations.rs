//! Withdrawn tokens: a removed person must not come back with the token it had, nor with a refreshed one.
//!
//! In: who was removed from which room, and when. Out: whether a token was made before that. An entry is kept until the
//! last token that this node has seen or issued for the room has expired.

use std::collections::HashMap;
use std::sync::Arc;

/// Entries kept at most; each is about 200 bytes. Beyond it those that expire first are forgotten, and counted.
const MAX_ENTRIES: usize = 50_000;

/// Kept at least this long, in seconds: a token that this node never saw may have been made before the removal.
const KEEP_AT_LEAST_S: u64 = 6 * 3_600;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Tokens made at or before this Unix second are worth nothing.
    issued_until: u64,
    /// Forget after this Unix second.
    until: u64,
}

/// The node's memory of removals.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    /// `None`: everybody in the room.
    entries: HashMap<(Arc<str>, Option<Box<str>>), Entry>,
    /// Latest expiry of a token seen or issued, per open room.
    expiries: HashMap<Arc<str>, u64>,
}

impl Revocations {
    /// A token for `room` with this `exp` is in somebody's hands.
    pub(crate) fn seen_expiry(&mut self, room: &Arc<str>, exp: u64) {
        let latest = self.expiries.entry(Arc::clone(room)).or_default();
        *latest = exp.max(*latest);
    }

    /// The room is closed: nobody holds it open any more.
    pub(crate) fn forget_room(&mut self, room: &str) {
        self.expiries.remove(room);
    }

    /// Withdraws every token of `identity` (or of all) for `room` that was made at or before `issued_until`.
    pub(crate) fn revoke(&mut self, room: &str, identity: Option<&str>, issued_until: u64, now: u64) {
        let seen = self.expiries.get(room).copied().unwrap_or(0);
        let until = seen.max(now + KEEP_AT_LEAST_S);
        if self.entries.len() >= MAX_ENTRIES {
            self.make_room(now);
        }
        let entry =
            self.entries.entry((room.into(), identity.map(Into::into))).or_insert(Entry { issued_until, until });
        entry.issued_until = issued_until.max(entry.issued_until);
        entry.until = until.max(entry.until);
    }

    fn make_room(&mut self, now: u64) {
        self.entries.retain(|_, entry| entry.until >= now);
        if self.entries.len() >= MAX_ENTRIES {
            let mut ends: Vec<u64> = self.entries.values().map(|entry| entry.until).collect();
            let (_, median, _) = ends.select_nth_unstable(MAX_ENTRIES / 2);
            let median = *median;
            let before = self.entries.len();
            self.entries.retain(|_, entry| entry.until > median);
            metrics::counter!("plenum_revocations_forgotten_total").increment((before - self.entries.len()) as u64);
        }
    }

    /// Whether a token of `identity` for `room`, made at `issued_at`, was withdrawn. Without a time of making nobody can
    /// tell, so it counts as old.
    pub(crate) fn is_revoked(&self, room: &str, identity: &str, issued_at: Option<u64>) -> bool {
        let room: Arc<str> = room.into();
        [None, Some(identity.into())]
            .into_iter()
            .filter_map(|who| self.entries.get(&(Arc::clone(&room), who)))
            .any(|entry| issued_at.is_none_or(|at| at <= entry.issued_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_older_tokens_of_that_person_in_that_room_are_withdrawn() {
        let mut revocations = Revocations::default();
        revocations.revoke("room", Some("mallory"), 100, 100);
        assert!(revocations.is_revoked("room", "mallory", Some(100)));
        assert!(revocations.is_revoked("room", "mallory", None));
        assert!(!revocations.is_revoked("room", "mallory", Some(101)));
        assert!(!revocations.is_revoked("room", "alice", Some(50)));
        assert!(!revocations.is_revoked("other", "mallory", Some(50)));
        revocations.revoke("room", None, 200, 200);
        assert!(revocations.is_revoked("room", "alice", Some(200)));
        assert!(!revocations.is_revoked("room", "alice", Some(201)));
    }

    #[test]
    fn it_stays_within_its_bound() {
        let mut revocations = Revocations::default();
        for i in 0..MAX_ENTRIES as u64 + 10 {
            revocations.revoke("room", Some(&format!("p{i}")), i, i);
        }
        assert!(revocations.entries.len() <= MAX_ENTRIES);
        let last = MAX_ENTRIES as u64 + 9;
        assert!(revocations.is_revoked("room", &format!("p{last}"), Some(last)));
    }
}
