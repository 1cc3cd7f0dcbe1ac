//! An address or a network, as written in `trusted_proxies`: `10.0.0.0/8`, `::1`, `192.0.2.7`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network in CIDR notation; a bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cidr(IpNet);

/// The text is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network like 10.0.0.0/8")]
pub(crate) struct CidrError(String);

impl Cidr {
    /// Whether `address` lies inside; an IPv4 address in IPv6 clothes counts as IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| CidrError(text.to_owned()))
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_only() {
        let ten: Cidr = "10.0.0.0/8".parse().expect("a network");
        for (address, inside) in
            [("10.255.1.2", true), ("11.0.0.1", false), ("::ffff:10.1.2.3", true), ("::a00:1", false)]
        {
            assert_eq!(ten.contains(address.parse().expect("an address")), inside, "{address}");
        }
        let all: Cidr = "0.0.0.0/0".parse().expect("everything");
        assert!(all.contains(IpAddr::from([1, 2, 3, 4])));
        assert!(!all.contains(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16])));
        let everything: Cidr = "::/0".parse().expect("everything");
        assert!(everything.contains(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16])));
        let one: Cidr = "::1".parse().expect("an address");
        assert!(one.contains("::1".parse().expect("an address")));
        assert!(!one.contains("::2".parse().expect("an address")));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "localhost", "10.0.0.0/", "1.2.3.4/-1"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
