//! Whole calls on a virtual clock: several participants, one engine, good and bad networks, everything from seeds.

use std::time::Duration;

use sfu_engine::api::{
    Command, DataChannelKind, Event, LayerTarget, MediaKind, PublicationId, RoomId, TransportFailure, Tuple,
};
use sfu_engine::sim::dice::Dice;
use sfu_engine::sim::network::LinkConfig;
use sfu_engine::sim::world::{ParticipantId, World};

const VIDEO: MediaKind = MediaKind::Video;
const AUDIO: MediaKind = MediaKind::Audio;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn good() -> LinkConfig {
    LinkConfig { delay: Duration::from_millis(20), ..LinkConfig::default() }
}

fn lossy(loss: f64) -> LinkConfig {
    LinkConfig { delay: Duration::from_millis(20), jitter: Duration::from_millis(5), loss, ..LinkConfig::default() }
}

/// A subscription as tests look at it.
struct Watched {
    who: ParticipantId,
    ssrc: u32,
    kind: MediaKind,
}

/// `count` participants in one room; everybody publishes camera and microphone and takes everybody else's.
fn meeting(
    world: &mut World,
    room: u64,
    count: usize,
    layers: usize,
    link: &LinkConfig,
) -> (Vec<ParticipantId>, Vec<Watched>) {
    let members: Vec<_> = (0..count).map(|_| world.join(room, link.clone())).collect();
    assert!(world.run_until(seconds(20), World::all_connected));
    let mut published = Vec::new();
    for &owner in &members {
        published.push((owner, world.publish_camera(owner, layers), VIDEO));
        published.push((owner, world.publish_microphone(owner), AUDIO));
    }
    let mut watched = Vec::new();
    for &who in &members {
        for &(owner, publication, kind) in &published {
            if owner != who {
                let (_, ssrc) = world.subscribe(who, publication, kind, LayerTarget::BEST);
                watched.push(Watched { who, ssrc, kind });
            }
        }
    }
    (members, watched)
}

/// Every stream must be playable from its first packet, and `frames` whole frames must have come.
fn assert_plays(world: &World, watched: &[Watched], frames: usize) {
    for Watched { who, ssrc, kind } in watched {
        let sink = world.sink(*who, *ssrc);
        assert_eq!(sink.defects(), Vec::<String>::new(), "{who:?} {ssrc:x}");
        assert_eq!(sink.duplicates, 0, "{who:?} {ssrc:x}");
        match kind {
            MediaKind::Video => assert!(sink.whole_frames() >= frames, "{who:?}: {} frames", sink.whole_frames()),
            MediaKind::Audio => assert!(sink.packets() >= frames, "{who:?}: {} packets", sink.packets()),
        }
    }
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn three_people_see_and_hear_each_other() {
    for layers in [1, 3] {
        let mut world = World::new(layers as u64);
        let (_, watched) = meeting(&mut world, 1, 3, layers, &good());
        world.run_for(seconds(10));
        assert_plays(&world, &watched, 280);
        for Watched { who, ssrc, .. } in &watched {
            assert_eq!(world.sink(*who, *ssrc).gaps(), Vec::<u64>::new());
            assert!(world.sink(*who, *ssrc).starts_clean());
        }
        let started = world.events.iter().filter(|(_, event)| matches!(event, Event::SubscriptionStarted { .. }));
        assert_eq!(started.count(), watched.len());
    }
}

#[test]
fn what_is_lost_on_either_side_is_repaired() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        let (_, watched) = meeting(&mut world, 1, 2, 1, &lossy(0.05));
        world.run_for(seconds(15));
        for Watched { who, ssrc, .. } in watched.iter().filter(|watched| watched.kind == VIDEO) {
            let sink = world.sink(*who, *ssrc);
            assert!(sink.repaired > 0);
            assert!(
                sink.whole_frames() >= 430,
                "seed {seed}: {} frames, {} gaps",
                sink.whole_frames(),
                sink.gaps().len()
            );
            assert_eq!(sink.defects(), Vec::<String>::new());
        }
        assert_eq!(world.violations(), Vec::<String>::new());
    }
}

