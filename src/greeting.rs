//! What is printed on standard output once everything runs.
//!
//! In: settings, the API key, the link for the first admin. Out: a few lines for the person in front of the terminal. No
//! secret but that one-time link.

use std::net::IpAddr;
use std::path::Path;

use crate::cli::Half;
use crate::config::Settings;
use crate::http::listener::network_address;

/// Width of the names in front.
const NAMES: usize = 13;

/// The lines. `setup_token` is there as long as there is no admin.
pub(crate) fn greeting(settings: &Settings, api_key: &str, only: Option<Half>, setup_token: Option<&str>) -> String {
    let server = &settings.server;
    let public = server.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let open = public.clone().unwrap_or_else(|| local(settings));
    let mut text = format!("\nPlenum {} is running.\n\n", env!("CARGO_PKG_VERSION"));
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<NAMES$}{value}\n"));
    line(if only == Some(Half::Sfu) { "Media node" } else { "Open" }, &open);
    if public.is_none()
        && let Some(url) = from_network(settings)
    {
        let warning = if server.tls_cert.is_some() { "" } else { "   (self-signed: the browser warns once)" };
        line("From phones", &format!("{url}{warning}"));
    }
    if let Some(token) = setup_token {
        line("First admin", &format!("{open}/setup?token={token}   (works once)"));
    }
    line("API key", api_key);
    line("Data", &shown(&server.data_dir));
    text
}

/// How others reach the server while nobody said so, as well as can be known: links in mails begin with it.
pub(crate) fn own_url(settings: &Settings) -> String {
    from_network(settings).unwrap_or_else(|| local(settings))
}

/// How other machines of this network reach the server.
fn from_network(settings: &Settings) -> Option<String> {
    let server = &settings.server;
    let is_everywhere = server.bind.is_none_or(|ip| ip.is_unspecified());
    let ip = network_address().filter(|_| is_everywhere && server.https_port != 0)?;
    Some(format!("https://{}:{}", host(ip), server.https_port))
}

/// How this machine reaches the server.
fn local(settings: &Settings) -> String {
    let server = &settings.server;
    let bound = server.bind.filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    let host = bound.map_or_else(|| "localhost".to_owned(), host);
    match server.http_port {
        0 => format!("https://{host}:{}", server.https_port),
        port => format!("http://{host}:{port}"),
    }
}

/// An address as part of a URL.
fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

fn shown(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_leads_to_where_people_come_in() {
        let mut settings = Settings::default();
        let text = greeting(&settings, "KEY", None, Some("once"));
        assert!(text.contains("http://localhost:7880/setup?token=once "), "{text}");
        settings.server.public_url = Some("https://meet.example.org/".to_owned());
        let text = greeting(&settings, "KEY", None, Some("once"));
        assert!(text.contains("https://meet.example.org/setup?token=once ") && !text.contains("localhost"), "{text}");
        assert!(!greeting(&settings, "KEY", None, None).contains("setup"));
    }

    #[test]
    fn a_bound_address_is_the_one_to_open() {
        let mut settings = Settings::default();
        settings.server.bind = Some("2001:db8::1".parse().expect("an address"));
        settings.server.http_port = 0;
        assert!(greeting(&settings, "KEY", None, None).contains("https://[2001:db8::1]:7843"));
    }
}
