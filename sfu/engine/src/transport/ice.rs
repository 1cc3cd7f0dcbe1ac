//! The ICE-lite responder (RFC 8445 §2.5): answers authenticated checks, learns where they come from, follows
//! nominations, watches consent.
//!
//! In: STUN datagrams, signs of life, time. Out: answers, the tuple to send to, what was learned and forgotten. Must not:
//! decide anything by checks of its own, or do more than a checksum and one HMAC for a datagram that proves nothing.
//!
//! **The check that hurries the peer.** pion and webrtc-rs look for a pair to nominate every 200 ms, or when a check
//! arrives on a pair that already works; until they have nominated, they drop DTLS. So after the answer to the first
//! check from a tuple we send one check back, as a triggered check of a full agent would be (RFC 8445 §7.3.1.4). Nobody
//! waits for its answer, which is dropped. libwebrtc answers it and goes on as before.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use rtc_stun::attributes::{
    ATTR_FINGERPRINT, ATTR_ICE_CONTROLLED, ATTR_MESSAGE_INTEGRITY, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc_stun::error_code::{CODE_ROLE_CONFLICT, ErrorCodeAttribute};
use rtc_stun::fingerprint::{FINGERPRINT, fingerprint_value};
use rtc_stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc_stun::xoraddr::XorMappedAddress;

use super::{OpenError, StunOutcome};
use crate::api::{DropReason, IceCredentials, Tuple};
use crate::demux::{STUN_BINDING_REQUEST, STUN_COOKIE, STUN_HEADER_LEN};

/// Learned tuples of one transport. A browser checks from a handful; each NAT rebinding adds one.
pub(super) const MAX_TUPLES: usize = 16;
/// A tuple not heard of for this long is forgotten.
pub(super) const TUPLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Consent is lost after this long without a sign of life (RFC 7675 §5.1).
pub(super) const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);
/// For how long credentials from before an ICE restart stay valid.
pub(super) const OLD_CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(30);
/// Generations of credentials valid at once; a further restart retires the oldest.
const MAX_GENERATIONS: usize = 4;
/// Attributes of one binding request; browsers send eight.
const MAX_ATTRIBUTES: usize = 24;
/// Lengths that RFC 8445 §5.3 allows.
const UFRAG_LEN: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD_LEN: std::ops::RangeInclusive<usize> = 22..=256;
/// Attribute header.
const ATTRIBUTE_LEN: usize = 4;
const HMAC_LEN: usize = 20;
/// Ours never wins a role conflict (RFC 8445 §7.3.1.1): the peer stays controlling.
const TIE_BREAKER: [u8; 8] = [0; 8];
/// PRIORITY of our check: a peer-reflexive candidate of the first component (RFC 8445 §5.1.2.1).
const PEER_REFLEXIVE_PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;
const CRC_LEN: usize = 4;

/// One ufrag and password of ours, with the password's HMAC state computed once.
struct Generation {
    number: u32,
    ufrag: String,
    key: hmac::Key,
    expires: Option<Instant>,
}

struct LearnedTuple {
    tuple: Tuple,
    last_seen: Instant,
}

/// Where media leaves to, and on whose word.
#[derive(Clone, Copy)]
struct Selection {
    tuple: Tuple,
    /// `None`: the first valid tuple, before any nomination.
    nominated_by: Option<u32>,
}

pub(super) struct Responder {
    /// Newest last, never empty.
    generations: Vec<Generation>,
    tuples: Vec<LearnedTuple>,
    selection: Option<Selection>,
    last_alive: Instant,
    /// The peer's credentials of the newest generation.
    remote: IceCredentials,
}

/// What a valid check leads to.
pub(super) struct Answer {
    pub(super) outcome: StunOutcome,
    pub(super) datagram: Vec<u8>,
    /// A check to send behind the answer.
    pub(super) hurry: Option<Vec<u8>>,
    /// A tuple that gave way to a new one.
    pub(super) forgotten: Option<Tuple>,
}

/// What time took away.
#[derive(Default)]
pub(super) struct Expired {
    pub(super) tuples: Vec<Tuple>,
    pub(super) ufrags: Vec<String>,
    pub(super) consent: bool,
}

impl Responder {
    pub(super) fn new(local: IceCredentials, remote: IceCredentials, now: Instant) -> Result<Self, OpenError> {
        let generation = Generation::new(0, local)?;
        Ok(Self { generations: vec![generation], tuples: Vec::new(), selection: None, last_alive: now, remote })
    }

