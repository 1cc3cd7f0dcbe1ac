//! A run: the sealed packets that wait for one destination, back to back in one buffer, ready for segmentation offload.
//!
//! The engine writes each packet straight into the buffer of the transport it leaves by; at the end of a batch the run
//! leaves in as few system calls as its packet sizes allow. The buffer is allocated once and reused.

/// Largest UDP payload that we send or keep; what WebRTC stacks use at most.
pub const MAX_DATAGRAM: usize = 1_500;

/// Bytes one destination may queue between two flushes. A burst of a 4K keyframe is about 400 kB; beyond this bound
/// packets are dropped and counted.
pub const MAX_RUN_BYTES: usize = 512 * 1024;

/// The kernel's limit for one segmented send.
pub const MAX_SEGMENTS: usize = 64;

/// What one segmented send may carry in all (a UDP length field less headers).
pub const MAX_SEND_BYTES: usize = 65_000;

/// Packets for one destination, in order.
#[derive(Debug, Default)]
pub struct RunBuffer {
    bytes: Vec<u8>,
    /// End offset of each packet.
    ends: Vec<u32>,
    /// Packets and bytes already handed to the socket.
    sent: usize,
}

/// Consecutive packets of equal size (the last may be shorter): one system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    start: usize,
    end: usize,
    /// Size of every packet but the last.
    pub segment_size: usize,
    pub count: usize,
}

impl RunBuffer {
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), sent: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Packets waiting.
    pub fn len(&self) -> usize {
        self.ends.len() - self.sent
    }

    /// Appends room for one packet of `len` bytes and hands it out to be filled and sealed; `None` when the run is full.
    /// The caller fills it whole, or takes it back with [`Self::cancel`].
    pub fn push(&mut self, len: usize) -> Option<&mut [u8]> {
        let start = self.bytes.len();
        if len > MAX_DATAGRAM || start + len > MAX_RUN_BYTES {
            return None;
        }
        self.bytes.resize(start + len, 0);
        self.ends.push((start + len) as u32);
        self.bytes.get_mut(start..)
    }

    /// Takes back the packet of the last [`Self::push`].
    pub fn cancel(&mut self) {
        self.ends.pop();
        self.bytes.truncate(self.ends.last().map_or(0, |end| *end as usize));
    }

    /// The packet of the last [`Self::push`].
    pub fn last_mut(&mut self) -> Option<&mut [u8]> {
        let (_, before) = self.ends.split_last()?;
        let start = before.last().map_or(0, |end| *end as usize);
        self.bytes.get_mut(start..)
    }

    /// The next packets that can leave in one system call; `None` once all were taken. Call [`Self::clear`] then.
    pub fn next_segments(&mut self) -> Option<Segments> {
        let first = self.sent;
        let start = if first == 0 { 0 } else { *self.ends.get(first - 1)? as usize };
        let mut end = *self.ends.get(first)? as usize;
        let segment_size = end - start;
        let mut count = 1;
        while let Some(&next) = self.ends.get(first + count) {
            let size = next as usize - end;
            if size > segment_size || count == MAX_SEGMENTS || next as usize - start > MAX_SEND_BYTES {
                break;
            }
            end = next as usize;
            count += 1;
            if size < segment_size {
                break;
            }
        }
        self.sent += count;
        Some(Segments { start, end, segment_size, count })
    }

    /// The bytes of one [`Self::next_segments`].
    pub fn bytes(&self, segments: Segments) -> &[u8] {
        self.bytes.get(segments.start..segments.end).unwrap_or_default()
    }

    /// Forgets everything, keeps the memory (up to what a calm stream needs).
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.sent = 0;
        if self.bytes.capacity() > 64 * 1024 {
            self.bytes.shrink_to(64 * 1024);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(run: &mut RunBuffer) -> Vec<(usize, usize, usize)> {
        let mut out = Vec::new();
        while let Some(s) = run.next_segments() {
            out.push((s.segment_size, s.count, run.bytes(s).len()));
        }
        out
    }

    #[test]
    fn a_frame_leaves_in_one_call() {
        let mut run = RunBuffer::new();
        for len in [1200, 1200, 1200, 700] {
            run.push(len).unwrap().fill(1);
        }
        assert_eq!(sizes(&mut run), [(1200, 4, 4300)]);
    }

    #[test]
    fn a_larger_packet_starts_a_new_run() {
        let mut run = RunBuffer::new();
        for len in [100, 1200, 1200, 90, 90] {
            run.push(len).unwrap();
        }
        assert_eq!(sizes(&mut run), [(100, 1, 100), (1200, 3, 2490), (90, 1, 90)]);
    }

    #[test]
    fn a_cancelled_packet_leaves_no_trace() {
        let mut run = RunBuffer::new();
        run.push(50).unwrap();
        run.push(60).unwrap();
        run.cancel();
        assert_eq!(sizes(&mut run), [(50, 1, 50)]);
        run.clear();
        assert!(run.is_empty());
    }

    #[test]
    fn the_kernels_limits_hold() {
        let mut run = RunBuffer::new();
        for _ in 0..150 {
            run.push(1200).unwrap();
        }
        assert!(sizes(&mut run).iter().all(|(_, count, bytes)| *count <= MAX_SEGMENTS && *bytes <= MAX_SEND_BYTES));
        run.clear();
        let mut pushed = 0;
        while run.push(1200).is_some() {
            pushed += 1;
        }
        assert_eq!(pushed, MAX_RUN_BYTES / 1200);
        assert!(run.push(2000).is_none());
    }
}
