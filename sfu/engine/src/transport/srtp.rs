//! SRTP and SRTCP framing in place: keys, nonces, index estimation, replay windows (RFC 3711, RFC 7714).

use crate::api::DropReason;

/// Why a packet cannot be sealed. Each is a defect of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The buffer has no room for the tag, or the header is longer than the packet.
    #[error("the packet buffer is too short")]
    ShortBuffer,
    /// 2^48 RTP or 2^31 RTCP packets under one key (RFC 3711 §9.2).
    #[error("the key is used up")]
    IndexExhausted,
    #[error("the cipher refused")]
    Cipher,
}

/// The SRTP session keys of one transport, both directions. RTP indices are kept by the caller, per SSRC: no two code
/// paths may ever seal the same SSRC with the same index.
pub struct SrtpKeys {}

impl SrtpKeys {
    /// Bytes that [`Self::seal_rtp`] needs behind the payload: 16 for AES-GCM, 10 for AES-CM with HMAC-SHA1-80.
    pub fn tag_len(&self) -> usize {
        0
    }

    /// Bytes that [`Self::seal_rtcp`] needs behind the packet: tag and index.
    pub fn rtcp_overhead(&self) -> usize {
        0
    }

    /// Seals in place. `packet` is header, payload and [`Self::tag_len`] spare bytes; `index` is `ROC << 16 | SEQ`.
    pub fn seal_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<(), SealError> {
        let _ = (packet, header_len, ssrc, index);
        Err(SealError::Cipher)
    }

    /// Opens in place and returns the length of header and plaintext. `index` is the estimate of [`IndexEstimator`],
    /// already checked for replay; accept it only when this succeeds. On failure the payload's bytes are undefined.
    pub fn open_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<usize, DropReason> {
        let _ = (packet, header_len, ssrc, index);
        Err(DropReason::NotReady)
    }

    /// Seals a compound RTCP packet in place. `packet` is the plaintext and [`Self::rtcp_overhead`] spare bytes.
    pub fn seal_rtcp(&mut self, packet: &mut [u8]) -> Result<(), SealError> {
        let _ = packet;
        Err(SealError::Cipher)
    }

    /// Opens an SRTCP packet in place and returns the plaintext's length; refuses replays.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let _ = packet;
        Err(DropReason::NotReady)
    }
}

/// The 48-bit packet index of one SSRC from 16-bit sequence numbers (RFC 3711 §3.3.1), with the replay window of §3.3.2.
#[derive(Clone, Copy, Debug, Default)]
pub struct IndexEstimator {
    pub window: ReplayWindow,
}

impl IndexEstimator {
    /// The index that a packet with this sequence number most likely has. Changes nothing.
    pub fn estimate(&self, seq: u16) -> u64 {
        u64::from(seq)
    }

    /// `false`: already accepted, or too old to tell.
    pub fn check(&self, index: u64) -> bool {
        self.window.check(index)
    }

    /// Notes an authenticated packet.
    pub fn accept(&mut self, index: u64) {
        self.window.accept(index);
    }
}

/// Which of the latest [`ReplayWindow::SIZE`] indices were accepted (RFC 3711 §3.3.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayWindow {}

impl ReplayWindow {
    pub const SIZE: u64 = 1024;

    /// `false`: already accepted, or too old to tell.
    pub fn check(&self, index: u64) -> bool {
        let _ = index;
        true
    }

    /// Notes an authenticated packet.
    pub fn accept(&mut self, index: u64) {
        let _ = index;
    }
}
