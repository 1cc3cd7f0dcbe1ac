//! A simulated client against one transport, over bad links: the whole stack of both ends.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::{SimClient, SimClientConfig};
use super::network::{Link, LinkConfig};
use super::prober::fresh_identity;
use crate::api::{
    DataChannelKind, DtlsRole, IceCredentials, RoomId, TransportFailure, TransportId, TransportSpec, Tuple,
};
use crate::demux::{DatagramClass, classify};
use crate::transport::{DtlsIdentity, Transport, TransportEvent};

static SERVER: LazyLock<Arc<DtlsIdentity>> = LazyLock::new(fresh_identity);
static CLIENT: LazyLock<Arc<DtlsIdentity>> = LazyLock::new(fresh_identity);

fn tuple(port: u16) -> Tuple {
    Tuple { remote: ([198, 51, 100, 7], port).into(), local_ip: None }
}

struct World {
    now: Instant,
    transport: Transport,
    client: SimClient,
    up: Link,
    down: Link,
    events: Vec<TransportEvent>,
}

impl World {
    fn new(server_role: DtlsRole, opens: bool, link: LinkConfig, seed: u64) -> Self {
        let now = super::epoch();
        let server = IceCredentials { ufrag: "server".into(), pwd: "a-password-of-the-server".into() };
        let client_role = if server_role == DtlsRole::Server { DtlsRole::Client } else { DtlsRole::Server };
        let spec = TransportSpec {
            id: TransportId(1),
            room: RoomId(1),
            local: server.clone(),
            remote_ice: IceCredentials { ufrag: "client".into(), pwd: String::new() },
            remote_fingerprint: CLIENT.fingerprint(),
            role: server_role,
            open_data_channels: opens,
        };
        let config = SimClientConfig {
            tuple: tuple(4_000),
            server,
            server_fingerprint: SERVER.fingerprint(),
            role: client_role,
        };
        let mut client = SimClient::new(&CLIENT, config, now);
        if !opens {
            client.open_channels(&DataChannelKind::ALL);
        }
        Self {
            now,
            transport: Transport::new(&SERVER, spec, now).unwrap(),
            client,
            up: Link::new(link.clone(), seed, now),
            down: Link::new(link, seed ^ 0xffff, now),
            events: Vec::new(),
        }
    }

    fn step(&mut self) {
        let now = self.now;
        while let Some(datagram) = self.up.poll(now) {
            let from = self.client.tuple();
            match classify(&datagram) {
                Some(DatagramClass::Stun) => drop(self.transport.handle_stun(now, from, &datagram)),
                Some(DatagramClass::Dtls) => drop(self.transport.handle_dtls(now, from, &datagram)),
                _ => {}
            }
        }
        while let Some(mut datagram) = self.down.poll(now) {
            self.client.handle_datagram(now, &mut datagram);
        }
        if self.client.poll_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
        if self.transport.poll_timeout().is_some_and(|due| due <= now) {
            self.transport.handle_timeout(now);
        }
        while let Some(datagram) = self.client.poll_datagram() {
            self.up.send(now, datagram);
        }
        while let Some((to, datagram)) = self.transport.poll_datagram() {
            // What goes to an address that the NAT has given up does not arrive.
            if to == self.client.tuple() {
                self.down.send(now, datagram);
            }
        }
        self.events.extend(std::iter::from_fn(|| self.transport.poll_event()));
        self.now += Duration::from_millis(1);
    }

    fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + time;
        while self.now < end && !done(self) {
            self.step();
        }
    }

    fn channels_open(&self) -> bool {
        DataChannelKind::ALL.iter().all(|kind| {
            self.client.is_channel_open(*kind) && self.events.contains(&TransportEvent::DataChannelOpen(*kind))
        })
    }

    fn data(&self, kind: DataChannelKind) -> Vec<&Bytes> {
        let payload = |event| match event {
            &TransportEvent::Data { channel, ref payload } if channel == kind => Some(payload),
            _ => None,
        };
        self.events.iter().filter_map(payload).collect()
    }
}

fn bad_link(loss: f64) -> LinkConfig {
    LinkConfig {
        delay: Duration::from_millis(25),
        jitter: Duration::from_millis(10),
        loss,
        duplication: 0.01,
        ..LinkConfig::default()
    }
}

