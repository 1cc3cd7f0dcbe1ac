//! SRTP and SRTCP framing in place (RFC 3711, RFC 7714): session keys, nonces, tags.
//!
//! In: packets with their index, or keying material from DTLS. Out: the same packets sealed or opened where they lie,
//! without allocation. Must not: keep RTP state; the RTP index comes from the caller, and no two code paths may ever seal
//! the same SSRC with the same index (a nonce used twice gives the key stream away).

use std::collections::HashMap;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::{constant_time, hmac};

use super::replay::ReplayWindow;
use crate::api::{DropReason, DtlsRole};

/// Tag of AES-GCM (RFC 7714 §13.2).
const GCM_TAG_LEN: usize = 16;
/// HMAC-SHA1-80 (RFC 3711 §4.2.1).
const CM_TAG_LEN: usize = 10;
/// Header and sender SSRC: what SRTCP leaves in clear.
const RTCP_CLEAR_LEN: usize = 8;
/// The E flag and the SRTCP index (RFC 3711 §3.4).
const RTCP_INDEX_LEN: usize = 4;
const RTCP_ENCRYPTED: u32 = 1 << 31;
/// First RTP index that may not be used under one key (RFC 3711 §9.2).
const MAX_RTP_INDEX: u64 = 1 << 48;
/// Senders whose SRTCP indices are remembered; the one not heard of for longest gives way.
const MAX_RTCP_SENDERS: usize = 256;

/// Protection profiles that we take (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    AeadAes128Gcm,
    AeadAes256Gcm,
    Aes128CmHmacSha1_80,
}

impl SrtpProfile {
    const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            _ => 16,
        }
    }

    const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmHmacSha1_80 => 14,
            _ => 12,
        }
    }

    /// Bytes of keying material to export from DTLS (RFC 5764 §4.2).
    pub const fn keying_material_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }
}

/// Keying material of the wrong length for its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keying material does not fit the SRTP profile")]
pub struct KeyError;

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

/// The session keys of one transport, both directions.
#[derive(Debug)]
pub struct SrtpKeys {
    profile: SrtpProfile,
    /// What we send.
    local: Direction,
    /// What we receive.
    remote: Direction,
    /// Index of the last SRTCP packet sent; one count for all SSRCs, so it never repeats for any.
    rtcp_sent: u32,
    rtcp_received: HashMap<u32, RtcpSender>,
    rtcp_opened: u64,
}

#[derive(Debug, Default)]
struct RtcpSender {
    window: ReplayWindow,
    last_opened: u64,
}

impl SrtpKeys {
    /// Derives the session keys from what DTLS exported: client key, server key, client salt, server salt (RFC 5764
    /// §4.2). `role` is ours.
    pub fn new(profile: SrtpProfile, keying_material: &[u8], role: DtlsRole) -> Result<Self, KeyError> {
        if keying_material.len() != profile.keying_material_len() {
            return Err(KeyError);
        }
        let (keys, salts) = keying_material.split_at_checked(2 * profile.key_len()).ok_or(KeyError)?;
        let (client_key, server_key) = keys.split_at_checked(profile.key_len()).ok_or(KeyError)?;
        let (client_salt, server_salt) = salts.split_at_checked(profile.salt_len()).ok_or(KeyError)?;
        let client = Direction::derive(profile, client_key, client_salt)?;
        let server = Direction::derive(profile, server_key, server_salt)?;
        let (local, remote) = match role {
            DtlsRole::Client => (client, server),
            DtlsRole::Server => (server, client),
        };
        Ok(Self { profile, local, remote, rtcp_sent: 0, rtcp_received: HashMap::new(), rtcp_opened: 0 })
    }

    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Bytes that [`Self::seal_rtp`] needs behind the payload: 16 for AES-GCM, 10 for AES-CM with HMAC-SHA1-80.
    pub fn tag_len(&self) -> usize {
        match self.profile {
            SrtpProfile::Aes128CmHmacSha1_80 => CM_TAG_LEN,
            _ => GCM_TAG_LEN,
        }
    }

    /// Bytes that [`Self::seal_rtcp`] needs behind the packet: tag and index.
    pub fn rtcp_overhead(&self) -> usize {
        self.tag_len() + RTCP_INDEX_LEN
    }

    /// Seals in place. `packet` is header (with extensions, `header_len` bytes), payload and [`Self::tag_len`] spare
    /// bytes; `index` is `ROC << 16 | SEQ`.
    pub fn seal_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<(), SealError> {
        if index >= MAX_RTP_INDEX {
            return Err(SealError::IndexExhausted);
        }
        let (sealed, tag) = split_tag(packet, self.tag_len()).ok_or(SealError::ShortBuffer)?;
        let (header, payload) = sealed.split_at_mut_checked(header_len).ok_or(SealError::ShortBuffer)?;
        match &self.local {
            Direction::Gcm(keys) => keys.rtp.seal(gcm_nonce(&keys.rtp_salt, ssrc, index), header, payload, tag),
            Direction::Cm(keys) => {
                keys.rtp.apply(ssrc, index, payload).ok_or(SealError::Cipher)?;
                tag.copy_from_slice(&keys.rtp_auth.tag(sealed, &roc(index)));
                Ok(())
            }
        }
    }

