//! A whole SFU with participants on bad networks, on a virtual clock, from one seed.
//!
//! In: who joins, publishes and subscribes, how their links behave, how long to run. Out: what every participant received
//! and what the rooms were told. Must not: look into the engine; it is driven as a worker drives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{SimClient, SimClientConfig};
use super::dice::Dice;
use super::network::{Link, LinkConfig};
use super::prober::fresh_identity;
use super::sink::Sink;
use super::source::{AudioSource, EXTENSIONS, LayerConfig, OPUS_PT, VP8_PT, VP8_RTX_PT, VideoSource};
use crate::api::{
    Codec, Command, DataChannelKind, DtlsRole, Encoding, Event, IceCredentials, LayerTarget, MediaKind, PayloadType,
    PublicationId, PublicationSpec, ReceiveParameters, RoomId, SubscriptionId, SubscriptionSpec, TransportId,
    TransportSpec, Tuple,
};
use crate::engine::{Engine, EngineConfig};
use crate::rtp::header::RtpHeader;
use crate::rtp::rtcp::{Packets, RtcpPacket, write};
use crate::rtp::rtx;
use crate::transport::DtlsIdentity;

/// How often participants look for missing packets.
const NACK_CHECK: Duration = Duration::from_millis(20);
/// SSRC that participants put into feedback as their own.
const FEEDBACK_SSRC: u32 = 1;

/// A participant of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantId(usize);

/// One participant: one transport both ways, as in the single-connection mode.
pub struct Participant {
    pub room: RoomId,
    pub transport: TransportId,
    pub client: SimClient,
    pub up: Link,
    pub down: Link,
    pub cameras: Vec<VideoSource>,
    pub microphones: Vec<AudioSource>,
    /// What it receives, by the SSRC that its subscription was given. Ordered, like everything that is walked: a run depends on nothing but its seed.
    pub sinks: BTreeMap<u32, Sink>,
    /// Repair SSRC → main SSRC.
    repairs: BTreeMap<u32, u32>,
    /// Packets under an SSRC that was never announced to it: must stay 0.
    pub strangers: u64,
    read: usize,
    read_rtcp: usize,
    next_nack: Instant,
    left: bool,
}

