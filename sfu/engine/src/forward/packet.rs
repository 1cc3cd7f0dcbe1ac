//! What goes into a subscription and what comes out: borrowed inbound packets, plans, and the packet that was written.

use crate::api::Codec;
use crate::codec;
use crate::codec::PacketFacts;
use crate::codec::vp8::Vp8Numbers;
use crate::rtp::extension::ExtensionTable;
use crate::rtp::extension::Extensions;
use crate::rtp::header::RtpHeader;
use crate::rtp::sender_report::LayerClocks;

/// One opened packet of a publication, read once for all its subscriptions.
#[derive(Clone, Copy, Debug)]
pub struct InboundPacket<'a> {
    /// Spatial layer, 0 to [`crate::api::MAX_LAYERS`] − 1.
    pub layer: u8,
    /// Extended sequence number, see [`crate::rtp::receive::InboundStream`].
    pub ext_seq: u64,
    /// Header of the original stream (a repaired packet's after [`crate::rtp::rtx::restore`]).
    pub header: RtpHeader,
    pub extensions: Extensions<'a>,
    /// Without padding; empty when the packet was nothing else.
    pub payload: &'a [u8],
    pub codec: Codec,
    pub facts: PacketFacts,
    /// Sender reports of all layers of the publication.
    pub clocks: &'a LayerClocks,
}

impl<'a> InboundPacket<'a> {
    /// Reads a whole opened packet; `None` when header or padding is invalid. `table` is that of the publisher's
    /// transport. Also how a cached packet is read again to be retransmitted.
    pub fn parse(
        packet: &'a [u8],
        layer: u8,
        ext_seq: u64,
        codec: Codec,
        table: &ExtensionTable,
        clocks: &'a LayerClocks,
    ) -> Option<Self> {
        let header = RtpHeader::parse(packet)?;
        let payload = packet.get(header.payload_range(packet)?)?;
        let extensions = table.read(header.extension_profile, header.extension_bytes(packet));
        let facts = codec::inspect(codec, payload);
        Some(Self { layer, ext_seq, header, extensions, payload, codec, facts, clocks })
    }
}

/// How a planned packet leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The packet itself, for the first time.
    Media,
    /// The packet itself, once more on the same SSRC and index: only if identical.
    Repeat,
    /// As payload of the repair stream (RFC 4588).
    Repair,
    /// A number that was kept for a packet which turned out not to be wanted: one byte of padding.
    Filler,
}

/// A decision to send: everything needed to write the packet, so that room for it can be found first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Extended outbound number of the media packet.
    pub(super) number: u64,
    /// SRTP packet index: `number`, or that of the repair stream.
    pub(super) index: u64,
    pub(super) timestamp: u32,
    pub(super) header_len: u16,
    pub(super) packet_len: u16,
    pub(super) numbers: Vp8Numbers,
    pub(super) payload_type: u8,
    pub(super) form: Form,
    pub(super) first: bool,
}

impl Plan {
    /// Bytes of the packet before its authentication tag.
    pub const fn packet_len(&self) -> usize {
        self.packet_len as usize
    }
}

/// A packet that was written and waits to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub ssrc: u32,
    /// SRTP packet index (RFC 3711 §3.3.1): rollover counter and sequence number, 48 bits.
    pub index: u64,
    /// Bytes that stay in the clear.
    pub header_len: usize,
    /// Bytes of header and payload; the tag goes behind.
    pub packet_len: usize,
    /// The first packet of the subscription.
    pub first: bool,
}

/// Where the packet behind an outbound sequence number is kept: ask the cache of `layer` for `ext_seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheRef {
    pub layer: u8,
    pub ext_seq: u64,
    pub(super) number: u64,
}
