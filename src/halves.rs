//! The two halves in this process, joined to each other and ready to be served.
//!
//! In: settings, secrets, which half was asked for. Out: one router, readiness checks, an orderly end. The halves see
//! each other only as HTTP (`signaling.md`): here they are given the wires, and nothing else knows both.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get};
use control_plane::{ControlPlane, ControlPlaneConfig, InternalKey, MediaConnection, Sharing};
use futures_util::future::BoxFuture;
use sfu::worker::{WorkersConfig, check_ports};
use sfu::{ApiKey, Node, NodeConfig, WebhookTarget};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use url::Url;

use crate::cli::Half;
use crate::config::{Registration, Settings};
use crate::greeting::own_url;
use crate::http::health::{Checks, Part};
use crate::http::web_app;
use crate::secrets::Secrets;
use crate::wire::Wire;

/// Where a media node reports what happened, on the control plane.
const WEBHOOKS: &str = "/internal/webhooks/livekit";

/// Paths of the control plane.
const API: [&str; 2] = ["/api/", "/internal/"];

/// What failed, and which options change it.
const MEDIA_NODE: &str = "cannot start the media node (--udp-port, --workers, --bind)";

/// Finds out whether the media ports can be had, before anything starts.
///
/// # Errors
/// One of them is taken, or not ours to take.
pub(crate) fn check_media_ports(settings: &Settings) -> anyhow::Result<()> {
    let config = WorkersConfig {
        bind: media_bind(settings),
        udp_port: settings.media.udp_port,
        workers: settings.workers(),
        advertise: Vec::new(),
    };
    check_ports(&config).context(MEDIA_NODE)
}

/// Both families, each with a socket of its own, unless one address was asked for.
fn media_bind(settings: &Settings) -> IpAddr {
    settings.server.bind.unwrap_or(IpAddr::from([0u16; 8]))
}

/// The running halves.
pub(crate) struct Halves {
    node: Option<Node>,
    control_plane: Option<ControlPlane>,
}

impl Halves {
    /// Opens the database and starts media workers; `stop` ends background work.
    ///
    /// # Errors
    /// The database cannot be opened, a UDP port is taken, …
    pub(crate) async fn start(
        settings: &Settings,
        secrets: &Secrets,
        only: Option<Half>,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let (to_node, to_control_plane) = (Wire::new()?, Wire::new()?);
        let mut halves = Self { node: None, control_plane: None };
        if only != Some(Half::Sfu) {
            let config = control_plane_config(settings, secrets, only, to_node.clone());
            let started = ControlPlane::start(config, stop.clone()).await.context("cannot start the control plane")?;
            to_control_plane.connect(started.router());
            halves.control_plane = Some(started);
        }
        if only != Some(Half::ControlPlane) {
            let config = node_config(settings, secrets, only, to_control_plane);
            let node = Node::start(config).context(MEDIA_NODE)?;
            to_node.connect(node.router());
            halves.node = Some(node);
        }
        Ok(halves)
    }

    /// Everything that is served: the API under `/api` and `/internal`, the node's own routes, and for all other paths
    /// the web app; without a control plane, `/` says that somebody is there.
    pub(crate) fn router(&self) -> Router {
        let mut router = Router::new();
        if let Some(node) = &self.node {
            router = router.merge(node.router());
        }
        match &self.control_plane {
            Some(control_plane) => {
                let halves = (control_plane.router(), web_app::router());
                router.fallback_service(any(by_path).with_state(halves))
            }
            None => router.route("/", get(|| async { "OK" })),
        }
    }

    /// What is done before somebody reads metrics.
    pub(crate) fn metrics_hook(self: &Arc<Self>) -> Arc<dyn Fn() + Send + Sync> {
        let halves = Arc::clone(self);
        Arc::new(move || {
            if let Some(node) = &halves.node {
                node.publish_metrics();
            }
        })
    }

