//! What a run found: the figures, the verdicts, and how they are printed.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::counters::Totals;
use crate::server_cost::ServerCost;

/// Least, middle, 95th percentile and most of some durations, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Times {
    /// How many there were.
    pub(crate) count: usize,
    /// The least.
    pub(crate) min_ms: f64,
    /// The median.
    pub(crate) p50_ms: f64,
    /// The 95th percentile (nearest rank).
    pub(crate) p95_ms: f64,
    /// The most.
    pub(crate) max_ms: f64,
}

impl Times {
    /// `None` if there are none.
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut sorted: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        sorted.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let index = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(index.saturating_sub(1)).copied()
        };
        Some(Self {
            count: sorted.len(),
            min_ms: *sorted.first()?,
            p50_ms: rank(0.5)?,
            p95_ms: rank(0.95)?,
            max_ms: *sorted.last()?,
        })
    }

    fn line(&self, what: &str) -> String {
        format!(
            "{what:<26} min {:.1}  p50 {:.1}  p95 {:.1}  max {:.1} ms  ({} joins)",
            self.min_ms, self.p50_ms, self.p95_ms, self.max_ms, self.count
        )
    }
}

/// What one receiver got while it was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Receiver {
    /// Its identity.
    pub(crate) identity: String,
    /// From opening the WebSocket to the first media packet; absent if none came.
    pub(crate) join_ms: Option<f64>,
    /// Streams it got.
    pub(crate) streams: u64,
    /// Streams it should have got.
    pub(crate) expected_streams: u64,
    /// Packets.
    pub(crate) packets: u64,
    /// Bytes, RTP headers included.
    pub(crate) bytes: u64,
    /// The share of packets that never came, 0 to 1.
    pub(crate) loss: f64,
}

/// A measured load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LoadReport {
    /// The room.
    pub(crate) room: String,
    /// `/rtc` or `/rtc/v1`.
    pub(crate) path: &'static str,
    /// Receivers only counted: nothing was repaired, nothing fed back.
    pub(crate) light: bool,
    /// Participants that published.
    pub(crate) publishers: u32,
    /// Participants that received.
    pub(crate) receivers: Vec<Receiver>,
    /// How long was measured, in seconds.
    pub(crate) seconds: f64,
    /// From opening the WebSocket to the first media packet.
    pub(crate) join: Option<Times>,
    /// From opening the WebSocket to the JoinResponse.
    pub(crate) signal: Option<Times>,
    /// Packets delivered to all receivers each second.
    pub(crate) packets_per_second: f64,
    /// Delivered to all receivers, in Mb/s.
    pub(crate) megabits_per_second: f64,
    /// The worst receiver's loss, 0 to 1.
    pub(crate) worst_loss: f64,
    /// The loss over all receivers, 0 to 1.
    pub(crate) mean_loss: f64,
    /// The server's cost, if its process id was given.
    pub(crate) server: Option<ServerCost>,
    /// Cores that this generator kept busy; near the machine's count, the run measured the generator.
    pub(crate) generator_cores: Option<f64>,
    /// Sessions that ended in an error.
    pub(crate) errors: Vec<String>,
    /// What failed; empty if the run passed.
    pub(crate) failures: Vec<String>,
}

/// Measured joins on one path.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct JoinsReport {
    /// `/rtc` or `/rtc/v1`.
    pub(crate) path: &'static str,
    /// From opening the WebSocket to the first media packet.
    pub(crate) join: Option<Times>,
    /// From opening the WebSocket to the JoinResponse.
    pub(crate) signal: Option<Times>,
    /// Joins that got no media, and sessions that ended in an error.
    pub(crate) errors: Vec<String>,
    /// What failed; empty if the run passed.
    pub(crate) failures: Vec<String>,
}

/// When a run counts as failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Most loss of any receiver, 0 to 1.
    pub(crate) max_loss: f64,
    /// Most 95th percentile of the join time.
    pub(crate) max_join_ms: Option<f64>,
    /// Least packets per CPU-second of the server.
    pub(crate) min_packets_per_cpu_second: Option<f64>,
}

