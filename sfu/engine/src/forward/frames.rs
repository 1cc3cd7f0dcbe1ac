//! Which of the newest frames were forwarded: all packets of a frame share its fate, however late they come.

use super::InboundPacket;

/// Frames remembered: a second at 30 a second, which is as late as repairs come.
const REMEMBERED: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    timestamp: u32,
    layer: u8,
    taken: bool,
}

impl Frame {
    const fn is(&self, packet: &InboundPacket<'_>) -> bool {
        self.timestamp == packet.header.timestamp && self.layer == packet.layer
    }
}

/// The newest frames in the order of their decision. Only codecs whose frames are thinned out are kept here.
#[derive(Clone, Debug)]
pub(super) struct FrameLog {
    ring: [Option<Frame>; REMEMBERED],
    /// Where the next frame goes.
    next: usize,
    newest: Option<Frame>,
}

impl FrameLog {
    pub(super) const fn new() -> Self {
        Self { ring: [None; REMEMBERED], next: 0, newest: None }
    }

    /// The decision about the packet's frame, if it is the one decided last: nearly always.
    pub(super) fn newest(&self, packet: &InboundPacket<'_>) -> Option<bool> {
        self.newest.filter(|frame| frame.is(packet)).map(|frame| frame.taken)
    }

    pub(super) fn find(&self, packet: &InboundPacket<'_>) -> Option<bool> {
        self.ring.iter().flatten().find(|frame| frame.is(packet)).map(|frame| frame.taken)
    }

    /// The decision about a frame whose first packet came in order.
    pub(super) fn note(&mut self, packet: &InboundPacket<'_>, taken: bool) {
        self.newest = Some(self.note_late(packet, taken));
    }

    /// The decision about a frame of which nothing came in order.
    pub(super) fn note_late(&mut self, packet: &InboundPacket<'_>, taken: bool) -> Frame {
        let frame = Frame { timestamp: packet.header.timestamp, layer: packet.layer, taken };
        if let Some(slot) = self.ring.get_mut(self.next) {
            *slot = Some(frame);
        }
        self.next = (self.next + 1) % REMEMBERED;
        frame
    }
}
