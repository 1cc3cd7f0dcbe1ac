//! What makes a set of settings unusable, found before anything starts.
//!
//! In: the merged settings. Out: every problem at once, each with the name of the option to change. It looks at values
//! only; whether a port is free or a file readable shows when it is used.

use std::fmt::Write as _;

use super::Settings;

/// Workers beyond this are a typing error: one per core is the design.
const MAX_WORKERS: usize = 256;

/// Room and participant names of a key are put into tokens: keep them short.
const MAX_KEY_BYTES: usize = 128;

/// One thing that is wrong: the option's name without dashes, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) option: &'static str,
    pub(crate) message: String,
}

/// The problems as lines of a message.
pub(super) fn list(problems: &[Problem]) -> String {
    let mut text = String::new();
    for Problem { option, message } in problems {
        let environment = option.to_uppercase().replace('-', "_");
        // Writing into a String cannot fail.
        let _ = write!(text, "\n  --{option} (PLENUM_{environment}): {message}");
    }
    text
}

/// Everything that is wrong with `settings`.
pub(super) fn problems(settings: &Settings) -> Vec<Problem> {
    let mut found = Findings(Vec::new());
    server(settings, &mut found);
    media(settings, &mut found);
    keys(settings, &mut found);
    mail(settings, &mut found);
    oauth(settings, &mut found);
    push(settings, &mut found);
    storage(settings, &mut found);
    limits(settings, &mut found);
    if let Err(error) = settings.log.filter.parse::<tracing_subscriber::EnvFilter>() {
        found.add("log-filter", format!("{:?} is not a list of levels: {error}", settings.log.filter));
    }
    found.0
}

struct Findings(Vec<Problem>);

impl Findings {
    fn add(&mut self, option: &'static str, message: impl Into<String>) {
        self.0.push(Problem { option, message: message.into() });
    }

    fn check(&mut self, fine: bool, option: &'static str, message: impl Into<String>) {
        if !fine {
            self.add(option, message);
        }
    }
}

fn server(settings: &Settings, found: &mut Findings) {
    let server = &settings.server;
    found.check(!server.data_dir.as_os_str().is_empty(), "data-dir", "name a folder");
    found.check(
        server.http_port != 0 || server.https_port != 0,
        "http-port",
        "HTTP and HTTPS are both off (0), nothing would listen",
    );
    found.check(
        server.http_port != server.https_port || server.http_port == 0,
        "https-port",
        format!("{} is the HTTP port already, choose another or 0 to switch HTTPS off", server.https_port),
    );
    found.check(
        server.tls_cert.is_some() == server.tls_key.is_some(),
        if server.tls_cert.is_some() { "tls-key" } else { "tls-cert" },
        "a certificate and its key come together: set --tls-cert and --tls-key",
    );
    for (option, url, schemes) in [
        ("public-url", &server.public_url, &["http", "https"][..]),
        ("media-url", &settings.media.url, &["http", "https"]),
        ("control-plane-url", &settings.control_plane.url, &["http", "https"]),
    ] {
        if let Some(url) = url {
            base_url(url, schemes, option, found);
        }
    }
    if let Some(url) = &settings.database.url {
        // The address may hold a password: it is not repeated.
        let known = ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| url.starts_with(scheme));
        found.check(known, "database-url", "starts with neither postgres:// nor sqlite:");
    }
    if let Some(url) = &settings.redis.url {
        let known = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
        found.check(known, "redis-url", "is not an address like redis://host:6379");
    }
}