    /// Takes new credentials; the returned ufrag is no longer valid, the others stay for a while.
    pub(super) fn restart(
        &mut self,
        now: Instant,
        local: IceCredentials,
        remote: IceCredentials,
    ) -> Result<Option<String>, OpenError> {
        let number = self.generations.last().map_or(0, |newest| newest.number + 1);
        let generation = Generation::new(number, local)?;
        for old in &mut self.generations {
            old.expires.get_or_insert(now + OLD_CREDENTIALS_TIMEOUT);
        }
        let retired = (self.generations.len() >= MAX_GENERATIONS).then(|| self.generations.remove(0).ufrag);
        self.generations.push(generation);
        self.remote = remote;
        // The participant is evidently alive in signaling; its media gets the whole time again.
        self.last_alive = now;
        Ok(retired)
    }

    pub(super) fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.generations.iter().map(|generation| generation.ufrag.as_str())
    }

    pub(super) fn selected(&self) -> Option<Tuple> {
        self.selection.map(|selection| selection.tuple)
    }

    pub(super) fn is_learned(&self, tuple: Tuple) -> bool {
        self.tuples.iter().any(|learned| learned.tuple == tuple)
    }

    /// Notes an authenticated packet. `Some`: the tuple is new; the inner value is one that gave way to it.
    pub(super) fn note_alive(&mut self, now: Instant, tuple: Tuple) -> Option<Option<Tuple>> {
        self.last_alive = self.last_alive.max(now);
        if let Some(learned) = self.tuples.iter_mut().find(|learned| learned.tuple == tuple) {
            learned.last_seen = now;
            return None;
        }
        let forgotten = if self.tuples.len() >= MAX_TUPLES { self.forget_oldest() } else { None };
        self.tuples.push(LearnedTuple { tuple, last_seen: now });
        Some(forgotten)
    }

    fn forget_oldest(&mut self) -> Option<Tuple> {
        let selected = self.selected();
        let others = self.tuples.iter().enumerate().filter(|(_, learned)| Some(learned.tuple) != selected);
        let oldest = others.min_by_key(|(_, learned)| learned.last_seen).map(|(at, _)| at)?;
        Some(self.tuples.swap_remove(oldest).tuple)
    }

    /// Checks and answers one STUN datagram.
    pub(super) fn handle(&mut self, now: Instant, tuple: Tuple, bytes: &[u8]) -> Result<Answer, DropReason> {
        let request = Request::parse(bytes)?;
        let generation = self.generations.iter().find(|generation| generation.ufrag == request.local_ufrag);
        let generation = generation.ok_or(DropReason::StunUnknownUfrag)?;
        request.verify(&generation.key)?;
        let datagram = answer(&request, tuple, &generation.key).ok_or(DropReason::StunMalformed)?;
        let number = generation.number;
        let undecided = self.selection.is_none_or(|selection| selection.nominated_by.is_none());
        let hurry = (undecided && !request.nominates && !self.is_learned(tuple))
            .then(|| hurry(&request, &generation.ufrag, &self.remote))
            .flatten();
        let learned = self.note_alive(now, tuple);
        let moved = !request.peer_is_controlled && self.consider(tuple, request.nominates, number);
        let outcome = StunOutcome { learned: learned.is_some(), moved };
        Ok(Answer { outcome, datagram, hurry, forgotten: learned.flatten() })
    }

    /// The first valid tuple is used at once (a browser starts DTLS before it nominates); the newest nomination wins,
    /// but one of an older generation never takes over from a newer.
    fn consider(&mut self, tuple: Tuple, nominates: bool, generation: u32) -> bool {
        let before = self.selected();
        match self.selection {
            None => self.selection = Some(Selection { tuple, nominated_by: nominates.then_some(generation) }),
            Some(selection) if nominates && selection.nominated_by.is_none_or(|by| by <= generation) => {
                self.selection = Some(Selection { tuple, nominated_by: Some(generation) });
            }
            Some(_) => {}
        }
        before != self.selected()
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let tuples = self.tuples.iter().map(|learned| learned.last_seen + TUPLE_TIMEOUT);
        let generations = self.generations.iter().filter_map(|generation| generation.expires);
        tuples.chain(generations).fold(self.last_alive + CONSENT_TIMEOUT, Instant::min)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Expired {
        let mut expired = Expired { consent: now >= self.last_alive + CONSENT_TIMEOUT, ..Expired::default() };
        self.tuples.retain(|learned| {
            let keep = now < learned.last_seen + TUPLE_TIMEOUT;
            if !keep {
                expired.tuples.push(learned.tuple);
            }
            keep
        });
        self.generations.retain_mut(|generation| {
            let keep = generation.expires.is_none_or(|expires| now < expires);
            if !keep {
                expired.ufrags.push(std::mem::take(&mut generation.ufrag));
            }
            keep
        });
        if self.selected().is_some_and(|tuple| expired.tuples.contains(&tuple)) {
            // Whoever was heard of last is the best guess until a nomination comes.
            let freshest = self.tuples.iter().max_by_key(|learned| learned.last_seen);
            self.selection = freshest.map(|learned| Selection { tuple: learned.tuple, nominated_by: None });
        }
        expired
    }
}

