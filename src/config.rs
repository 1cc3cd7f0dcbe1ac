//! The settings of one process: TOML file, then `PLENUM_*` environment, then flags.
//!
//! In: the parsed command line (which carries the environment too) and a file. Out: one [`Settings`] whose values have
//! been checked. It starts nothing and is the only part of Plenum that learns anything from the environment.

mod check;
mod cidr;
mod overrides;
mod show;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use check::Problem;
pub(crate) use cidr::Cidr;
pub(crate) use overrides::Overrides;

/// Everything that can be set, one struct per section of the file. `plenum config` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) limits: Limits,
    pub(crate) database: Database,
    pub(crate) redis: Redis,
    pub(crate) media: Media,
    pub(crate) control_plane: ControlPlane,
    pub(crate) mail: Mail,
    pub(crate) oauth: Oauth,
    pub(crate) push: Push,
    pub(crate) storage: Storage,
    pub(crate) keys: Keys,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
}

/// `[server]`: where things are kept and what is listened on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Folder for the database, generated secrets and the self-signed certificate. Default `plenum-data`, in the folder
    /// Plenum is started from.
    pub(crate) data_dir: PathBuf,
    /// Address to listen on, for HTTP, HTTPS and UDP. Default: all addresses, IPv4 and IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bind: Option<IpAddr>,
    /// Default 7880; 0 = off.
    pub(crate) http_port: u16,
    /// Default 7843; 0 = off. Self-signed unless `tls_cert` and `tls_key` are set.
    pub(crate) https_port: u16,
    /// Certificate chain in PEM. Read again on SIGHUP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of `tls_cert` in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<PathBuf>,
    /// What people type, for example `https://meet.example.org`. Default: host and scheme of each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    /// Addresses or networks whose `Forwarded` and `X-Forwarded-*` headers are believed. Default: none.
    pub(crate) trusted_proxies: Vec<Cidr>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("plenum-data"),
            bind: None,
            http_port: 7880,
            https_port: 7843,
            tls_cert: None,
            tls_key: None,
            public_url: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// `[limits]`: what one process accepts from the network before it says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Open connections of the whole process, upgraded WebSockets included. Default 10,000.
    pub(crate) connections: usize,
    /// Open connections of one address. Default 2,000: a school or an office behind one address must get in. Trusted
    /// proxies are exempt.
    pub(crate) connections_per_address: usize,
    /// Connections that have not sent a whole request yet; beyond it the one that waited longest is closed.
    /// Default 1,000.
    pub(crate) waiting_connections: usize,
    /// Seconds from accepting a connection, and from the end of one answer, to the whole head of the next request, the
    /// TLS handshake included. Default 10.
    pub(crate) header_timeout_s: u64,
    /// Seconds between two pieces of a request's body. Default 30.
    pub(crate) body_timeout_s: u64,
    /// Seconds an HTTP/2 connection may be without a request. Default 60.
    pub(crate) idle_timeout_s: u64,
    /// Seconds that requests in progress get when the process is told to stop. Default 5.
    pub(crate) shutdown_s: u64,
    /// Requests to the API in a minute by one signed-in user. Default 120.
    pub(crate) requests_per_minute_user: u32,
    /// Requests to the API in a minute from one address without a session. Default 300.
    pub(crate) requests_per_minute_address: u32,
    /// Sign-ins and registrations in a minute, for one address and for one account. Default 10.
    pub(crate) sign_ins_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 2_000,
            waiting_connections: 1_000,
            header_timeout_s: 10,
            body_timeout_s: 30,
            idle_timeout_s: 60,
            shutdown_s: 5,
            requests_per_minute_user: 120,
            requests_per_minute_address: 300,
            sign_ins_per_minute: 10,
        }
    }
}

/// `[database]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Database {
    /// `postgres://…`. Default: SQLite in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
}

/// `[redis]`: what replicas of one installation share beside the database.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Redis {
    /// `redis://…` or `rediss://…`. Default: none; several replicas then go by the database alone: events take up to
    /// a second, presence and rate limits are each replica's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis { .. }")
    }
}

/// `[media]`: the media node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Media {
    /// UDP port of the first worker; worker *i* takes it plus *i*. Default 7882.
    pub(crate) udp_port: u16,
    /// Addresses that clients are told to send media to. Default: every address of the machine that is up.
    pub(crate) advertise_ip: Vec<IpAddr>,
    /// Worker threads, each with its own UDP port. Default: one per core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workers: Option<usize>,
    /// Where the control plane finds a media node that runs in a process of its own, for example
    /// `http://10.0.0.7:7880`. On the node itself: the address it announces. Default: this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Name of the place this node is in; free text, announced to the control plane.
    pub(crate) region: String,
    /// Addresses of an app's own servers that hear what happens in rooms, signed with the API key. Default: none.
    pub(crate) webhook_urls: Vec<String>,
    /// Whether the server API may switch somebody's microphone or camera on. Default false.
    pub(crate) remote_unmute: bool,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            udp_port: 7882,
            advertise_ip: Vec::new(),
            workers: None,
            url: None,
            region: String::new(),
            webhook_urls: Vec::new(),
            remote_unmute: false,
        }
    }
}

