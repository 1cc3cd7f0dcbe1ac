//! What stands between a connected peer and `rtc-sctp` 0.21.1, which trusts its peer too much.
//!
//! In: every SCTP packet, both ways. Out: whether an inbound one may be handled. It must refuse nothing that a correct
//! peer sends, and let nothing pass that makes the library panic, walk far or grow without bound:
//!
//! - a chunk, error cause or parameter longer than what contains it (the library slices unchecked);
//! - a DATA or FORWARD-TSN far ahead of what was received (the library walks there one by one);
//! - streams, unfinished messages and stream resets beyond what a participant needs (the library keeps them all);
//! - gap blocks that overlap (the library walks each).
//!
//! ERROR chunks are refused too: they only inform (RFC 9260 §3.3.10), but the library takes them for an abort.

use crate::api::DropReason;

/// Bytes the peer may have under way to us.
pub(super) const RECEIVE_WINDOW: u32 = 1024 * 1024;
/// How far a TSN may be ahead of the last in sequence. The window bounds an honest sender: this many one-byte messages
/// lost at once would be the worst outage of a lossy channel.
const MAX_TSN_AHEAD: u32 = 16_384;
/// DATA chunks received and not read yet. Full messages need about a thousand in the whole window; each costs memory
/// beside its bytes.
const MAX_UNREAD_CHUNKS: usize = 4_096;
/// Bytes received and not read yet; more than the window, because the library lets one message overrun it.
const MAX_UNREAD_BYTES: usize = 2 * RECEIVE_WINDOW as usize;
/// Stream resets that wait for their last TSN.
const MAX_PENDING_RESETS: usize = 16;
/// Stream resets in the life of an association. Clients reset only when they leave.
const MAX_RESETS: usize = 1_024;
/// INITs of one association: retransmissions, until it is established (RFC 9260 §16: 8 at most).
const MAX_INITS: usize = 16;
/// Sum of the lengths of a SACK's gap blocks: what one that does not overlap can have.
const MAX_GAP_SPAN: u32 = 65_535;

/// Common header (RFC 9260 §3.1).
const HEADER_LEN: usize = 12;
const CHUNK_HEADER_LEN: usize = 4;
/// Header of a DATA chunk; one without user data is a violation (RFC 9260 §3.3.1).
const DATA_HEADER_LEN: usize = 16;
/// Fixed part of INIT and INIT ACK.
const INIT_LEN: usize = 20;
const SACK_LEN: usize = 16;

// Chunk types (RFC 9260 §3.2, RFC 3758 §3.2, RFC 6525 §3.1).
const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const HEARTBEAT: u8 = 4;
const ABORT: u8 = 6;
const ERROR: u8 = 9;
const RECONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;
/// Outgoing SSN reset request (RFC 6525 §4.1).
const OUTGOING_RESET: u16 = 13;

/// Where one association stands, as seen from outside the library.
#[derive(Debug, Default)]
pub(super) struct SctpGuard {
    /// Initiate tag and initial TSN of the first INIT; retransmissions repeat them.
    init: Option<(u32, u32)>,
    inits: usize,
    established: bool,
    /// The last TSN in sequence, from our own SACKs.
    cumulative_tsn: u32,
    unread_chunks: usize,
    unread_bytes: usize,
    /// Request number and last TSN of resets that wait.
    pending_resets: Vec<(u32, u32)>,
    resets: usize,
}