impl Generation {
    fn new(number: u32, local: IceCredentials) -> Result<Self, OpenError> {
        if !UFRAG_LEN.contains(&local.ufrag.len()) || !PASSWORD_LEN.contains(&local.pwd.len()) {
            return Err(OpenError::Credentials);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, local.pwd.as_bytes());
        Ok(Self { number, ufrag: local.ufrag, key, expires: None })
    }
}

/// A binding request, as far as a lite agent cares. Borrowed from the datagram; nothing is allocated before it is
/// authenticated.
struct Request<'a> {
    bytes: &'a [u8],
    transaction: [u8; 12],
    local_ufrag: &'a str,
    /// USE-CANDIDATE (RFC 8445 §7.1.2).
    nominates: bool,
    /// ICE-CONTROLLED: the peer has the roles the wrong way round.
    peer_is_controlled: bool,
    /// Offset of the MESSAGE-INTEGRITY attribute, and its value.
    integrity: (usize, &'a [u8]),
}

impl<'a> Request<'a> {
    /// Refuses anything but a whole binding request that ends with MESSAGE-INTEGRITY and a right FINGERPRINT (RFC 8489
    /// §14.5, §14.7). Attributes behind MESSAGE-INTEGRITY are not authenticated, so none but FINGERPRINT may be there.
    fn parse(bytes: &'a [u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::StunMalformed).and_then(|request| {
            let (body, crc) = bytes.split_last_chunk::<CRC_LEN>().ok_or(DropReason::StunMalformed)?;
            let covered = body.get(..body.len() - ATTRIBUTE_LEN).ok_or(DropReason::StunMalformed)?;
            let right = u32::from_be_bytes(*crc) == fingerprint_value(covered);
            if right { Ok(request) } else { Err(DropReason::StunUnauthenticated) }
        })
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, attributes) = bytes.split_first_chunk::<STUN_HEADER_LEN>()?;
        let [t0, t1, l0, l1, cookie @ ..] = header;
        let (cookie, transaction) = cookie.split_first_chunk::<4>()?;
        if [*t0, *t1] != STUN_BINDING_REQUEST || *cookie != STUN_COOKIE {
            return None;
        }
        if usize::from(u16::from_be_bytes([*l0, *l1])) != attributes.len() {
            return None;
        }
        let transaction = *transaction.first_chunk()?;
        let (mut local_ufrag, mut integrity) = (None, None);
        let (mut nominates, mut peer_is_controlled) = (false, false);
        let mut rest = attributes;
        for _ in 0..MAX_ATTRIBUTES {
            let (&[t0, t1, l0, l1], after) = rest.split_first_chunk::<ATTRIBUTE_LEN>()?;
            let len = usize::from(u16::from_be_bytes([l0, l1]));
            let value = after.get(..len)?;
            let offset = bytes.len() - rest.len();
            rest = after.get(len.next_multiple_of(4)..)?;
            match u16::from_be_bytes([t0, t1]) {
                t if t == ATTR_FINGERPRINT.0 => {
                    let whole = len == CRC_LEN && rest.is_empty();
                    let integrity = integrity.filter(|_| whole)?;
                    let local_ufrag = local_ufrag?;
                    return Some(Self { bytes, transaction, local_ufrag, nominates, peer_is_controlled, integrity });
                }
                _ if integrity.is_some() => return None,
                t if t == ATTR_MESSAGE_INTEGRITY.0 => integrity = (len == HMAC_LEN).then_some((offset, value)),
                t if t == ATTR_USERNAME.0 && local_ufrag.is_none() => {
                    // Only our half names anything (RFC 8445 §7.3).
                    local_ufrag = Some(std::str::from_utf8(value).ok()?.split_once(':')?.0);
                }
                t if t == ATTR_USE_CANDIDATE.0 => nominates = true,
                t if t == ATTR_ICE_CONTROLLED.0 => peer_is_controlled = true,
                _ => {}
            }
        }
        None
    }

    /// MESSAGE-INTEGRITY covers what precedes it, with a length that ends behind it (RFC 8489 §14.5).
    fn verify(&self, key: &hmac::Key) -> Result<(), DropReason> {
        let (offset, value) = self.integrity;
        let covered_len = (offset + ATTRIBUTE_LEN + HMAC_LEN - STUN_HEADER_LEN) as u16;
        let head = self.bytes.get(..2).ok_or(DropReason::StunMalformed)?;
        let tail = self.bytes.get(4..offset).ok_or(DropReason::StunMalformed)?;
        let mut context = hmac::Context::with_key(key);
        context.update(head);
        context.update(&covered_len.to_be_bytes());
        context.update(tail);
        let computed = context.sign();
        aws_lc_rs::constant_time::verify_slices_are_equal(computed.as_ref(), value)
            .map_err(|_| DropReason::StunUnauthenticated)
    }
}

