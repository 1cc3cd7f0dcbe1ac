//! Reading: an iterator over the packets of a compound packet, and over what each of them lists.

use super::FORMAT_APPLICATION;
use super::FORMAT_FIR;
use super::FORMAT_NACK;
use super::FORMAT_PLI;
use super::FORMAT_TRANSPORT_CC;
use super::GOODBYE;
use super::PAYLOAD_FEEDBACK;
use super::RECEIVER_REPORT;
use super::ReportBlock;
use super::SENDER_REPORT;
use super::SOURCE_DESCRIPTION;
use super::SenderInfo;
use super::TRANSPORT_FEEDBACK;

const REPORT_BLOCK_LEN: usize = 24;

/// One packet of a compound packet.
#[derive(Clone, Debug)]
pub enum RtcpPacket<'a> {
    SenderReport {
        info: SenderInfo,
        blocks: ReportBlocks<'a>,
    },
    ReceiverReport {
        ssrc: u32,
        blocks: ReportBlocks<'a>,
    },
    SourceDescription,
    Goodbye {
        ssrcs: Words<'a>,
    },
    /// Packets missing at whoever receives `media_ssrc`.
    Nack {
        sender_ssrc: u32,
        media_ssrc: u32,
        sequences: NackedSequences<'a>,
    },
    PictureLoss {
        sender_ssrc: u32,
        media_ssrc: u32,
    },
    FullIntra {
        sender_ssrc: u32,
        requests: FullIntraRequests<'a>,
    },
    /// Transport-wide feedback; `raw` is the whole RTCP packet with its header.
    TransportFeedback {
        sender_ssrc: u32,
        media_ssrc: u32,
        raw: &'a [u8],
    },
    /// Receiver estimated maximum bitrate.
    Remb {
        sender_ssrc: u32,
        bitrate_bps: u64,
    },
    /// Well-formed, but nothing that we use (XR, APP, other feedback).
    Other {
        packet_type: u8,
    },
}

/// A packet of the compound packet is not what its header says: the rest is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed RTCP packet")]
pub struct Malformed;

/// The packets of one RTCP datagram, in order; ends after the first malformed one.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RtcpPacket<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let split = split_first(self.rest);
        self.rest = split.map(|(_, rest)| rest).unwrap_or_default();
        let packet = split.and_then(|(raw, _)| read(raw)).ok_or(Malformed);
        if packet.is_err() {
            self.rest = &[];
        }
        Some(packet)
    }
}

/// The first packet by its length field (RFC 3550 §6.4.1), and the rest.
fn split_first(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[flags, _, l0, l1] = datagram.first_chunk()?;
    if flags >> 6 != 2 {
        return None;
    }
    datagram.split_at_checked(4 * (usize::from(u16::from_be_bytes([l0, l1])) + 1))
}

fn read(raw: &[u8]) -> Option<RtcpPacket<'_>> {
    let &[flags, packet_type, _, _] = raw.first_chunk()?;
    let count = usize::from(flags & 0x1f);
    let body = raw.get(4..raw.len() - padding(raw)?)?;
    match packet_type {
        SENDER_REPORT => sender_report(body, count),
        RECEIVER_REPORT => {
            let (ssrc, rest) = word(body)?;
            Some(RtcpPacket::ReceiverReport { ssrc, blocks: ReportBlocks::new(rest, count)? })
        }
        SOURCE_DESCRIPTION => Some(RtcpPacket::SourceDescription),
        GOODBYE => Some(RtcpPacket::Goodbye { ssrcs: Words { rest: body.get(..4 * count)? } }),
        TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK => feedback(raw, body, packet_type, flags & 0x1f),
        _ => Some(RtcpPacket::Other { packet_type }),
    }
}

/// Padding bytes at the end; `None` when the count is impossible.
fn padding(raw: &[u8]) -> Option<usize> {
    if raw.first()? & 0x20 == 0 {
        return Some(0);
    }
    let count = usize::from(*raw.last()?);
    (count != 0 && count % 4 == 0 && count + 4 <= raw.len()).then_some(count)
}

fn sender_report(body: &[u8], count: usize) -> Option<RtcpPacket<'_>> {
    let (ssrc, rest) = word(body)?;
    let (ntp, rest) = rest.split_first_chunk()?;
    let (rtp, rest) = word(rest)?;
    let (packets, rest) = word(rest)?;
    let (octets, rest) = word(rest)?;
    let info = SenderInfo { ssrc, ntp: u64::from_be_bytes(*ntp), rtp, packets, octets };
    Some(RtcpPacket::SenderReport { info, blocks: ReportBlocks::new(rest, count)? })
}