impl LoadReport {
    /// Sums up what the receivers got.
    pub(crate) fn add_up(&mut self, windows: &[Totals]) {
        let sum = windows.iter().fold(Totals::default(), |sum, window| Totals {
            packets: sum.packets + window.packets,
            bytes: sum.bytes + window.bytes,
            expected: sum.expected + window.expected,
            ..sum
        });
        if self.seconds > 0.0 {
            self.packets_per_second = sum.packets as f64 / self.seconds;
            self.megabits_per_second = sum.bytes as f64 * 8.0 / 1e6 / self.seconds;
        }
        self.worst_loss = windows.iter().map(|window| window.loss()).fold(0.0, f64::max);
        self.mean_loss = sum.loss();
    }

    /// Judges the run.
    pub(crate) fn judge(&mut self, limits: &Limits) {
        self.failures = judge_joins(self.join.as_ref(), &self.errors, limits);
        if self.worst_loss > limits.max_loss {
            let (worst, limit) = (self.worst_loss * 100.0, limits.max_loss * 100.0);
            self.failures.push(format!("a receiver lost {worst:.2} % of its packets, more than {limit:.2} %"));
        }
        let short = self.receivers.iter().filter(|receiver| receiver.streams < receiver.expected_streams).count();
        if short > 0 {
            self.failures.push(format!("{short} receivers got fewer streams than were published"));
        }
        let silent = self.receivers.iter().filter(|receiver| receiver.expected_streams > 0 && receiver.packets == 0);
        let silent = silent.count();
        if silent > 0 {
            self.failures.push(format!("{silent} receivers got nothing while they were measured"));
        }
        if let (Some(least), Some(server)) = (limits.min_packets_per_cpu_second, &self.server)
            && server.packets_per_cpu_second < least
        {
            let got = server.packets_per_cpu_second;
            self.failures.push(format!("{got:.0} packets per CPU-second, fewer than {least:.0}"));
        }
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "room {}  path {}  {} publishing, {} receiving, {:.1} s\n",
            self.room,
            self.path,
            self.publishers,
            self.receivers.len(),
            self.seconds
        );
        for (what, times) in [("join to JoinResponse", &self.signal), ("join to first packet", &self.join)] {
            if let Some(times) = times {
                out += &format!("{}\n", times.line(what));
            }
        }
        out += &format!(
            "{:<26} {:.0} packets/s  {:.2} Mb/s\n",
            "delivered", self.packets_per_second, self.megabits_per_second
        );
        out += &format!(
            "{:<26} mean {:.4} %  worst receiver {:.4} %\n",
            if self.light { "lost (nothing repaired)" } else { "lost after repair" },
            self.mean_loss * 100.0,
            self.worst_loss * 100.0
        );
        if let Some(server) = &self.server {
            out += &format!(
                "{:<26} {:.2} CPU-s  {:.2} cores  {:.0} packets per CPU-second  {:.0} MB resident\n",
                "server", server.cpu_s, server.cores, server.packets_per_cpu_second, server.resident_mb
            );
        }
        if let Some(cores) = self.generator_cores {
            out += &format!("{:<26} {cores:.2} cores\n", "generator");
        }
        out += "\nreceiver          streams   packets   kb/s     lost %   join ms\n";
        for receiver in worst_first(&self.receivers) {
            let rate = receiver.bytes as f64 * 8.0 / 1000.0 / self.seconds.max(f64::MIN_POSITIVE);
            let join = receiver.join_ms.map_or_else(|| "never".to_owned(), |join| format!("{join:.1}"));
            let _ = writeln!(
                out,
                "{:<17} {:>3}/{:<3}  {:>8}   {:<8.0} {:<8.4} {join}",
                receiver.identity,
                receiver.streams,
                receiver.expected_streams,
                receiver.packets,
                rate,
                receiver.loss * 100.0
            );
        }
        out + &verdict(&self.errors, &self.failures)
    }
}

impl JoinsReport {
    /// Judges the run.
    pub(crate) fn judge(&mut self, limits: &Limits) {
        self.failures = judge_joins(self.join.as_ref(), &self.errors, limits);
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("joins on {}\n", self.path);
        for (what, times) in [("join to JoinResponse", &self.signal), ("join to first packet", &self.join)] {
            if let Some(times) = times {
                out += &format!("{}\n", times.line(what));
            }
        }
        out + &verdict(&self.errors, &self.failures)
    }
}

