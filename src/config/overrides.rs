//! Flags and environment variables: one optional value per setting.
//!
//! In: what `clap` parsed. Out: values laid over the file's. A flag wins over its environment variable (clap's order);
//! both win over the file.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args as _;

use super::{Cidr, LogFormat, Registration, Settings};

/// One option per setting; the environment variable is `PLENUM_` and the option's name.
#[derive(Clone, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Folder for the database, secrets and the self-signed certificate [default: plenum-data]
    #[arg(long, env = "PLENUM_DATA_DIR", value_name = "DIR", global = true, help_heading = "Server")]
    data_dir: Option<PathBuf>,
    /// Address to listen on [default: all]
    #[arg(long, env = "PLENUM_BIND", value_name = "IP", global = true, help_heading = "Server")]
    bind: Option<IpAddr>,
    /// Port for HTTP, 0 = off [default: 7880]
    #[arg(long, env = "PLENUM_HTTP_PORT", value_name = "PORT", global = true, help_heading = "Server")]
    http_port: Option<u16>,
    /// Port for HTTPS, 0 = off [default: 7843]
    #[arg(long, env = "PLENUM_HTTPS_PORT", value_name = "PORT", global = true, help_heading = "Server")]
    https_port: Option<u16>,
    /// Certificate chain, PEM [default: self-signed]
    #[arg(long, env = "PLENUM_TLS_CERT", value_name = "FILE", global = true, help_heading = "Server")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, env = "PLENUM_TLS_KEY", value_name = "FILE", global = true, help_heading = "Server")]
    tls_key: Option<PathBuf>,
    /// Address people type, e.g. https://meet.example.org [default: that of each request, in mails this machine's]
    #[arg(long, env = "PLENUM_PUBLIC_URL", value_name = "URL", global = true, help_heading = "Server")]
    public_url: Option<String>,
    /// Proxies whose forwarded headers are believed, e.g. 10.0.0.0/8
    #[arg(
        long,
        env = "PLENUM_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ',',
        global = true,
        help_heading = "Server"
    )]
    trusted_proxies: Option<Vec<Cidr>>,
    /// Database, e.g. postgres://user:password@host/plenum [default: SQLite in the data directory]
    #[arg(
        long,
        env = "PLENUM_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true,
        help_heading = "Server"
    )]
    database_url: Option<String>,
    /// Redis that replicas share, e.g. redis://host [default: none]
    #[arg(
        long,
        env = "PLENUM_REDIS_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true,
        help_heading = "Server"
    )]
    redis_url: Option<String>,

    /// UDP port of the first worker; worker i takes it plus i [default: 7882]
    #[arg(long, env = "PLENUM_UDP_PORT", value_name = "PORT", global = true, help_heading = "Media")]
    udp_port: Option<u16>,
    /// Addresses clients send media to [default: all of the machine]
    #[arg(
        long,
        env = "PLENUM_ADVERTISE_IP",
        value_name = "IP",
        value_delimiter = ',',
        global = true,
        help_heading = "Media"
    )]
    advertise_ip: Option<Vec<IpAddr>>,
    /// Worker threads [default: one per core]
    #[arg(long, env = "PLENUM_WORKERS", value_name = "N", global = true, help_heading = "Media")]
    workers: Option<usize>,
    /// Name of the place this node is in
    #[arg(long, env = "PLENUM_REGION", value_name = "NAME", global = true, help_heading = "Media")]
    region: Option<String>,
    /// Servers that hear what happens in rooms, signed with the API key
    #[arg(
        long,
        env = "PLENUM_WEBHOOK_URLS",
        value_name = "URL",
        value_delimiter = ',',
        global = true,
        help_heading = "Media"
    )]
    webhook_urls: Option<Vec<String>>,
    /// Let the server API switch microphones and cameras on [default: false]
    #[arg(long, env = "PLENUM_REMOTE_UNMUTE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
        global = true, help_heading = "Media")]
    remote_unmute: Option<bool>,

    /// Where the media node is, when it is a process of its own
    #[arg(long, env = "PLENUM_MEDIA_URL", value_name = "URL", global = true, help_heading = "Split")]
    media_url: Option<String>,
    /// Where the control plane is, when it is a process of its own
    #[arg(long, env = "PLENUM_CONTROL_PLANE_URL", value_name = "URL", global = true, help_heading = "Split")]
    control_plane_url: Option<String>,

    /// Key of an app developer [default: generated]
    #[arg(long, env = "PLENUM_API_KEY", value_name = "KEY", global = true, help_heading = "Keys")]
    api_key: Option<String>,
    /// Its secret [default: generated]
    #[arg(
        long,
        env = "PLENUM_API_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        global = true,
        help_heading = "Keys"
    )]
    api_secret: Option<String>,
    /// Key shared by control plane and media nodes [default: generated]
    #[arg(long, env = "PLENUM_INTERNAL_KEY", value_name = "KEY", global = true, help_heading = "Keys")]
    internal_key: Option<String>,
    /// Its secret [default: generated]
    #[arg(
        long,
        env = "PLENUM_INTERNAL_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        global = true,
        help_heading = "Keys"
    )]
    internal_secret: Option<String>,
    /// Token that /metrics asks for [default: none on loopback, else generated]
    #[arg(
        long,
        env = "PLENUM_METRICS_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        global = true,
        help_heading = "Keys"
    )]
    metrics_token: Option<String>,

    /// Who may make an account [default: open]
    #[arg(long, env = "PLENUM_REGISTRATION", value_name = "WHO", global = true, help_heading = "Accounts")]
    registration: Option<Registration>,
    /// Server that takes mail, e.g. smtps://user:password@mail.example.org [default: no mail]
    #[arg(
        long,
        env = "PLENUM_SMTP_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true,
        help_heading = "Mail"
    )]
    smtp_url: Option<String>,
    /// Sender of mail, e.g. "Plenum <plenum@example.org>"
    #[arg(long, env = "PLENUM_MAIL_FROM", value_name = "ADDRESS", global = true, help_heading = "Mail")]
    mail_from: Option<String>,
    /// Client id that Google gave out [default: no sign-in with Google]
    #[arg(long, env = "PLENUM_GOOGLE_CLIENT_ID", value_name = "ID", global = true, help_heading = "Sign-in")]
    google_client_id: Option<String>,
    /// Its secret
    #[arg(
        long,
        env = "PLENUM_GOOGLE_CLIENT_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        global = true,
        help_heading = "Sign-in"
    )]
    google_client_secret: Option<String>,
    /// Issuer whose discovery document is used [default: that of Google]
    #[arg(long, env = "PLENUM_GOOGLE_ISSUER", value_name = "URL", global = true, help_heading = "Sign-in")]
    google_issuer: Option<String>,
    /// Client id that Microsoft gave out [default: no sign-in with Microsoft]
    #[arg(long, env = "PLENUM_MICROSOFT_CLIENT_ID", value_name = "ID", global = true, help_heading = "Sign-in")]
    microsoft_client_id: Option<String>,
    /// Its secret
    #[arg(
        long,
        env = "PLENUM_MICROSOFT_CLIENT_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        global = true,
        help_heading = "Sign-in"
    )]
    microsoft_client_secret: Option<String>,
    /// Issuer whose discovery document is used [default: that of Microsoft]
    #[arg(long, env = "PLENUM_MICROSOFT_ISSUER", value_name = "URL", global = true, help_heading = "Sign-in")]
    microsoft_issuer: Option<String>,
    /// Push services that messages may be sent to [default: those of the browsers' makers]
    #[arg(
        long,
        env = "PLENUM_PUSH_HOSTS",
        value_name = "HOST",
        value_delimiter = ',',
        global = true,
        help_heading = "Push"
    )]
    push_hosts: Option<Vec<String>>,
    /// Where push services reach the people who run this server, https: or mailto: [default: the public URL]
    #[arg(long, env = "PLENUM_PUSH_CONTACT", value_name = "ADDRESS", global = true, help_heading = "Push")]
    push_contact: Option<String>,
    /// Key that signs pushes; replicas must share one [default: generated]
    #[arg(
        long,
        env = "PLENUM_VAPID_PRIVATE_KEY",
        value_name = "KEY",
        hide_env_values = true,
        global = true,
        help_heading = "Push"
    )]
    vapid_private_key: Option<String>,
    /// Where files are kept, e.g. s3://bucket/prefix?region=eu-central-1 [default: files in the data directory]
    #[arg(long, env = "PLENUM_STORAGE_URL", value_name = "URL", global = true, help_heading = "Storage")]
    storage_url: Option<String>,
    /// Key of an S3 store
    #[arg(long, env = "PLENUM_STORAGE_ACCESS_KEY", value_name = "KEY", global = true, help_heading = "Storage")]
    storage_access_key: Option<String>,
    /// Its secret half
    #[arg(
        long,
        env = "PLENUM_STORAGE_SECRET_KEY",
        value_name = "SECRET",
        hide_env_values = true,
        global = true,
        help_heading = "Storage"
    )]
    storage_secret_key: Option<String>,
    /// API requests a minute of one user [default: 120]
    #[arg(long, env = "PLENUM_REQUESTS_PER_MINUTE_USER", value_name = "N", global = true, help_heading = "Accounts")]
    requests_per_minute_user: Option<u32>,
    /// API requests a minute from one address [default: 300]
    #[arg(
        long,
        env = "PLENUM_REQUESTS_PER_MINUTE_ADDRESS",
        value_name = "N",
        global = true,
        help_heading = "Accounts"
    )]
    requests_per_minute_address: Option<u32>,
    /// Sign-ins a minute of one address or account [default: 10]
    #[arg(long, env = "PLENUM_SIGN_INS_PER_MINUTE", value_name = "N", global = true, help_heading = "Accounts")]
    sign_ins_per_minute: Option<u32>,

    /// Open connections of the process [default: 10000]
    #[arg(long, env = "PLENUM_CONNECTIONS", value_name = "N", global = true, help_heading = "Limits")]
    connections: Option<usize>,
    /// Open connections of one address [default: 2000]
    #[arg(long, env = "PLENUM_CONNECTIONS_PER_ADDRESS", value_name = "N", global = true, help_heading = "Limits")]
    connections_per_address: Option<usize>,
    /// Connections that have not sent a request yet [default: 1000]
    #[arg(long, env = "PLENUM_WAITING_CONNECTIONS", value_name = "N", global = true, help_heading = "Limits")]
    waiting_connections: Option<usize>,
    /// Seconds to wait for the head of a request [default: 10]
    #[arg(long, env = "PLENUM_HEADER_TIMEOUT_S", value_name = "S", global = true, help_heading = "Limits")]
    header_timeout_s: Option<u64>,
    /// Seconds between two pieces of a body [default: 30]
    #[arg(long, env = "PLENUM_BODY_TIMEOUT_S", value_name = "S", global = true, help_heading = "Limits")]
    body_timeout_s: Option<u64>,
    /// Seconds an HTTP/2 connection may be idle [default: 60]
    #[arg(long, env = "PLENUM_IDLE_TIMEOUT_S", value_name = "S", global = true, help_heading = "Limits")]
    idle_timeout_s: Option<u64>,
    /// Seconds for requests in progress when stopping [default: 5]
    #[arg(long, env = "PLENUM_SHUTDOWN_S", value_name = "S", global = true, help_heading = "Limits")]
    shutdown_s: Option<u64>,

    /// Shape of log lines [default: text]
    #[arg(long, env = "PLENUM_LOG_FORMAT", value_name = "FORMAT", global = true, help_heading = "Log")]
    log_format: Option<LogFormat>,
    /// Levels, e.g. debug or warn,sfu=debug [default: info]
    #[arg(long, env = "PLENUM_LOG_FILTER", value_name = "LEVELS", global = true, help_heading = "Log")]
    log_filter: Option<String>,
}