impl SctpGuard {
    /// Checks one inbound packet. `is_open` tells known streams; `free_streams` more may be opened.
    pub(super) fn check(
        &mut self,
        packet: &[u8],
        is_open: impl Fn(u16) -> bool,
        free_streams: usize,
    ) -> Result<(), DropReason> {
        let refused = DropReason::SctpRefused;
        check_lengths(packet).ok_or(refused)?;
        let mut opened = Vec::new();
        let (mut chunks, mut bytes) = (0, 0);
        for chunk in Chunks::of(packet) {
            match chunk.kind {
                INIT => return self.check_init(packet, chunk).ok_or(refused),
                DATA => {
                    let tsn = chunk.u32_at(0).ok_or(refused)?;
                    let stream = chunk.u16_at(4).ok_or(refused)?;
                    let ahead = self.ahead(tsn).ok_or(refused)?;
                    if ahead > 0 {
                        chunks += 1;
                        bytes += chunk.value.len() + CHUNK_HEADER_LEN - DATA_HEADER_LEN;
                        if !is_open(stream) && !opened.contains(&stream) {
                            opened.push(stream);
                        }
                    }
                }
                FORWARD_TSN => {
                    self.ahead(chunk.u32_at(0).ok_or(refused)?).ok_or(refused)?;
                }
                SACK => check_gaps(chunk).ok_or(refused)?,
                RECONFIG => self.check_reset(chunk)?,
                ERROR => return Err(refused),
                _ => {}
            }
        }
        if opened.len() > free_streams
            || self.unread_chunks + chunks > MAX_UNREAD_CHUNKS
            || self.unread_bytes + bytes > MAX_UNREAD_BYTES
        {
            return Err(DropReason::LimitReached);
        }
        self.unread_chunks += chunks;
        self.unread_bytes += bytes;
        Ok(())
    }

    /// The association is up; from now on an INIT is refused.
    pub(super) fn note_established(&mut self) {
        self.established = true;
    }

    /// A message was taken from the library.
    pub(super) fn note_read(&mut self, chunks: usize, bytes: usize) {
        self.unread_chunks = self.unread_chunks.saturating_sub(chunks);
        self.unread_bytes = self.unread_bytes.saturating_sub(bytes);
    }

    /// Looks at a packet that the library sends: its SACKs say where it stands.
    pub(super) fn note_outbound(&mut self, packet: &[u8]) {
        for chunk in Chunks::of(packet).filter(|chunk| chunk.kind == SACK) {
            let (Some(cumulative), Some(window)) = (chunk.u32_at(0), chunk.u32_at(4)) else { continue };
            self.cumulative_tsn = cumulative;
            self.pending_resets.retain(|(_, last_tsn)| is_after(*last_tsn, cumulative));
            if window == RECEIVE_WINDOW {
                // Nothing is left unread: what was abandoned by FORWARD-TSN or came twice is gone from the count.
                self.unread_chunks = 0;
                self.unread_bytes = 0;
            }
        }
    }

    /// How far a TSN is ahead of the last in sequence, 0 when it is not; `None` when it is too far, or before INIT.
    fn ahead(&self, tsn: u32) -> Option<u32> {
        self.init?;
        let ahead = tsn.wrapping_sub(self.cumulative_tsn);
        if ahead > i32::MAX as u32 { Some(0) } else { (ahead <= MAX_TSN_AHEAD).then_some(ahead) }
    }

    fn check_init(&mut self, packet: &[u8], chunk: Chunk<'_>) -> Option<()> {
        let alone = packet.len() == HEADER_LEN + (CHUNK_HEADER_LEN + chunk.value.len()).next_multiple_of(4);
        let seen = (chunk.u32_at(0)?, chunk.u32_at(12)?);
        if !alone || self.established || self.inits >= MAX_INITS || *self.init.get_or_insert(seen) != seen {
            return None;
        }
        self.inits += 1;
        self.cumulative_tsn = seen.1.wrapping_sub(1);
        Some(())
    }

    fn check_reset(&mut self, chunk: Chunk<'_>) -> Result<(), DropReason> {
        let mut rest = chunk.value;
        while let Some((kind, body, after)) = next_field(rest) {
            if kind == OUTGOING_RESET {
                let mut words = body.chunks_exact(4).filter_map(|word| word.first_chunk().copied());
                let number = words.next().map(u32::from_be_bytes).ok_or(DropReason::SctpRefused)?;
                let last_tsn = words.nth(1).map(u32::from_be_bytes).ok_or(DropReason::SctpRefused)?;
                self.note_reset(number, last_tsn)?;
            }
            rest = after;
        }
        Ok(())
    }