#[test]
fn nothing_crosses_between_rooms() {
    let mut world = World::new(1);
    let (_, first) = meeting(&mut world, 1, 2, 1, &good());
    let (outsiders, second) = meeting(&mut world, 2, 2, 1, &good());
    let owner = world.join(1, good());
    assert!(world.run_until(seconds(5), World::all_connected));
    let publication = world.publish_camera(owner, 1);
    // A subscription over the wall is refused, whoever asks for it.
    let (_, over_the_wall) = world.subscribe(outsiders[0], publication, VIDEO, LayerTarget::BEST);
    world.run_for(seconds(5));
    assert_eq!(world.sink(outsiders[0], over_the_wall).packets(), 0);
    assert_plays(&world, &first, 130);
    assert_plays(&world, &second, 130);
}

#[test]
fn layers_switch_at_keyframes_without_a_seam() {
    let mut world = World::new(1);
    let (owner, viewer) = (world.join(1, good()), world.join(1, good()));
    assert!(world.run_until(seconds(5), World::all_connected));
    let publication = world.publish_camera(owner, 3);
    let low = LayerTarget { enabled: true, spatial: 0, temporal: 3 };
    let (subscription, ssrc) = world.subscribe(viewer, publication, VIDEO, low);
    let mut packets = Vec::new();
    for spatial in [0, 2, 1, 0, 2] {
        let target = LayerTarget { enabled: true, spatial, temporal: 3 };
        world.command(Command::SetTarget { subscription, target });
        world.run_for(seconds(1));
        let before = world.sink(viewer, ssrc).packets();
        world.run_for(seconds(3));
        packets.push(world.sink(viewer, ssrc).packets() - before);
    }
    // One, two and five packets a frame.
    assert!(packets[0] < packets[2] && packets[2] < packets[1], "{packets:?}");
    assert!(packets[3] < packets[2] && packets[4] > packets[2], "{packets:?}");
    let sink = world.sink(viewer, ssrc);
    assert_eq!(sink.defects(), Vec::<String>::new());
    assert_eq!(sink.gaps(), Vec::<u64>::new());
    assert!(sink.keyframes() >= 5, "{}", sink.keyframes());
}

#[test]
fn a_disabled_or_muted_track_sends_nothing_and_comes_back_with_a_keyframe() {
    let mut world = World::new(1);
    let (owner, viewer) = (world.join(1, good()), world.join(1, good()));
    assert!(world.run_until(seconds(5), World::all_connected));
    let publication = world.publish_camera(owner, 1);
    let (subscription, ssrc) = world.subscribe(viewer, publication, VIDEO, LayerTarget::BEST);
    world.run_for(seconds(2));
    for stop in [true, false] {
        let (off, on) = if stop {
            let set = |target| Command::SetTarget { subscription, target };
            (set(LayerTarget::OFF), set(LayerTarget::BEST))
        } else {
            let set = |muted| Command::SetMuted { publication, muted };
            (set(true), set(false))
        };
        world.command(off);
        world.run_for(Duration::from_millis(100));
        let before = world.sink(viewer, ssrc).packets();
        world.run_for(seconds(3));
        assert_eq!(world.sink(viewer, ssrc).packets(), before);
        world.command(on);
        world.run_for(seconds(3));
        assert!(world.sink(viewer, ssrc).packets() > before + 80);
    }
    let sink = world.sink(viewer, ssrc);
    assert_eq!(sink.defects(), Vec::<String>::new());
    assert_eq!(sink.gaps(), Vec::<u64>::new());
}

