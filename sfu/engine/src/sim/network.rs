//! Links with loss, delay, jitter, reordering, duplication, a rate limit and outages, on a virtual clock, from one seed.
//!
//! In: datagrams and when they were sent. Out: the ones that arrive, in order of arrival. Must not: look into them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::dice::Dice;

/// How one direction of a participant's path behaves. The default is a perfect wire.
#[derive(Clone, Debug, Default)]
pub struct LinkConfig {
    pub delay: Duration,
    /// Added to the delay, evenly from zero to this; datagrams overtake each other.
    pub jitter: Duration,
    /// Probability that a datagram is lost, 0 to 1.
    pub loss: f64,
    /// Probability that it arrives twice.
    pub duplication: f64,
    /// Probability that it is held back by [`Self::reorder_delay`].
    pub reordering: f64,
    pub reorder_delay: Duration,
    /// Bits per second; `None`: no limit.
    pub rate_bps: Option<u64>,
    /// Bytes that may wait before the rate limit; 0 means one datagram.
    pub queue_bytes: usize,
    /// When nothing passes, as sent, since the link was made.
    pub outages: Vec<Range<Duration>>,
}

/// A datagram under way, ordered by arrival, then by sending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UnderWay {
    due: Instant,
    number: u64,
    datagram: Vec<u8>,
}

/// One direction of a path.
#[derive(Clone, Debug)]
pub struct Link {
    config: LinkConfig,
    dice: Dice,
    made: Instant,
    /// When the rate limit lets the next datagram go.
    free_at: Instant,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    number: u64,
    /// Datagrams given to the link, and ones it lost to chance, outage or a full queue.
    pub sent: u64,
    pub lost: u64,
}

impl Link {
    pub fn new(config: LinkConfig, seed: u64, now: Instant) -> Self {
        let under_way = BinaryHeap::new();
        Self { config, dice: Dice::new(seed), made: now, free_at: now, under_way, number: 0, sent: 0, lost: 0 }
    }

    /// Changes how the link behaves from now on.
    pub fn reconfigure(&mut self, config: LinkConfig) {
        self.config = config;
    }

    pub fn send(&mut self, now: Instant, datagram: Vec<u8>) {
        self.sent += 1;
        let age = now.saturating_duration_since(self.made);
        let down = self.config.outages.iter().any(|outage| outage.contains(&age));
        let unlucky = self.dice.chance(self.config.loss);
        let Some(departure) = (!down && !unlucky).then(|| self.departure(now, datagram.len())).flatten() else {
            self.lost += 1;
            return;
        };
        if self.dice.chance(self.config.duplication) {
            let copy = datagram.clone();
            self.put(departure, copy);
        }
        self.put(departure, datagram);
    }

    /// The next datagram that has arrived.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.under_way.peek()?.0.due > now {
            return None;
        }
        self.under_way.pop().map(|next| next.0.datagram)
    }

    /// When the next datagram arrives.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.under_way.peek().map(|next| next.0.due)
    }

    /// When the last byte has left through the rate limit; `None` when the queue is full.
    fn departure(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let Some(rate) = self.config.rate_bps else { return Some(now) };
        let start = self.free_at.max(now);
        let waiting = start.duration_since(now).as_secs_f64() * rate as f64 / 8.0;
        if start > now && waiting + len as f64 > self.config.queue_bytes as f64 {
            return None;
        }
        self.free_at = start + Duration::from_secs_f64(len as f64 * 8.0 / rate as f64);
        Some(self.free_at)
    }

    fn put(&mut self, departure: Instant, datagram: Vec<u8>) {
        let mut due = departure + self.config.delay;
        due += Duration::from_nanos(self.dice.below(self.config.jitter.as_nanos() as u64 + 1));
        if self.dice.chance(self.config.reordering) {
            due += self.config.reorder_delay;
        }
        self.number += 1;
        self.under_way.push(Reverse(UnderWay { due, number: self.number, datagram }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::epoch;

    fn arrivals(config: LinkConfig, seed: u64, count: u64) -> Vec<(Duration, u8)> {
        let start = epoch();
        let mut link = Link::new(config, seed, start);
        for at in 0..count {
            link.send(start + Duration::from_millis(at), vec![at as u8; 100]);
        }
        let mut out = Vec::new();
        while let Some(due) = link.poll_timeout() {
            assert!(link.poll(due - Duration::from_nanos(1)).is_none());
            out.extend(link.poll(due).map(|datagram| (due - start, datagram[0])));
        }
        out
    }

    #[test]
    fn a_perfect_wire_keeps_order_and_time() {
        let config = LinkConfig { delay: Duration::from_millis(20), ..LinkConfig::default() };
        let expected: Vec<_> = (0..200).map(|at| (Duration::from_millis(20 + at), at as u8)).collect();
        assert_eq!(arrivals(config, 1, 200), expected);
    }

    #[test]
    fn a_bad_wire_is_bad_in_the_same_way_for_the_same_seed() {
        let config = LinkConfig {
            jitter: Duration::from_millis(30),
            loss: 0.2,
            duplication: 0.1,
            reordering: 0.1,
            reorder_delay: Duration::from_millis(50),
            ..LinkConfig::default()
        };
        let first = arrivals(config.clone(), 3, 250);
        assert_eq!(first, arrivals(config.clone(), 3, 250));
        assert_ne!(first, arrivals(config, 4, 250));
        let mut sorted = first.clone();
        sorted.sort_by_key(|(_, number)| *number);
        assert_ne!(first, sorted, "reordered");
        let distinct: std::collections::BTreeSet<_> = first.iter().map(|(_, number)| *number).collect();
        assert!((170..230).contains(&distinct.len()), "{}", distinct.len());
        assert!(first.len() > distinct.len(), "duplicated");
    }

    #[test]
    fn the_rate_limit_spaces_and_then_drops() {
        // 100 bytes each millisecond are 800 kb/s; 400 kb/s pass.
        let config = LinkConfig { rate_bps: Some(400_000), queue_bytes: 1_000, ..LinkConfig::default() };
        let passed = arrivals(config, 1, 200);
        assert!((100..112).contains(&passed.len()), "{}", passed.len());
        assert!(passed.windows(2).all(|pair| pair[1].0 - pair[0].0 >= Duration::from_millis(2)));
    }

    #[test]
    fn nothing_passes_in_an_outage() {
        let outage = Duration::from_millis(50)..Duration::from_millis(70);
        let config = LinkConfig { outages: vec![outage], ..LinkConfig::default() };
        let numbers: Vec<u8> = arrivals(config, 1, 100).into_iter().map(|(_, number)| number).collect();
        assert_eq!(numbers, (0..50).chain(70..100).collect::<Vec<u8>>());
    }
}