/// MESSAGE-INTEGRITY from a key whose state is already computed; the crate's own hashes the password for every message.
struct KeyedIntegrity<'a>(&'a hmac::Key);

impl Setter for KeyedIntegrity<'_> {
    fn add_to(&self, message: &mut Message) -> rtc_shared::error::Result<()> {
        let length = message.length;
        message.length += (ATTRIBUTE_LEN + HMAC_LEN) as u32;
        message.write_length();
        let tag = hmac::sign(self.0, &message.raw);
        message.length = length;
        message.add(ATTR_MESSAGE_INTEGRITY, tag.as_ref());
        Ok(())
    }
}

fn answer(request: &Request<'_>, tuple: Tuple, key: &hmac::Key) -> Option<Vec<u8>> {
    let mut message = Message::new();
    message.transaction_id = TransactionId(request.transaction);
    if request.peer_is_controlled {
        // We are lite and can only be controlled: the peer must switch (RFC 8445 §7.3.1.1).
        let conflict = ErrorCodeAttribute { code: CODE_ROLE_CONFLICT, reason: b"Role Conflict".to_vec() };
        message.typ = BINDING_ERROR;
        message.write_header();
        conflict.add_to(&mut message).ok()?;
    } else {
        // A dual-stack socket shows IPv4 remotes as mapped IPv6; the peer knows itself by its IPv4 address.
        let mapped = XorMappedAddress { ip: tuple.remote.ip().to_canonical(), port: tuple.remote.port() };
        message.typ = BINDING_SUCCESS;
        message.write_header();
        mapped.add_to(&mut message).ok()?;
    }
    KeyedIntegrity(key).add_to(&mut message).ok()?;
    FINGERPRINT.add_to(&mut message).ok()?;
    Some(message.raw)
}

/// One binding request to the peer, in the role that we have: controlled. Its transaction is the peer's with every bit
/// turned, so that no randomness is needed here; nothing depends on it being hard to guess.
fn hurry(request: &Request<'_>, local_ufrag: &str, remote: &IceCredentials) -> Option<Vec<u8>> {
    if remote.pwd.is_empty() {
        return None;
    }
    let mut message = Message::new();
    message.transaction_id = TransactionId(request.transaction.map(|byte| !byte));
    message.typ = BINDING_REQUEST;
    message.write_header();
    message.add(ATTR_USERNAME, format!("{}:{local_ufrag}", remote.ufrag).as_bytes());
    message.add(ATTR_ICE_CONTROLLED, &TIE_BREAKER);
    message.add(ATTR_PRIORITY, &PEER_REFLEXIVE_PRIORITY.to_be_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, remote.pwd.as_bytes());
    KeyedIntegrity(&key).add_to(&mut message).ok()?;
    FINGERPRINT.add_to(&mut message).ok()?;
    Some(message.raw)
}
