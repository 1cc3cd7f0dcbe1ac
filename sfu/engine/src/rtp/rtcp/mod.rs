//! RTCP: compound packets read without copying ([`parse`]), and the packets that we send appended to a buffer ([`mod@write`]).
//!
//! Both sides take reduced-size packets (RFC 5506). Nothing here decides when to send.

pub mod parse;
pub mod write;

pub use self::parse::Packets;
pub use self::parse::RtcpPacket;

pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SOURCE_DESCRIPTION: u8 = 202;
pub(super) const GOODBYE: u8 = 203;
pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
pub(super) const PAYLOAD_FEEDBACK: u8 = 206;

/// Formats of [`TRANSPORT_FEEDBACK`] (RFC 4585 §6.2, draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
pub(super) const FORMAT_NACK: u8 = 1;
pub(super) const FORMAT_TRANSPORT_CC: u8 = 15;
/// Formats of [`PAYLOAD_FEEDBACK`] (RFC 4585 §6.3, RFC 5104 §4.3, draft-alvestrand-rmcat-remb).
pub(super) const FORMAT_PLI: u8 = 1;
pub(super) const FORMAT_FIR: u8 = 4;
pub(super) const FORMAT_APPLICATION: u8 = 15;

/// Blocks that one report can carry: the count has five bits.
pub const MAX_REPORT_BLOCKS: usize = 31;

/// What a sender report says of the sender (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    pub ssrc: u32,
    /// NTP timestamp, 32.32 bits.
    pub ntp: u64,
    /// RTP timestamp at the same instant.
    pub rtp: u32,
    pub packets: u32,
    /// Payload bytes, without headers and padding.
    pub octets: u32,
}

/// Reception of one source, as seen by whoever sent the report (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// 24 bits, signed: duplicates make it fall.
    pub cumulative_lost: i32,
    /// Highest sequence number, with the count of cycles in the upper half.
    pub highest_sequence: u32,
    /// In timestamp units.
    pub jitter: u32,
    /// LSR: middle 32 bits of the NTP time of the last sender report, 0 if none came.
    pub last_sender_report: u32,
    /// DLSR: since it came, in 2⁻¹⁶ s.
    pub delay_since_last_sender_report: u32,
}

#[cfg(test)]
mod tests;
