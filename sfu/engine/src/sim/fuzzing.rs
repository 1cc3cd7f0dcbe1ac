//! One function for each thing that reads bytes from the network, for fuzz targets (`fuzz/`) and for tests.
//!
//! In: any bytes. Out: nothing; they must return, soon, without a panic. Must not: depend on what earlier calls left.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::prober::{Prober, fresh_identity};
use super::sctp_client::SctpClient;
use crate::api::{Codec, DtlsRole, ExtensionIds, IceCredentials, RoomId, TransportId, TransportSpec, Tuple};
use crate::codec;
use crate::demux::{classify, stun_local_ufrag};
use crate::rtp::extension::ExtensionTable;
use crate::rtp::header::RtpHeader;
use crate::rtp::rtcp::{Packets, RtcpPacket};
use crate::sdp::RemoteDescription;
use crate::transport::data_channel::DataChannels;
use crate::transport::{DtlsIdentity, IndexEstimator, SrtpKeys, SrtpProfile, Transport};

static IDENTITY: LazyLock<Arc<DtlsIdentity>> = LazyLock::new(fresh_identity);
static EPOCH: LazyLock<Instant> = LazyLock::new(super::epoch);
const PROFILES: [SrtpProfile; 3] =
    [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmHmacSha1_80];

fn tuple() -> Tuple {
    Tuple { remote: ([198, 51, 100, 7], 4_000).into(), local_ip: None }
}

fn transport() -> Option<(Transport, IceCredentials)> {
    let local = IceCredentials { ufrag: "ours".into(), pwd: "a-password-of-some-length".into() };
    let spec = TransportSpec {
        id: TransportId(1),
        room: RoomId(1),
        local: local.clone(),
        remote_ice: IceCredentials { ufrag: String::new(), pwd: String::new() },
        remote_fingerprint: [0; 32],
        role: DtlsRole::Server,
        open_data_channels: false,
    };
    Transport::new(&IDENTITY, spec, *EPOCH).ok().map(|transport| (transport, local))
}

/// A datagram from anybody: class, ufrag, and as STUN to a transport.
pub fn stun(bytes: &[u8]) {
    let _ = (classify(bytes), stun_local_ufrag(bytes));
    if let Some((mut transport, _)) = transport() {
        assert!(transport.handle_stun(*EPOCH, tuple(), bytes).is_err(), "nobody guesses a password");
    }
}

/// DTLS from a validated tuple, before the handshake.
pub fn dtls(bytes: &[u8]) {
    if let Some((mut transport, local)) = transport() {
        let _ = transport.handle_stun(*EPOCH, tuple(), &Prober::new(&local).check(true));
        let _ = transport.handle_dtls(*EPOCH, tuple(), bytes);
        transport.handle_timeout(*EPOCH + Duration::from_secs(1));
        assert!(transport.srtp().is_none());
    }
}

/// Chunks from a connected client: `bytes` hold packets, each led by its length in one byte.
pub fn sctp(bytes: &[u8]) {
    let (mut now, mut client) = (*EPOCH, SctpClient::new(*EPOCH));
    let mut server = DataChannels::new(DtlsRole::Server, true);
    server.start(&IDENTITY);
    for _ in 0..8 {
        for packet in client.poll_packets(now) {
            let _ = server.handle_packet(now, packet);
        }
        let _ = server.drain_packets(now, |packet| client.handle_packet(now, Bytes::copy_from_slice(packet)));
        now += Duration::from_millis(5);
    }
    let mut rest = bytes;
    while let Some((len, after)) = rest.split_first() {
        let (chunks, after) = after.split_at_checked(usize::from(*len)).unwrap_or((after, &[]));
        let packet = forged_packet(client.verification_tag, chunks);
        assert!(server.handle_packet(now, packet).is_ok(), "the library panicked");
        assert!(server.drain_packets(now, |_| ()).is_ok(), "the library panicked");
        now += Duration::from_millis(5);
        assert!(server.handle_timeout(now).is_ok(), "the library panicked");
        rest = after;
    }
}

/// Chunks in a packet with the right ports, tag and checksum.
pub fn forged_packet(verification_tag: u32, chunks: &[u8]) -> Bytes {
    const PORT: [u8; 2] = 5_000u16.to_be_bytes();
    let head = [&PORT[..], &PORT, &verification_tag.to_be_bytes()].concat();
    let mut crc = !0u32;
    for byte in head.iter().chain(&[0; 4]).chain(chunks) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            // CRC-32C (RFC 9260 appendix A), a bit at a time.
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    [&head[..], &(!crc).to_le_bytes(), chunks].concat().into()
}

/// SRTP and SRTCP from an address that is known, in every profile.
pub fn srtp(bytes: &[u8]) {
    for profile in PROFILES {
        let material = vec![7; profile.keying_material_len()];
        let Ok(mut keys) = SrtpKeys::new(profile, &material, DtlsRole::Server) else { continue };
        let mut packet = bytes.to_vec();
        if let Some(header) = RtpHeader::parse(&packet) {
            let index = IndexEstimator::default().estimate(header.sequence);
            let opened = keys.open_rtp(&mut packet, usize::from(header.header_len), header.ssrc, index);
            assert!(opened.is_err(), "nobody guesses a key");
        }
        assert!(keys.open_rtcp(&mut bytes.to_vec()).is_err(), "nobody guesses a key");
    }
}

/// An opened RTP packet: header, extensions, payload in every codec.
pub fn rtp(bytes: &[u8]) {
    let Some(header) = RtpHeader::parse(bytes) else { return };
    let ids = ExtensionIds { mid: Some(1), rid: Some(2), audio_level: Some(3), ..ExtensionIds::default() };
    let _ = ExtensionTable::new(&ids).read(header.extension_profile, header.extension_bytes(bytes));
    let Some(payload) = header.payload_range(bytes).and_then(|range| bytes.get(range)) else { return };
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
        let _ = codec::inspect(codec, payload);
    }
}

/// An opened compound RTCP packet, every list in it walked.
pub fn rtcp(bytes: &[u8]) {
    for packet in Packets::new(bytes).flatten() {
        match packet {
            RtcpPacket::SenderReport { blocks, .. } | RtcpPacket::ReceiverReport { blocks, .. } => {
                let _ = blocks.count();
            }
            RtcpPacket::Nack { sequences, .. } => {
                let _ = sequences.count();
            }
            RtcpPacket::FullIntra { requests, .. } => {
                let _ = requests.count();
            }
            RtcpPacket::Goodbye { ssrcs } => {
                let _ = ssrcs.count();
            }
            _ => {}
        }
    }
}

/// An offer or answer.
pub fn sdp(bytes: &[u8]) {
    let _ = RemoteDescription::parse(&String::from_utf8_lossy(bytes));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_bytes_can_stop_any_of_them(first: u8, mut bytes in proptest::collection::vec(any::<u8>(), 1..160)) {
            for target in [stun, dtls, srtp, rtp, rtcp, sdp, sctp] {
                target(&bytes);
            }
            bytes[0] = first & 3;
            stun(&bytes);
            bytes[0] = 20 + (first & 3);
            dtls(&bytes);
            bytes[0] = 0x80 | first & 0x3f;
            for target in [srtp, rtp, rtcp] {
                target(&bytes);
            }
        }
    }
}