/// Rows printed; the JSON has them all.
const MAX_ROWS: usize = 20;

fn worst_first(receivers: &[Receiver]) -> Vec<&Receiver> {
    let mut rows: Vec<&Receiver> = receivers.iter().collect();
    rows.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.packets.cmp(&b.packets)));
    rows.truncate(MAX_ROWS);
    rows
}

fn judge_joins(join: Option<&Times>, errors: &[String], limits: &Limits) -> Vec<String> {
    let mut failures = Vec::new();
    if !errors.is_empty() {
        failures.push(format!("{} sessions failed", errors.len()));
    }
    if let (Some(most), Some(join)) = (limits.max_join_ms, join)
        && join.p95_ms > most
    {
        failures.push(format!("joins took {:.0} ms (p95), more than {most:.0} ms", join.p95_ms));
    }
    failures
}

fn verdict(errors: &[String], failures: &[String]) -> String {
    let mut out = String::new();
    for error in errors.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "error: {error}");
    }
    for failure in failures {
        let _ = writeln!(out, "FAILED: {failure}");
    }
    if failures.is_empty() {
        out += "passed\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_loss: 0.01, max_join_ms: Some(100.0), min_packets_per_cpu_second: Some(1e4) };

    fn report(windows: &[Totals]) -> LoadReport {
        let receiver = |window: &Totals| Receiver {
            identity: "r".into(),
            join_ms: Some(50.0),
            streams: window.streams,
            expected_streams: 2,
            packets: window.packets,
            bytes: window.bytes,
            loss: window.loss(),
        };
        let mut report = LoadReport {
            room: "r".into(),
            path: "/rtc",
            light: false,
            publishers: 1,
            receivers: windows.iter().map(receiver).collect(),
            seconds: 2.0,
            join: Times::of([Duration::from_millis(50)]),
            signal: None,
            packets_per_second: 0.0,
            megabits_per_second: 0.0,
            worst_loss: 0.0,
            mean_loss: 0.0,
            server: None,
            generator_cores: None,
            errors: Vec::new(),
            failures: Vec::new(),
        };
        report.add_up(windows);
        report.judge(&LIMITS);
        report
    }

    fn window(packets: u64, expected: u64) -> Totals {
        Totals { packets, bytes: packets * 1000, expected, duplicates: 0, streams: 2 }
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times = Times::of((1..=20).rev().map(Duration::from_millis)).unwrap();
        assert_eq!((times.count, times.min_ms, times.p50_ms, times.p95_ms, times.max_ms), (20, 1.0, 10.0, 19.0, 20.0));
        assert_eq!(Times::of([]), None);
    }

    #[test]
    fn a_good_run_passes_with_its_rates() {
        let report = report(&[window(1000, 1000), window(500, 500)]);
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        assert!((report.packets_per_second - 750.0).abs() < 1e-9 && (report.megabits_per_second - 6.0).abs() < 1e-9);
        assert!(report.table().ends_with("passed\n"));
    }

    #[test]
    fn one_bad_receiver_fails_the_run() {
        let report = report(&[window(1000, 1000), window(900, 1000)]);
        assert!((report.worst_loss - 0.1).abs() < 1e-9 && (report.mean_loss - 0.05).abs() < 1e-9);
        assert_eq!(report.failures.len(), 1);
        assert!(report.table().contains("FAILED: a receiver lost 10.00 %"));
    }

    #[test]
    fn silence_and_missing_streams_fail_even_without_loss() {
        let silent = report(&[Totals::default()]);
        assert_eq!(silent.failures.len(), 2, "{:?}", silent.failures);
    }

    #[test]
    fn slow_joins_errors_and_a_dear_server_fail() {
        let mut slow = report(&[window(10, 10)]);
        slow.join = Times::of([Duration::from_millis(101)]);
        slow.errors.push("x".into());
        slow.server = Some(ServerCost { cpu_s: 1.0, cores: 0.5, packets_per_cpu_second: 9_999.0, resident_mb: 1.0 });
        slow.judge(&LIMITS);
        assert_eq!(slow.failures.len(), 3, "{:?}", slow.failures);
    }
}
