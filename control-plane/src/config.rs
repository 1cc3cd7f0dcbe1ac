//! Everything the control plane can be told: plain structs with units and defaults, read by the binary.
//!
//! In: what the binary parsed from file, environment and flags. Must not read any of them itself.

mod realtime;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use signaling_proto::call::HttpCall;
use url::Url;

use crate::model::clock::Clock;
use crate::model::text_enum::text_enum;
pub use crate::store::db::DatabaseSettings;
pub use realtime::RealtimeSettings;

/// Everything the control plane needs to start.
#[derive(Clone, Debug)]
pub struct ControlPlaneConfig {
    /// `postgres://…` or `sqlite:…`; `None` = SQLite in [`Self::data_dir`].
    pub database_url: Option<String>,
    /// Directory for the SQLite file; must exist and be writable.
    pub data_dir: PathBuf,
    /// Where people reach this server, if it is known.
    pub public_url: Option<Url>,
    /// Where links in mails lead while there is no public address: what this machine knows of its own address. Requests
    /// name a host, too, but whoever asks for a mail to somebody else would choose it.
    pub own_url: Option<Url>,
    /// Port of this machine that speaks HTTPS, if any: a page on plain HTTP is told, for it gets no camera there.
    pub https_port: Option<u16>,
    /// Who else may use the database.
    pub sharing: Sharing,
    /// The key pair the two halves share.
    pub internal_key: InternalKey,
    /// How media nodes are reached.
    pub media: MediaConnection,
    /// How mail is sent; `None` = not at all.
    pub mail: Option<MailSettings>,
    /// Who else can vouch for somebody.
    pub oauth: OauthSettings,
    /// Who may make an account.
    pub registration: Registration,
    /// Addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<String>,
    /// Connection pool.
    pub database: DatabaseSettings,
    /// Requests per minute.
    pub rate_limits: RateLimitSettings,
    /// Lifetimes of sessions, cost of passwords.
    pub sessions: SessionSettings,
    /// Bounds of rooms.
    pub rooms: RoomSettings,
    /// Bounds of files.
    pub files: FileSettings,
    /// Where files are kept: `file:///folder`, `s3://bucket/prefix`; `None` = `files` in [`Self::data_dir`].
    pub storage_url: Option<String>,
    /// Key pair for the storage, if it wants one.
    pub storage_key: Option<StorageKey>,
    /// Bounds of requests.
    pub http: HttpSettings,
    /// Timing of calls and media nodes.
    pub calls: CallSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// Messages to browsers that are away.
    pub push: PushSettings,
    /// Listening to events, and presence.
    pub realtime: RealtimeSettings,
    /// `redis://…` that replicas of one installation share; `None` = this process is alone, or goes by the database.
    pub redis_url: Option<String>,
    /// The clock; tests move it.
    pub clock: Clock,
}

impl ControlPlaneConfig {
    /// A configuration with every default.
    #[must_use]
    pub fn new(data_dir: PathBuf, internal_key: InternalKey, media: MediaConnection) -> Self {
        Self {
            database_url: None,
            data_dir,
            public_url: None,
            own_url: None,
            https_port: None,
            sharing: Sharing::Unchecked,
            internal_key,
            media,
            mail: None,
            oauth: OauthSettings::default(),
            registration: Registration::Open,
            trusted_proxies: Vec::new(),
            database: DatabaseSettings::default(),
            rate_limits: RateLimitSettings::default(),
            sessions: SessionSettings::default(),
            rooms: RoomSettings::default(),
            files: FileSettings::default(),
            storage_url: None,
            storage_key: None,
            http: HttpSettings::default(),
            calls: CallSettings::default(),
            retention: RetentionSettings::default(),
            push: PushSettings::default(),
            realtime: RealtimeSettings::default(),
            redis_url: None,
            clock: Clock::default(),
        }
    }
}

/// Who else may use the database: every control plane must be able to reach every media node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing is checked: for programs that start the control plane themselves and see to it.
    Unchecked,
    /// Others whose media nodes say an address, too.
    WithAddresses,
    /// Nobody: the media node in this process says no address.
    Alone,
}

/// The key pair shared with media nodes: signs join tokens, RoomService calls, webhooks and heartbeats.
#[derive(Clone)]
pub struct InternalKey {
    /// Its public half, the issuer of every token.
    pub key: String,
    /// Its secret half.
    pub secret: String,
}

