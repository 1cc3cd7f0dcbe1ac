//! Which hosts messages may be sent to: addresses come from clients, and a server that calls any address it is given can
//! be made to call its own network.

use std::net::IpAddr;

use url::{Host, Url};

/// The push services of Chromium, Firefox, Safari and Edge.
pub(crate) const DEFAULT_HOSTS: [&str; 5] = [
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "web.push.apple.com",
    "*.push.apple.com",
    "*.notify.windows.com",
];

/// Why an entry of the setting makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Neither a host, nor a wildcard below a domain, nor a loopback origin.
    #[error("{0:?} must be a host such as push.example.org, *.push.example.org or, for tests, http://127.0.0.1:8080")]
    Nonsense(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// Exactly this host, by https on port 443.
    Host(String),
    /// Any host below this domain (with its leading dot), likewise.
    Below(String),
    /// A loopback address with its port, by plain http.
    Loopback(IpAddr, u16),
}

/// The hosts that messages may be sent to.
#[derive(Clone, Debug)]
pub(crate) struct PushHosts(Vec<Rule>);

impl PushHosts {
    pub(crate) fn parse(entries: &[String]) -> Result<Self, HostError> {
        entries
            .iter()
            .map(|entry| rule(entry).ok_or_else(|| HostError::Nonsense(entry.clone())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether messages may be sent to `url`.
    pub(crate) fn permit(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return false;
        }
        let port = url.port_or_known_default();
        self.0.iter().any(|rule| match (rule, url.scheme(), url.host()) {
            (Rule::Host(name), "https", Some(Host::Domain(host))) => port == Some(443) && host == name,
            (Rule::Below(domain), "https", Some(Host::Domain(host))) => port == Some(443) && host.ends_with(domain),
            (Rule::Loopback(address, own), "http", Some(Host::Ipv4(host))) => {
                port == Some(*own) && IpAddr::V4(host) == *address
            }
            (Rule::Loopback(address, own), "http", Some(Host::Ipv6(host))) => {
                port == Some(*own) && IpAddr::V6(host) == *address
            }
            _ => false,
        })
    }
}

fn rule(entry: &str) -> Option<Rule> {
    if entry.starts_with("http://") {
        let url = Url::parse(entry).ok()?;
        let address = match url.host()? {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return None,
        };
        return address.is_loopback().then_some(Rule::Loopback(address, url.port()?));
    }
    let domain = entry.strip_prefix("*.").unwrap_or(entry);
    // At least two labels: a wildcard below `com` permits everybody.
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let is_name = domain.chars().all(is_letter)
        && matches!(Host::parse(domain), Ok(Host::Domain(name)) if name == domain)
        && domain.contains('.');
    match (is_name, entry.starts_with("*.")) {
        (false, _) => None,
        (true, true) => Some(Rule::Below(format!(".{domain}"))),
        (true, false) => Some(Rule::Host(domain.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(entries: &[&str], url: &str) -> bool {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        PushHosts::parse(&entries).unwrap().permit(&Url::parse(url).unwrap())
    }

    #[test]
    fn the_browsers_services_are_known() {
        for url in [
            "https://fcm.googleapis.com/fcm/send/abc",
            "https://updates.push.services.mozilla.com/wpush/v2/abc",
            "https://web.push.apple.com/QAbc",
            "https://db5p.notify.windows.com/w/?token=abc",
            "https://FCM.googleapis.com:443/x",
        ] {
            assert!(permits(&DEFAULT_HOSTS, url), "{url}");
        }
    }

    #[test]
    fn nothing_else_is_called() {
        for url in [
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:8443/x",
            "https://user@fcm.googleapis.com/x",
            "https://fcm.googleapis.com@evil.example/x",
            "https://fcm.googleapis.com.evil.example/x",
            "https://evilpush.services.mozilla.com/x",
            "https://push.services.mozilla.com.evil.example/x",
            "https://127.0.0.1/x",
            "http://127.0.0.1:7880/internal",
            "https://[::1]/x",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/x",
            "file:///etc/passwd",
            "https://fcm.googleapis.com/x#y",
        ] {
            assert!(!permits(&DEFAULT_HOSTS, url), "{url}");
        }
    }

    #[test]
    fn a_loopback_address_is_permitted_only_with_its_port() {
        let entries = ["http://127.0.0.1:4000"];
        assert!(permits(&entries, "http://127.0.0.1:4000/x"));
        for url in
            ["http://127.0.0.1:4001/x", "https://127.0.0.1:4000/x", "http://127.0.0.2:4000/x", "http://[::1]:4000/"]
        {
            assert!(!permits(&entries, url), "{url}");
        }
    }

    #[test]
    fn nonsense_is_refused_at_start() {
        for entry in [
            "",
            "*",
            "*.com",
            "com",
            "http://10.0.0.1:80",
            "http://127.0.0.1",
            "http://localhost:1",
            "https://a.b",
            "a.b/c",
            "10.0.0.1",
            "a b.c",
            "*.*.com",
        ] {
            assert!(PushHosts::parse(&[entry.to_owned()]).is_err(), "{entry}");
        }
    }
}
