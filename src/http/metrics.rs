//! `/metrics`: what the process counted, in Prometheus' text format.
//!
//! In: everything recorded through the `metrics` facade, plus what the system knows of this process. Out: text, to
//! whoever has the token. No label names a room, a user or a participant.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// How often histograms are emptied into their buckets; without it they grow until somebody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of durations in seconds: from a cached page to a slow database.
const DURATION_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The recorder of this process and who may read it.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
    /// `None`: everybody who reaches the port.
    token: Option<[u8; 32]>,
    /// Writes the figures that are kept elsewhere until somebody asks.
    before: Arc<dyn Fn() + Send + Sync>,
    /// Lines in Prometheus' format that are kept elsewhere.
    further: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Metrics {
    /// Installs the process-wide recorder; call once.
    ///
    /// # Errors
    /// There is one already.
    pub(crate) fn install(token: Option<&str>) -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new().set_buckets(&DURATION_BUCKETS)?.install_recorder()?;
        metrics::gauge!("plenum_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self { handle, token: token.map(digest), before: Arc::new(|| ()), further: Arc::new(String::new) })
    }

    /// Keeps the recorder's memory bounded until `stop`.
    pub(crate) async fn upkeep(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.handle.run_upkeep();
        }
    }

    /// The route; `before` is called whenever somebody reads, and what `further` says is added.
    pub(crate) fn router(
        self,
        before: Arc<dyn Fn() + Send + Sync>,
        further: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Router {
        Router::new().route("/metrics", get(answer)).with_state(Self { before, further, ..self })
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = self.token else { return true };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        // Digests are compared, so that the time it takes says nothing about the token.
        given.and_then(|text| text.strip_prefix("Bearer ")).is_some_and(|given| digest(given) == token)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

async fn answer(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    if !metrics.admits(&headers) {
        let text = "metrics ask for the bearer token of the setting metrics.token\n";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response();
    }
    (metrics.before)();
    record_process();
    let mut text = metrics.handle.render();
    text.push_str(&(metrics.further)());
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// Memory, threads and open files, where the system tells (Linux).
fn record_process() {
    if let Ok(text) = std::fs::read_to_string("/proc/self/status") {
        for (field, name, factor) in [
            ("VmRSS:", "process_resident_memory_bytes", 1_024.0),
            ("VmSize:", "process_virtual_memory_bytes", 1_024.0),
            ("Threads:", "process_threads", 1.0),
        ] {
            if let Some(value) = status_field(&text, field) {
                metrics::gauge!(name).set(value * factor);
            }
        }
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(files.count() as f64);
    }
}

/// The number after `field` in the text of `/proc/self/status`.
fn status_field(text: &str, field: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_figures_are_found() {
        let text = "Name:\tplenum\nVmRSS:\t   2048 kB\nThreads:\t7\n";
        assert_eq!(status_field(text, "VmRSS:"), Some(2048.0));
        assert_eq!(status_field(text, "Threads:"), Some(7.0));
        assert_eq!(status_field(text, "VmSwap:"), None);
    }

    #[test]
    fn only_the_token_opens_the_door() {
        let handle = PrometheusBuilder::new().build_recorder().handle();
        let (before, further) = (Arc::new(|| ()), Arc::new(String::new));
        let free = Metrics { handle: handle.clone(), token: None, before: before.clone(), further: further.clone() };
        let guarded = Metrics { handle, token: Some(digest("right")), before, further };
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("a header"))]);
        assert!(free.admits(&HeaderMap::new()) && guarded.admits(&with("Bearer right")));
        for wrong in ["Bearer wrong", "Bearer ", "right", "Basic right"] {
            assert!(!guarded.admits(&with(wrong)), "{wrong}");
        }
        assert!(!guarded.admits(&HeaderMap::new()));
    }
}