impl fmt::Debug for InternalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternalKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// How media nodes are reached.
#[derive(Clone)]
pub struct MediaConnection {
    /// Carries RoomService calls: in this process or over the network.
    pub call: Arc<dyn HttpCall>,
    /// RoomService of nodes that report no `api_url` of their own.
    pub api_url: String,
    /// Where clients connect to nodes that report no `url` of their own; `None` = the address of this API.
    pub client_url: Option<String>,
}

impl fmt::Debug for MediaConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaConnection")
            .field("api_url", &self.api_url)
            .field("client_url", &self.client_url)
            .finish_non_exhaustive()
    }
}

/// How mail is sent.
#[derive(Clone)]
pub struct MailSettings {
    /// `smtps://user:password@host`, `smtp://host:25`, `smtp://host?tls=required`.
    pub smtp_url: String,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The providers people can sign in with; `None` = not with this one.
#[derive(Clone, Debug, Default)]
pub struct OauthSettings {
    /// Google.
    pub google: Option<ProviderSettings>,
    /// Microsoft.
    pub microsoft: Option<ProviderSettings>,
}

/// How this server is known to a provider.
#[derive(Clone)]
pub struct ProviderSettings {
    /// As the provider gave it out.
    pub client_id: String,
    /// As the provider gave it out.
    pub client_secret: String,
    /// Where discovery begins: the provider publishes itself at `…/.well-known/openid-configuration`.
    pub issuer: Url,
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("client_id", &self.client_id)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

text_enum! {
    /// Who may make an account.
    pub enum Registration {
        /// Anybody.
        Open = "open",
        /// Who was invited.
        Invite = "invite",
        /// Nobody; admins make accounts.
        Closed = "closed",
    }
}

/// Requests per minute, each a token bucket of that size.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitSettings {
    /// Per session. Default 120.
    pub session_per_minute: u32,
    /// Per guest. Default 120.
    pub guest_per_minute: u32,
    /// Per address, for requests without a session; a class behind one address must get in. Default 300.
    pub address_per_minute: u32,
    /// Attempts to register, sign in or set up, per address and per account. Default 10.
    pub auth_per_minute: u32,
    /// Requests to be let into a room, per address; a class behind one address must get in. Default 60.
    pub lobby_per_minute: u32,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            session_per_minute: 120,
            guest_per_minute: 120,
            address_per_minute: 300,
            auth_per_minute: 10,
            lobby_per_minute: 60,
        }
    }
}

/// Lifetimes of sessions and the cost of passwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Seconds an access token lives. Default 900.
    pub access_ttl_s: u64,
    /// Seconds a session lives after its last refresh. Default 30 days.
    pub refresh_ttl_s: u64,
    /// Seconds in which the previous refresh token still gets the pair that replaced it. Default 10.
    pub refresh_grace_s: u64,
    /// Hours a guest's pass outlives its join or its call. Default 24.
    pub guest_ttl_h: u64,
    /// Memory of one argon2id hash, KiB. Default 19456 (OWASP's first choice).
    pub argon2_memory_kib: u32,
    /// Passes of argon2id over that memory. Default 2.
    pub argon2_passes: u32,
    /// Passwords hashed at the same time; more wait. Default 4.
    pub concurrent_hashes: usize,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            access_ttl_s: 900,
            refresh_ttl_s: 30 * 86_400,
            refresh_grace_s: 10,
            guest_ttl_h: 24,
            argon2_memory_kib: 19_456,
            argon2_passes: 2,
            concurrent_hashes: 4,
        }
    }
}

/// Bounds of rooms.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoomSettings {
    /// Rooms one person may own. Default 1000.
    pub max_owned: i64,
    /// People at once in any room, whatever its own capacity. Default 1000.
    pub max_participants: u32,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self { max_owned: 1_000, max_participants: 1_000 }
    }
}

