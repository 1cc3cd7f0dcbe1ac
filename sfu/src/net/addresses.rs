//! Which addresses of this machine become ICE host candidates.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// The addresses that clients are told to send media to.
///
/// `advertise` wins where it is given. A socket bound to one address names that one. A socket bound to all addresses
/// names every address of an interface that is up, without loopback (unless there is nothing else) and without
/// link-local ones, which mean nothing on another link.
///
/// # Errors
/// When the operating system does not list its interfaces.
pub fn candidate_addresses(bind: IpAddr, advertise: &[IpAddr]) -> io::Result<Vec<IpAddr>> {
    if !advertise.is_empty() {
        return Ok(advertise.to_vec());
    }
    if !bind.is_unspecified() {
        return Ok(vec![bind]);
    }
    let usable = |address: &IpAddr| match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && bind.is_ipv6(),
    };
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(if_addrs::Interface::is_oper_up)
        .map(|interface| interface.ip())
        .filter(usable)
        .collect();
    // IPv4 first: it is what most clients pair with, and pairs are tried in order.
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    #[test]
    fn what_is_configured_wins() {
        let public: IpAddr = [203, 0, 113, 7].into();
        assert_eq!(candidate_addresses(Ipv4Addr::UNSPECIFIED.into(), &[public]).unwrap(), [public]);
        let local: IpAddr = Ipv4Addr::LOCALHOST.into();
        assert_eq!(candidate_addresses(local, &[]).unwrap(), [local]);
    }

    #[test]
    fn all_addresses_are_never_none_and_never_link_local() {
        let all = candidate_addresses(Ipv6Addr::UNSPECIFIED.into(), &[]).unwrap();
        assert!(!all.is_empty());
        assert!(!all.iter().any(|a| matches!(a, IpAddr::V6(v6) if v6.is_unicast_link_local())));
        let four = candidate_addresses(Ipv4Addr::UNSPECIFIED.into(), &[]).unwrap();
        assert!(four.iter().all(IpAddr::is_ipv4));
    }
}