    /// What `/readyz` asks. In one process the halves need each other; apart, either goes on without the other.
    pub(crate) fn checks(self: &Arc<Self>) -> Checks {
        let together = self.node.is_some() && self.control_plane.is_some();
        let mut parts = Vec::new();
        let mut add = |name, needed, check: fn(Arc<Self>) -> BoxFuture<'static, Result<(), String>>| {
            let halves = Arc::clone(self);
            parts.push(Part { name, needed, check: Arc::new(move || check(Arc::clone(&halves))) });
        };
        if self.control_plane.is_some() {
            add("database", true, |halves| {
                Box::pin(async move {
                    match &halves.control_plane {
                        Some(control_plane) => control_plane.ready().await,
                        None => Ok(()),
                    }
                })
            });
            add("media_nodes", together, |halves| {
                Box::pin(async move {
                    match &halves.control_plane {
                        Some(control_plane) => control_plane.media_ready().await,
                        None => Ok(()),
                    }
                })
            });
        }
        if let Some(node) = &self.node {
            add("workers", true, |halves| {
                Box::pin(async move {
                    match &halves.node {
                        Some(node) => node.workers_ready().await,
                        None => Ok(()),
                    }
                })
            });
            if node.control_plane_ready().is_some() {
                add("control_plane", together, |halves| {
                    let heard = halves.node.as_ref().and_then(Node::control_plane_ready).unwrap_or(Ok(()));
                    Box::pin(std::future::ready(heard))
                });
            }
        }
        parts.into()
    }

    /// What `/metrics` says beside what was counted in this process.
    pub(crate) fn further_metrics(self: &Arc<Self>) -> Arc<dyn Fn() -> String + Send + Sync> {
        let halves = Arc::clone(self);
        Arc::new(move || halves.control_plane.as_ref().map(ControlPlane::node_metrics).unwrap_or_default())
    }

    /// The one-time token for the first admin, while there is none.
    pub(crate) fn setup_token(&self) -> Option<String> {
        self.control_plane.as_ref()?.setup_token()
    }

    /// Tells every client and closes its socket.
    pub(crate) async fn say_goodbye(&self, patience: Duration) {
        let node = async {
            if let Some(node) = &self.node {
                node.shutdown(patience).await;
            }
        };
        let control_plane = async {
            if let Some(control_plane) = &self.control_plane {
                control_plane.say_goodbye(patience).await;
            }
        };
        tokio::join!(node, control_plane);
    }

    /// Ends background tasks and closes the database.
    pub(crate) async fn stop(&self) {
        if let Some(control_plane) = &self.control_plane {
            control_plane.stop().await;
        }
    }
}

