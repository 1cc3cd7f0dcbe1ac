//! Where a request comes from and which address the client believes it talks to.
//!
//! In: the listener's extensions (`ConnectInfo` with the other end, `http::uri::Scheme` of the connection) and, from
//! trusted proxies only, `X-Forwarded-For`, `-Proto` and `-Host`. Out: [`ClientFacts`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, Uri};
use ipnet::IpNet;

use super::version::IfMatch;

/// Characters of a user agent that are kept.
const USER_AGENT_CHARS: usize = 256;
/// Longest host that is echoed into a join answer: a DNS name and a port.
const HOST_BYTES: usize = 253 + 6;

/// Who is at the other end, as far as the network tells.
#[derive(Clone, Debug)]
pub(crate) struct ClientFacts {
    pub ip: IpAddr,
    /// `ip` as text, for rows.
    pub ip_text: String,
    pub user_agent: String,
    /// Whether the client's side of the connection is TLS.
    pub encrypted: bool,
    /// Host and port as the client wrote them; `None` when it sent none that makes sense.
    pub host: Option<String>,
    /// The version of a thing the client means to change.
    pub if_match: IfMatch,
}

/// The proxies whose word is taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

/// A proxy that is neither an address nor a network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither an address nor a network such as 10.0.0.0/8")]
pub struct TrustedProxyError(String);

impl TrustedProxies {
    pub(crate) fn parse(texts: &[String]) -> Result<Self, TrustedProxyError> {
        let parse = |text: &String| {
            let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| TrustedProxyError(text.clone()))
        };
        texts.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&ip))
    }
}

impl ClientFacts {
    /// Reads the facts of a request.
    pub(crate) fn of(parts: &Parts, proxies: &TrustedProxies) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut facts = Self {
            ip: peer,
            ip_text: String::new(),
            user_agent: user_agent(&parts.headers),
            encrypted: parts.extensions.get::<Scheme>() == Some(&Scheme::HTTPS),
            host: parts.uri.authority().map(ToString::to_string).or_else(|| last(&parts.headers, HOST.as_str())),
            if_match: IfMatch::of(&parts.headers),
        };
        if proxies.contains(peer) {
            facts.believe_proxy(&parts.headers, proxies);
        }
        facts.host = facts.host.filter(|host| is_host(host));
        facts.ip_text = facts.ip.to_string();
        facts
    }

    fn believe_proxy(&mut self, headers: &HeaderMap, proxies: &TrustedProxies) {
        // Each proxy appends whom it saw, so the client is the last address that is no proxy of ours.
        let chain = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let chain: Vec<&str> = chain.flat_map(|value| value.split(',')).collect();
        let hops = chain.iter().rev().map_while(|hop| hop.trim().parse::<IpAddr>().ok());
        for ip in hops {
            self.ip = ip.to_canonical();
            if !proxies.contains(self.ip) {
                break;
            }
        }
        if let Some(scheme) = last(headers, "x-forwarded-proto") {
            self.encrypted = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss");
        }
        if let Some(host) = last(headers, "x-forwarded-host") {
            self.host = Some(host);
        }
    }

    /// The port the client wrote, if it wrote one.
    pub(crate) fn port(&self) -> Option<u16> {
        self.host.as_deref()?.parse::<http::uri::Authority>().ok()?.port_u16()
    }
}

/// The last value of a header that lists one value per hop.
fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(|part| part.trim().to_owned())
}

fn user_agent(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().take(USER_AGENT_CHARS).collect()
}

fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_');
    !text.is_empty() && text.len() <= HOST_BYTES && text.bytes().all(plain) && text.parse::<Uri>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(peer: &str, headers: &[(&'static str, &str)]) -> ClientFacts {
        let mut request = http::Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        ClientFacts::of(&parts, &TrustedProxies::parse(&["10.0.0.0/8".into(), "::1".into()]).unwrap())
    }

    #[test]
    fn forwarded_headers_count_from_trusted_proxies_only() {
        let headers = [
            ("host", "inner:80"),
            ("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "meet.example"),
        ];
        let trusted = facts("10.0.0.1:5", &headers);
        assert_eq!((trusted.ip_text.as_str(), trusted.encrypted), ("203.0.113.9", true));
        assert_eq!(trusted.host.as_deref(), Some("meet.example"));
        let stranger = facts("203.0.113.7:5", &headers);
        assert_eq!((stranger.ip_text.as_str(), stranger.encrypted), ("203.0.113.7", false));
        assert_eq!((stranger.host.as_deref(), stranger.port()), (Some("inner:80"), Some(80)));
    }

    #[test]
    fn a_host_that_is_none_is_dropped() {
        for host in ["a b", "evil/path", "x@y", "\"><script>", "?"] {
            assert_eq!(facts("127.0.0.1:1", &[("host", host)]).host, None, "{host}");
        }
    }
}