/// `[control_plane]`: accounts and rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ControlPlane {
    /// Where a media node that runs in a process of its own reports to, for example `http://10.0.0.5:7880`.
    /// Default: this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Who may make an account. Default `open`.
    pub(crate) registration: Registration,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Registration {
    /// Anybody who reaches the server.
    #[default]
    Open,
    /// Only invited people.
    Invite,
    /// Nobody.
    Closed,
}

/// `[mail]`: without it, codes by mail, resets and invitations by mail are off.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mail {
    /// Server that takes mail: `smtps://user:password@mail.example.org`, or `smtp://host:25`, with `?tls=required` for
    /// STARTTLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) smtp_url: Option<String>,
    /// Sender, for example `Plenum <plenum@example.org>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

/// `[oauth]`: sign-in by Google and Microsoft. The address to register with them is
/// `<public_url>/api/v1/auth/oauth/google/callback`, and likewise for `microsoft`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Oauth {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) google_client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) google_client_secret: Option<String>,
    /// Default `https://accounts.google.com`.
    pub(crate) google_issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) microsoft_client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) microsoft_client_secret: Option<String>,
    /// Default `https://login.microsoftonline.com/common/v2.0`; with a tenant instead of `common`, its people alone.
    pub(crate) microsoft_issuer: String,
}

impl Default for Oauth {
    fn default() -> Self {
        Self {
            google_client_id: None,
            google_client_secret: None,
            google_issuer: "https://accounts.google.com".to_owned(),
            microsoft_client_id: None,
            microsoft_client_secret: None,
            microsoft_issuer: "https://login.microsoftonline.com/common/v2.0".to_owned(),
        }
    }
}

impl std::fmt::Debug for Oauth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oauth")
            .field("google_client_id", &self.google_client_id)
            .field("microsoft_client_id", &self.microsoft_client_id)
            .finish_non_exhaustive()
    }
}

/// `[push]`: messages to browsers that are away.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Push {
    /// Push services that messages may be sent to: hosts, or `*.` and a domain; empty = those of the browsers' makers.
    pub(crate) hosts: Vec<String>,
    /// An `https:` or `mailto:` address at which push services reach the people who run this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<String>,
    /// Private key of P-256, 32 bytes in base64url; several replicas must share one. Unset: generated at first start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vapid_private_key: Option<String>,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Push").field("hosts", &self.hosts).field("contact", &self.contact).finish_non_exhaustive()
    }
}

/// `[storage]`: where files that people upload are kept.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storage {
    /// `file:///srv/plenum/files`, or `s3://bucket/prefix?region=eu-central-1`, with `&endpoint=https://…` for a server
    /// that is not Amazon's. Default: `files` in the data directory. Several replicas need one that all of them reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Key of an S3 store. Default: none, as on machines that have a role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_key: Option<String>,
    /// Its secret half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_key: Option<String>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("url", &self.url).finish_non_exhaustive()
    }
}

/// `[keys]`. What is not set is generated at first start and kept in the data directory.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keys {
    /// Key of an app developer: tokens signed with it join rooms and call the server API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_secret: Option<String>,
    /// Key that control plane and media nodes share. Never given to anybody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) internal_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) internal_secret: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys { .. }")
    }
}

/// `[metrics]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// Bearer token that `/metrics` asks for. Default: none when `server.bind` is a loopback address, else one that is
    /// generated and kept in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `text` for people (default) or `json`, one object a line.
    pub(crate) format: LogFormat,
    /// Levels, as `tracing` writes them: `info` (default), `debug`, `warn,sfu=debug`.
    pub(crate) filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Why there are no settings to start with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {path} is wrong:\n{source}")]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
    #[error("the configuration is wrong:{}", check::list(.0))]
    Invalid(Vec<Problem>),
}

impl Settings {
    /// Reads the file if there is one, lays the environment and the flags over it and checks the result.
    ///
    /// # Errors
    /// The file cannot be read, has a key nobody knows or a value of the wrong kind, or the settings contradict each
    /// other; all contradictions are named at once.
    pub(crate) fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut settings = match file {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        overrides.apply(&mut settings);
        let problems = check::problems(&settings);
        if problems.is_empty() { Ok(settings) } else { Err(ConfigError::Invalid(problems)) }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })
    }

    /// The effective settings as a configuration file, secrets masked; `generated` as far as they exist.
    pub(crate) fn shown(&self, generated: Option<&crate::secrets::Secrets>) -> String {
        show::masked(self, generated)
    }

    /// Worker threads of the media node: the setting, else one per core.
    pub(crate) fn workers(&self) -> usize {
        self.media.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Whether only this machine can reach the server.
    pub(crate) fn is_loopback_only(&self) -> bool {
        self.server.bind.is_some_and(|ip| ip.to_canonical().is_loopback())
    }
}

#[cfg(test)]
mod tests;