    /// Opens in place and returns the length of header and plaintext. `index` is the estimate of
    /// [`IndexEstimator`](super::IndexEstimator), already checked for replay; accept it only when this succeeds. On
    /// failure the payload's bytes are undefined.
    pub fn open_rtp(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) -> Result<usize, DropReason> {
        let (sealed, tag) = split_tag(packet, self.tag_len()).ok_or(DropReason::Malformed)?;
        let len = sealed.len();
        if index >= MAX_RTP_INDEX || header_len > len {
            return Err(DropReason::Malformed);
        }
        let opened = match &self.remote {
            Direction::Gcm(keys) => {
                let (header, payload) = sealed.split_at_mut_checked(header_len).ok_or(DropReason::Malformed)?;
                keys.rtp.open(gcm_nonce(&keys.rtp_salt, ssrc, index), header, payload, tag)
            }
            Direction::Cm(keys) => {
                let authentic = keys.rtp_auth.verify(sealed, &roc(index), tag);
                authentic.and_then(|()| keys.rtp.apply(ssrc, index, sealed.get_mut(header_len..)?))
            }
        };
        opened.map(|()| len).ok_or(DropReason::SrtpUnauthenticated)
    }

    /// Seals a compound RTCP packet in place. `packet` is the plaintext and [`Self::rtcp_overhead`] spare bytes.
    pub fn seal_rtcp(&mut self, packet: &mut [u8]) -> Result<(), SealError> {
        let index = self.rtcp_sent + 1;
        if index >= RTCP_ENCRYPTED {
            return Err(SealError::IndexExhausted);
        }
        let ssrc = rtcp_ssrc(packet).ok_or(SealError::ShortBuffer)?;
        let word = (RTCP_ENCRYPTED | index).to_be_bytes();
        let (body, trailer) = split_tag(packet, self.rtcp_overhead()).ok_or(SealError::ShortBuffer)?;
        let (clear, payload) = body.split_at_mut_checked(RTCP_CLEAR_LEN).ok_or(SealError::ShortBuffer)?;
        match &self.local {
            Direction::Gcm(keys) => {
                let (tag, index_word) = trailer.split_at_mut_checked(GCM_TAG_LEN).ok_or(SealError::ShortBuffer)?;
                let aad = rtcp_aad(clear, word).ok_or(SealError::ShortBuffer)?;
                keys.rtcp.seal(gcm_nonce(&keys.rtcp_salt, ssrc, u64::from(index)), &aad, payload, tag)?;
                index_word.copy_from_slice(&word);
            }
            Direction::Cm(keys) => {
                keys.rtcp.apply(ssrc, u64::from(index), payload).ok_or(SealError::Cipher)?;
                let (index_word, tag) = trailer.split_at_mut_checked(RTCP_INDEX_LEN).ok_or(SealError::ShortBuffer)?;
                index_word.copy_from_slice(&word);
                tag.copy_from_slice(&keys.rtcp_auth.tag(body, &word));
            }
        }
        self.rtcp_sent = index;
        Ok(())
    }

    /// Opens an SRTCP packet in place and returns the plaintext's length. Refuses what is not encrypted, not authentic,
    /// or was opened before.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let ssrc = rtcp_ssrc(packet).ok_or(DropReason::Malformed)?;
        let (body, trailer) = split_tag(packet, self.rtcp_overhead()).ok_or(DropReason::Malformed)?;
        let len = body.len();
        let (word, tag) = match &self.remote {
            Direction::Gcm(_) => trailer.split_last_chunk::<RTCP_INDEX_LEN>().map(|(tag, word)| (*word, tag)),
            Direction::Cm(_) => trailer.split_first_chunk::<RTCP_INDEX_LEN>().map(|(word, tag)| (*word, tag)),
        }
        .ok_or(DropReason::Malformed)?;
        let (clear, payload) = body.split_at_mut_checked(RTCP_CLEAR_LEN).ok_or(DropReason::Malformed)?;
        let index = u64::from(u32::from_be_bytes(word) & !RTCP_ENCRYPTED);
        if u32::from_be_bytes(word) & RTCP_ENCRYPTED == 0 {
            return Err(DropReason::SrtpUnauthenticated);
        }
        if self.rtcp_received.get(&ssrc).is_some_and(|sender| !sender.window.check(index)) {
            return Err(DropReason::SrtpReplayed);
        }
        let opened = match &self.remote {
            Direction::Gcm(keys) => rtcp_aad(clear, word)
                .and_then(|aad| keys.rtcp.open(gcm_nonce(&keys.rtcp_salt, ssrc, index), &aad, payload, tag)),
            Direction::Cm(keys) => {
                let authentic = keys.rtcp_auth.verify(body, &word, tag);
                authentic.and_then(|()| keys.rtcp.apply(ssrc, index, body.get_mut(RTCP_CLEAR_LEN..)?))
            }
        };
        opened.ok_or(DropReason::SrtpUnauthenticated)?;
        self.accept_rtcp(ssrc, index);
        Ok(len)
    }

    fn accept_rtcp(&mut self, ssrc: u32, index: u64) {
        if self.rtcp_received.len() >= MAX_RTCP_SENDERS && !self.rtcp_received.contains_key(&ssrc) {
            let quietest = self.rtcp_received.iter().min_by_key(|(_, sender)| sender.last_opened);
            if let Some(quietest) = quietest.map(|(ssrc, _)| *ssrc) {
                self.rtcp_received.remove(&quietest);
            }
        }
        self.rtcp_opened += 1;
        let sender = self.rtcp_received.entry(ssrc).or_default();
        sender.window.accept(index);
        sender.last_opened = self.rtcp_opened;
    }
}