/// See the module.
pub struct World {
    pub now: Instant,
    pub engine: Engine,
    pub events: Vec<(RoomId, Event)>,
    participants: Vec<Participant>,
    server: Arc<DtlsIdentity>,
    clients: Arc<DtlsIdentity>,
    dice: Dice,
    next_id: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let (now, server) = (super::epoch(), fresh_identity());
        let config = EngineConfig { identity: server.clone(), ntp_now: 0xe000_0000_0000_0000, seed };
        Self {
            now,
            engine: Engine::new(config, now),
            events: Vec::new(),
            participants: Vec::new(),
            server,
            clients: fresh_identity(),
            dice: Dice::new(seed),
            next_id: 0,
        }
    }

    /// A participant with the same link both ways.
    pub fn join(&mut self, room: u64, link: LinkConfig) -> ParticipantId {
        let (at, id) = (self.participants.len(), self.fresh_id());
        let (room, transport) = (RoomId(room), TransportId(id));
        let local = credentials(id, 0);
        self.command(Command::OpenTransport(TransportSpec {
            id: transport,
            room,
            local: local.clone(),
            remote_ice: own_credentials(),
            remote_fingerprint: self.clients.fingerprint(),
            role: DtlsRole::Server,
            open_data_channels: false,
        }));
        let receive = ReceiveParameters { extensions: EXTENSIONS, payload_types: payload_types() };
        self.command(Command::SetReceive { transport, receive });
        self.command(Command::SetSendExtensions { transport, extensions: EXTENSIONS });
        let config = SimClientConfig {
            tuple: Tuple { remote: ([203, 0, 113, at as u8], 40_000).into(), local_ip: None },
            server: local,
            server_fingerprint: self.server.fingerprint(),
            role: DtlsRole::Client,
        };
        let mut client = SimClient::new(&self.clients, config, self.now);
        client.open_channels(&DataChannelKind::ALL);
        self.participants.push(Participant {
            room,
            transport,
            client,
            up: Link::new(link.clone(), self.dice.next_u64(), self.now),
            down: Link::new(link, self.dice.next_u64(), self.now),
            cameras: Vec::new(),
            microphones: Vec::new(),
            sinks: BTreeMap::new(),
            repairs: BTreeMap::new(),
            strangers: 0,
            read: 0,
            read_rtcp: 0,
            next_nack: self.now,
            left: false,
        });
        ParticipantId(at)
    }

    /// The room removes it; its client hears the goodbye.
    pub fn leave(&mut self, who: ParticipantId) {
        let transport = self.participant(who).transport;
        self.command(Command::CloseTransport { transport });
        let participant = self.participant_mut(who);
        participant.left = true;
        participant.cameras.clear();
        participant.microphones.clear();
    }

    /// A camera with `layers` encodings of rising size.
    pub fn publish_camera(&mut self, who: ParticipantId, layers: usize) -> PublicationId {
        let id = PublicationId(self.fresh_id());
        let now = self.now;
        let participant = self.participant_mut(who);
        let mid = participant.next_mid();
        let configs: Vec<LayerConfig> = (0..layers)
            .map(|layer| LayerConfig {
                rid: (layers > 1).then(|| ["q", "h", "f"].get(layer).copied().unwrap_or("f").to_owned()),
                ssrc: ((id.0 as u32) << 8) + layer as u32 * 2 + 1,
                rtx_ssrc: ((id.0 as u32) << 8) + layer as u32 * 2 + 2,
                frame_len: [400, 1_800, 5_000].get(layer).copied().unwrap_or(5_000),
            })
            .collect();
        let encoding = |config: &LayerConfig| {
            // With rids, browsers announce no SSRCs.
            let announced = config.rid.is_none();
            Encoding {
                rid: config.rid.clone(),
                ssrc: announced.then_some(config.ssrc),
                rtx_ssrc: announced.then_some(config.rtx_ssrc),
            }
        };
        let encodings = configs.iter().map(encoding).collect();
        participant.cameras.push(VideoSource::new(&mid, configs, now));
        let transport = participant.transport;
        self.command(Command::Publish(PublicationSpec { id, transport, kind: MediaKind::Video, mid, encodings }));
        id
    }

    pub fn publish_microphone(&mut self, who: ParticipantId) -> PublicationId {
        let id = PublicationId(self.fresh_id());
        let (now, ssrc) = (self.now, ((id.0 as u32) << 8) + 0xff);
        let participant = self.participant_mut(who);
        let mid = participant.next_mid();
        participant.microphones.push(AudioSource::new(&mid, ssrc, now));
        let transport = participant.transport;
        let encodings = vec![Encoding { rid: None, ssrc: Some(ssrc), rtx_ssrc: None }];
        self.command(Command::Publish(PublicationSpec { id, transport, kind: MediaKind::Audio, mid, encodings }));
        id
    }

    /// Returns the subscription and the SSRC under which its packets come.
    pub fn subscribe(
        &mut self,
        who: ParticipantId,
        publication: PublicationId,
        kind: MediaKind,
        target: LayerTarget,
    ) -> (SubscriptionId, u32) {
        let id = SubscriptionId(self.fresh_id());
        let (ssrc, rtx_ssrc) = (0x4000_0000 | id.0 as u32, 0x6000_0000 | id.0 as u32);
        let video = kind == MediaKind::Video;
        let participant = self.participant_mut(who);
        participant.sinks.insert(ssrc, Sink::new(video));
        participant.repairs.insert(rtx_ssrc, ssrc);
        let (transport, mid) = (participant.transport, format!("s{}", id.0));
        self.command(Command::Subscribe(SubscriptionSpec {
            id,
            transport,
            publication,
            mid,
            ssrc,
            rtx_ssrc: video.then_some(rtx_ssrc),
            payload_types: payload_types(),
            target,
        }));
        (id, ssrc)
    }

    /// New credentials on both sides, as signaling would carry them.
    pub fn restart_ice(&mut self, who: ParticipantId, generation: u64) {
        let transport = self.participant(who).transport;
        let local = credentials(transport.0, generation);
        self.command(Command::RestartIce { transport, local: local.clone(), remote_ice: own_credentials() });
        let now = self.now;
        self.participant_mut(who).client.restart_ice(now, local);
    }

    pub fn command(&mut self, command: Command) {
        self.engine.handle_command(self.now, command);
        self.drain();
    }

    pub fn participant(&self, who: ParticipantId) -> &Participant {
        &self.participants[who.0]
    }

    pub fn participant_mut(&mut self, who: ParticipantId) -> &mut Participant {
        &mut self.participants[who.0]
    }

    /// What `who` receives under the SSRC.
    pub fn sink(&self, who: ParticipantId, ssrc: u32) -> &Sink {
        #[expect(clippy::expect_used, reason = "asked for with what `subscribe` returned")]
        self.participant(who).sinks.get(&ssrc).expect("a subscription")
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Runs until `done` or for `time`; `true` when done.
    pub fn run_until(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + time;
        while !done(self) {
            let Some(next) = self.next_instant().filter(|next| *next < end) else {
                self.now = end;
                self.step();
                return done(self);
            };
            self.now = self.now.max(next);
            self.step();
        }
        true
    }

    /// Everybody's transport is up.
    pub fn all_connected(&self) -> bool {
        self.participants.iter().filter(|participant| !participant.left).all(|participant| {
            let connected = |event: &(RoomId, Event)| matches!(event.1, Event::TransportConnected { transport } if transport == participant.transport);
            participant.client.is_connected() && self.events.iter().any(connected)
        })
    }

    /// What must hold whatever happens: no nonce twice, nothing from another room.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (at, participant) in self.participants.iter().enumerate() {
            if participant.client.nonce_reuses > 0 {
                found.push(format!("participant {at}: {} nonces used twice", participant.client.nonce_reuses));
            }
            if participant.strangers > 0 {
                found.push(format!("participant {at}: {} packets it never subscribed to", participant.strangers));
            }
        }
        found
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn next_instant(&self) -> Option<Instant> {
        let engine = self.engine.poll_timeout();
        self.participants.iter().filter_map(Participant::next_instant).chain(engine).min()
    }

    fn step(&mut self) {
        let now = self.now;
        for at in 0..self.participants.len() {
            let Some(participant) = self.participants.get_mut(at) else { break };
            participant.step(now);
            let from = participant.client.tuple();
            while let Some(mut datagram) = self.participants.get_mut(at).and_then(|sender| sender.up.poll(now)) {
                self.engine.handle_datagram(now, from, &mut datagram);
                self.drain();
            }
        }
        if self.engine.poll_timeout().is_some_and(|due| due <= now) {
            self.engine.handle_timeout(now);
        }
        self.drain();
    }

    fn drain(&mut self) {
        let now = self.now;
        while let Some(transmit) = self.engine.poll_transmit() {
            let to = transmit.tuple;
            let receiver = self.participants.iter_mut().find(|participant| participant.client.tuple() == to);
            // What goes to an address that a NAT has given up does not arrive.
            let Some(receiver) = receiver else { continue };
            for datagram in transmit.bytes.chunks(transmit.segment_size.max(1)) {
                receiver.down.send(now, datagram.to_vec());
            }
        }
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }
}