/// The API answers its unknown paths with problem documents, the web app its own with a page. A catch-all route would
/// not do: its parameter would be one more to every handler behind it.
async fn by_path(State((api, pages)): State<(Router, Router)>, request: Request) -> Response {
    let is_api = API.iter().any(|prefix| request.uri().path().starts_with(prefix));
    let router = if is_api { api } else { pages };
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn control_plane_config(
    settings: &Settings,
    secrets: &Secrets,
    only: Option<Half>,
    to_node: Wire,
) -> ControlPlaneConfig {
    let key = InternalKey { key: secrets.internal.key.clone(), secret: secrets.internal.secret.clone() };
    let media_url = settings.media.url.clone();
    let media = MediaConnection {
        call: Arc::new(to_node),
        // Without a host: the node in this process.
        api_url: media_url.clone().unwrap_or_default(),
        // A node that says nothing of itself is found where its API is.
        client_url: media_url.filter(|_| only.is_some()).map(|url| socket_url(&url)),
    };
    let mut config = ControlPlaneConfig::new(settings.server.data_dir.clone(), key, media);
    config.database_url.clone_from(&settings.database.url);
    config.redis_url.clone_from(&settings.redis.url);
    config.public_url = settings.server.public_url.as_deref().and_then(|url| Url::parse(url).ok());
    config.own_url = Url::parse(&own_url(settings)).ok();
    config.registration = match settings.control_plane.registration {
        Registration::Open => control_plane::Registration::Open,
        Registration::Invite => control_plane::Registration::Invite,
        Registration::Closed => control_plane::Registration::Closed,
    };
    if !settings.push.hosts.is_empty() {
        config.push.hosts.clone_from(&settings.push.hosts);
    }
    config.push.contact.clone_from(&settings.push.contact);
    config.push.vapid_private_key.clone_from(&settings.push.vapid_private_key);
    if let (Some(smtp_url), Some(from)) = (&settings.mail.smtp_url, &settings.mail.from) {
        config.mail = Some(control_plane::MailSettings { smtp_url: smtp_url.clone(), from: from.clone() });
    }
    config.storage_url.clone_from(&settings.storage.url);
    if let (Some(id), Some(secret)) = (&settings.storage.access_key, &settings.storage.secret_key) {
        config.storage_key = Some(control_plane::StorageKey { id: id.clone(), secret: secret.clone() });
    }
    config.sharing = match only {
        None if settings.media.url.is_none() => Sharing::Alone,
        _ => Sharing::WithAddresses,
    };
    config.https_port = Some(settings.server.https_port).filter(|port| *port != 0);
    let oauth = &settings.oauth;
    config.oauth.google = provider(&oauth.google_client_id, &oauth.google_client_secret, &oauth.google_issuer);
    config.oauth.microsoft =
        provider(&oauth.microsoft_client_id, &oauth.microsoft_client_secret, &oauth.microsoft_issuer);
    config.trusted_proxies = settings.server.trusted_proxies.iter().map(ToString::to_string).collect();
    config.rate_limits.session_per_minute = settings.limits.requests_per_minute_user;
    config.rate_limits.guest_per_minute = settings.limits.requests_per_minute_user;
    config.rate_limits.address_per_minute = settings.limits.requests_per_minute_address;
    config.rate_limits.auth_per_minute = settings.limits.sign_ins_per_minute;
    config
}

/// A provider that has both an id and a secret.
fn provider(id: &Option<String>, secret: &Option<String>, issuer: &str) -> Option<control_plane::ProviderSettings> {
    Some(control_plane::ProviderSettings {
        client_id: id.clone()?,
        client_secret: secret.clone()?,
        issuer: Url::parse(issuer).ok()?,
    })
}

fn node_config(settings: &Settings, secrets: &Secrets, only: Option<Half>, to_control_plane: Wire) -> NodeConfig {
    let (key, secret) = (secrets.internal.key.clone(), secrets.internal.secret.clone());
    // In one process both addresses stay empty: the wire then leads to the other half's router.
    let reports_to = match only {
        None => Some(String::new()),
        Some(_) => settings.control_plane.url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
    };
    let call: Arc<dyn signaling_proto::call::HttpCall> = Arc::new(to_control_plane);
    let ours = reports_to.iter().map(|base| (format!("{base}{WEBHOOKS}"), &secrets.internal));
    let theirs = settings.media.webhook_urls.iter().map(|url| (url.clone(), &secrets.api));
    let webhooks = ours.chain(theirs).map(|(url, pair)| WebhookTarget {
        url,
        call: Some(Arc::clone(&call)),
        key: pair.key.clone(),
        secret: pair.secret.clone(),
    });
    let webhooks = webhooks.collect();
    // In one process the node has an address only if it was given one; then others on the same database can reach it.
    let own_url = match only {
        Some(_) => node_url(settings),
        None => settings.media.url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned(),
    };
    let public_url = settings.server.public_url.clone().filter(|_| only.is_some()).unwrap_or_else(|| own_url.clone());
    NodeConfig {
        region: settings.media.region.clone(),
        workers: settings.workers(),
        udp_port: settings.media.udp_port,
        bind: media_bind(settings),
        advertise_ips: settings.media.advertise_ip.clone(),
        keys: vec![
            ApiKey { key: secrets.api.key.clone(), secret: secrets.api.secret.clone(), auto_create_rooms: true },
            ApiKey { key: key.clone(), secret: secret.clone(), auto_create_rooms: false },
        ],
        webhooks,
        control_plane: reports_to.map(|url| sfu::ControlPlane {
            url,
            call: Some(call),
            key,
            secret,
            public_url: socket_url(&public_url),
            api_url: own_url,
        }),
        remote_unmute: settings.media.remote_unmute,
        ..NodeConfig::default()
    }
}

/// Where a node that runs alone is found: the setting, else the first address others may reach it at.
fn node_url(settings: &Settings) -> String {
    if let Some(url) = &settings.media.url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = settings
        .media
        .advertise_ip
        .first()
        .copied()
        .or(settings.server.bind.filter(|ip| !ip.is_unspecified()))
        .or_else(crate::http::listener::network_address)
        .unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let (scheme, port) = match settings.server.http_port {
        0 => ("https", settings.server.https_port),
        port => ("http", port),
    };
    format!("{scheme}://{}", std::net::SocketAddr::new(host, port))
}

/// `http` becomes `ws`, `https` becomes `wss`; everything else stays.
fn socket_url(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match url.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => url.to_owned(),
    }
}

/// Makes an account with the platform role of an administrator.
///
/// # Errors
/// The database cannot be opened, or the account cannot be made.
pub(crate) async fn create_admin(
    settings: &Settings,
    email: String,
    name: Option<String>,
    password: String,
) -> anyhow::Result<uuid::Uuid> {
    let display_name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let admin = control_plane::NewAdmin { email, password, display_name };
    let dir = settings.server.data_dir.clone();
    Ok(control_plane::create_admin(settings.database.url.as_deref(), &dir, admin).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_alone_says_where_it_is() {
        let mut settings = Settings::default();
        settings.media.advertise_ip = vec![IpAddr::from([192, 0, 2, 7])];
        assert_eq!(node_url(&settings), "http://192.0.2.7:7880");
        settings.server.http_port = 0;
        settings.media.advertise_ip = vec!["2001:db8::7".parse().expect("an address")];
        assert_eq!(node_url(&settings), "https://[2001:db8::7]:7843");
        settings.media.url = Some("http://node.internal:9000/".to_owned());
        assert_eq!(node_url(&settings), "http://node.internal:9000");
    }

    #[test]
    fn web_addresses_become_socket_addresses() {
        assert_eq!(socket_url("https://meet.example.org/"), "wss://meet.example.org");
        assert_eq!(socket_url("http://10.0.0.1:7880"), "ws://10.0.0.1:7880");
        assert_eq!(socket_url(""), "");
    }
}