/// Session keys of one direction.
#[derive(Debug)]
enum Direction {
    Gcm(GcmKeys),
    /// Boxed: its HMAC states are kilobytes, and hardly anybody negotiates it.
    Cm(Box<CmKeys>),
}

#[derive(Debug)]
struct GcmKeys {
    rtp: GcmKey,
    rtcp: GcmKey,
    rtp_salt: [u8; 12],
    rtcp_salt: [u8; 12],
}

#[derive(Debug)]
struct CmKeys {
    rtp: CounterKey,
    rtcp: CounterKey,
    rtp_auth: AuthKey,
    rtcp_auth: AuthKey,
}

/// Labels of the key derivation (RFC 3711 §4.3.2).
const RTP_KEY: u8 = 0;
const RTP_AUTH: u8 = 1;
const RTP_SALT: u8 = 2;
const RTCP_KEY: u8 = 3;
const RTCP_AUTH: u8 = 4;
const RTCP_SALT: u8 = 5;

impl Direction {
    fn derive(profile: SrtpProfile, master_key: &[u8], master_salt: &[u8]) -> Result<Self, KeyError> {
        let master = Kdf::new(master_key, master_salt).ok_or(KeyError)?;
        match profile {
            SrtpProfile::AeadAes128Gcm => Ok(Self::Gcm(GcmKeys {
                rtp: GcmKey::new(&aead::AES_128_GCM, &master.derive::<16>(RTP_KEY)?)?,
                rtcp: GcmKey::new(&aead::AES_128_GCM, &master.derive::<16>(RTCP_KEY)?)?,
                rtp_salt: master.derive(RTP_SALT)?,
                rtcp_salt: master.derive(RTCP_SALT)?,
            })),
            SrtpProfile::AeadAes256Gcm => Ok(Self::Gcm(GcmKeys {
                rtp: GcmKey::new(&aead::AES_256_GCM, &master.derive::<32>(RTP_KEY)?)?,
                rtcp: GcmKey::new(&aead::AES_256_GCM, &master.derive::<32>(RTCP_KEY)?)?,
                rtp_salt: master.derive(RTP_SALT)?,
                rtcp_salt: master.derive(RTCP_SALT)?,
            })),
            SrtpProfile::Aes128CmHmacSha1_80 => Ok(Self::Cm(Box::new(CmKeys {
                rtp: CounterKey::new(&master.derive(RTP_KEY)?, master.derive(RTP_SALT)?)?,
                rtcp: CounterKey::new(&master.derive(RTCP_KEY)?, master.derive(RTCP_SALT)?)?,
                rtp_auth: AuthKey::new(&master.derive(RTP_AUTH)?),
                rtcp_auth: AuthKey::new(&master.derive(RTCP_AUTH)?),
            }))),
        }
    }
}

/// The AES-CM key derivation with a rate of zero (RFC 3711 §4.3.1, §4.3.3); a 96-bit salt is padded on the right
/// (RFC 7714 §11).
struct Kdf {
    key: EncryptingKey,
    salt: [u8; 14],
}

impl Kdf {
    fn new(master_key: &[u8], master_salt: &[u8]) -> Option<Self> {
        let algorithm = if master_key.len() == 32 { &AES_256 } else { &AES_128 };
        let key = EncryptingKey::ctr(UnboundCipherKey::new(algorithm, master_key).ok()?).ok()?;
        let mut salt = [0; 14];
        salt.get_mut(..master_salt.len())?.copy_from_slice(master_salt);
        Some(Self { key, salt })
    }

