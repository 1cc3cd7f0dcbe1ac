use proptest::prelude::*;

use super::*;

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the origin of virtual time")]
    Instant::now()
}

fn content(ext_seq: u64, len: usize) -> Vec<u8> {
    (0..len).map(|i| (ext_seq as usize * 31 + i) as u8).collect()
}

#[test]
fn a_second_of_a_stream_stays_within_reach() {
    let t = start();
    let mut cache = PacketCache::new(CacheLimits::of(MediaKind::Video, 2, 3));
    assert_eq!(cache.memory(), 0, "an idle layer costs nothing");
    // 2.4 Mb/s: 250 packets of 1,200 bytes a second.
    for ext_seq in 0..5_000 {
        cache.put(t + Duration::from_millis(ext_seq * 4), ext_seq, Codec::Vp8, &content(ext_seq, 1_200));
        if ext_seq >= 250 {
            assert!(cache.get(ext_seq - 250).is_some() || ext_seq < 1_000, "{ext_seq}");
        }
    }
    assert!(cache.memory() <= 1_100_000, "{}", cache.memory());
    let settled = cache.memory();
    for ext_seq in 5_000..9_000 {
        cache.put(t + Duration::from_millis(ext_seq * 4), ext_seq, Codec::Vp8, &content(ext_seq, 1_200));
    }
    assert_eq!(cache.memory(), settled, "no growth at steady state");
}

#[test]
fn all_caches_of_a_publisher_stay_below_two_mebibytes() {
    let t = start();
    let mut total = 0;
    for (kind, layer) in [(MediaKind::Video, 0), (MediaKind::Video, 1), (MediaKind::Video, 2), (MediaKind::Audio, 0)] {
        let layers = if kind == MediaKind::Video { 3 } else { 1 };
        let mut cache = PacketCache::new(CacheLimits::of(kind, layer, layers));
        (0..10_000).for_each(|ext_seq| cache.put(t, ext_seq, Codec::Vp8, &[1; 1_200]));
        total += cache.memory();
    }
    assert!(total <= 2 * 1024 * 1024, "{total}");
}

#[test]
fn clearing_forgets_everything() {
    let t = start();
    let mut cache = PacketCache::new(CacheLimits::of(MediaKind::Audio, 0, 1));
    cache.put(t, 5, Codec::Opus, &[1, 2]);
    assert_eq!(cache.get(5), Some(CachedPacket { bytes: &[1, 2], codec: Codec::Opus }));
    cache.put(t, 6, Codec::Opus, &[0; MAX_DATAGRAM + 1]);
    assert_eq!(cache.get(6), None);
    cache.clear();
    assert_eq!(cache.get(5), None);
}

proptest! {
    /// Whatever comes in whatever order: what is found is what was put in, and the newest packets are found.
    #[test]
    fn what_is_found_is_right(packets in prop::collection::vec((1_usize..1_500, 0_u64..3, 0_u64..30), 1..400)) {
        let t = start();
        let mut cache = PacketCache::new(CacheLimits { packets: 64, bytes: 64 * 1024 });
        let (mut next, mut ms) = (1_000, 0);
        let mut sizes = std::collections::HashMap::new();
        for (len, back, wait) in packets {
            ms += wait;
            next += 1;
            let ext_seq = next - back;
            cache.put(t + Duration::from_millis(ms), ext_seq, Codec::H264, &content(ext_seq, len));
            sizes.insert(ext_seq, len);
            prop_assert_eq!(cache.get(ext_seq).map(|packet| packet.bytes.to_vec()), Some(content(ext_seq, len)));
            // Nothing but the newest 64 numbers has a slot; somewhere among them the ring's end lies.
            for ext_seq in [next - 63, next - 40, next - 20, next - 5] {
                if let Some(found) = cache.get(ext_seq) {
                    prop_assert_eq!(found.bytes, content(ext_seq, sizes[&ext_seq]));
                }
            }
        }
    }
}
