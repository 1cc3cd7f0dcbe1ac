//! Starts what `plenum serve` asks for, waits for a signal, and ends it in order.
//!
//! In: checked settings. Out: exit. The order at start: secrets, ports, the halves, then the first request is accepted.
//! The order at the end: no new connections, clients told, requests finished, the database closed.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::Half;
use crate::config::{Registration, Settings};
use crate::greeting::{greeting, own_url};
use crate::halves::{self, Halves};
use crate::http::connection::{Connections, TimeLimits, Transport};
use crate::http::gate::{Bounds, Gate};
use crate::http::listener::{self, connections_that_fit};
use crate::http::metrics::Metrics;
use crate::http::tls::Tls;
use crate::http::{health, layers};
use crate::secrets::Secrets;

/// Locked in the data directory while a process runs on it.
const LOCK_FILE: &str = "plenum.lock";

/// Serves until SIGINT or SIGTERM, then ends cleanly.
///
/// # Errors
/// Whatever kept it from starting; once it serves, nothing.
pub(crate) async fn serve(settings: Settings, only: Option<Half>) -> anyhow::Result<()> {
    let mut signals = signals::Signals::listen().context("cannot listen to signals")?;
    let secrets = Secrets::open(&settings)?;
    let _only_process = lock_data(&settings, only)?;
    let ports = Ports::open(&settings)?;
    if only != Some(Half::ControlPlane) {
        halves::check_media_ports(&settings)?;
    }
    let metrics = Metrics::install(secrets.metrics_token.as_deref()).context("cannot record metrics")?;

    let stop = CancellationToken::new();
    let background = TaskTracker::new();
    background.spawn(metrics.clone().upkeep(stop.clone()));
    let halves = Arc::new(Halves::start(&settings, &secrets, only, &stop).await?);
    let router = halves
        .router()
        .merge(health::router(halves.checks()))
        .merge(metrics.router(halves.metrics_hook(), halves.further_metrics()));
    let front = Front::start(&settings, ports, router);
    announce(&settings, &secrets, only, &halves);

    signals.wait_for_the_end(|| front.reload()).await;
    tracing::info!("stopping; a second signal ends it at once");
    let patience = Duration::from_secs(settings.limits.shutdown_s);
    let orderly = async {
        front.accept_no_more();
        halves.say_goodbye(patience).await;
        front.stop(patience).await;
        halves.stop().await;
        stop.cancel();
        background.close();
        background.wait().await;
    };
    tokio::select! {
        () = orderly => tracing::info!("stopped"),
        () = signals.wait_for_the_end(|| ()) => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// A SQLite database belongs to one process: a second one would run the same rooms on a media node of its own, and
/// people in one room would not see each other. Held until the process ends, however it ends.
fn lock_data(settings: &Settings, only: Option<Half>) -> anyhow::Result<Option<File>> {
    let is_sqlite = settings.database.url.as_deref().is_none_or(|url| url.starts_with("sqlite:"));
    if only == Some(Half::Sfu) || !is_sqlite {
        return Ok(None);
    }
    let dir = &settings.server.data_dir;
    let file = File::create(dir.join(LOCK_FILE)).with_context(|| format!("cannot write into {}", dir.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let dir = dir.display();
            anyhow::bail!("another plenum runs with the data directory {dir}; give this one its own with --data-dir")
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data directory"),
    }
}

/// Says where everything is, to people and to logs.
fn announce(settings: &Settings, secrets: &Secrets, only: Option<Half>, halves: &Halves) {
    if settings.control_plane.registration == Registration::Open
        && !settings.is_loopback_only()
        && only != Some(Half::Sfu)
    {
        tracing::warn!("anybody who reaches this server can make an account; --registration changes that");
    }
    if settings.mail.smtp_url.is_some() && settings.server.public_url.is_none() && only != Some(Half::Sfu) {
        let links = own_url(settings);
        tracing::warn!(%links, "links in mails lead to this machine's own address; --public-url sets another");
    }
    let text = greeting(settings, &secrets.api.key, only, halves.setup_token().as_deref());
    // Nobody may be reading; that is no reason to stop.
    let _ = std::io::stdout().write_all(text.as_bytes());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "plenum is running");
}

/// Sockets that are open already: a port that is taken must show before anything else starts.
struct Ports {
    http: Option<tokio::net::TcpListener>,
    https: Option<(tokio::net::TcpListener, Arc<Tls>)>,
}

impl Ports {
    fn open(settings: &Settings) -> anyhow::Result<Self> {
        let server = &settings.server;
        let open = |port: u16, option| (port != 0).then(|| listener::bind(server.bind, port, option)).transpose();
        let http = open(server.http_port, "http-port")?;
        let https = match open(server.https_port, "https-port")? {
            Some(listener) => Some((listener, Arc::new(Tls::open(settings)?))),
            None => None,
        };
        Ok(Self { http, https })
    }
}

/// The listeners while they run.
struct Front {
    accepting: CancellationToken,
    serving: CancellationToken,
    tasks: TaskTracker,
    tls: Option<Arc<Tls>>,
}

impl Front {
    fn start(settings: &Settings, ports: Ports, router: Router) -> Self {
        let limits = &settings.limits;
        let gate = Gate::new(Bounds {
            connections: connections_that_fit(limits.connections),
            per_address: limits.connections_per_address,
            waiting: limits.waiting_connections,
            proxies: settings.server.trusted_proxies.clone(),
        });
        let time = TimeLimits {
            header: Duration::from_secs(limits.header_timeout_s),
            idle: Duration::from_secs(limits.idle_timeout_s),
        };
        let router = layers::wrap(router, Duration::from_secs(limits.body_timeout_s));
        let (accepting, serving, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let connections = Connections::new(router, gate, time, serving.clone(), tasks.clone());
        if let Some(socket) = ports.http {
            tasks.spawn(listener::accept(socket, Transport::Plain, connections.clone(), accepting.clone()));
        }
        let mut tls = None;
        if let Some((socket, certificate)) = ports.https {
            tls = Some(certificate.clone());
            tasks.spawn(listener::accept(socket, Transport::Tls(certificate), connections, accepting.clone()));
        }
        Self { accepting, serving, tasks, tls }
    }

    /// Reads the certificate again.
    fn reload(&self) {
        match self.tls.as_ref().map(|tls| tls.reload()) {
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => tracing::error!(%error, "the certificate was not changed"),
            None => {}
        }
    }

    fn accept_no_more(&self) {
        self.accepting.cancel();
    }

    /// Connections that are open may finish the request they are in, for `patience`.
    async fn stop(&self, patience: Duration) {
        self.accept_no_more();
        self.serving.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "connections were cut off");
        }
    }
}

mod signals {
    //! SIGINT and SIGTERM end the process, SIGHUP reads certificates again.

    use std::io;

    #[cfg(unix)]
    use tokio::signal::unix::{Signal, SignalKind, signal};

    #[cfg(unix)]
    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
    }

    #[cfg(unix)]
    impl Signals {
        /// From now on these signals do not kill the process.
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }

        /// Returns at the next signal to end; calls `reload` at every SIGHUP before.
        pub(super) async fn wait_for_the_end(&mut self, reload: impl Fn()) {
            loop {
                tokio::select! {
                    _ = self.interrupt.recv() => return,
                    _ = self.terminate.recv() => return,
                    _ = self.hang_up.recv() => reload(),
                }
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) struct Signals;

    #[cfg(not(unix))]
    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn wait_for_the_end(&mut self, _reload: impl Fn()) {
            // Without a console there is nobody to press Ctrl-C, and nothing to wait for.
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