fn feedback<'a>(raw: &'a [u8], body: &'a [u8], packet_type: u8, format: u8) -> Option<RtcpPacket<'a>> {
    let (sender_ssrc, rest) = word(body)?;
    let (media_ssrc, control) = word(rest)?;
    Some(match (packet_type, format) {
        (TRANSPORT_FEEDBACK, FORMAT_NACK) => {
            RtcpPacket::Nack { sender_ssrc, media_ssrc, sequences: NackedSequences::new(control) }
        }
        (TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_CC) => RtcpPacket::TransportFeedback { sender_ssrc, media_ssrc, raw },
        (PAYLOAD_FEEDBACK, FORMAT_PLI) => RtcpPacket::PictureLoss { sender_ssrc, media_ssrc },
        (PAYLOAD_FEEDBACK, FORMAT_FIR) => {
            RtcpPacket::FullIntra { sender_ssrc, requests: FullIntraRequests { rest: control } }
        }
        (PAYLOAD_FEEDBACK, FORMAT_APPLICATION) => match remb(control) {
            Some(bitrate_bps) => RtcpPacket::Remb { sender_ssrc, bitrate_bps },
            None => RtcpPacket::Other { packet_type },
        },
        _ => RtcpPacket::Other { packet_type },
    })
}

/// draft-alvestrand-rmcat-remb-03 §2.2: mantissa of 18 bits, exponent of 6.
fn remb(control: &[u8]) -> Option<u64> {
    let &[b'R', b'E', b'M', b'B', _, high, middle, low] = control.first_chunk()? else { return None };
    let mantissa = u64::from(high & 0x03) << 16 | u64::from(middle) << 8 | u64::from(low);
    Some(mantissa.checked_shl(u32::from(high >> 2)).filter(|bps| bps >> (high >> 2) == mantissa).unwrap_or(u64::MAX))
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*word), rest))
}

/// 32-bit words, such as the SSRCs of a BYE.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a [u8],
}

impl Iterator for Words<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (word, rest) = word(self.rest)?;
        self.rest = rest;
        Some(word)
    }
}

/// The report blocks of an SR or RR.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> ReportBlocks<'a> {
    /// Profile-specific extensions behind the blocks are ignored.
    fn new(bytes: &'a [u8], count: usize) -> Option<Self> {
        Some(Self { rest: bytes.get(..count * REPORT_BLOCK_LEN)? })
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (ssrc, rest) = word(self.rest)?;
        let (loss, rest) = word(rest)?;
        let (highest_sequence, rest) = word(rest)?;
        let (jitter, rest) = word(rest)?;
        let (last_sender_report, rest) = word(rest)?;
        let (delay_since_last_sender_report, rest) = word(rest)?;
        self.rest = rest;
        Some(ReportBlock {
            ssrc,
            fraction_lost: (loss >> 24) as u8,
            // Sign-extended from 24 bits.
            cumulative_lost: (loss << 8) as i32 >> 8,
            highest_sequence,
            jitter,
            last_sender_report,
            delay_since_last_sender_report,
        })
    }
}

/// The sequence numbers of a NACK (RFC 4585 §6.2.1), each once per mention.
#[derive(Clone, Debug)]
pub struct NackedSequences<'a> {
    rest: &'a [u8],
    base: u16,
    /// Bit 0 stands for `base` itself.
    pending: u32,
}

impl<'a> NackedSequences<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest, base: 0, pending: 0 }
    }
}

impl Iterator for NackedSequences<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.pending == 0 {
            let (&[p0, p1, b0, b1], rest) = self.rest.split_first_chunk()?;
            self.rest = rest;
            self.base = u16::from_be_bytes([p0, p1]);
            self.pending = u32::from(u16::from_be_bytes([b0, b1])) << 1 | 1;
        }
        let step = self.pending.trailing_zeros();
        self.pending &= self.pending - 1;
        Some(self.base.wrapping_add(step as u16))
    }
}

/// The entries of a FIR (RFC 5104 §4.3.1.1): media SSRC and command number.
#[derive(Clone, Debug)]
pub struct FullIntraRequests<'a> {
    rest: &'a [u8],
}

impl Iterator for FullIntraRequests<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let (ssrc, rest) = word(self.rest)?;
        let (command, rest) = word(rest)?;
        self.rest = rest;
        Some((ssrc, (command >> 24) as u8))
    }
}
