//! Who may hold a connection. Bounds what strangers can cost before they have said anything.
//!
//! In: the address of an accepted connection. Out: a [`Permit`] that counts until it is dropped, or a refusal. It knows
//! no protocol; the connection tells it when a first whole request has arrived.
//!
//! Three bounds: connections of the process, of one address, and connections that have not sent a request yet. The last
//! evicts instead of refusing: under a flood of silent connections a real client still gets in, because it speaks at
//! once and the silent ones wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::config::Cidr;

/// One address may fill this part of the waiting places, so that a flood from one place evicts only itself.
const WAITING_SHARE: usize = 4;

/// The bounds.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections: usize,
    pub(crate) per_address: usize,
    pub(crate) waiting: usize,
    /// Speak for many people: only the bound of the process counts for them.
    pub(crate) proxies: Vec<Cidr>,
}

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The process has as many connections as it may.
    Full,
    /// The address has.
    AddressFull,
}

impl Refusal {
    /// Value of the `reason` label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::AddressFull => "address_full",
        }
    }
}

/// Counts connections; one for all listeners of a process.
#[derive(Debug)]
pub(crate) struct Gate {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    next: u64,
    addresses: HashMap<IpAddr, Address>,
    /// Connections without a request so far, oldest first.
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    address: IpAddr,
    evicted: CancellationToken,
}

#[derive(Debug, Default)]
struct Address {
    open: usize,
    waiting: BTreeSet<u64>,
}

/// The right to hold one connection; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    id: u64,
    address: IpAddr,
    evicted: CancellationToken,
}

impl Gate {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { bounds, state: Mutex::default() })
    }

    /// Counts a new connection of `address` in, evicting the one that waited longest if too many wait.
    ///
    /// # Errors
    /// The process or the address has too many connections.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Refusal> {
        let trusted = self.bounds.proxies.iter().any(|proxy| proxy.contains(address));
        let address = bucket(address);
        let mut state = self.state();
        if state.open >= self.bounds.connections {
            return Err(Refusal::Full);
        }
        if !trusted && state.addresses.get(&address).is_some_and(|a| a.open >= self.bounds.per_address) {
            return Err(Refusal::AddressFull);
        }
        let share = (self.bounds.waiting / WAITING_SHARE).max(1);
        if !trusted && state.addresses.get(&address).is_some_and(|a| a.waiting.len() >= share) {
            state.evict_oldest_of(address);
        }
        if state.waiting.len() >= self.bounds.waiting {
            state.evict_oldest();
        }
        let id = state.next;
        state.next += 1;
        state.open += 1;
        let evicted = CancellationToken::new();
        state.waiting.insert(id, Waiting { address, evicted: evicted.clone() });
        let entry = state.addresses.entry(address).or_default();
        entry.open += 1;
        entry.waiting.insert(id);
        Ok(Permit { gate: self.clone(), id, address, evicted })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn evict_oldest_of(&mut self, address: IpAddr) {
        let oldest = self.addresses.get(&address).and_then(|entry| entry.waiting.first().copied());
        if let Some(id) = oldest {
            self.stop_waiting(id, true);
        }
    }

    fn evict_oldest(&mut self) {
        if let Some(id) = self.waiting.first_key_value().map(|(id, _)| *id) {
            self.stop_waiting(id, true);
        }
    }

    fn stop_waiting(&mut self, id: u64, evict: bool) {
        let Some(waiting) = self.waiting.remove(&id) else { return };
        if let Some(entry) = self.addresses.get_mut(&waiting.address) {
            entry.waiting.remove(&id);
        }
        if evict {
            waiting.evicted.cancel();
        }
    }
}

impl Permit {
    /// A whole request has arrived: the connection cannot be evicted any more.
    pub(crate) fn spoke(&self) {
        self.gate.state().stop_waiting(self.id, false);
    }

    /// Resolves when the place is needed for somebody else.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.stop_waiting(self.id, false);
        state.open -= 1;
        if let Some(entry) = state.addresses.get_mut(&self.address) {
            entry.open -= 1;
            if entry.open == 0 {
                state.addresses.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: an IPv4 address, or the /64 that one IPv6 household gets.
fn bucket(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn gate(connections: usize, per_address: usize, waiting: usize) -> Arc<Gate> {
        Gate::new(Bounds { connections, per_address, waiting, proxies: vec!["10.0.0.0/8".parse().expect("a network")] })
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let gate = gate(3, 2, 100);
        let first = gate.admit(A).expect("free");
        let _second = gate.admit(A).expect("free");
        assert_eq!(gate.admit(A).err(), Some(Refusal::AddressFull));
        let _third = gate.admit(B).expect("free");
        assert_eq!(gate.admit(B).err(), Some(Refusal::Full));
        drop(first);
        assert_eq!(gate.state().open, 2);
        assert!(gate.admit(A).is_ok());
    }

    #[test]
    fn the_silent_make_room_for_the_next() {
        let gate = gate(100, 100, 8);
        let silent: Vec<_> = (0..2).map(|_| gate.admit(A).expect("free")).collect();
        let speaking = gate.admit(A).expect("evicts the oldest");
        speaking.spoke();
        assert!(silent[0].evicted.is_cancelled() && !silent[1].evicted.is_cancelled());
        let _more: Vec<_> = (0..4).map(|_| gate.admit(A).expect("evicts")).collect();
        assert!(silent[1].evicted.is_cancelled());
        assert!(!speaking.evicted.is_cancelled(), "whoever spoke stays");
    }

    #[test]
    fn one_address_cannot_evict_another() {
        let gate = gate(1_000, 1_000, 8);
        let patient = gate.admit(B).expect("free");
        let _flood: Vec<_> = (0..100).map(|_| gate.admit(A).expect("evicts its own")).collect();
        assert!(!patient.evicted.is_cancelled());
        assert!(gate.state().waiting.len() <= 8);
    }

    #[test]
    fn proxies_and_households_are_told_apart() {
        let gate = gate(100, 1, 100);
        let proxy = IpAddr::from([10, 1, 2, 3]);
        let _many: Vec<_> = (0..50).map(|_| gate.admit(proxy).expect("a proxy")).collect();
        let _one = gate.admit("2001:db8::1".parse().expect("an address")).expect("free");
        assert_eq!(gate.admit("2001:db8::2".parse().expect("an address")).err(), Some(Refusal::AddressFull));
        assert!(gate.admit("2001:db8:0:1::1".parse().expect("an address")).is_ok());
    }

    #[test]
    fn nothing_is_left_when_everybody_is_gone() {
        let gate = gate(100, 100, 4);
        drop((0..50).map(|n| gate.admit(IpAddr::from([192, 0, 2, n])).expect("free")).collect::<Vec<_>>());
        let state = gate.state();
        assert_eq!((state.open, state.waiting.len(), state.addresses.len()), (0, 0, 0));
    }
}