impl Participant {
    fn next_mid(&self) -> String {
        (self.cameras.len() + self.microphones.len()).to_string()
    }

    fn next_instant(&self) -> Option<Instant> {
        let sources = self.cameras.iter().map(VideoSource::poll_timeout);
        let sources = sources.chain(self.microphones.iter().map(AudioSource::poll_timeout));
        let nack = (!self.sinks.is_empty() && !self.left).then_some(self.next_nack);
        let links = [self.up.poll_timeout(), self.down.poll_timeout(), self.client.poll_timeout(), nack];
        sources.chain(links.into_iter().flatten()).min()
    }

    fn step(&mut self, now: Instant) {
        while let Some(mut datagram) = self.down.poll(now) {
            self.client.handle_datagram(now, &mut datagram);
        }
        if self.client.poll_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
        self.read_media();
        self.read_feedback();
        self.send_media(now);
        self.ask_for_missing(now);
        while let Some(datagram) = self.client.poll_datagram() {
            self.up.send(now, datagram);
        }
    }

    fn send_media(&mut self, now: Instant) {
        // Before the keys are there the packets are made and lost, as in a browser that is not connected yet.
        for camera in &mut self.cameras {
            for packet in camera.poll(now) {
                self.client.send_rtp(&packet);
            }
        }
        for microphone in &mut self.microphones {
            while let Some(packet) = microphone.poll(now) {
                self.client.send_rtp(&packet);
            }
        }
    }