#[test]
fn a_rebound_nat_and_an_ice_restart_interrupt_shortly() {
    for restart in [false, true] {
        let mut world = World::new(7);
        let (members, watched) = meeting(&mut world, 1, 2, 1, &good());
        world.run_for(seconds(5));
        let moved = members[0];
        let elsewhere = Tuple { remote: ([203, 0, 113, 200], 41_000).into(), local_ip: None };
        world.participant_mut(moved).client.rebind(elsewhere);
        if restart {
            world.restart_ice(moved, 1);
        }
        // What went to the old address before the next check is lost for good: at most the check interval.
        world.run_for(seconds(4));
        let before: Vec<usize> = watched.iter().map(|w| world.sink(w.who, w.ssrc).packets()).collect();
        world.run_for(seconds(5));
        for (watched, before) in watched.iter().zip(before) {
            let sink = world.sink(watched.who, watched.ssrc);
            assert!(sink.packets() - before >= 145, "{:?} {}", watched.who, sink.packets() - before);
        }
        assert_eq!(world.violations(), Vec::<String>::new());
        assert!(!world.events.iter().any(|(_, event)| matches!(event, Event::TransportFailed { .. })));
    }
}

#[test]
fn whoever_vanishes_is_noticed_and_forgotten() {
    let mut world = World::new(1);
    let (members, _) = meeting(&mut world, 1, 3, 1, &good());
    let gone = members[1];
    let dead = LinkConfig { loss: 1.0, ..LinkConfig::default() };
    world.participant_mut(gone).up.reconfigure(dead.clone());
    world.participant_mut(gone).down.reconfigure(dead);
    world.run_for(seconds(40));
    let transport = world.participant(gone).transport;
    let failed = |event: &&(RoomId, Event)| matches!(event.1, Event::TransportFailed { transport: of, reason: TransportFailure::ConsentLost } if of == transport);
    assert_eq!(world.events.iter().filter(failed).count(), 1);
    assert_eq!(world.engine.figures().transports, 2);
}

#[test]
fn when_everybody_left_nothing_is_left() {
    let mut world = World::new(1);
    let (members, watched) = meeting(&mut world, 1, 4, 3, &lossy(0.02));
    world.run_for(seconds(5));
    assert!(watched.iter().all(|w| world.sink(w.who, w.ssrc).packets() > 100));
    for who in members {
        world.leave(who);
        world.run_for(Duration::from_millis(300));
    }
    world.run_for(seconds(60));
    let figures = world.engine.figures();
    assert_eq!((figures.transports, figures.publications, figures.subscriptions), (0, 0, 0));
}