/// Variables that are read, but are no settings.
const OTHER_VARIABLES: [&str; 1] = ["PLENUM_CONFIG"];

impl Overrides {
    /// Variables that begin like ours and that nothing reads.
    pub(crate) fn unknown_variables(environment: impl Iterator<Item = OsString>) -> Vec<String> {
        let options = Self::augment_args(clap::Command::new("plenum"));
        environment
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with("PLENUM_") && !OTHER_VARIABLES.contains(&name.as_str()))
            .filter(|name| {
                !options.get_arguments().any(|option| option.get_env().is_some_and(|env| env == name.as_str()))
            })
            .collect()
    }

    /// Lays every value that was given over `settings`.
    pub(super) fn apply(&self, settings: &mut Settings) {
        self.apply_server(settings);
        self.apply_media(settings);
        self.apply_keys(settings);
        self.apply_limits(settings);
        self.apply_oauth(settings);
        set(&mut settings.control_plane.registration, &self.registration);
        set_some(&mut settings.mail.smtp_url, &self.smtp_url);
        set_some(&mut settings.mail.from, &self.mail_from);
        set(&mut settings.push.hosts, &self.push_hosts);
        set_some(&mut settings.push.contact, &self.push_contact);
        set_some(&mut settings.push.vapid_private_key, &self.vapid_private_key);
        set_some(&mut settings.storage.url, &self.storage_url);
        set_some(&mut settings.storage.access_key, &self.storage_access_key);
        set_some(&mut settings.storage.secret_key, &self.storage_secret_key);
        set(&mut settings.log.format, &self.log_format);
        set(&mut settings.log.filter, &self.log_filter);
    }

    fn apply_server(&self, settings: &mut Settings) {
        let server = &mut settings.server;
        set(&mut server.data_dir, &self.data_dir);
        set_some(&mut server.bind, &self.bind);
        set(&mut server.http_port, &self.http_port);
        set(&mut server.https_port, &self.https_port);
        set_some(&mut server.tls_cert, &self.tls_cert);
        set_some(&mut server.tls_key, &self.tls_key);
        set_some(&mut server.public_url, &self.public_url);
        set(&mut server.trusted_proxies, &self.trusted_proxies);
        set_some(&mut settings.database.url, &self.database_url);
        set_some(&mut settings.redis.url, &self.redis_url);
    }

    fn apply_media(&self, settings: &mut Settings) {
        let media = &mut settings.media;
        set(&mut media.udp_port, &self.udp_port);
        set(&mut media.advertise_ip, &self.advertise_ip);
        set_some(&mut media.workers, &self.workers);
        set_some(&mut media.url, &self.media_url);
        set(&mut media.region, &self.region);
        set(&mut media.webhook_urls, &self.webhook_urls);
        set(&mut media.remote_unmute, &self.remote_unmute);
        set_some(&mut settings.control_plane.url, &self.control_plane_url);
    }

    fn apply_keys(&self, settings: &mut Settings) {
        let keys = &mut settings.keys;
        set_some(&mut keys.api_key, &self.api_key);
        set_some(&mut keys.api_secret, &self.api_secret);
        set_some(&mut keys.internal_key, &self.internal_key);
        set_some(&mut keys.internal_secret, &self.internal_secret);
        set_some(&mut settings.metrics.token, &self.metrics_token);
    }

    fn apply_oauth(&self, settings: &mut Settings) {
        let oauth = &mut settings.oauth;
        set_some(&mut oauth.google_client_id, &self.google_client_id);
        set_some(&mut oauth.google_client_secret, &self.google_client_secret);
        set(&mut oauth.google_issuer, &self.google_issuer);
        set_some(&mut oauth.microsoft_client_id, &self.microsoft_client_id);
        set_some(&mut oauth.microsoft_client_secret, &self.microsoft_client_secret);
        set(&mut oauth.microsoft_issuer, &self.microsoft_issuer);
    }

    fn apply_limits(&self, settings: &mut Settings) {
        let limits = &mut settings.limits;
        set(&mut limits.connections, &self.connections);
        set(&mut limits.connections_per_address, &self.connections_per_address);
        set(&mut limits.waiting_connections, &self.waiting_connections);
        set(&mut limits.header_timeout_s, &self.header_timeout_s);
        set(&mut limits.body_timeout_s, &self.body_timeout_s);
        set(&mut limits.idle_timeout_s, &self.idle_timeout_s);
        set(&mut limits.shutdown_s, &self.shutdown_s);
        set(&mut limits.requests_per_minute_user, &self.requests_per_minute_user);
        set(&mut limits.requests_per_minute_address, &self.requests_per_minute_address);
        set(&mut limits.sign_ins_per_minute, &self.sign_ins_per_minute);
    }
}

fn set<T: Clone>(place: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        value.clone_into(place);
    }
}

fn set_some<T: Clone>(place: &mut Option<T>, value: &Option<T>) {
    if value.is_some() {
        place.clone_from(value);
    }
}
