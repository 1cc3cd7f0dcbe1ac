//! The scenarios: a load that is measured for a while, and joins again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::time::sleep;

use crate::cli::{Options, Paths};
use crate::counters::Totals;
use crate::participant::{Participant, Role};
use crate::publish::MediaPlan;
use crate::report::{JoinsReport, Limits, LoadReport, Receiver, Times};
use crate::server_cost::{self, ServerCost};
use crate::signal::Endpoint;

/// How often progress is looked at. Times are taken where things happen, not here.
const POLL: Duration = Duration::from_millis(5);
/// Between the last join and the first measured packet: late subscriptions and first keyframes settle.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two measured joins.
const BETWEEN_JOINS: Duration = Duration::from_millis(300);

const DUAL: &str = "/rtc";
const SINGLE: &str = "/rtc/v1";

/// Runs the load and judges it.
pub(crate) async fn load(options: &Options) -> Result<LoadReport> {
    let endpoint = endpoint(options);
    let pause = Duration::from_secs(1) / options.join_rate;
    let mut publishers = Vec::new();
    for index in 0..options.publishers {
        publishers.push(Participant::join(Arc::clone(&endpoint), publisher(options, index)));
        sleep(pause).await;
    }
    let deadline = Instant::now() + options.join_timeout;
    wait_until(deadline, || publishers.iter().all(|one| one.is_publishing() || one.has_ended())).await;
    let publishing = publishers.iter().filter(|one| one.is_publishing()).count() as u32;

    let mut subscribers = Vec::new();
    for index in 0..options.subscribers {
        let role = subscriber(options, format!("subscriber-{index}"), options.single_connection);
        subscribers.push(Participant::join(Arc::clone(&endpoint), role));
        sleep(pause).await;
    }
    let deadline = Instant::now() + options.join_timeout;
    wait_until(deadline, || subscribers.iter().all(|one| one.join_time().is_some() || one.has_ended())).await;
    sleep(SETTLE).await;

    let receivers: Vec<&Participant> =
        subscribers.iter().chain(publishers.iter().filter(|_| options.meeting)).collect();
    let tracks = u64::from(options.publishers * plan(options).tracks());
    let own = u64::from(plan(options).tracks());
    let expected = |one: &Participant| if one.identity.starts_with("publisher") { tracks - own } else { tracks };

    let measured = measure(options, &receivers).await?;
    let windows = measured.windows;
    let mut report = LoadReport {
        room: endpoint.room.clone(),
        path: if options.single_connection { SINGLE } else { DUAL },
        light: options.light,
        publishers: publishing,
        receivers: receivers.iter().zip(&windows).map(|(one, window)| receiver(one, window, expected(one))).collect(),
        seconds: measured.seconds,
        join: Times::of(subscribers.iter().filter_map(Participant::join_time)),
        signal: Times::of(receivers.iter().filter_map(|one| one.signal_time())),
        packets_per_second: 0.0,
        megabits_per_second: 0.0,
        worst_loss: 0.0,
        mean_loss: 0.0,
        server: measured.server,
        generator_cores: measured.generator_cores,
        errors: Vec::new(),
        failures: Vec::new(),
    };
    report.add_up(&windows);
    report.errors = leave_all(subscribers.into_iter().chain(publishers)).await;
    report.judge(&limits(options));
    if publishing < options.publishers {
        report.failures.push(format!("{} publishers never sent", options.publishers - publishing));
    }
    Ok(report)
}

/// Joins one subscriber again and again beside one publisher.
pub(crate) async fn joins(options: &Options, count: u32) -> Result<Vec<JoinsReport>> {
    let endpoint = endpoint(options);
    let synthetic = Participant::join(Arc::clone(&endpoint), publisher(options, 0));
    wait_until(Instant::now() + options.join_timeout, || synthetic.is_publishing() || synthetic.has_ended()).await;
    if !synthetic.is_publishing() {
        synthetic.leave().await?;
        bail!("the publisher did not get to send within {:?}", options.join_timeout);
    }
    sleep(SETTLE).await;
    let paths: &[bool] = match options.paths {
        Paths::Both => &[false, true],
        Paths::Dual => &[false],
        Paths::Single => &[true],
    };
    let mut reports = Vec::new();
    for &single in paths {
        reports.push(joins_on(options, &endpoint, single, count).await);
    }
    synthetic.leave().await?;
    Ok(reports)
}

