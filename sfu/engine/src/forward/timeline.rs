//! The numbers of one outbound stream: which outbound sequence number an inbound packet gets, now and when it is repeated.
//!
//! An outbound stream is made of *epochs*: stretches of one layer from one source, each begun where a decoder can start.
//! Within an epoch, *spans* of consecutive inbound numbers are either forwarded (every number has its outbound number,
//! whether the packet has come yet or not) or dropped (they have none). Only the newest spans are kept: what is older is
//! too late to be repaired. No outbound number is handed out twice.

use std::collections::VecDeque;

/// Spans kept. Temporal thinning makes about 30 a second, so two seconds.
const MAX_SPANS: usize = 64;
/// Epochs kept: packets of older ones cannot be repeated any more.
const MAX_EPOCHS: usize = 4;
/// Outbound numbers of which we know whether they were used.
pub(super) const WINDOW: u64 = 1_024;

/// What rewriting needs for one stretch of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Epoch {
    pub(super) ssrc: u32,
    pub(super) timestamp_shift: u32,
    pub(super) layer: u8,
    pub(super) tl0_shift: u8,
    pub(super) key_shift: u8,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    in_start: u64,
    /// Outbound number of `in_start`; for a dropped span that of the next forwarded packet.
    out_start: u64,
    epoch: u32,
    picture_shift: u16,
    dropped: bool,
}

/// Where a packet stands in the outbound stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) epoch: Epoch,
    pub(super) picture_shift: u16,
}

/// One bit for each of the newest [`WINDOW`] outbound numbers.
#[derive(Clone, Debug)]
struct Window {
    bits: [u64; WINDOW as usize / 64],
}

impl Window {
    const fn new() -> Self {
        Self { bits: [0; WINDOW as usize / 64] }
    }

    fn get(&self, number: u64) -> bool {
        let word = self.bits.get((number / 64 % (WINDOW / 64)) as usize).copied().unwrap_or_default();
        word >> (number % 64) & 1 == 1
    }

    fn put(&mut self, number: u64, value: bool) {
        if let Some(word) = self.bits.get_mut((number / 64 % (WINDOW / 64)) as usize) {
            *word = *word & !(1 << (number % 64)) | u64::from(value) << (number % 64);
        }
    }

    fn clear(&mut self, from: u64, count: u64) {
        if count >= WINDOW {
            self.bits = [0; WINDOW as usize / 64];
            return;
        }
        (from..from + count).for_each(|number| self.put(number, false));
    }
}

#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The inbound number that comes next in the current epoch.
    next_in: u64,
    /// The outbound number that comes next.
    next_out: u64,
    picture_shift: u16,
    /// First number of the current epoch.
    epoch_start: u64,
    /// Epochs so far; the current one is the last.
    epoch_count: u32,
    epochs: [Epoch; MAX_EPOCHS],
    spans: VecDeque<Span>,
    used: Window,
    fillers: Window,
}

impl Timeline {
    pub(super) fn new(first_number: u64) -> Self {
        Self {
            next_in: 0,
            next_out: first_number,
            picture_shift: 0,
            epoch_start: first_number,
            epoch_count: 0,
            epochs: [Epoch::default(); MAX_EPOCHS],
            spans: VecDeque::with_capacity(MAX_SPANS),
            used: Window::new(),
            fillers: Window::new(),
        }
    }

