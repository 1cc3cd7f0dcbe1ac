//! The data channels of one transport (RFC 8831, RFC 8832): labels, opening both ways, messages both ways, bounds.
//!
//! In: SCTP packets out of DTLS, time, messages to send. Out: SCTP packets for DTLS, messages received. Must not: let a
//! defect of the SCTP library leave this module: a panic there ends the data channels of one participant's transport, and
//! the caller hears of it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc_datachannel::data_channel::{DataChannel, DataChannelConfig, DataChannelMessage};
use rtc_datachannel::message::message_channel_open::{CHANNEL_PRIORITY_NORMAL, ChannelType};
use rtc_sctp::PayloadProtocolIdentifier as Ppi;
use sansio::Protocol;

use super::identity::DtlsIdentity;
use super::sctp::{SctpEvent, SctpLink, StreamReliability};
use crate::api::{DataChannelKind, DropReason, DtlsRole};

/// Longest message, both ways (`a=max-message-size`).
pub const MAX_MESSAGE_LEN: usize = 262_144;
/// Streams of one association. Clients open three; the rest is for labels that we do not know.
pub(crate) const MAX_STREAMS: usize = 16;
/// Reliable messages kept until their channel opens.
const MAX_HELD_MESSAGES: usize = 256;
const MAX_HELD_BYTES: usize = 1024 * 1024;
/// Reliable bytes under way to one participant; a participant further behind than this loses messages.
const MAX_RELIABLE_BUFFERED: usize = 4 * 1024 * 1024;
/// Lossy bytes under way: more than this is old when it arrives.
const MAX_LOSSY_BUFFERED: usize = 64 * 1024;

/// The library panicked; its state is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChannelEvent {
    Open(DataChannelKind),
    Data { channel: DataChannelKind, payload: Bytes },
}

struct Channel {
    stream: u16,
    /// `None`: a label that we do not know.
    kind: Option<DataChannelKind>,
    open: bool,
    dcep: DataChannel,
}

pub(crate) struct DataChannels {
    /// `None` before DTLS is up and after a defect.
    sctp: Option<SctpLink>,
    /// We open [`DataChannelKind::ALL`] ourselves.
    opens: bool,
    /// Stream ids of the DTLS client are even, of the server odd (RFC 8832 §6).
    first_stream: u16,
    channels: Vec<Channel>,
    held: VecDeque<Bytes>,
    held_bytes: usize,
    events: VecDeque<ChannelEvent>,
}

impl DataChannels {
    pub(crate) fn new(role: DtlsRole, opens: bool) -> Self {
        Self {
            sctp: None,
            opens,
            first_stream: u16::from(role == DtlsRole::Server),
            channels: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            events: VecDeque::new(),
        }
    }

    /// DTLS is up: the peer's INIT may come.
    pub(crate) fn start(&mut self, identity: &DtlsIdentity) {
        self.sctp.get_or_insert_with(|| SctpLink::new(identity));
    }

    /// One packet out of DTLS. The error of the inner result says that it was dropped, or something in it.
    pub(crate) fn handle_packet(&mut self, now: Instant, packet: Bytes) -> Result<Result<(), DropReason>, Broken> {
        self.contained(|channels, sctp| {
            sctp.handle_packet(now, packet)?;
            channels.handle_events(now, sctp)
        })
        .map(|result| result.unwrap_or(Err(DropReason::NotReady)))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Broken> {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return Ok(());
        }
        self.contained(|channels, sctp| {
            sctp.handle_timeout(now);
            // What a timer leads to is nobody's packet: there is nothing to count.
            let _ = channels.handle_events(now, sctp);
        })
        .map(|_| ())
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.sctp.as_ref().and_then(SctpLink::poll_timeout)
    }

    pub(crate) fn poll_event(&mut self) -> Option<ChannelEvent> {
        self.events.pop_front()
    }

    /// Hands every SCTP packet that may leave now to `sink`.
    pub(crate) fn drain_packets(&mut self, now: Instant, sink: impl FnMut(&[u8])) -> Result<(), Broken> {
        self.contained(|_, sctp| sctp.drain_packets(now, sink)).map(|_| ())
    }