#[test]
fn data_reaches_whom_it_is_for() {
    let mut world = World::new(1);
    let members: Vec<_> = (0..3).map(|_| world.join(1, lossy(0.03))).collect();
    assert!(world.run_until(seconds(20), World::all_connected));
    // Before the channels are open, reliable messages wait.
    let to = members[1..].iter().map(|who| world.participant(*who).transport).collect();
    world.command(Command::SendData { to, channel: DataChannelKind::Reliable, payload: "early".into() });
    let open = |world: &World| {
        members.iter().all(|who| world.participant(*who).client.is_channel_open(DataChannelKind::Reliable))
    };
    assert!(world.run_until(seconds(60), open));
    let now = world.now;
    assert!(world.participant_mut(members[0]).client.send_data(now, DataChannelKind::Reliable, b"up"));
    world.run_for(seconds(20));
    assert_eq!(world.participant(members[0]).client.messages(), []);
    for who in &members[1..] {
        assert_eq!(world.participant(*who).client.messages(), [("_reliable".to_owned(), "early".into())]);
    }
    let up: Vec<_> = world
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Data { transport, payload, .. } => Some((*transport, payload.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(up, [(world.participant(members[0]).transport, "up".into())]);
}

#[test]
fn hostile_datagrams_beside_a_call_change_nothing() {
    let mut world = World::new(1);
    let (members, watched) = meeting(&mut world, 1, 3, 1, &good());
    world.run_for(seconds(2));
    let known: Vec<Tuple> = members.iter().map(|who| world.participant(*who).client.tuple()).collect();
    let stranger = Tuple { remote: ([192, 0, 2, 66], 666).into(), local_ip: None };
    let mut dice = Dice::new(99);
    for _ in 0..300 {
        for at in 0..10u64 {
            // From nowhere, and with the addresses of those who take part.
            let from = if at % 2 == 0 { stranger } else { known[dice.below(3) as usize] };
            let mut datagram: Vec<u8> = (0..dice.below(200)).map(|_| dice.next_u64() as u8).collect();
            if let Some(first) = datagram.first_mut() {
                *first = [0, 1, 20, 21, 22, 23, 63, 0x80, 0x90, 0xbf][at as usize];
            }
            world.engine.handle_datagram(world.now, from, &mut datagram);
        }
        let mut alert = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40];
        world.engine.handle_datagram(world.now, known[0], &mut alert);
        world.run_for(Duration::from_millis(20));
    }
    assert_plays(&world, &watched, 220);
    for Watched { who, ssrc, .. } in &watched {
        assert_eq!(world.sink(*who, *ssrc).gaps(), Vec::<u64>::new());
    }
    assert!(!world.events.iter().any(|(_, event)| matches!(event, Event::TransportFailed { .. })));
}

/// Joins, leaves, publishing, subscribing, layer changes, mutes, restarts and bad links in any order.
fn chaos(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(seed);
    let mut present: Vec<ParticipantId> = Vec::new();
    let mut published: Vec<(ParticipantId, PublicationId, MediaKind)> = Vec::new();
    let mut subscriptions = Vec::new();
    for step in 0..60 {
        let room = 1 + dice.below(2);
        match dice.below(10) {
            0..=2 if present.len() < 8 => present.push(world.join(room, lossy(dice.below(5) as f64 / 100.0))),
            3 if present.len() > 2 => {
                let who = present.swap_remove(dice.below(present.len() as u64) as usize);
                world.leave(who);
                published.retain(|(owner, ..)| *owner != who);
            }
            4 if !present.is_empty() => {
                let who = present[dice.below(present.len() as u64) as usize];
                published.push((who, world.publish_camera(who, 1 + dice.below(3) as usize), VIDEO));
            }
            5 if !present.is_empty() => {
                let who = present[dice.below(present.len() as u64) as usize];
                published.push((who, world.publish_microphone(who), AUDIO));
            }
            6 | 7 if !published.is_empty() => {
                let who = present[dice.below(present.len() as u64) as usize];
                let (owner, publication, kind) = published[dice.below(published.len() as u64) as usize];
                let same_room = world.participant(who).room == world.participant(owner).room;
                let (id, ssrc) = world.subscribe(who, publication, kind, LayerTarget::BEST);
                subscriptions.push((id, who, ssrc, same_room));
            }
            8 if !subscriptions.is_empty() => {
                let (subscription, ..) = subscriptions[dice.below(subscriptions.len() as u64) as usize];
                let target = LayerTarget { enabled: dice.chance(0.8), spatial: dice.below(3) as u8, temporal: 3 };
                world.command(Command::SetTarget { subscription, target });
            }
            9 if !present.is_empty() => {
                let who = present[dice.below(present.len() as u64) as usize];
                world.restart_ice(who, step + 1);
            }
            _ => {}
        }
        world.run_for(Duration::from_millis(dice.below(700)));
    }
    for (_, who, ssrc, same_room) in subscriptions {
        let sink = world.sink(who, ssrc);
        assert!(same_room || sink.packets() == 0, "seed {seed}: delivered across rooms");
        assert_eq!(sink.defects(), Vec::<String>::new(), "seed {seed}");
    }
    assert_eq!(world.violations(), Vec::<String>::new(), "seed {seed}");
    for who in present {
        world.leave(who);
    }
    world.run_for(seconds(60));
    let figures = world.engine.figures();
    assert_eq!((figures.transports, figures.publications, figures.subscriptions), (0, 0, 0), "seed {seed}");
}

#[test]
fn any_order_of_events_keeps_the_invariants() {
    for seed in 0..16 {
        chaos(seed);
    }
}