    fn note_reset(&mut self, number: u32, last_tsn: u32) -> Result<(), DropReason> {
        if self.pending_resets.iter().any(|(known, _)| *known == number) {
            return Ok(());
        }
        if self.resets >= MAX_RESETS || self.pending_resets.len() >= MAX_PENDING_RESETS {
            return Err(DropReason::LimitReached);
        }
        self.resets += 1;
        // What we know may lag by a delayed SACK; the next one clears what was done at once after all.
        if is_after(last_tsn, self.cumulative_tsn) {
            self.pending_resets.push((number, last_tsn));
        }
        Ok(())
    }
}

/// Serial number arithmetic (RFC 1982).
fn is_after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) <= i32::MAX as u32
}

#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: u8,
    value: &'a [u8],
}

impl Chunk<'_> {
    fn u32_at(&self, at: usize) -> Option<u32> {
        self.value.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        self.value.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }
}

/// The chunks of a packet, as far as they are whole.
struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    fn of(packet: &'a [u8]) -> Self {
        Self(packet.get(HEADER_LEN..).unwrap_or_default())
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (&[kind, _, l0, l1], _) = self.0.split_first_chunk::<CHUNK_HEADER_LEN>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let value = self.0.get(CHUNK_HEADER_LEN..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Chunk { kind, value })
    }
}

/// A type-length-value field of causes and parameters: type, body, what follows (padding may be missing at the end).
fn next_field(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&[t0, t1, l0, l1], _) = bytes.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let body = bytes.get(4..len)?;
    Some((u16::from_be_bytes([t0, t1]), body, bytes.get(len.next_multiple_of(4)..).unwrap_or_default()))
}

/// Every chunk, and every field in those that have some, ends where its container does or before.
fn check_lengths(packet: &[u8]) -> Option<()> {
    let mut rest = packet.get(HEADER_LEN..).filter(|rest| !rest.is_empty())?;
    while !rest.is_empty() {
        let chunk = Chunks(rest).next()?;
        let whole = CHUNK_HEADER_LEN + chunk.value.len();
        match chunk.kind {
            DATA if whole <= DATA_HEADER_LEN => return None,
            INIT | INIT_ACK => check_fields(chunk.value.get(INIT_LEN - CHUNK_HEADER_LEN..)?)?,
            SACK if whole < SACK_LEN => return None,
            FORWARD_TSN if whole < 8 || !whole.is_multiple_of(4) => return None,
            ABORT | ERROR => check_causes(chunk.value)?,
            RECONFIG | HEARTBEAT => check_fields(chunk.value)?,
            _ => {}
        }
        // The library steps over the padding even where a packet ends without it.
        rest = rest.get(whole.next_multiple_of(4)..)?;
    }
    Some(())
}

fn check_fields(mut fields: &[u8]) -> Option<()> {
    while !fields.is_empty() {
        let (_, _, after) = next_field(fields)?;
        fields = after;
    }
    Some(())
}

/// Error causes as the library walks them: without the padding between two (RFC 9260 §3.3.10). One cause, which is what
/// peers send, is the same either way.
fn check_causes(mut causes: &[u8]) -> Option<()> {
    while let Some((_, body, _)) = next_field(causes) {
        causes = causes.get(4 + body.len()..)?;
    }
    (causes.len() < 4).then_some(())
}

fn check_gaps(chunk: Chunk<'_>) -> Option<()> {
    let (gaps, duplicates) = (usize::from(chunk.u16_at(8)?), usize::from(chunk.u16_at(10)?));
    let blocks = chunk.value.get(12..12 + 4 * gaps)?;
    if chunk.value.len() < 12 + 4 * (gaps + duplicates) {
        return None;
    }
    let mut span = 0;
    for block in blocks.chunks_exact(4) {
        let [s0, s1, e0, e1] = *block.first_chunk()?;
        let (start, end) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([e0, e1]));
        span += u32::from(end.saturating_sub(start)) + 1;
    }
    (span <= MAX_GAP_SPAN).then_some(())
}

#[cfg(test)]
mod tests;
