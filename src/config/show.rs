//! `plenum config`: the effective settings as a configuration file, without their secrets.

use super::Settings;
use crate::secrets::Secrets;

/// Stands where a secret is set.
const MASK: &str = "********";

/// What a parameter of an address is called that nobody may see.
const SECRET_NAMES: [&str; 4] = ["password", "secret", "token", "key"];

/// The settings as TOML. Secrets, and the passwords inside addresses, are masked. What is not set, and what it
/// amounts to, stands there as a comment, so that the output stays a configuration file with the same meaning.
pub(super) fn masked(settings: &Settings, generated: Option<&Secrets>) -> String {
    let mut shown = settings.clone();
    for secret in [
        &mut shown.keys.api_secret,
        &mut shown.keys.internal_secret,
        &mut shown.metrics.token,
        &mut shown.oauth.google_client_secret,
        &mut shown.oauth.microsoft_client_secret,
        &mut shown.push.vapid_private_key,
        &mut shown.storage.secret_key,
    ]
    .into_iter()
    .flatten()
    {
        MASK.clone_into(secret);
    }
    let mail = &mut shown.mail.smtp_url;
    for url in [&mut shown.database.url, &mut shown.redis.url, mail, &mut shown.storage.url].into_iter().flatten() {
        *url = without_password(url);
    }
    for url in &mut shown.media.webhook_urls {
        *url = without_query(&without_password(url));
    }
    match toml::to_string(&shown) {
        Ok(text) => with_defaults(&text, &defaults(settings, generated)),
        Err(error) => format!("# these settings cannot be written as TOML: {error}\n"),
    }
}

/// A section, and a comment at its end.
type Default = (&'static str, String);

/// What the settings that are not set amount to.
fn defaults(settings: &Settings, generated: Option<&Secrets>) -> Vec<Default> {
    let mut found = Vec::new();
    let mut add = |is_set: bool, section, text: String| {
        if !is_set {
            found.push((section, text));
        }
    };
    let server = &settings.server;
    add(server.bind.is_some(), "server", "bind = \"::\"   (every address, IPv4 and IPv6)".to_owned());
    add(server.public_url.is_some(), "server", "public_url: host and scheme of each request".to_owned());
    let folder = &server.data_dir;
    if server.https_port != 0 {
        let files = "tls_cert, tls_key: self-signed, in the data directory".to_owned();
        add(server.tls_cert.is_some(), "server", files);
    }
    let sqlite = format!("url: SQLite, {}", folder.join("plenum.sqlite3").display());
    add(settings.database.url.is_some(), "database", sqlite);
    let media = &settings.media;
    add(media.workers.is_some(), "media", format!("workers = {}   (one per core)", settings.workers()));
    add(media.url.is_some(), "media", "url: this process".to_owned());
    add(settings.control_plane.url.is_some(), "control_plane", "url: this process".to_owned());
    let keys = &settings.keys;
    let pairs = [
        (keys.api_key.is_some(), "api", generated.map(|secrets| &secrets.api.key)),
        (keys.internal_key.is_some(), "internal", generated.map(|secrets| &secrets.internal.key)),
    ];
    for (is_set, name, key) in pairs {
        let text = match key {
            Some(key) => format!("{name}_key = {key:?}, {name}_secret = {MASK:?}   (generated, in the data directory)"),
            None => format!("{name}_key, {name}_secret: generated at first start"),
        };
        add(is_set, "keys", text);
    }
    let token = match generated {
        _ if settings.is_loopback_only() => "token: none, as only this machine reaches the server".to_owned(),
        Some(_) => format!("token = {MASK:?}   (generated, in the data directory)"),
        None => "token: generated at first start".to_owned(),
    };
    add(settings.metrics.token.is_some(), "metrics", token);
    found
}

/// Puts each comment at the end of its section.
fn with_defaults(text: &str, defaults: &[Default]) -> String {
    let mut shown = String::new();
    for section in text.split_inclusive("\n\n") {
        let name = section.trim_start().strip_prefix('[').and_then(|rest| rest.split(']').next());
        shown.push_str(section.trim_end());
        shown.push('\n');
        for (_, comment) in defaults.iter().filter(|(of, _)| Some(*of) == name) {
            shown.push_str(&format!("# {comment}\n"));
        }
        shown.push('\n');
    }
    shown.truncate(shown.trim_end().len());
    shown.push('\n');
    shown
}

/// The address with its password masked; one that cannot be parsed is masked as a whole.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return MASK.to_owned();
    };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    // `?password=…` is another way to say it, `?secret_key=…` one of storage.
    if url.query_pairs().any(|(name, _)| SECRET_NAMES.iter().any(|secret| name.contains(secret))) {
        url.set_query(None);
    }
    url.into()
}

/// A webhook's address often carries a token of its own, under whatever name.
fn without_query(text: &str) -> String {
    match text.split_once('?') {
        Some((address, _)) => format!("{address}?{MASK}"),
        None => text.to_owned(),
    }
}
