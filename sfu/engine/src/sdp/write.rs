//! Descriptions to text.

use std::net::IpAddr;

/// One of our addresses: a host candidate (RFC 8839 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub ip: IpAddr,
    pub port: u16,
    /// ICE-TCP, passive (RFC 6544); `false`: UDP.
    pub tcp: bool,
}

impl Candidate {
    /// The value of `a=candidate` without `a=`, which is also what a trickle message carries. `index` is its place among
    /// our candidates, best first.
    pub fn attribute(&self, index: usize) -> String {
        let local_preference = 65_535 - u32::try_from(index).unwrap_or(65_535).min(65_535);
        let (type_preference, transport, suffix) =
            if self.tcp { (99_u32, "tcp", " tcptype passive") } else { (126_u32, "udp", "") };
        let priority = (type_preference << 24) | (local_preference << 8) | 255;
        format!("candidate:{} 1 {transport} {priority} {} {} typ host{suffix}", index + 1, self.ip, self.port)
    }
}