    /// See [`Transport::send_data`](super::Transport::send_data).
    pub(crate) fn send(
        &mut self,
        now: Instant,
        kind: DataChannelKind,
        payload: Bytes,
    ) -> Result<Result<(), DropReason>, Broken> {
        if payload.len() > MAX_MESSAGE_LEN {
            return Ok(Err(DropReason::LimitReached));
        }
        let open = self.channels.iter().find(|channel| channel.kind == Some(kind) && channel.open);
        let Some(stream) = open.map(|channel| channel.stream) else {
            return Ok(self.hold(kind, payload));
        };
        self.contained(|_, sctp| {
            let limit = if kind == DataChannelKind::Reliable { MAX_RELIABLE_BUFFERED } else { MAX_LOSSY_BUFFERED };
            if sctp.buffered(stream).unwrap_or(0) + payload.len() > limit {
                return Err(DropReason::QueueFull);
            }
            write_message(sctp, now, stream, payload)
        })
        .map(|result| result.unwrap_or(Err(DropReason::NotReady)))
    }

    /// Says goodbye; [`Self::drain_packets`] once more sends it.
    pub(crate) fn close(&mut self) -> Result<(), Broken> {
        self.held.clear();
        self.held_bytes = 0;
        self.contained(|_, sctp| sctp.abort()).map(|_| ())
    }

    fn hold(&mut self, kind: DataChannelKind, payload: Bytes) -> Result<(), DropReason> {
        if kind != DataChannelKind::Reliable {
            return Err(DropReason::NotReady);
        }
        if self.held.len() >= MAX_HELD_MESSAGES || self.held_bytes + payload.len() > MAX_HELD_BYTES {
            return Err(DropReason::QueueFull);
        }
        self.held_bytes += payload.len();
        self.held.push_back(payload);
        Ok(())
    }

    /// Runs library code. `Ok(None)` when there is no association. After a panic the library's state may be anything, so
    /// it is dropped (which may panic again) and nothing of it is looked at.
    fn contained<T>(&mut self, call: impl FnOnce(&mut Self, &mut SctpLink) -> T) -> Result<Option<T>, Broken> {
        let Some(mut sctp) = self.sctp.take() else { return Ok(None) };
        let result = catch_unwind(AssertUnwindSafe(|| {
            let result = call(self, &mut sctp);
            (result, sctp)
        }));
        let (result, sctp) = result.map_err(|_| Broken)?;
        self.sctp = Some(sctp);
        Ok(Some(result))
    }

    fn handle_events(&mut self, now: Instant, sctp: &mut SctpLink) -> Result<(), DropReason> {
        let mut first_drop = Ok(());
        while let Some(event) = sctp.poll_event() {
            let handled = match event {
                SctpEvent::Established => {
                    self.open_own(now, sctp);
                    Ok(())
                }
                SctpEvent::Message { stream, ppi, payload } => self.handle_message(now, sctp, stream, ppi, payload),
                SctpEvent::TooLong => Err(DropReason::LimitReached),
                SctpEvent::StreamReset(stream) => {
                    self.channels.retain(|channel| channel.stream != stream);
                    Ok(())
                }
                SctpEvent::Lost => {
                    self.channels.clear();
                    Ok(())
                }
            };
            first_drop = first_drop.and(handled);
        }
        self.open_acknowledged(now, sctp);
        first_drop
    }

    fn open_own(&mut self, now: Instant, sctp: &mut SctpLink) {
        if !self.opens {
            return;
        }
        for (at, kind) in DataChannelKind::ALL.into_iter().enumerate() {
            let stream = self.first_stream + 2 * at as u16;
            // A stream that cannot be opened stays unopened; messages for it are held or refused like before.
            let _ = self.open_one(now, sctp, stream, kind);
        }
    }

    fn open_one(
        &mut self,
        now: Instant,
        sctp: &mut SctpLink,
        stream: u16,
        kind: DataChannelKind,
    ) -> Result<(), DropReason> {
        let config = DataChannelConfig {
            channel_type: match kind {
                DataChannelKind::Reliable => ChannelType::Reliable,
                DataChannelKind::Lossy | DataChannelKind::DataTrack => ChannelType::PartialReliableRexmitUnordered,
            },
            priority: CHANNEL_PRIORITY_NORMAL,
            label: kind.label().to_owned(),
            ..DataChannelConfig::default()
        };
        let dcep = DataChannel::dial(config, 0, stream).map_err(|_| DropReason::SctpRefused)?;
        sctp.open_stream(stream).map_err(|_| DropReason::SctpRefused)?;
        let mut channel = Channel { stream, kind: Some(kind), open: false, dcep };
        set_reliability(sctp, &channel)?;
        flush(sctp, now, &mut channel)?;
        self.channels.push(channel);
        Ok(())
    }

