//! The calling side of SCTP and its data channels, as clients run it over DTLS.
//!
//! In: SCTP packets, time, messages by label. Out: SCTP packets, messages received. Must not: be robust; its peer is ours.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc_datachannel::data_channel::{DataChannel, DataChannelConfig, DataChannelMessage};
use rtc_datachannel::message::message_channel_open::ChannelType;
use rtc_sctp::{
    Association, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload, PayloadProtocolIdentifier,
    StreamEvent, TransportConfig, max_payload_size_for_mtu,
};
use rtc_shared::TransportProtocol;
use sansio::Protocol;

use crate::api::DataChannelKind;

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5_000);
const MAX_MESSAGE: usize = 262_144;

struct Channel {
    stream: u16,
    dcep: DataChannel,
}

/// One association that we called, and its channels.
pub struct SctpClient {
    endpoint: Endpoint,
    association: Association,
    channels: Vec<Channel>,
    /// Labels to open once the association is up, with their stream.
    to_open: Vec<(u16, String)>,
    established: bool,
    lost: bool,
    /// Verification tag that the server expects, from our own packets: for tests that forge packets.
    pub verification_tag: u32,
    /// Label and payload, in order of arrival.
    pub received: Vec<(String, Bytes)>,
}

impl SctpClient {
    /// Calls at once; the INIT waits for [`Self::poll_packets`].
    pub fn new(now: Instant) -> Self {
        let mut config = EndpointConfig::new();
        config.max_payload_size(max_payload_size_for_mtu(1_150));
        let mut endpoint = Endpoint::new(SERVER, TransportProtocol::UDP, config.into(), None);
        let config = ClientConfig::new(TransportConfig::default().with_max_message_size(MAX_MESSAGE as u32));
        #[expect(clippy::expect_used, reason = "a new endpoint has room for an association")]
        let (_, association) = endpoint.connect(now, config, SERVER).expect("an association");
        Self {
            endpoint,
            association,
            channels: Vec::new(),
            to_open: Vec::new(),
            established: false,
            lost: false,
            verification_tag: 0,
            received: Vec::new(),
        }
    }

    /// Opens a channel, now or once the association is up. Labels of [`DataChannelKind`] get their reliability.
    pub fn open(&mut self, now: Instant, stream: u16, label: &str) {
        self.to_open.push((stream, label.to_owned()));
        self.open_waiting(now);
    }

    pub fn is_established(&self) -> bool {
        self.established && !self.lost
    }

    /// The server ended the association.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether both sides know the channel.
    pub fn is_open(&self, label: &str) -> bool {
        self.channel(label).is_some_and(|channel| channel.dcep.is_handshake_complete())
    }

    /// Stream and channel type of every channel, by label.
    pub fn channels(&self) -> Vec<(String, u16, ChannelType)> {
        let describe = |channel: &Channel| {
            let config = channel.dcep.config();
            (config.label.clone(), channel.stream, config.channel_type)
        };
        self.channels.iter().map(describe).collect()
    }

    /// `false`: there is no such channel, or it takes nothing.
    pub fn send(&mut self, now: Instant, label: &str, payload: &[u8]) -> bool {
        let Some(stream) = self.channel(label).map(|channel| channel.stream) else { return false };
        let message = DataChannel::get_data_channel_message(false, BytesMut::from(payload));
        self.write(now, stream, &message.payload.freeze(), message.ppi)
    }

    /// Writes to a stream whatever the protocol says of it.
    pub fn write(&mut self, now: Instant, stream: u16, payload: &Bytes, ppi: PayloadProtocolIdentifier) -> bool {
        let stream = self.association.stream(stream);
        stream.and_then(|mut stream| stream.write_chunk_with_ppi(now, payload, ppi)).is_ok()
    }

    pub fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        if let Some((_, DatagramEvent::AssociationEvent(event))) = self.endpoint.handle(now, SERVER, None, packet) {
            self.association.handle_event(event);
        }
        self.handle_events(now);
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.association.handle_timeout(now);
            self.handle_events(now);
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    /// Every packet that may leave now.
    pub fn poll_packets(&mut self, now: Instant) -> Vec<Bytes> {
        let mut packets = Vec::new();
        while let Some(transmit) = self.association.poll_transmit(now) {
            if let Payload::RawEncode(encoded) = transmit.message {
                packets.extend(encoded);
            }
        }
        if let Some(tag) = packets.last().and_then(|packet| packet.get(4..8)).and_then(|tag| tag.first_chunk()) {
            self.verification_tag = u32::from_be_bytes(*tag);
        }
        packets
    }

    fn channel(&self, label: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.dcep.config().label == label)
    }

    fn handle_events(&mut self, now: Instant) {
        let mut readable = Vec::new();
        while let Some(event) = self.association.poll() {
            match event {
                Event::Connected => self.established = true,
                Event::Stream(StreamEvent::Readable { id }) => readable.push(id),
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => self.lost = true,
                _ => {}
            }
        }
        self.open_waiting(now);
        for stream in readable {
            self.read(now, stream);
        }
    }

    fn read(&mut self, now: Instant, stream: u16) {
        loop {
            let read = self.association.stream(stream).and_then(|mut stream| stream.read_sctp());
            let Ok(Some(message)) = read else { return };
            let Ok(payload) = message.to_payload(MAX_MESSAGE) else { continue };
            let ppi = message.ppi;
            if let Some(channel) = self.channels.iter_mut().find(|channel| channel.stream == stream) {
                let label = channel.dcep.config().label.clone();
                match ppi {
                    PayloadProtocolIdentifier::Dcep => {
                        let message =
                            DataChannelMessage { stream_id: stream, ppi, payload, ..DataChannelMessage::default() };
                        let _ = channel.dcep.handle_read(message);
                    }
                    PayloadProtocolIdentifier::BinaryEmpty | PayloadProtocolIdentifier::StringEmpty => {
                        self.received.push((label, Bytes::new()));
                    }
                    _ => self.received.push((label, payload.freeze())),
                }
            } else if let Ok(dcep) = DataChannel::accept(DataChannelConfig::default(), 0, stream, ppi, &payload) {
                self.channels.push(Channel { stream, dcep });
            }
            self.flush(now, stream);
        }
    }

    fn open_waiting(&mut self, now: Instant) {
        if !self.established {
            return;
        }
        for (stream, label) in std::mem::take(&mut self.to_open) {
            let kind = DataChannelKind::from_label(&label);
            let channel_type = match kind {
                Some(DataChannelKind::Lossy | DataChannelKind::DataTrack) => {
                    ChannelType::PartialReliableRexmitUnordered
                }
                _ => ChannelType::Reliable,
            };
            let config = DataChannelConfig { channel_type, label, ..DataChannelConfig::default() };
            let (unordered, reliability) = DataChannel::get_reliability_params(channel_type);
            let opened = self.association.open_stream(stream, PayloadProtocolIdentifier::Binary);
            let set = opened.and_then(|mut opened| opened.set_reliability_params(unordered, reliability, 0));
            if let (Ok(()), Ok(dcep)) = (set, DataChannel::dial(config, 0, stream)) {
                self.channels.push(Channel { stream, dcep });
                self.flush(now, stream);
            }
        }
    }

    fn flush(&mut self, now: Instant, stream: u16) {
        let mut out = Vec::new();
        if let Some(channel) = self.channels.iter_mut().find(|channel| channel.stream == stream) {
            while let Some(message) = channel.dcep.poll_write() {
                out.push(message);
            }
        }
        for message in out {
            self.write(now, stream, &message.payload.freeze(), message.ppi);
        }
    }
}