async fn joins_on(options: &Options, endpoint: &Arc<Endpoint>, single: bool, count: u32) -> JoinsReport {
    let (mut join, mut signal, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..count {
        let role = subscriber(options, format!("joiner-{}-{index}", u8::from(single)), single);
        let joiner = Participant::join(Arc::clone(endpoint), role);
        let deadline = Instant::now() + options.join_timeout;
        wait_until(deadline, || joiner.join_time().is_some() || joiner.has_ended()).await;
        match joiner.join_time() {
            Some(time) => join.push(time),
            None => errors.push(format!("{}: no media within {:?}", joiner.identity, options.join_timeout)),
        }
        signal.extend(joiner.signal_time());
        if let Err(error) = joiner.leave().await {
            errors.push(format!("{error:#}"));
        }
        sleep(BETWEEN_JOINS).await;
    }
    let mut report = JoinsReport {
        path: if single { SINGLE } else { DUAL },
        join: Times::of(join),
        signal: Times::of(signal),
        errors,
        failures: Vec::new(),
    };
    report.judge(&limits(options));
    report
}

/// A measured span.
struct Measured {
    /// What each receiver got.
    windows: Vec<Totals>,
    /// How long it really took.
    seconds: f64,
    server: Option<ServerCost>,
    generator_cores: Option<f64>,
}

/// Counts for the asked duration.
async fn measure(options: &Options, receivers: &[&Participant]) -> Result<Measured> {
    let before: Vec<Totals> = receivers.iter().map(|one| one.counters.totals()).collect();
    let server_before = options.server_pid.map(server_cost::read).transpose()?;
    // Not on Linux, not known.
    let own_before = server_cost::read(std::process::id()).ok();
    let started = Instant::now();
    sleep(options.duration).await;
    let seconds = started.elapsed().as_secs_f64();
    let server_after = options.server_pid.map(server_cost::read).transpose()?;
    let own_after = server_cost::read(std::process::id()).ok();
    let windows: Vec<Totals> =
        receivers.iter().zip(before).map(|(one, before)| one.counters.totals().since(before)).collect();
    let packets = windows.iter().map(|window| window.packets).sum();
    let cost = |before, after| ServerCost::between(before, after, seconds, packets);
    Ok(Measured {
        windows,
        seconds,
        server: server_before.zip(server_after).map(|(before, after)| cost(before, after)),
        generator_cores: own_before.zip(own_after).map(|(before, after)| cost(before, after).cores),
    })
}

async fn leave_all(participants: impl Iterator<Item = Participant>) -> Vec<String> {
    let leaving: Vec<_> = participants.map(|one| tokio::spawn(one.leave())).collect();
    let mut errors = Vec::new();
    for one in leaving {
        match one.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => errors.push(format!("{error:#}")),
            Err(error) => errors.push(error.to_string()),
        }
    }
    errors
}

async fn wait_until(deadline: Instant, mut done: impl FnMut() -> bool) {
    while !done() && Instant::now() < deadline {
        sleep(POLL).await;
    }
}

fn receiver(one: &Participant, window: &Totals, expected_streams: u64) -> Receiver {
    Receiver {
        identity: one.identity.clone(),
        join_ms: one.join_time().map(|time| time.as_secs_f64() * 1000.0),
        streams: window.streams,
        expected_streams,
        packets: window.packets,
        bytes: window.bytes,
        loss: window.loss(),
    }
}

fn endpoint(options: &Options) -> Arc<Endpoint> {
    Arc::new(Endpoint {
        url: options.url.clone(),
        key: options.api_key.clone(),
        secret: options.api_secret.clone(),
        room: options.room.clone().unwrap_or_else(|| format!("loadtest-{:08x}", rand::random::<u32>())),
    })
}

fn plan(options: &Options) -> MediaPlan {
    MediaPlan {
        video_kbps: options.video_kbps,
        layers: options.layers,
        fps: options.fps,
        keyframe_interval: Duration::from_secs(options.keyframe_interval.into()),
        audio: !options.no_audio,
    }
}

fn publisher(options: &Options, index: u32) -> Role {
    Role {
        identity: format!("publisher-{index}"),
        publish: Some(plan(options)),
        subscribe: options.meeting,
        quality: options.quality,
        single_connection: options.single_connection,
        light: false,
    }
}

fn subscriber(options: &Options, identity: String, single_connection: bool) -> Role {
    let light = options.light;
    Role { identity, publish: None, subscribe: true, quality: options.quality, single_connection, light }
}

fn limits(options: &Options) -> Limits {
    Limits {
        max_loss: options.max_loss,
        max_join_ms: options.max_join_ms,
        min_packets_per_cpu_second: options.min_packets_per_cpu_second,
    }
}
