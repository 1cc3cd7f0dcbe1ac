//! Webhooks: every event of every room to every target, in the order of each room, at least once.
//!
//! In: events from rooms, which never wait. Out: signed POSTs. A target has a few lanes; a room always uses the same
//! lane, and a lane delivers one event after the other, so that a failing event holds back its own lane only. What does
//! not fit into a lane's queue, or is refused for too long, is dropped and counted.

use std::hash::BuildHasher;
use std::hash::BuildHasherDefault;
use std::hash::DefaultHasher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use signaling_proto::proto::WebhookEvent;
use signaling_proto::webhook;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::warn;

use super::HttpCall;
use crate::config::WebhookTarget;

/// Events under way in parallel to one target.
const LANES: usize = 16;

/// Events that wait in one lane. At about 2 kB each this bounds a target to some 16 MB.
const LANE_CAPACITY: usize = 512;

/// First pause after a failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long an event is tried while its target is away, fails or asks for patience: longer than an endpoint is usually
/// down for an upgrade.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// The same while the target is there and refuses the event, which a later try will hardly change: other events wait.
const PATIENCE_WITH_REFUSAL: Duration = Duration::from_secs(3 * 60);

/// One event of one room.
#[derive(Clone, Debug)]
pub struct Event {
    /// Room name: what orders events.
    pub room: Arc<str>,
    pub event: Arc<WebhookEvent>,
}

struct Target {
    config: WebhookTarget,
    call: Arc<dyn HttpCall>,
}

/// The lanes of all targets.
pub struct Webhooks {
    /// Emptied at shutdown, which ends the lanes once their queues are.
    lanes: Mutex<Vec<Vec<mpsc::Sender<Event>>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Webhooks {
    /// Starts the lanes on the current runtime. `network` carries requests to targets without a way of their own.
    pub fn start(targets: &[WebhookTarget], network: &Arc<dyn HttpCall>) -> Self {
        let mut tasks = JoinSet::new();
        let lanes = targets
            .iter()
            .map(|config| {
                let call = config.call.clone().unwrap_or_else(|| Arc::clone(network));
                let target = Arc::new(Target { config: config.clone(), call });
                (0..LANES)
                    .map(|_| {
                        let (sender, receiver) = mpsc::channel(LANE_CAPACITY);
                        tasks.spawn(run_lane(Arc::clone(&target), receiver));
                        sender
                    })
                    .collect()
            })
            .collect();
        Self { lanes: Mutex::new(lanes), tasks: Mutex::new(tasks) }
    }

    /// Queues an event for every target; never waits.
    pub fn send(&self, event: &Event) {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&event.room) as usize;
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for lane in lanes.iter().filter_map(|target| target.get(hash % LANES)) {
            if lane.try_send(event.clone()).is_err() {
                metrics::counter!("plenum_webhooks_dropped_total", "reason" => "queue_full").increment(1);
            }
        }
    }

    /// Delivers what waits, up to `deadline`, then gives up the rest.
    pub async fn drain(&self, deadline: Duration) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all).await.is_err() {
            warn!("webhooks left undelivered at shutdown");
        }
    }
}

async fn run_lane(target: Arc<Target>, mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        deliver(&target, &event).await;
    }
}

async fn deliver(target: &Target, event: &Event) {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let failure = match target.post(event).await {
            Ok(()) => {
                metrics::counter!("plenum_webhooks_delivered_total").increment(1);
                return;
            }
            Err(failure) => failure,
        };
        if began.elapsed() + pause > failure.patience() {
            metrics::counter!("plenum_webhooks_dropped_total", "reason" => failure.label()).increment(1);
            warn!(url = target.shown(), %failure, "webhook given up");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// No answer: nobody listens, or not in time.
    #[error("{0}")]
    Away(String),
    /// An answer, but not the one that says it is taken.
    #[error("status {0}")]
    Status(StatusCode),
}

impl Failure {
    fn patience(&self) -> Duration {
        match self {
            Self::Status(status)
                if !status.is_server_error()
                    && !matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) =>
            {
                PATIENCE_WITH_REFUSAL
            }
            Self::Status(_) | Self::Away(_) => PATIENCE,
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Away(_) => "unreachable",
            Self::Status(_) => "refused",
        }
    }
}

impl Target {
    /// The address for logs: without a password, and without parameters, which may be one.
    fn shown(&self) -> String {
        match self.config.url.parse::<http::Uri>() {
            Ok(uri) => format!("{}{}", uri.host().unwrap_or_default(), uri.path()),
            Err(_) => String::new(),
        }
    }

    /// One try. The signature is made anew each time, because it is valid for five minutes only.
    async fn post(&self, event: &Event) -> Result<(), Failure> {
        let now = signaling_proto::unix_now();
        let signed = webhook::sign(&event.event, &self.config.key, &self.config.secret, now)
            .map_err(|error| Failure::Away(error.to_string()))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.config.url)
            .header(header::CONTENT_TYPE, webhook::CONTENT_TYPE)
            .header(header::AUTHORIZATION, signed.authorization)
            .body(Bytes::from(signed.body))
            .map_err(|error| Failure::Away(error.to_string()))?;
        let response = self.call.call(request).await.map_err(|error| Failure::Away(error.to_string()))?;
        if response.status().is_success() { Ok(()) } else { Err(Failure::Status(response.status())) }
    }
}