#[test]
fn everything_comes_up_over_bad_links_in_both_roles_and_modes() {
    for seed in 0..12 {
        let role = if seed % 2 == 0 { DtlsRole::Server } else { DtlsRole::Client };
        let mut world = World::new(role, seed % 4 < 2, bad_link(0.05), seed);
        world.run(Duration::from_secs(60), World::channels_open);
        assert!(world.channels_open(), "seed {seed}: {:?} {:?}", world.events, world.client.failure());
        let text = format!("message {seed}").repeat(2_000);
        world.transport.send_data(world.now, DataChannelKind::Reliable, text.clone().into()).unwrap();
        assert!(world.client.send_data(world.now, DataChannelKind::Reliable, text.as_bytes()));
        world.run(Duration::from_secs(60), |world| {
            !world.data(DataChannelKind::Reliable).is_empty() && !world.client.messages().is_empty()
        });
        assert_eq!(world.data(DataChannelKind::Reliable), [text.as_bytes()]);
        assert_eq!(world.client.messages(), [("_reliable".to_owned(), Bytes::from(text))]);
    }
}

#[test]
fn connecting_takes_three_round_trips() {
    let link = LinkConfig { delay: Duration::from_millis(50), ..LinkConfig::default() };
    let mut world = World::new(DtlsRole::Server, false, link, 1);
    let start = world.now;
    world.run(Duration::from_secs(5), |world| world.client.is_connected());
    let took = world.client.connected_at().unwrap() - start;
    assert!(took < Duration::from_millis(320), "{took:?}");
}

#[test]
fn a_short_outage_and_a_rebinding_are_survived() {
    let mut world = World::new(DtlsRole::Server, true, bad_link(0.0), 1);
    world.run(Duration::from_secs(10), World::channels_open);
    let dead = LinkConfig { loss: 1.0, ..LinkConfig::default() };
    world.up.reconfigure(dead.clone());
    world.down.reconfigure(dead);
    world.run(Duration::from_secs(20), |_| false);
    world.up.reconfigure(bad_link(0.0));
    world.down.reconfigure(bad_link(0.0));
    world.client.rebind(tuple(4_001));
    world.transport.send_data(world.now, DataChannelKind::Reliable, "after".into()).unwrap();
    world.run(Duration::from_secs(20), |world| !world.client.messages().is_empty());
    assert_eq!(world.transport.remote(), Some(tuple(4_001)));
    assert_eq!(world.client.messages(), [("_reliable".to_owned(), Bytes::from("after"))]);
}

#[test]
fn an_outage_longer_than_consent_ends_it() {
    let mut world = World::new(DtlsRole::Server, true, bad_link(0.0), 1);
    world.run(Duration::from_secs(10), World::channels_open);
    world.up.reconfigure(LinkConfig { loss: 1.0, ..LinkConfig::default() });
    world.run(Duration::from_secs(40), |_| false);
    assert_eq!(world.events.last(), Some(&TransportEvent::Failed(TransportFailure::ConsentLost)));
}

#[test]
fn media_and_reports_cross_both_ways() {
    let mut world = World::new(DtlsRole::Server, false, bad_link(0.0), 1);
    world.run(Duration::from_secs(10), World::channels_open);
    let mut packet = vec![0x80, 96, 0, 9, 0, 0, 0, 1, 0, 0, 0, 5];
    packet.extend([7; 40]);
    assert!(world.client.send_rtp(&packet));
    assert!(world.client.send_rtcp(&[0x80, 201, 0, 1, 0, 0, 0, 5]));
    let mut sealed: Vec<Vec<u8>> = std::iter::from_fn(|| world.client.poll_datagram()).collect();
    let keys = world.transport.srtp_mut().unwrap();
    assert_eq!(keys.open_rtcp(&mut sealed[1]), Ok(8));
    assert_eq!(keys.open_rtp(&mut sealed[0], 12, 5, 9), Ok(packet.len()));
    assert_eq!(sealed[0][..packet.len()], packet);

    let keys = world.transport.srtp().unwrap();
    for (payload, index) in [(1, 1), (2, 2), (3, 2)] {
        let mut down = vec![0x80, 96, 0, index as u8, 0, 0, 0, 1, 0, 0, 0, 6, payload];
        down.resize(13 + keys.tag_len(), 0);
        keys.seal_rtp(&mut down, 12, 6, index).unwrap();
        world.client.handle_datagram(world.now, &mut down);
    }
    assert_eq!(world.client.received.len(), 2);
    // The second packet under index 2 is what a receiver must be able to notice.
    assert_eq!(world.client.nonce_reuses, 1);
}
