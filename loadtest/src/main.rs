//! `loadtest`: headless participants that measure any LiveKit-compatible server.
//!
//! It tests the wire: signaling and tokens come from `signaling-proto`, media from the independent `webrtc` stack,
//! nothing from the server it measures. One run is a load (publishers, subscribers, a duration) or a series of joins;
//! it prints what was measured and exits 1 when a verdict fails, 2 when it could not measure at all.

mod cli;
mod connection;
mod counters;
mod keyframe_requests;
mod light;
mod participant;
mod publish;
mod report;
mod run;
mod server_cost;
mod signal;
mod synthetic;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::cli::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    // The stack logs each packet it cannot place; ask for it by RUST_LOG.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off,loadtest=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match measure(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every verdict passed.
async fn measure(options: &Options) -> Result<bool> {
    if let Some(count) = options.joins {
        let reports = run::joins(options, count).await?;
        let tables: Vec<String> = reports.iter().map(report::JoinsReport::table).collect();
        print(options, &reports, &tables.join("\n"))?;
        return Ok(reports.iter().all(|report| report.failures.is_empty()));
    }
    let report = run::load(options).await?;
    print(options, &report, &report.table())?;
    Ok(report.failures.is_empty())
}

fn print(options: &Options, report: &impl Serialize, table: &str) -> Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    if let Some(file) = &options.json_file {
        std::fs::write(file, &json)?;
    }
    if options.json {
        println!("{json}");
    } else {
        print!("{table}");
    }
    Ok(())
}
