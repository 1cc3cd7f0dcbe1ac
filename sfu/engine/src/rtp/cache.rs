//! The packet cache of one published layer: opened packets as they came, kept to answer the NACKs of all its subscribers.
//!
//! Bytes live in one ring that grows while a second of the stream does not fit, up to the bound of its class; packets are
//! found by extended sequence number. Nothing is allocated for a layer that sends nothing, nor once the ring has its size.

use std::time::Duration;
use std::time::Instant;

use crate::api::Codec;
use crate::api::MediaKind;
use crate::run::MAX_DATAGRAM;

/// What the ring aims to cover: longer than any repair takes.
const COVERED: Duration = Duration::from_secs(1);
/// First size of a ring.
const FIRST_BYTES: usize = 16 * 1024;

/// How much a cache may hold. A publisher with all layers of one video and audio stays below 2 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// A power of two.
    pub packets: usize,
    /// A power of two times [`FIRST_BYTES`].
    pub bytes: usize,
}

impl CacheLimits {
    /// By kind, and for video by spatial layer of `layers`: a single layer may be a large one.
    pub const fn of(kind: MediaKind, layer: u8, layers: usize) -> Self {
        match (kind, layer, layers) {
            (MediaKind::Audio, ..) => Self { packets: 128, bytes: 64 * 1024 },
            (MediaKind::Video, 0, 2..) => Self { packets: 256, bytes: 128 * 1024 },
            (MediaKind::Video, 1, 3..) => Self { packets: 512, bytes: 512 * 1024 },
            (MediaKind::Video, ..) => Self { packets: 1_024, bytes: 1_024 * 1024 },
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    ext_seq: u64,
    /// Position on the endless tape that the ring is a window of.
    start: u64,
    len: u16,
    codec: Codec,
}

/// A packet as it came, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedPacket<'a> {
    pub bytes: &'a [u8],
    pub codec: Codec,
}

/// The newest packets of one layer.
#[derive(Debug)]
pub struct PacketCache {
    limits: CacheLimits,
    ring: Vec<u8>,
    slots: Vec<Option<Slot>>,
    /// Where the next packet goes on the tape; a packet never crosses a multiple of the ring's size.
    head: u64,
    /// When the head last passed such a multiple.
    lap_began: Option<Instant>,
}

impl PacketCache {
    pub const fn new(limits: CacheLimits) -> Self {
        Self { limits, ring: Vec::new(), slots: Vec::new(), head: 0, lap_began: None }
    }

    /// Keeps a packet; a longer one than a datagram is not kept.
    pub fn put(&mut self, now: Instant, ext_seq: u64, codec: Codec, packet: &[u8]) {
        if packet.len() > MAX_DATAGRAM || packet.is_empty() {
            return;
        }
        if self.ring.is_empty() {
            self.ring.resize(FIRST_BYTES.min(self.limits.bytes), 0);
            self.slots.resize(self.limits.packets, None);
            self.lap_began = Some(now);
        }
        let at = self.make_room(now, packet.len());
        let Some(space) = self.ring.get_mut(at..at + packet.len()) else { return };
        space.copy_from_slice(packet);
        let slot = Slot { ext_seq, start: self.head, len: packet.len() as u16, codec };
        if let Some(place) = self.slots.get_mut(ext_seq as usize % self.limits.packets) {
            *place = Some(slot);
        }
        self.head += packet.len() as u64;
    }

    /// The place in the ring for `len` bytes at the head, which may move to the start of the next lap.
    fn make_room(&mut self, now: Instant, len: usize) -> usize {
        let size = self.ring.len() as u64;
        let at = self.head % size;
        if at + len as u64 <= size {
            return at as usize;
        }
        self.head += size - at;
        let fast = self.lap_began.is_none_or(|began| now.saturating_duration_since(began) < COVERED);
        if fast && self.ring.len() < self.limits.bytes {
            // The lap goes on in the new half.
            self.grow();
        } else {
            self.lap_began = Some(now);
        }
        (self.head % self.ring.len() as u64) as usize
    }

    /// Doubles the ring at the end of a lap. That lap becomes the first half of the new ring's tape.
    fn grow(&mut self) {
        let size = self.ring.len() as u64;
        let lap = self.head - size;
        for place in &mut self.slots {
            *place = place.and_then(|slot| Some(Slot { start: slot.start.checked_sub(lap)?, ..slot }));
        }
        self.head = size;
        self.ring.resize(self.ring.len() * 2, 0);
    }

    /// The packet with this number, if it is still there.
    pub fn get(&self, ext_seq: u64) -> Option<CachedPacket<'_>> {
        let slot = self.slots.get(ext_seq as usize % self.limits.packets)?.filter(|slot| slot.ext_seq == ext_seq)?;
        let size = self.ring.len() as u64;
        // Overwritten as soon as the head, a lap on, has passed its start.
        if slot.start + size < self.head {
            return None;
        }
        let at = (slot.start % size) as usize;
        let bytes = self.ring.get(at..at + usize::from(slot.len))?;
        Some(CachedPacket { bytes, codec: slot.codec })
    }

    /// Forgets everything (the source changed, or was muted) and keeps the memory.
    pub fn clear(&mut self) {
        self.slots.fill(None);
    }

    /// Bytes allocated.
    pub fn memory(&self) -> usize {
        self.ring.capacity() + self.slots.capacity() * size_of::<Option<Slot>>()
    }
}

#[cfg(test)]
mod tests;