    /// The current epoch, or the last one if the stream pauses.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.epoch_at(self.epoch_count.checked_sub(1)?)
    }

    fn epoch_at(&self, id: u32) -> Option<Epoch> {
        let age = self.epoch_count.checked_sub(id)?;
        let kept = (1..=MAX_EPOCHS as u32).contains(&age);
        self.epochs.get(id as usize % MAX_EPOCHS).copied().filter(|_| kept)
    }

    pub(super) const fn next_in(&self) -> u64 {
        self.next_in
    }

    pub(super) const fn next_out(&self) -> u64 {
        self.next_out
    }

    fn push(&mut self, span: Span) {
        if self.spans.len() == MAX_SPANS {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }

    fn push_at_next(&mut self, dropped: bool) {
        self.push(Span {
            in_start: self.next_in,
            out_start: self.next_out,
            epoch: self.epoch_count.wrapping_sub(1),
            picture_shift: self.picture_shift,
            dropped,
        });
    }

    fn dropping(&self) -> bool {
        self.spans.back().is_none_or(|span| span.dropped)
    }

    /// Steps over inbound numbers that have not come, keeping an outbound number for each.
    fn reserve(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        if self.dropping() {
            self.push_at_next(false);
        }
        self.used.clear(self.next_out, count);
        self.fillers.clear(self.next_out, count);
        self.next_in += count;
        self.next_out += count;
    }

    /// Begins an epoch with inbound packet `ext_seq`; nothing before it belongs to it.
    pub(super) fn begin(&mut self, ext_seq: u64, epoch: Epoch, picture_shift: u16) -> Place {
        if let Some(slot) = self.epochs.get_mut(self.epoch_count as usize % MAX_EPOCHS) {
            *slot = epoch;
        }
        self.epoch_count = self.epoch_count.wrapping_add(1);
        self.picture_shift = picture_shift;
        self.next_in = ext_seq;
        self.epoch_start = self.next_out;
        self.push_at_next(false);
        self.take_next(epoch)
    }

    fn take_next(&mut self, epoch: Epoch) -> Place {
        let number = self.next_out;
        self.used.put(number, true);
        self.fillers.put(number, false);
        self.next_in += 1;
        self.next_out += 1;
        Place { number, epoch, picture_shift: self.picture_shift }
    }

    /// Forwards `ext_seq`, which is at or after [`Self::next_in`]; numbers are kept for what is missing between.
    pub(super) fn forward(&mut self, ext_seq: u64) -> Option<Place> {
        let epoch = self.epoch()?;
        self.reserve(ext_seq.saturating_sub(self.next_in));
        if self.dropping() {
            self.push_at_next(false);
        }
        Some(self.take_next(epoch))
    }

    /// Drops `ext_seq`, which is at or after [`Self::next_in`]. With `whole` what is missing before it belongs to the same
    /// dropped frame and gets no numbers either.
    pub(super) fn skip(&mut self, ext_seq: u64, whole: bool) {
        if whole && self.dropping() {
            self.next_in = ext_seq;
        } else {
            self.reserve(ext_seq.saturating_sub(self.next_in));
        }
        if !self.dropping() {
            self.push_at_next(true);
        }
        self.next_in = ext_seq + 1;
    }

    /// A frame was taken out: the following pictures move up by one (15 bits).
    pub(super) fn close_picture_gap(&mut self) {
        self.picture_shift = self.picture_shift.wrapping_sub(1) & 0x7fff;
    }

    /// The place kept for a packet that comes late; `None` when it has none, or had its turn, or is too old.
    pub(super) fn late(&mut self, ext_seq: u64, filler: bool) -> Option<Place> {
        let span = self.spans.iter().rev().find(|span| span.in_start <= ext_seq)?;
        if span.dropped || span.epoch != self.epoch_count.wrapping_sub(1) {
            return None;
        }
        let number = span.out_start + (ext_seq - span.in_start);
        let picture_shift = span.picture_shift;
        if self.next_out.saturating_sub(number) > WINDOW || number >= self.next_out || self.used.get(number) {
            return None;
        }
        self.used.put(number, true);
        self.fillers.put(number, filler);
        Some(Place { number, epoch: self.epoch()?, picture_shift })
    }

    /// The extended outbound number nearest to the newest one.
    pub(super) const fn extend(&self, sequence: u16) -> u64 {
        crate::rtp::sequence::extend(self.next_out, sequence)
    }

    /// The inbound packet that an outbound number belongs to, and its place.
    pub(super) fn origin(&self, number: u64) -> Option<(u64, Place)> {
        if number >= self.next_out || self.next_out - number > WINDOW {
            return None;
        }
        let span = self.spans.iter().rev().find(|span| !span.dropped && span.out_start <= number)?;
        let epoch = self.epoch_at(span.epoch)?;
        let place = Place { number, epoch, picture_shift: span.picture_shift };
        Some((span.in_start + (number - span.out_start), place))
    }

    /// The number belongs to the current epoch.
    pub(super) const fn is_current(&self, number: u64) -> bool {
        number >= self.epoch_start
    }

    /// The number was sent (as media or filler).
    pub(super) fn is_used(&self, number: u64) -> bool {
        self.used.get(number)
    }

    pub(super) fn is_filler(&self, number: u64) -> bool {
        self.fillers.get(number)
    }

    /// Takes a number that is kept, to send its packet for the first time.
    pub(super) fn mark_used(&mut self, number: u64, filler: bool) {
        self.used.put(number, true);
        self.fillers.put(number, filler);
    }
}
