//! The running control plane: what every route and task shares, how it starts and how it ends.
//!
//! In: [`ControlPlaneConfig`]. Out: a router and background tasks. Must not open a socket: the binary does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use signaling_proto::token::KeyStore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::Uuid;

use crate::adapters::mail::{MailSettingsError, Mailer};
use crate::adapters::media_nodes::MediaNodes;
use crate::adapters::providers::{ProviderSettingsError, Providers};
use crate::adapters::push::{PushSetupError, WebPush};
use crate::adapters::redis::Redis;
use crate::adapters::storage::{Storage, StorageOpenError};
use crate::config::{CallSettings, ControlPlaneConfig, InternalKey, RealtimeSettings, SessionSettings, Sharing};
use crate::events::hub::Hub;
use crate::events::{EventBus, fanout, tail};
use crate::http::origin::{TrustedProxies, TrustedProxyError};
use crate::http::rate_limit::RateLimits;
use crate::jobs::{self, JobQueue};
use crate::model::clock::{Clock, Micros};
use crate::routes;
use crate::services::lobby::Bells;
use crate::services::meetings::sweep;
use crate::services::node_watch::{self, NodeFigures};
use crate::services::passwords::{PasswordError, Passwords};
use crate::services::presence::{self, Presence, Shared as SharedPresence};
use crate::services::settings::{Live, LiveSettings};
use crate::services::setup::SetupToken;
use crate::services::{nodes, reconcile, retention, settings};
use crate::store::claim::{self, Claim, ClaimError, Keeper};
use crate::store::db::{Db, OpenError, StoreError};
use crate::store::tx::{Outbox, Tx};
use crate::store::{events, installation, nodes as node_store, users};

/// Workers of the job table in one process.
const WORKERS: usize = 2;
/// Longest wait for the database's word that it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long tasks may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// What the key that derives refresh tokens is derived for; it must differ from every other use of the secret.
const ROTATION_LABEL: &[u8] = b"plenum refresh token rotation 1";

/// What the key that codes by mail are computed with is derived for.
const CODE_LABEL: &[u8] = b"plenum codes by mail 1";

/// What the key that signs sign-ins under way is derived for.
const STATE_LABEL: &[u8] = b"plenum sign-in by provider 1";

/// What every request and task shares.
pub(crate) struct App {
    pub db: Db,
    pub outbox: Outbox,
    pub clock: Clock,
    pub started_at: Micros,
    pub limits: RateLimits,
    pub bells: Bells,
    /// What admins change while the server runs.
    pub settings: Live,
    pub proxies: TrustedProxies,
    pub passwords: Passwords,
    pub setup: SetupToken,
    pub media: MediaNodes,
    /// Where files' bytes are.
    pub storage: Storage,
    pub node_figures: NodeFigures,
    pub mailer: Option<Mailer>,
    pub providers: Providers,
    pub push: WebPush,
    pub internal_key: InternalKey,
    pub internal_keys: KeyStore,
    pub rotation_key: hmac::Key,
    pub code_key: hmac::Key,
    pub state_key: hmac::Key,
    pub public_url: Option<Url>,
    /// The beginning of links in mails.
    pub link_base: Option<Url>,
    pub https_port: Option<u16>,
    pub sessions: SessionSettings,
    pub calls: CallSettings,
    pub realtime: RealtimeSettings,
    /// The database for work that no request causes.
    pub background: Db,
    /// Who listens here.
    pub hub: Arc<Hub>,
    /// Sockets and streams, while they last.
    pub listeners: TaskTracker,
    /// Ends when listeners have to go.
    pub goodbye: CancellationToken,
    /// Who is there, as far as this process knows.
    pub presence: Presence,
    /// Who is there, as far as all replicas know.
    pub shared_presence: Option<SharedPresence>,
    /// This process among its replicas.
    pub replica_id: Uuid,
    pub max_body_bytes: usize,
    pub request_timeout: Duration,
}

impl App {
    /// The settings in force now.
    pub(crate) fn live(&self) -> Arc<LiveSettings> {
        self.settings.get()
    }

    /// Begins a write transaction with its outbox.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Tx::begin(&self.db, &self.outbox).await
    }

    pub(crate) fn access_ttl(&self) -> Duration {
        Duration::from_secs(self.sessions.access_ttl_s)
    }

    pub(crate) fn refresh_ttl(&self) -> Duration {
        Duration::from_secs(self.sessions.refresh_ttl_s)
    }

    pub(crate) fn refresh_grace(&self) -> Duration {
        Duration::from_secs(self.sessions.refresh_grace_s)
    }

    pub(crate) fn guest_ttl(&self) -> Duration {
        Duration::from_secs(self.sessions.guest_ttl_h.saturating_mul(3_600))
    }

    pub(crate) fn node_timeout(&self) -> Duration {
        Duration::from_secs(self.calls.node_timeout_s)
    }

    pub(crate) fn node_lost(&self) -> Duration {
        Duration::from_secs(self.calls.node_lost_s)
    }

    pub(crate) fn starting_timeout(&self) -> Duration {
        Duration::from_secs(self.calls.starting_timeout_s)
    }
}

