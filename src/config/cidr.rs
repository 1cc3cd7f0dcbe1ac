//! An address or a network, as written in `trusted_proxies`: `10.0.0.0/8`, `::1`, `192.0.2.7`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network in CIDR notation; a bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// The text is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network like 10.0.0.0/8")]
pub(crate) struct CidrError(String);

impl Cidr {
    /// Whether `address` lies inside; an IPv4 address in IPv6 clothes counts as IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let (network, network_bits) = bits(self.network);
        let (address, address_bits) = bits(address.to_canonical());
        let shift = u32::from(network_bits) - u32::from(self.prefix);
        network_bits == address_bits && network.checked_shr(shift) == address.checked_shr(shift)
    }
}

/// The address as a number, and how many bits its family has.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || CidrError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let network: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let (_, most) = bits(network);
        let prefix = prefix.unwrap_or(most);
        if prefix > most { Err(wrong()) } else { Ok(Self { network, prefix }) }
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
        write!(f, "{}/{}", self.network, self.prefix)
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