    /// A channel that we opened is usable once the peer's SCTP has our OPEN. Its answer may never come: a client that
    /// gets the OPEN before COOKIE ACK (datagrams overtake) can fail to send it.
    fn open_acknowledged(&mut self, now: Instant, sctp: &mut SctpLink) {
        for at in 0..self.channels.len() {
            let Some(channel) = self.channels.get_mut(at).filter(|channel| !channel.open) else { continue };
            if sctp.buffered(channel.stream) == Some(0) {
                channel.open = true;
                self.opened(now, sctp, at);
            }
        }
    }

    fn handle_message(
        &mut self,
        now: Instant,
        sctp: &mut SctpLink,
        stream: u16,
        ppi: Ppi,
        payload: BytesMut,
    ) -> Result<(), DropReason> {
        let Some(at) = self.channels.iter().position(|channel| channel.stream == stream) else {
            return self.accept(now, sctp, stream, ppi, &payload);
        };
        let channel = self.channels.get_mut(at).ok_or(DropReason::SctpRefused)?;
        match ppi {
            Ppi::Dcep => {
                let message =
                    DataChannelMessage { association_handle: 0, stream_id: stream, ppi, payload, negotiated: false };
                channel.dcep.handle_read(message).map_err(|_| DropReason::SctpRefused)?;
                flush(sctp, now, channel)
            }
            Ppi::Binary | Ppi::String => self.deliver(at, payload.freeze()),
            // One byte stands for none (RFC 8831 §6.6).
            Ppi::BinaryEmpty | Ppi::StringEmpty => self.deliver(at, Bytes::new()),
            _ => Err(DropReason::SctpRefused),
        }
    }

    fn deliver(&mut self, at: usize, payload: Bytes) -> Result<(), DropReason> {
        let channel = self.channels.get(at).and_then(|channel| channel.kind).ok_or(DropReason::Unwanted)?;
        self.events.push_back(ChannelEvent::Data { channel, payload });
        Ok(())
    }

    /// The first message of a stream must open a channel (RFC 8832 §6).
    fn accept(
        &mut self,
        now: Instant,
        sctp: &mut SctpLink,
        stream: u16,
        ppi: Ppi,
        open: &[u8],
    ) -> Result<(), DropReason> {
        if self.channels.len() >= MAX_STREAMS {
            return Err(DropReason::LimitReached);
        }
        let dcep = DataChannel::accept(DataChannelConfig::default(), 0, stream, ppi, open);
        let dcep = dcep.map_err(|_| DropReason::SctpRefused)?;
        let kind = DataChannelKind::from_label(&dcep.config().label);
        let mut channel = Channel { stream, kind, open: true, dcep };
        set_reliability(sctp, &channel)?;
        flush(sctp, now, &mut channel)?;
        self.channels.push(channel);
        self.opened(now, sctp, self.channels.len() - 1);
        Ok(())
    }

    fn opened(&mut self, now: Instant, sctp: &mut SctpLink, at: usize) {
        let Some(channel) = self.channels.get(at) else { return };
        let (stream, Some(kind)) = (channel.stream, channel.kind) else { return };
        self.events.push_back(ChannelEvent::Open(kind));
        if kind == DataChannelKind::Reliable {
            self.held_bytes = 0;
            for payload in std::mem::take(&mut self.held) {
                // A stream that refuses now is being reset: its messages have nowhere to go.
                let _ = write_message(sctp, now, stream, payload);
            }
        }
    }
}

fn write_message(sctp: &mut SctpLink, now: Instant, stream: u16, payload: Bytes) -> Result<(), DropReason> {
    let (ppi, payload) = if payload.is_empty() {
        // SCTP carries no empty message: one byte stands for it (RFC 8831 §6.6).
        (Ppi::BinaryEmpty, Bytes::from_static(&[0]))
    } else {
        (Ppi::Binary, payload)
    };
    sctp.write(now, stream, ppi, &payload).map_err(|_| DropReason::NotReady)
}

/// The library makes DCEP messages only; the stream must be told separately.
fn set_reliability(sctp: &mut SctpLink, channel: &Channel) -> Result<(), DropReason> {
    let config = channel.dcep.config();
    let (unordered, kind) = DataChannel::get_reliability_params(config.channel_type);
    let reliability = StreamReliability { unordered, kind, parameter: config.reliability_parameter };
    sctp.set_reliability(channel.stream, reliability).map_err(|_| DropReason::SctpRefused)
}

/// Sends what the channel's handshake has to say.
fn flush(sctp: &mut SctpLink, now: Instant, channel: &mut Channel) -> Result<(), DropReason> {
    while let Some(message) = channel.dcep.poll_write() {
        let payload = message.payload.freeze();
        sctp.write(now, channel.stream, message.ppi, &payload).map_err(|_| DropReason::SctpRefused)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
