use proptest::prelude::*;

use super::*;

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the origin of virtual time")]
    Instant::now()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn loss_and_repair_are_told_apart() {
    let (t, mut stream) = (start(), InboundStream::new(1, 90_000, true));
    for sequence in (65_530..=65_535).chain(0..4).filter(|s| *s != 65_533 && *s != 2) {
        assert!(matches!(stream.on_packet(t, sequence, 0, 100), Arrival::Newest { .. }));
    }
    let first = stream.poll_nack(t, None).unwrap();
    assert_eq!(first.sequences(), [65_533], "the other may still be reordered");
    assert!(matches!(stream.on_repaired(65_533, 100), Arrival::Late { .. }));
    assert_eq!(stream.on_repaired(65_533, 100), Arrival::Duplicate);
    assert_eq!(stream.on_packet(t, 65_533, 0, 100), Arrival::Duplicate);
    let block = stream.report_block(t).unwrap();
    assert_eq!((block.cumulative_lost, block.fraction_lost), (2, (2 * 256 / 10) as u8), "repairs do not hide loss");
    assert_eq!(block.highest_sequence, 0x0001_0003);
    let stats = stream.take_stats(true);
    assert_eq!((stats.packets, stats.bytes, stats.lost, stats.repaired), (9, 900, 1, 1));
    assert_eq!(stream.report_block(t).unwrap().fraction_lost, 0, "since the last report");
    assert_eq!(stream.take_stats(true).packets, 0);
}

#[test]
fn a_source_that_starts_over_needs_two_packets() {
    let (t, mut stream) = (start(), InboundStream::new(1, 90_000, true));
    let before = stream.on_packet(t, 100, 0, 1).ext_seq().unwrap();
    assert_eq!(stream.on_packet(t, 40_000, 0, 1), Arrival::Stray);
    assert!(stream.on_packet(t, 101, 0, 1).ext_seq().is_some());
    assert_eq!(stream.on_packet(t, 40_001, 0, 1), Arrival::Stray, "not after 40,000 any more");
    let Arrival::Newest { ext_seq } = stream.on_packet(t, 40_002, 0, 1) else { panic!("it did start over") };
    assert!(ext_seq > before && ext_seq as u16 == 40_002);
    assert_eq!(stream.take_stats(true).lost, 0, "the jump is no loss");
    assert!(stream.poll_nack(t + ms(50), None).unwrap().sequences().is_empty());
}

#[test]
fn jitter_follows_the_rfc() {
    let (t, mut stream) = (start(), InboundStream::new(1, 90_000, false));
    for i in 0..200 {
        let late = if i % 2 == 0 { 0 } else { 10 };
        stream.on_packet(t + ms(u64::from(i) * 33 + late), i as u16, i * 2_970, 1);
    }
    // Every packet's transit differs from the last one's by 10 ms: the estimate settles there.
    let jitter = stream.jitter().as_micros();
    assert!((9_500..=10_100).contains(&jitter), "{jitter}");
    let mut calm = InboundStream::new(1, 90_000, false);
    (0..50_u32).for_each(|i| {
        calm.on_packet(t + ms(u64::from(i) * 33), i as u16, i * 2_970, 1);
        calm.on_packet(t + ms(u64::from(i) * 33 + 5), i as u16, i * 2_970, 1);
    });
    assert!(calm.jitter() < ms(1), "packets of one frame are no jitter: {:?}", calm.jitter());
}

#[test]
fn reports_refer_to_the_last_sender_report() {
    let (t, mut stream) = (start(), InboundStream::new(1, 48_000, false));
    assert_eq!(stream.report_block(t), None);
    stream.on_packet(t, 5, 0, 1);
    stream.on_sender_report(t, &SenderInfo { ssrc: 1, ntp: 0x0011_2233_4455_6677, rtp: 0, packets: 0, octets: 0 });
    let block = stream.report_block(t + ms(500)).unwrap();
    assert_eq!((block.last_sender_report, block.delay_since_last_sender_report), (0x2233_4455, 32_768));
}

proptest! {
    /// Against a set of everything delivered: each packet is used once, with the right number, and the loss is exact.
    #[test]
    fn each_packet_is_used_once(
        start_at in any::<u16>(),
        order in prop::collection::vec((0_u64..40, 0_u8..10), 50..600),
    ) {
        let t = start();
        let mut stream = InboundStream::new(1, 90_000, true);
        let base = 65_536 + u64::from(start_at);
        stream.on_packet(t, start_at, 0, 1);
        let mut seen = std::collections::BTreeSet::from([base]);
        let mut next = base;
        for (back, kind) in order {
            let model = if kind < 6 { next += 1 + u64::from(kind == 0); next } else { next.saturating_sub(back).max(base) };
            let arrival = stream.on_packet(t, model as u16, 0, 1);
            if seen.insert(model) {
                prop_assert_eq!(arrival.ext_seq(), Some(model));
            } else {
                prop_assert_eq!(arrival, Arrival::Duplicate);
            }
        }
        let stats = stream.take_stats(true);
        prop_assert_eq!(stats.packets, seen.len() as u64);
        prop_assert_eq!(stats.lost, next + 1 - base - seen.len() as u64);
    }
}