    fn read_media(&mut self) {
        for received in self.client.received.iter_mut().skip(self.read) {
            self.read += 1;
            let Some(header) = RtpHeader::parse(&received.packet) else { continue };
            if let Some(sink) = self.sinks.get_mut(&header.ssrc) {
                sink.handle(received.at, &received.packet, false);
            } else if let Some(main) = self.repairs.get(&header.ssrc) {
                let restored = rtx::restore(&mut received.packet, &header, *main, VP8_PT);
                let restored = restored.and_then(|range| received.packet.get(range));
                if let (Some(packet), Some(sink)) = (restored, self.sinks.get_mut(main)) {
                    sink.handle(received.at, packet, true);
                }
            } else {
                self.strangers += 1;
            }
        }
    }

    fn read_feedback(&mut self) {
        let mut repairs = Vec::new();
        for received in self.client.received_rtcp.iter().skip(self.read_rtcp) {
            self.read_rtcp += 1;
            for packet in Packets::new(&received.packet).flatten() {
                match packet {
                    RtcpPacket::PictureLoss { media_ssrc, .. } => {
                        self.cameras.iter_mut().for_each(|camera| camera.request_keyframe(media_ssrc));
                    }
                    RtcpPacket::Nack { media_ssrc, sequences, .. } => {
                        for sequence in sequences {
                            let mut cameras = self.cameras.iter_mut();
                            repairs.extend(cameras.find_map(|camera| camera.retransmit(media_ssrc, sequence)));
                        }
                    }
                    _ => {}
                }
            }
        }
        for repair in repairs {
            self.client.send_rtp(&repair);
        }
    }

    fn ask_for_missing(&mut self, now: Instant) {
        if now < self.next_nack || self.left {
            return;
        }
        self.next_nack = now + NACK_CHECK;
        for (ssrc, sink) in &mut self.sinks {
            let mut packet = Vec::new();
            write::nack(&mut packet, FEEDBACK_SSRC, *ssrc, sink.missing(now));
            if sink.wants_keyframe(now) {
                write::picture_loss(&mut packet, FEEDBACK_SSRC, *ssrc);
            }
            if !packet.is_empty() {
                self.client.send_rtcp(&packet);
            }
        }
    }
}

/// Every id has credentials of its own, every ICE restart a generation.
fn credentials(id: u64, generation: u64) -> IceCredentials {
    IceCredentials { ufrag: format!("t{id}g{generation}"), pwd: format!("password-of-{id}-in-generation-{generation}") }
}

/// What a participant would have said of itself in SDP; nobody checks it.
fn own_credentials() -> IceCredentials {
    IceCredentials { ufrag: "sim".into(), pwd: "password-of-a-participant".into() }
}

fn payload_types() -> Vec<PayloadType> {
    vec![
        PayloadType { pt: OPUS_PT, codec: Codec::Opus, rtx_pt: None, nack: false },
        PayloadType { pt: VP8_PT, codec: Codec::Vp8, rtx_pt: Some(VP8_RTX_PT), nack: true },
    ]
}
