//! A simulated player: what one subscription's stream looks like to whoever receives it.
//!
//! In: packets in clear, main stream and repair. Out: what is missing (to ask for), and whether a decoder could have
//! played what came. Must not: forgive; every oddity is counted.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::codec::vp8::Vp8Descriptor;
use crate::rtp::header::RtpHeader;
use crate::rtp::sequence::Unwrapper;

/// Between two requests for the same packet, and how often one is asked for.
const NACK_INTERVAL: Duration = Duration::from_millis(100);
const MAX_NACKS: u32 = 10;
/// Between two requests for a keyframe.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(200);

/// One packet of the main stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrived {
    timestamp: u32,
    marker: bool,
    video: Option<VideoFacts>,
}

/// What a VP8 decoder goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct VideoFacts {
    picture_id: u16,
    frame_start: bool,
    keyframe: bool,
}

/// One SSRC.
#[derive(Debug, Default)]
pub struct Sink {
    sequences: Unwrapper,
    arrived: BTreeMap<u64, Arrived>,
    asked: HashMap<u64, (Instant, u32)>,
    video: bool,
    /// Packets that came more than once.
    pub duplicates: u64,
    /// Packets that came by repair.
    pub repaired: u64,
    pub first_at: Option<Instant>,
    keyframe_asked: Option<Instant>,
}

impl Sink {
    /// `video`: payloads are VP8.
    pub fn new(video: bool) -> Self {
        Self { video, ..Self::default() }
    }

    /// One packet of the main stream, or one restored from a repair packet.
    pub fn handle(&mut self, now: Instant, packet: &[u8], repaired: bool) {
        let Some(header) = RtpHeader::parse(packet) else { return };
        let Some(payload) = header.payload_range(packet).and_then(|range| packet.get(range)) else { return };
        let sequence = self.sequences.unwrap(header.sequence);
        if payload.is_empty() {
            // Padding takes a sequence number and nothing else.
            let silent = Arrived { timestamp: header.timestamp, marker: false, video: None };
            self.arrived.insert(sequence, silent);
            return;
        }
        let video = self.video.then(|| Vp8Descriptor::parse(payload)).flatten().map(|descriptor| VideoFacts {
            picture_id: descriptor.picture_id,
            frame_start: descriptor.frame_start(),
            keyframe: descriptor.frame_start()
                && payload.get(usize::from(descriptor.len)).is_some_and(|tag| tag & 1 == 0),
        });
        let arrived = Arrived { timestamp: header.timestamp, marker: header.marker, video };
        self.first_at.get_or_insert(now);
        self.repaired += u64::from(repaired);
        self.asked.remove(&sequence);
        if self.arrived.insert(sequence, arrived).is_some() {
            self.duplicates += 1;
        }
    }

    /// Packets of the main stream that came, each once.
    pub fn packets(&self) -> usize {
        self.arrived.len()
    }

    /// Sequence numbers that a receiver would ask for now.
    pub fn missing(&mut self, now: Instant) -> Vec<u16> {
        let mut missing = Vec::new();
        for sequence in self.gaps() {
            let (asked_at, times) = self.asked.entry(sequence).or_insert((now, 0));
            if *times < MAX_NACKS && (*times == 0 || now >= *asked_at + NACK_INTERVAL) {
                (*asked_at, *times) = (now, *times + 1);
                missing.push(sequence as u16);
            }
        }
        missing
    }

    /// Sequence numbers between the first and the last that never came.
    pub fn gaps(&self) -> Vec<u64> {
        let (Some((&first, _)), Some((&last, _))) = (self.arrived.first_key_value(), self.arrived.last_key_value())
        else {
            return Vec::new();
        };
        (first..last).filter(|sequence| !self.arrived.contains_key(sequence)).collect()
    }

    /// Whole frames: from a frame's first packet to its marker without a gap.
    pub fn whole_frames(&self) -> usize {
        let mut frames = 0;
        let mut open: Option<u64> = None;
        for (&sequence, packet) in &self.arrived {
            if packet.video.is_some_and(|video| video.frame_start) {
                open = Some(sequence);
            } else if open.is_some_and(|last| sequence != last + 1) {
                open = None;
            } else if open.is_some() {
                open = Some(sequence);
            }
            if packet.marker && open.take().is_some() {
                frames += 1;
            }
        }
        frames
    }

    /// Keyframes whose first packet came.
    pub fn keyframes(&self) -> usize {
        self.arrived.values().filter(|packet| packet.video.is_some_and(|video| video.keyframe)).count()
    }

    /// The very first packet began a keyframe, as it must on a network that loses nothing.
    pub fn starts_clean(&self) -> bool {
        let first = self.arrived.values().find_map(|packet| packet.video);
        first.is_none_or(|video| video.keyframe)
    }

    /// Nothing to decode from: the start of the first keyframe was lost. A receiver asks again and again.
    pub fn wants_keyframe(&mut self, now: Instant) -> bool {
        let waits = self.video && self.first_at.is_some() && self.keyframes() == 0;
        let due = waits && self.keyframe_asked.is_none_or(|asked| now >= asked + KEYFRAME_INTERVAL);
        if due {
            self.keyframe_asked = Some(now);
        }
        due
    }

    /// Everything from the first keyframe on that a decoder could not explain: timestamps must not step back from frame to
    /// frame, and picture ids must go on by one, except across a gap.
    pub fn defects(&self) -> Vec<String> {
        let mut defects = Vec::new();
        let mut last: Option<(u64, Arrived)> = None;
        for (&sequence, packet) in self.arrived.iter().filter(|(_, packet)| packet.video.is_some() || !self.video) {
            let Some((before_sequence, before)) = last else {
                if packet.video.is_none_or(|video| video.keyframe) {
                    last = Some((sequence, *packet));
                }
                continue;
            };
            last = Some((sequence, *packet));
            if before.timestamp.wrapping_sub(packet.timestamp) as i32 > 0 {
                defects.push(format!("{sequence}: timestamp {} after {}", packet.timestamp, before.timestamp));
            }
            // A number between the two that never came, or came without payload in place of what was lost on the way in,
            // explains a jump.
            let next = sequence == before_sequence + 1;
            if let (Some(was), Some(is), true) = (before.video, packet.video, next) {
                let step = is.picture_id.wrapping_sub(was.picture_id) & 0x7fff;
                if step != u16::from(is.frame_start) {
                    defects.push(format!("{sequence}: picture id {} after {}", is.picture_id, was.picture_id));
                }
            }
        }
        defects
    }
}