/// Bounds of files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSettings {
    /// Bytes of one file. Default 100 MiB.
    pub max_bytes: u64,
    /// Bytes of all files of one person. Default 5 GiB.
    pub quota_bytes: u64,
    /// Bytes of all files of one guest. Default 200 MiB.
    pub guest_quota_bytes: u64,
    /// Uploads one person has open at once. Default 20.
    pub max_pending: i64,
    /// Seconds one upload may take. Default 3600.
    pub upload_timeout_s: u64,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            max_bytes: 100 << 20,
            quota_bytes: 5 << 30,
            guest_quota_bytes: 200 << 20,
            max_pending: 20,
            upload_timeout_s: 3_600,
        }
    }
}

/// A key pair for an S3 store.
#[derive(Clone)]
pub struct StorageKey {
    /// `AWS_ACCESS_KEY_ID`.
    pub id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Bounds of requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Bytes of a request body. Default 65536.
    pub max_body_bytes: usize,
    /// Milliseconds a request may take. Default 30000.
    pub timeout_ms: u64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { max_body_bytes: 65_536, timeout_ms: 30_000 }
    }
}

/// Timing of calls and media nodes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallSettings {
    /// Seconds without a heartbeat after which a node gets no new call. Default 6.
    pub node_timeout_s: u64,
    /// Seconds without a heartbeat after which the calls of a node are closed. Default 15.
    pub node_lost_s: u64,
    /// Seconds between comparisons of our calls with what the nodes really run. Default 30.
    pub reconcile_every_s: u64,
    /// Seconds after which a call nobody came to is dropped. Default 300.
    pub starting_timeout_s: u64,
    /// Milliseconds a join waits for the node to make the room. Default 1000.
    pub create_room_timeout_ms: u64,
    /// Seconds a room stays on the node after the last person left. Default 20.
    pub departure_timeout_s: u32,
    /// Seconds a draining node's rooms may go on, unless the drain says otherwise. Default 7200.
    pub drain_deadline_s: u64,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            node_timeout_s: 6,
            node_lost_s: 15,
            reconcile_every_s: 30,
            starting_timeout_s: 300,
            create_room_timeout_ms: 1_000,
            departure_timeout_s: 20,
            drain_deadline_s: 7_200,
        }
    }
}

/// How long things are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// Days ended sessions, guests' passes and done jobs are kept. Default 7.
    pub ended_days: u64,
    /// Days dead jobs are kept. Default 30.
    pub dead_jobs_days: u64,
    /// Days the audit log is kept. Default 400.
    pub audit_days: u64,
    /// Days activities of organizations are kept. Default 90.
    pub activities_days: u64,
    /// Days a notification is kept after it was read. Default 90.
    pub read_notifications_days: u64,
    /// Days a notification is kept, read or not. Default 400.
    pub notifications_days: u64,
    /// Days rooms, channels, organizations, meetings and messages are kept after they were deleted. Default 30.
    pub deleted_days: u64,
    /// Days the quality of calls is kept. Default 90.
    pub call_quality_days: u64,
    /// Minutes events can be resumed. Default 60.
    pub events_minutes: u64,
    /// Hours webhook deliveries are remembered as duplicates. Default 24.
    pub webhooks_hours: u64,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            ended_days: 7,
            dead_jobs_days: 30,
            audit_days: 400,
            activities_days: 90,
            read_notifications_days: 90,
            notifications_days: 400,
            deleted_days: 30,
            call_quality_days: 90,
            events_minutes: 60,
            webhooks_hours: 24,
        }
    }
}

/// Messages to browsers that are away (Web Push).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushSettings {
    /// Push services that messages may be sent to: hosts, `*.` and a domain for everything below it, or for tests a
    /// loopback address with its port such as `http://127.0.0.1:8080`. Default: those of the browsers' makers.
    pub hosts: Vec<String>,
    /// An `https:` or `mailto:` address at which push services reach the people who run this server. Default: the
    /// public URL.
    pub contact: Option<String>,
    /// Private key of P-256, 32 bytes in base64url, which several replicas must share. Default: made at first start, in
    /// the data directory.
    pub vapid_private_key: Option<String>,
}

impl Default for PushSettings {
    fn default() -> Self {
        let hosts = crate::adapters::push::DEFAULT_HOSTS.iter().map(|host| (*host).to_owned()).collect();
        Self { hosts, contact: None, vapid_private_key: None }
    }
}

impl fmt::Debug for PushSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushSettings")
            .field("hosts", &self.hosts)
            .field("contact", &self.contact)
            .finish_non_exhaustive()
    }
}
