//! The command line: what to send, to whom, for how long, and what counts as failed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Most participants of one run: beyond it one process measures itself.
const MAX_PARTICIPANTS: i64 = 2000;
/// Longest run, in seconds.
const MAX_DURATION_S: u64 = 3600;

/// Headless participants that measure any LiveKit-compatible server.
#[derive(Debug, Clone, Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Options {
    /// The server, `ws://host:port`.
    #[arg(long, env = "LIVEKIT_URL", default_value = "ws://127.0.0.1:7880")]
    pub(crate) url: String,
    /// An API key of the server.
    #[arg(long, env = "LIVEKIT_API_KEY")]
    pub(crate) api_key: String,
    /// Its secret.
    #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true)]
    pub(crate) api_secret: String,
    /// The room; a fresh one unless said.
    #[arg(long)]
    pub(crate) room: Option<String>,

    /// Participants that publish.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=MAX_PARTICIPANTS))]
    pub(crate) publishers: u32,
    /// Participants that only receive.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=MAX_PARTICIPANTS))]
    pub(crate) subscribers: u32,
    /// Publishers receive as well, as in a meeting.
    #[arg(long)]
    pub(crate) meeting: bool,
    /// One peer connection (`/rtc/v1`) instead of two (`/rtc`).
    #[arg(long)]
    pub(crate) single_connection: bool,

    /// Subscribers only count encrypted packets (no repair, no feedback): cheap, to measure a server on this machine.
    #[arg(long, conflicts_with_all = ["single_connection", "joins", "quality"])]
    pub(crate) light: bool,

    /// Bitrate of the best video layer, in kb/s; 0 sends no video.
    #[arg(long, default_value_t = 1680, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    pub(crate) video_kbps: u32,
    /// Video layers: 1, or 3 by simulcast, each with 0.3 times the bitrate of the next.
    #[arg(long, default_value_t = 3, value_parser = layer_count)]
    pub(crate) layers: u32,
    /// Pictures per second.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) fps: u32,
    /// Seconds between unasked keyframes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) keyframe_interval: u32,
    /// Send no audio (otherwise 90-byte packets every 20 ms).
    #[arg(long)]
    pub(crate) no_audio: bool,
    /// Which video layer receivers ask for.
    #[arg(long, value_enum, default_value_t = Quality::High)]
    pub(crate) quality: Quality,

    /// How long to measure once everybody is in (`15s`, `2m`).
    #[arg(long, default_value = "15s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// Participants that join per second.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) join_rate: u32,
    /// How long a participant may take from joining to its first media packet.
    #[arg(long, default_value = "20s", value_parser = duration)]
    pub(crate) join_timeout: Duration,

    /// Instead of a load: one subscriber joins this many times, on each of the paths, beside one publisher.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) joins: Option<u32>,
    /// Which paths `--joins` measures.
    #[arg(long, value_enum, default_value_t = Paths::Both)]
    pub(crate) paths: Paths,

    /// The server's process id: measures its CPU time and memory (same machine, Linux).
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,

    /// Fails above this share of packets lost on any subscriber (0.01 is one percent).
    #[arg(long, default_value_t = 0.01)]
    pub(crate) max_loss: f64,
    /// Fails above this 95th percentile of the join time, in milliseconds.
    #[arg(long)]
    pub(crate) max_join_ms: Option<f64>,
    /// Fails below this many packets per CPU-second of the server.
    #[arg(long)]
    pub(crate) min_packets_per_cpu_second: Option<f64>,

    /// Prints JSON instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also writes the JSON here.
    #[arg(long)]
    pub(crate) json_file: Option<PathBuf>,
}

/// The layer a receiver asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Quality {
    /// The lowest of every publisher.
    Low,
    /// The middle one.
    Medium,
    /// The best (asks for nothing: it is the default).
    High,
    /// The best of the first publisher, the lowest of the others: a speaker view.
    Speaker,
}

/// Which paths to measure joins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Paths {
    /// `/rtc`, then `/rtc/v1`.
    Both,
    /// `/rtc`.
    Dual,
    /// `/rtc/v1`.
    Single,
}

fn layer_count(text: &str) -> Result<u32, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("1 or 3".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit_ms) = match text {
        text if text.ends_with("ms") => (text.trim_end_matches("ms"), 1),
        text if text.ends_with('s') => (text.trim_end_matches('s'), 1000),
        text if text.ends_with('m') => (text.trim_end_matches('m'), 60_000),
        text => (text, 1000),
    };
    let number: u64 = number.parse().map_err(|_| "a number with ms, s or m".to_owned())?;
    match number.checked_mul(unit_ms) {
        Some(ms) if ms <= MAX_DURATION_S * 1000 => Ok(Duration::from_millis(ms)),
        _ => Err(format!("at most {MAX_DURATION_S} s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_bound() {
        assert_eq!(duration("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        assert!(duration("2h").is_err() && duration("3601s").is_err() && duration("18446744073709551615m").is_err());
    }

    #[test]
    fn counts_are_bounded() {
        let parse = |extra: [&str; 2]| {
            Options::try_parse_from(["loadtest", "--api-key", "k", "--api-secret", "s", extra[0], extra[1]])
        };
        assert_eq!(parse(["--subscribers", "2000"]).unwrap().subscribers, 2000);
        assert!(parse(["--subscribers", "2001"]).is_err());
        assert!(parse(["--layers", "2"]).is_err());
    }
}