    /// The derived key is the key stream at `salt XOR label`.
    fn derive<const N: usize>(&self, label: u8) -> Result<[u8; N], KeyError> {
        let mut iv = [0; 16];
        for (byte, salt) in iv.iter_mut().zip(self.salt) {
            *byte = salt;
        }
        iv[7] ^= label;
        let mut derived = [0; N];
        self.key.less_safe_encrypt(&mut derived, EncryptionContext::Iv128(iv.into())).map_err(|_| KeyError)?;
        Ok(derived)
    }
}

#[derive(Debug)]
struct GcmKey(LessSafeKey);

impl GcmKey {
    fn new(algorithm: &'static aead::Algorithm, key: &[u8]) -> Result<Self, KeyError> {
        UnboundKey::new(algorithm, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_| KeyError)
    }

    fn seal(&self, nonce: [u8; 12], aad: &[u8], payload: &mut [u8], tag: &mut [u8]) -> Result<(), SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let computed = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), payload);
        let computed = computed.map_err(|_| SealError::Cipher)?;
        if computed.as_ref().len() != tag.len() {
            return Err(SealError::ShortBuffer);
        }
        tag.copy_from_slice(computed.as_ref());
        Ok(())
    }

    fn open(&self, nonce: [u8; 12], aad: &[u8], payload: &mut [u8], tag: &[u8]) -> Option<()> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, payload).ok().map(|_| ())
    }
}

/// AES in counter mode as SRTP uses it (RFC 3711 §4.1.1).
#[derive(Debug)]
struct CounterKey {
    key: EncryptingKey,
    salt: [u8; 14],
}

impl CounterKey {
    fn new(key: &[u8; 16], salt: [u8; 14]) -> Result<Self, KeyError> {
        let key = UnboundCipherKey::new(&AES_128, key).and_then(EncryptingKey::ctr).map_err(|_| KeyError)?;
        Ok(Self { key, salt })
    }

    /// Encrypts or decrypts.
    fn apply(&self, ssrc: u32, index: u64, data: &mut [u8]) -> Option<()> {
        let [_, _, i0, i1, i2, i3, i4, i5] = index.to_be_bytes();
        let [s0, s1, s2, s3] = ssrc.to_be_bytes();
        let mut iv = [0, 0, 0, 0, s0, s1, s2, s3, i0, i1, i2, i3, i4, i5, 0, 0];
        for (byte, salt) in iv.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        self.key.less_safe_encrypt(data, EncryptionContext::Iv128(iv.into())).ok().map(|_| ())
    }
}

/// HMAC-SHA1 cut to 80 bits (RFC 3711 §4.2.1).
#[derive(Debug)]
struct AuthKey(hmac::Key);

impl AuthKey {
    fn new(key: &[u8; 20]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key))
    }

    fn tag(&self, packet: &[u8], suffix: &[u8; 4]) -> [u8; CM_TAG_LEN] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(packet);
        context.update(suffix);
        context.sign().as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn verify(&self, packet: &[u8], suffix: &[u8; 4], tag: &[u8]) -> Option<()> {
        constant_time::verify_slices_are_equal(&self.tag(packet, suffix), tag).ok()
    }
}

/// RFC 7714 §8.1 for RTP with a 48-bit index, §9.1 for RTCP with a 31-bit one: the same bytes.
fn gcm_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> [u8; 12] {
    let [_, _, i0, i1, i2, i3, i4, i5] = index.to_be_bytes();
    let [s0, s1, s2, s3] = ssrc.to_be_bytes();
    let mut nonce = [0, 0, s0, s1, s2, s3, i0, i1, i2, i3, i4, i5];
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    nonce
}

/// The rollover counter that HMAC covers behind the packet (RFC 3711 §4.2).
fn roc(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// The clear part of an SRTCP packet with E flag and index (RFC 7714 §9.2).
fn rtcp_aad(clear: &[u8], word: [u8; RTCP_INDEX_LEN]) -> Option<[u8; RTCP_CLEAR_LEN + RTCP_INDEX_LEN]> {
    let mut aad = [0; RTCP_CLEAR_LEN + RTCP_INDEX_LEN];
    let (head, tail) = aad.split_at_mut_checked(RTCP_CLEAR_LEN)?;
    head.copy_from_slice(clear.get(..RTCP_CLEAR_LEN)?);
    tail.copy_from_slice(&word);
    Some(aad)
}

fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    packet.get(4..)?.first_chunk().map(|ssrc| u32::from_be_bytes(*ssrc))
}

fn split_tag(packet: &mut [u8], tag_len: usize) -> Option<(&mut [u8], &mut [u8])> {
    let len = packet.len().checked_sub(tag_len)?;
    packet.split_at_mut_checked(len)
}

#[cfg(test)]
mod tests;
