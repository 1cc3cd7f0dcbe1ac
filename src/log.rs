//! Where log lines go and what they look like.
//!
//! In: the `[log]` settings. Out: a global subscriber that writes to standard error, so that standard output holds only
//! what a command answers.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{Log, LogFormat};

/// Parts of dependencies that call ordinary events errors: a peer that leaves makes the SCTP crate log one.
const QUIET: [&str; 2] = ["rtc_sctp=off", "hyper_util=warn"];

/// Installs the subscriber; call once.
///
/// # Errors
/// The filter is not a list of levels.
pub(crate) fn start(log: &Log) -> Result<(), ParseError> {
    // The setting comes last: it may turn the quiet parts on again.
    let filter: EnvFilter = format!("{},{}", QUIET.join(","), log.filter).parse()?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
    }
    Ok(())
}