/// Why the control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened or migrated.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database was opened and then refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process like this one uses the database.
    #[error(
        "another Plenum uses this database, and one of the two has a media node inside that the other could not reach: \
         give each its own --media-url, or run `plenum serve --only control-plane` and `plenum serve --only sfu`"
    )]
    Shared,
    /// A trusted proxy is no address.
    #[error("trusted_proxies: {0}")]
    TrustedProxy(#[from] TrustedProxyError),
    /// The settings of mail make no sense.
    #[error(transparent)]
    Mail(#[from] MailSettingsError),
    /// The settings of a provider make no sense.
    #[error(transparent)]
    Provider(#[from] ProviderSettingsError),
    /// Files cannot be kept.
    #[error("storage_url: {0}")]
    Storage(#[from] StorageOpenError),
    /// The address of Redis makes no sense.
    #[error("redis_url: {0}")]
    Redis(String),
    /// The cost settings of passwords make no sense.
    #[error("sessions: {0}")]
    Password(#[from] PasswordError),
    /// Push has a setting or a key that makes no sense.
    #[error("push: {0}")]
    Push(#[from] PushSetupError),
}

/// A running control plane.
pub struct ControlPlane {
    app: Arc<App>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Where another process on the database would do harm.
    claim: Option<Arc<Claim>>,
}

impl ControlPlane {
    /// Opens the database, brings its schema up to date and starts the background tasks, which end with `shutdown`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: ControlPlaneConfig, shutdown: CancellationToken) -> Result<Self, StartError> {
        let proxies = TrustedProxies::parse(&config.trusted_proxies)?;
        let passwords = Passwords::new(&config.sessions)?;
        let providers = Providers::new(&config.oauth)?;
        let mailer = config.mail.as_ref().map(Mailer::new).transpose()?;
        let push = WebPush::open(&config.push, &config.data_dir, config.public_url.as_ref())?;
        let storage = Storage::open(config.storage_url.as_deref(), config.storage_key.as_ref(), &config.data_dir)?;
        let db = Db::open(config.database_url.as_deref(), &config.data_dir, &config.database).await?;
        let keeper = claim_database(&db, config.sharing).await?;
        let setup = SetupToken::draw(&db).await?;
        let configured = LiveSettings {
            registration: config.registration,
            rooms: config.rooms,
            files: config.files,
            retention: config.retention,
        };
        let settings = Live::load(configured, &db).await?;
        let background = db.uncounted();
        let hub = Hub::new(config.realtime.clone(), events::last(&background).await?);
        let redis = match &config.redis_url {
            Some(url) => Some(open_redis(url, &background, config.clock.now()).await?),
            None => None,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, config.internal_key.secret.as_bytes());
        let rotation_key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, ROTATION_LABEL).as_ref());
        let code_key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, CODE_LABEL).as_ref());
        let state_key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, STATE_LABEL).as_ref());
        let app = Arc::new(App {
            db,
            outbox: Outbox { bus: EventBus::new(), jobs: JobQueue::default() },
            started_at: config.clock.now(),
            clock: config.clock,
            bells: Bells::default(),
            settings,
            limits: RateLimits::new(&config.rate_limits, redis.clone()),
            proxies,
            passwords,
            setup,
            mailer,
            providers,
            push,
            storage,
            media: MediaNodes::new(config.media, config.internal_key.clone()),
            node_figures: NodeFigures::default(),
            internal_keys: KeyStore::with_key(&config.internal_key.key, &config.internal_key.secret),
            internal_key: config.internal_key,
            rotation_key,
            code_key,
            state_key,
            link_base: config.public_url.clone().or(config.own_url),
            public_url: config.public_url,
            https_port: config.https_port,
            sessions: config.sessions,
            calls: config.calls,
            realtime: config.realtime,
            background,
            hub,
            listeners: TaskTracker::new(),
            goodbye: shutdown.child_token(),
            presence: Presence::default(),
            shared_presence: redis.clone().map(SharedPresence::new),
            replica_id: Uuid::now_v7(),
            max_body_bytes: config.http.max_body_bytes,
            request_timeout: Duration::from_millis(config.http.timeout_ms),
        });
        let (tasks, stop) = (TaskTracker::new(), shutdown.child_token());
        for _ in 0..WORKERS {
            tasks.spawn(jobs::run_worker(Arc::clone(&app), stop.clone()));
        }
        tasks.spawn(reconcile::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(node_watch::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(sweep::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(retention::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(settings::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(tail::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(presence::run(Arc::clone(&app), stop.clone()));
        if let Some(redis) = redis {
            tasks.spawn(fanout::speak(Arc::clone(&app), redis.clone(), stop.clone()));
            tasks.spawn(fanout::hear(Arc::clone(&app), redis, stop.clone()));
        }
        let claim = keeper.as_ref().map(Keeper::claim);
        if let Some(keeper) = keeper {
            tasks.spawn(keeper.run(stop.clone()));
        }
        tasks.close();
        Ok(Self { app, tasks, stop, claim })
    }

    /// The routes `/api/**` and `/internal/**`.
    ///
    /// Requests should carry `ConnectInfo<SocketAddr>` and `http::uri::Scheme` in their extensions; without them they
    /// count as coming from this machine, unencrypted.
    pub fn router(&self) -> Router {
        routes::router(&self.app)
    }

    /// Whether requests can be served: the database answers, and no other process is in the way of this one.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn ready(&self) -> Result<(), String> {
        if self.claim.as_ref().is_some_and(|claim| claim.is_lost()) {
            return Err(StartError::Shared.to_string());
        }
        match tokio::time::timeout(READY_TIMEOUT, users::count_admins(&self.app.db)).await {
            Ok(counted) => counted.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err("the database does not answer in time".to_owned()),
        }
    }

    /// Whether calls can be placed: a media node that was heard of lately answers its server API.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn media_ready(&self) -> Result<(), String> {
        nodes::ready(&self.app).await
    }

    /// The one-time token that makes the first admin, while there is none.
    #[must_use]
    pub fn setup_token(&self) -> Option<String> {
        self.app.setup.text()
    }

    /// SQL statements begun outside transactions since start.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.app.db.statements()
    }

    /// Compares the open calls with what the media nodes run, now instead of at the next half minute.
    ///
    /// # Errors
    /// The database refused.
    pub async fn reconcile(&self) -> Result<(), StoreError> {
        reconcile::round(&self.app).await?;
        node_watch::round(&self.app, self.app.started_at).await
    }

    /// The media nodes as they were a second ago, in Prometheus' text format.
    #[must_use]
    pub fn node_metrics(&self) -> String {
        self.app.node_figures.prometheus()
    }

    /// Deletes what was kept long enough, now instead of at the next round.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forget(&self) -> Result<(), StoreError> {
        retention::round(&self.app).await
    }

    /// Looks after meetings that are to come, now instead of within a minute: occurrences, reminders.
    ///
    /// # Errors
    /// The database refused.
    pub async fn look_after_meetings(&self) -> Result<(), StoreError> {
        sweep::round(&self.app).await
    }

    /// Tells everybody who listens to events to come back elsewhere, and closes their sockets and streams.
    pub async fn say_goodbye(&self, patience: Duration) {
        self.app.goodbye.cancel();
        self.app.listeners.close();
        if tokio::time::timeout(patience, self.app.listeners.wait()).await.is_err() {
            tracing::warn!(open = self.app.listeners.len(), "listeners were cut off");
        }
    }

    /// Ends the background tasks and closes the database.
    pub async fn stop(&self) {
        self.say_goodbye(STOP_TIMEOUT).await;
        self.stop.cancel();
        if tokio::time::timeout(STOP_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
        self.app.db.close().await;
    }
}

/// Makes sure that every control plane on this database can reach every media node.
async fn claim_database(db: &Db, sharing: Sharing) -> Result<Option<Keeper>, StartError> {
    if sharing == Sharing::Unchecked {
        return Ok(None);
    }
    let keeper = claim::claim(db, sharing == Sharing::Alone).await.map_err(|error| match error {
        ClaimError::Taken => StartError::Shared,
        ClaimError::Store(error) => error.into(),
    })?;
    // A node that said no address was inside a process that is gone; ours has yet to speak.
    node_store::mark_unreachable_down(db).await?;
    Ok(keeper)
}

/// Prepares the connection that replicas of this database's installation share.
async fn open_redis(url: &str, db: &Db, now: Micros) -> Result<Redis, StartError> {
    let installation = installation::installation_id(db, now).await?;
    Redis::open(url, format!("plenum:{installation}:")).map_err(|error| StartError::Redis(error.to_string()))
}

/// An admin to be made from the command line.
#[derive(Clone)]
pub struct NewAdmin {
    /// The address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
    /// The name others see.
    pub display_name: String,
}

/// Why no admin was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAdminError {
    /// A field is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// An account with that address exists.
    #[error("an account with this address exists already")]
    Taken,
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database refused.
    #[error(transparent)]
    Store(StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// Makes a platform admin in the database of a configuration, whether or not a server runs on it; returns its id.
///
/// # Errors
/// See [`CreateAdminError`].
pub async fn create_admin(
    database_url: Option<&str>,
    data_dir: &Path,
    admin: NewAdmin,
) -> Result<Uuid, CreateAdminError> {
    let form = routes::auth::register::checked_admin(admin).map_err(CreateAdminError::Invalid)?;
    let db = Db::open(database_url, data_dir, &crate::config::DatabaseSettings::default()).await?;
    let phc = Passwords::new(&SessionSettings::default())?.hash(form.password.clone()).await?;
    let outbox = Outbox { bus: EventBus::new(), jobs: JobQueue::default() };
    let made = crate::services::setup::create_admin(&db, &outbox, &form, &phc, Clock::default().now()).await;
    db.close().await;
    made.map_err(|error| match error {
        StoreError::Duplicate => CreateAdminError::Taken,
        other => CreateAdminError::Store(other),
    })
}