/// An address without path, query and user: links are built by appending to it.
fn base_url(text: &str, schemes: &[&str], option: &'static str, found: &mut Findings) {
    let fine = url::Url::parse(text).is_ok_and(|url| {
        schemes.contains(&url.scheme())
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    found.check(fine, option, format!("{text:?} is not an address like https://meet.example.org (no path)"));
}

fn media(settings: &Settings, found: &mut Findings) {
    let media = &settings.media;
    let workers = settings.workers();
    found.check(
        (1..=MAX_WORKERS).contains(&workers),
        "workers",
        format!("{workers} is not between 1 and {MAX_WORKERS}"),
    );
    found.check(media.udp_port != 0, "udp-port", "0 is not a port clients could be told");
    let last = usize::from(media.udp_port) + workers.clamp(1, MAX_WORKERS) - 1;
    found.check(
        last <= usize::from(u16::MAX),
        "udp-port",
        format!("{} leaves no room for {workers} workers, each takes a port", media.udp_port),
    );
    for url in &media.webhook_urls {
        let fine = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        found.check(fine, "webhook-urls", format!("{url:?} is not an address like https://app.example.org/hooks"));
    }
    for ip in &media.advertise_ip {
        found.check(
            !ip.is_unspecified() && !ip.is_multicast(),
            "advertise-ip",
            format!("{ip} is not an address media can be sent to"),
        );
    }
}

fn keys(settings: &Settings, found: &mut Findings) {
    let keys = &settings.keys;
    for (key, secret, key_option, secret_option) in [
        (&keys.api_key, &keys.api_secret, "api-key", "api-secret"),
        (&keys.internal_key, &keys.internal_secret, "internal-key", "internal-secret"),
    ] {
        found.check(
            key.is_some() == secret.is_some(),
            if key.is_some() { secret_option } else { key_option },
            format!("a key and its secret come together: set --{key_option} and --{secret_option}"),
        );
        let length = key.as_ref().map_or(1, String::len);
        found.check(
            (1..=MAX_KEY_BYTES).contains(&length),
            key_option,
            format!("a key has 1 to {MAX_KEY_BYTES} characters"),
        );
        found.check(secret.as_ref().is_none_or(|s| !s.is_empty()), secret_option, "a secret cannot be empty");
    }
    found.check(
        keys.api_key.is_none() || keys.api_key != keys.internal_key,
        "internal-key",
        "the internal key must differ from the API key",
    );
    found.check(
        settings.metrics.token.as_ref().is_none_or(|t| !t.is_empty()),
        "metrics-token",
        "a token cannot be empty",
    );
}

fn mail(settings: &Settings, found: &mut Findings) {
    let mail = &settings.mail;
    found.check(
        mail.smtp_url.is_some() == mail.from.is_some(),
        if mail.smtp_url.is_some() { "mail-from" } else { "smtp-url" },
        "a mail server and a sender come together: set --smtp-url and --mail-from",
    );
    if let Some(url) = &mail.smtp_url {
        // The address may hold a password: it is not repeated.
        let fine = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host());
        found.check(fine, "smtp-url", "is not an address like smtps://user:password@mail.example.org");
    }
    if let Some(from) = &mail.from {
        let fine = from.contains('@') && !from.chars().any(char::is_control);
        found.check(fine, "mail-from", format!("{from:?} is not an address like Plenum <plenum@example.org>"));
    }
}

fn oauth(settings: &Settings, found: &mut Findings) {
    let oauth = &settings.oauth;
    for (id, secret, issuer, options) in [
        (
            &oauth.google_client_id,
            &oauth.google_client_secret,
            &oauth.google_issuer,
            ["google-client-id", "google-client-secret", "google-issuer"],
        ),
        (
            &oauth.microsoft_client_id,
            &oauth.microsoft_client_secret,
            &oauth.microsoft_issuer,
            ["microsoft-client-id", "microsoft-client-secret", "microsoft-issuer"],
        ),
    ] {
        let [id_option, secret_option, issuer_option] = options;
        found.check(
            id.is_some() == secret.is_some(),
            if id.is_some() { secret_option } else { id_option },
            format!("a client id and its secret come together: set --{id_option} and --{secret_option}"),
        );
        let fine = url::Url::parse(issuer).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        found.check(fine, issuer_option, format!("{issuer:?} is not an address like https://accounts.google.com"));
    }
}

fn push(settings: &Settings, found: &mut Findings) {
    if let Some(contact) = &settings.push.contact {
        let fine = url::Url::parse(contact).is_ok_and(|url| matches!(url.scheme(), "https" | "mailto"));
        found.check(fine, "push-contact", format!("{contact:?} is not an address like mailto:ops@example.org"));
    }
}

fn storage(settings: &Settings, found: &mut Findings) {
    let storage = &settings.storage;
    found.check(
        storage.access_key.is_some() == storage.secret_key.is_some(),
        if storage.access_key.is_some() { "storage-secret-key" } else { "storage-access-key" },
        "a key and its secret come together: set --storage-access-key and --storage-secret-key",
    );
    if let Some(text) = &storage.url {
        let fine = url::Url::parse(text).is_ok_and(|url| match url.scheme() {
            "file" => url.to_file_path().is_ok(),
            "s3" => url.has_host(),
            _ => false,
        });
        found.check(fine, "storage-url", format!("{text:?} is neither file:///folder nor s3://bucket/prefix"));
    }
}

fn limits(settings: &Settings, found: &mut Findings) {
    let limits = &settings.limits;
    for (option, value) in [
        ("connections", limits.connections),
        ("connections-per-address", limits.connections_per_address),
        ("waiting-connections", limits.waiting_connections),
    ] {
        found.check(value > 0, option, "0 would let nobody in");
    }
    for (option, value) in [
        ("header-timeout-s", limits.header_timeout_s),
        ("body-timeout-s", limits.body_timeout_s),
        ("idle-timeout-s", limits.idle_timeout_s),
        ("shutdown-s", limits.shutdown_s),
    ] {
        found.check((1..=3_600).contains(&value), option, format!("{value} is not between 1 and 3600 seconds"));
    }
    for (option, value) in [
        ("requests-per-minute-user", limits.requests_per_minute_user),
        ("requests-per-minute-address", limits.requests_per_minute_address),
        ("sign-ins-per-minute", limits.sign_ins_per_minute),
    ] {
        found.check(value > 0, option, "0 would let nobody in");
    }
}
