use super::*;
use crate::codec::vp8::Vp8Descriptor;
use crate::rtp::header::RtpHeader;

fn header(bytes: &[u8]) -> RtpHeader {
    RtpHeader::parse(bytes).unwrap()
}

fn descriptor(bytes: &[u8]) -> Vp8Descriptor {
    Vp8Descriptor::parse(&bytes[header(bytes).payload_range(bytes).unwrap()]).unwrap()
}

/// A forwarder on layer 0 that got the keyframe [`Vp8Packet::KEY`].
fn started(rtx_ssrc: Option<u32>) -> (Instant, Forwarder) {
    let t = origin();
    let mut forwarder = Forwarder::new(params(MediaKind::Video, rtx_ssrc));
    forwarder.set_layers_active(0b001);
    let (outgoing, _) = vp8(&mut forwarder, t, Vp8Packet::KEY).unwrap();
    assert!(outgoing.first);
    (t, forwarder)
}

/// The `n`th frame of one packet after [`Vp8Packet::KEY`].
fn delta(n: u64) -> Vp8Packet {
    Vp8Packet {
        ext_seq: 70_000 + n,
        timestamp: 1_000 + 3_000 * n as u32,
        picture_id: 50 + n as u16,
        tl0: 3 + n as u8,
        key: false,
        ..Vp8Packet::KEY
    }
}

#[test]
fn video_starts_with_a_keyframe() {
    let t = origin();
    let mut forwarder = Forwarder::new(params(MediaKind::Video, None));
    assert_eq!(forwarder.wants_keyframe(), None, "nothing arrives yet");
    forwarder.set_layers_active(0b001);
    assert_eq!(forwarder.wants_keyframe(), Some(0));
    assert_eq!(vp8(&mut forwarder, t, delta(0)).unwrap_err(), DropReason::Unwanted);
    let (outgoing, bytes) = vp8(&mut forwarder, t, Vp8Packet { ext_seq: 70_001, ..Vp8Packet::KEY }).unwrap();
    assert_eq!(forwarder.wants_keyframe(), None);
    let header = header(&bytes);
    assert_eq!((header.ssrc, header.payload_type, header.sequence), (0xabc, 100, 65_500 & 0x7fff));
    assert_eq!((outgoing.index, outgoing.header_len, outgoing.first), (32_732, 12, true));
    assert!(header.marker);
}

#[test]
fn the_nearest_active_layer_is_taken() {
    let mut forwarder = Forwarder::new(params(MediaKind::Video, None));
    let mut nearest = |mask, spatial| {
        forwarder.set_layers_active(mask);
        forwarder.set_target(LayerTarget { spatial, ..LayerTarget::BEST });
        forwarder.wants_keyframe()
    };
    assert_eq!(nearest(0b111, 2), Some(2));
    assert_eq!(nearest(0b011, 2), Some(1));
    assert_eq!(nearest(0b101, 1), Some(0));
    assert_eq!(nearest(0b110, 0), Some(1), "else the lowest above");
    assert_eq!(nearest(0b000, 2), None);
    assert_eq!(nearest(0b111, 200), Some(2));
}

#[test]
fn the_old_layer_goes_on_until_the_new_ones_keyframe() {
    let (t, mut forwarder) = started(None);
    forwarder.set_layers_active(0b011);
    assert_eq!(forwarder.wants_keyframe(), Some(1));
    let upper = Vp8Packet { layer: 1, ext_seq: 90_000, timestamp: 777, picture_id: 9, key_index: 30, ..Vp8Packet::KEY };
    assert!(vp8(&mut forwarder, t + ms(33), Vp8Packet { key: false, ..upper }).is_err());
    assert!(vp8(&mut forwarder, t + ms(33), delta(1)).is_ok());
    let (_, bytes) = vp8(&mut forwarder, t + ms(66), Vp8Packet { ext_seq: 90_001, ..upper }).unwrap();
    let (header, vp8_out) = (header(&bytes), descriptor(&bytes));
    assert_eq!(header.sequence, 32_734);
    assert_eq!(header.timestamp, 1_000 + 3_000 + 33 * 90, "by arrival");
    assert_eq!((vp8_out.picture_id, vp8_out.tl0_picture_index, vp8_out.key_index), (52, 5, 2));
    assert!(vp8(&mut forwarder, t + ms(67), delta(2)).is_err(), "the old layer is over");
    assert_eq!((forwarder.current_layer(), forwarder.wants_keyframe()), (Some(1), None));
}

#[test]
fn reports_of_both_layers_place_the_switch_exactly() {
    let (t, mut forwarder) = started(None);
    forwarder.set_layers_active(0b011);
    let mut clocks = LayerClocks::new();
    clocks.set(0, SenderClock { ntp: 100 << 32, rtp: 1_000, arrival: t });
    clocks.set(1, SenderClock { ntp: (100 << 32) + (1 << 31), rtp: 500_000, arrival: t });
    // Captured 1 s after the first report, so 0.5 s after the second; it arrives late.
    let upper = Vp8Packet { layer: 1, ext_seq: 90_000, timestamp: 545_000, ..Vp8Packet::KEY };
    let at = (1, upper.ext_seq, Codec::Vp8);
    let (_, bytes) = offer(&mut forwarder, t + ms(1_300), &upper.bytes(), at, &clocks).unwrap();
    assert_eq!(header(&bytes).timestamp, 1_000 + 90_000);
    let report = forwarder.sender_report(t + ms(2_000), &clocks, 90_000).unwrap();
    assert_eq!(report.ntp, (102 << 32) + (1 << 31), "the publisher's clock carried on");
    assert_eq!(report.rtp, 500_000 + 180_000 - 545_000 + 91_000);
    assert_eq!((report.ssrc, report.packets), (0xabc, 2));
}

#[test]
fn reports_that_make_no_sense_are_not_believed() {
    let (t, mut forwarder) = started(None);
    forwarder.set_layers_active(0b011);
    let mut clocks = LayerClocks::new();
    clocks.set(0, SenderClock { ntp: 100 << 32, rtp: 1_000, arrival: t });
    clocks.set(1, SenderClock { ntp: 5_000 << 32, rtp: 500_000, arrival: t });
    let upper = Vp8Packet { layer: 1, ext_seq: 90_000, timestamp: 500_000, ..Vp8Packet::KEY };
    let at = (1, upper.ext_seq, Codec::Vp8);
    let (_, bytes) = offer(&mut forwarder, t + ms(100), &upper.bytes(), at, &clocks).unwrap();
    assert_eq!(header(&bytes).timestamp, 1_000 + 9_000);
}

#[test]
fn a_pause_leaves_no_gap_and_ends_with_a_keyframe() {
    let (t, mut forwarder) = started(None);
    forwarder.set_target(LayerTarget::OFF);
    assert_eq!((forwarder.wants_keyframe(), forwarder.current_layer()), (None, None));
    assert!(vp8(&mut forwarder, t, delta(1)).is_err());
    assert_eq!(forwarder.sender_report(t, &LayerClocks::new(), 90_000), None);
    forwarder.set_target(LayerTarget::BEST);
    assert_eq!(forwarder.wants_keyframe(), Some(0));
    assert!(vp8(&mut forwarder, t, delta(2)).is_err());
    let (outgoing, bytes) = vp8(&mut forwarder, t + ms(99), Vp8Packet { key: true, ..delta(3) }).unwrap();
    assert_eq!((header(&bytes).sequence, outgoing.first), (32_733, false));
    assert_eq!(header(&bytes).timestamp, 1_000 + 9_000, "the source's own clock");
    assert_eq!(descriptor(&bytes).picture_id, 51);
    assert!(vp8(&mut forwarder, t, delta(2)).is_err(), "late, from before");
}

#[test]
fn audio_resumes_at_once_and_mute_is_not_told() {
    let t = origin();
    let mut forwarder = Forwarder::new(params(MediaKind::Audio, None));
    let audio = |forwarder: &mut Forwarder, n: u64| {
        let fixed = FixedHeader {
            ssrc: 5,
            timestamp: 960 * n as u32,
            sequence: n as u16,
            payload_type: 96,
            marker: false,
            padding: false,
            extension: false,
        };
        let mut packet = write_fixed(&fixed).to_vec();
        packet.extend([n as u8; 40]);
        let at = (0, 70_000 + n, Codec::Opus);
        offer(forwarder, t + ms(20 * n), &packet, at, &LayerClocks::new()).map(|(_, bytes)| header(&bytes))
    };
    assert_eq!(audio(&mut forwarder, 0).unwrap().payload_type, 111);
    audio(&mut forwarder, 1).unwrap();
    forwarder.set_muted(true);
    (2..50).for_each(|n| assert!(audio(&mut forwarder, n).is_err()));
    forwarder.set_muted(false);
    let resumed = audio(&mut forwarder, 50).unwrap();
    assert_eq!((resumed.sequence, resumed.timestamp), (32_734, 960 * 50));
    assert_eq!(forwarder.resolve(32_734).unwrap().ext_seq, 70_050);
    assert_eq!(forwarder.resolve(32_733).unwrap().ext_seq, 70_001);
    assert_eq!(forwarder.resolve(32_735), None, "nothing of the mute can be asked for");
    assert_eq!(forwarder.wants_keyframe(), None);
    assert!(audio(&mut forwarder, 49).is_err(), "late, from the mute");
}

#[test]
fn another_source_takes_over_without_a_break() {
    let (t, mut forwarder) = started(None);
    // The same layer from another SSRC: needs a keyframe, goes on in every number.
    let mut other = Vp8Packet { timestamp: 5, ext_seq: 66_000, ..delta(1) }.bytes();
    other[8..12].copy_from_slice(&77_u32.to_be_bytes());
    let at = (0, 66_000, Codec::Vp8);
    assert!(offer(&mut forwarder, t, &other, at, &LayerClocks::new()).is_err());
    assert_eq!(forwarder.wants_keyframe(), Some(0));
    other[12 + DESCRIPTOR] = 0;
    let (_, bytes) = offer(&mut forwarder, t + ms(10), &other, at, &LayerClocks::new()).unwrap();
    assert_eq!((header(&bytes).sequence, header(&bytes).timestamp), (32_733, 1_900));
    assert_eq!(descriptor(&bytes).picture_id, 51);
    // A jump that nobody repairs is a source that started over, too.
    other[12 + DESCRIPTOR] = 1;
    let far = (0, 66_002 + MAX_GAP, Codec::Vp8);
    assert!(offer(&mut forwarder, t, &other, far, &LayerClocks::new()).is_err());
    assert_eq!(forwarder.wants_keyframe(), Some(0));
}

#[test]
fn thinned_frames_leave_no_gap() {
    let (t, mut forwarder) = started(None);
    forwarder.set_target(LayerTarget { temporal: 0, ..LayerTarget::BEST });
    let upper = |n| Vp8Packet { temporal: 2, ..delta(n) };
    assert!(vp8(&mut forwarder, t, upper(1)).is_err());
    assert!(vp8(&mut forwarder, t, Vp8Packet { part: 1, parts: 2, ext_seq: 70_002, ..upper(1) }).is_err());
    let (_, bytes) = vp8(&mut forwarder, t, Vp8Packet { ext_seq: 70_003, ..delta(2) }).unwrap();
    assert_eq!((header(&bytes).sequence, descriptor(&bytes).picture_id), (32_733, 51));
    // Up again: only where the frame allows it, one layer at a time.
    forwarder.set_target(LayerTarget::BEST);
    assert!(vp8(&mut forwarder, t, Vp8Packet { temporal: 1, ext_seq: 70_004, ..delta(3) }).is_err());
    assert!(vp8(&mut forwarder, t, Vp8Packet { temporal: 2, sync: true, ext_seq: 70_005, ..delta(4) }).is_err());
    let (_, bytes) =
        vp8(&mut forwarder, t, Vp8Packet { temporal: 1, sync: true, ext_seq: 70_006, ..delta(5) }).unwrap();
    assert_eq!((header(&bytes).sequence, descriptor(&bytes).picture_id), (32_734, 52));
    assert!(vp8(&mut forwarder, t, Vp8Packet { temporal: 2, sync: true, ext_seq: 70_007, ..delta(6) }).is_ok());
}

#[test]
fn late_packets_get_the_number_that_was_kept() {
    let (t, mut forwarder) = started(None);
    let number = |result: Result<(Outgoing, Vec<u8>), DropReason>| result.map(|(out, _)| out.index - 32_732);
    assert_eq!(number(vp8(&mut forwarder, t, delta(3))), Ok(3));
    let pad = padding(0, 70_004, 10_000);
    assert!(offer(&mut forwarder, t, &pad, (0, 70_004, Codec::Vp8), &LayerClocks::new()).is_err());
    assert_eq!(number(vp8(&mut forwarder, t, delta(6))), Ok(5), "no number for padding, one kept for what is missing");
    assert_eq!(number(vp8(&mut forwarder, t, delta(1))), Ok(1));
    assert_eq!(number(vp8(&mut forwarder, t, delta(1))), Err(DropReason::Unwanted), "once");
    assert_eq!(number(vp8(&mut forwarder, t, delta(5))), Ok(4));
    // What turns out to be padding fills its number with padding.
    let pad = padding(0, 70_002, 1_000);
    let (outgoing, bytes) = offer(&mut forwarder, t, &pad, (0, 70_002, Codec::Vp8), &LayerClocks::new()).unwrap();
    assert_eq!((outgoing.index - 32_732, outgoing.packet_len), (2, 13));
    assert_eq!(header(&bytes).payload_range(&bytes), Some(12..12));
    assert!(vp8(&mut forwarder, t, delta(0)).is_err());
}

#[test]
fn repairs_go_by_their_own_stream_within_limits() {
    let (t, mut forwarder) = started(Some(0xdef));
    let (sent, original) = vp8(&mut forwarder, t, delta(1)).unwrap();
    let bytes = delta(1).bytes();
    let (table, clocks) = (ExtensionTable::new(&PUBLISHED), LayerClocks::new());
    let at = forwarder.resolve(sent.index as u16).unwrap();
    assert_eq!((at.layer, at.ext_seq), (0, 70_001));
    let packet = InboundPacket::parse(&bytes, 0, 70_001, Codec::Vp8, &table, &clocks).unwrap();
    let plan = forwarder.retransmit(t, at, &packet).unwrap();
    let (repair, repaired) = write_out(&mut forwarder, &plan, &packet).unwrap();
    assert_eq!((repair.ssrc, repair.index), (0xdef, 32_732));
    assert_eq!(header(&repaired).payload_type, 101);
    assert_eq!(header(&repaired).timestamp, header(&original).timestamp);
    assert_eq!(repaired[12..14], (sent.index as u16).to_be_bytes());
    assert_eq!(repaired[14..], original[12..]);
    assert!(forwarder.retransmit(t + ms(5), at, &packet).is_err(), "too soon");
    let again: Vec<_> =
        (1..20).filter_map(|n| forwarder.retransmit(t + ms(n * 40), at, &packet).ok()).map(|plan| plan.index).collect();
    assert_eq!(again, [32_733, 32_734, 32_735, 32_736], "and not too often");
    assert_eq!(forwarder.resolve(40_000), None);
    assert_eq!(forwarder.resolve(32_731), None);
}

#[test]
fn without_a_repair_stream_only_the_same_bytes_go_again() {
    let (t, mut forwarder) = started(None);
    let fixed = FixedHeader {
        ssrc: 0x1000,
        timestamp: 4_000,
        sequence: 70_001_u64 as u16,
        payload_type: 96,
        marker: true,
        padding: false,
        extension: true,
    };
    let mut bytes = write_fixed(&fixed).to_vec();
    bytes.extend([0xbe, 0xde, 0, 1, 0x40, 3, 0, 0, 0x10, 1, 2, 3]);
    forwarder.set_extensions(ExtensionIds { video_orientation: Some(5), ..ExtensionIds::default() });
    let (table, clocks) = (ExtensionTable::new(&PUBLISHED), LayerClocks::new());
    let packet = InboundPacket::parse(&bytes, 0, 70_001, Codec::Vp8, &table, &clocks).unwrap();
    let plan = forwarder.select(t, &packet).unwrap();
    let (sent, original) = write_out(&mut forwarder, &plan, &packet).unwrap();
    assert_eq!(original[12..20], [0xbe, 0xde, 0, 1, 0x50, 3, 0, 0]);
    let at = forwarder.resolve(sent.index as u16).unwrap();
    let plan = forwarder.retransmit(t, at, &packet).unwrap();
    let (again, repeated) = write_out(&mut forwarder, &plan, &packet).unwrap();
    assert_eq!((again.ssrc, again.index, repeated), (sent.ssrc, sent.index, original));
    forwarder.set_extensions(ExtensionIds { video_orientation: Some(6), ..ExtensionIds::default() });
    let plan = forwarder.retransmit(t + ms(100), at, &packet).unwrap();
    assert_eq!(write_out(&mut forwarder, &plan, &packet).unwrap_err(), DropReason::Unwanted);
}

#[test]
fn extensions_are_translated() {
    let t = origin();
    let mut forwarder = Forwarder::new(ForwarderParams {
        extensions: ExtensionIds {
            mid: Some(3),
            audio_level: Some(7),
            abs_capture_time: Some(8),
            ..ExtensionIds::default()
        },
        ..params(MediaKind::Audio, None)
    });
    let fixed = FixedHeader {
        ssrc: 5,
        timestamp: 0,
        sequence: 1,
        payload_type: 96,
        marker: false,
        padding: false,
        extension: true,
    };
    let mut bytes = write_fixed(&fixed).to_vec();
    bytes.extend([0xbe, 0xde, 0, 4, 0x10, 0x9e, 0x27, 1, 2, 3, 4, 5, 6, 7, 8, 0x31, 0, 9, 0, 0, 0xfc, 1]);
    bytes.truncate(12 + 4 + 16);
    bytes.extend([0x78, 1]);
    let clocks = LayerClocks::new();
    let (outgoing, out) = offer(&mut forwarder, t, &bytes, (0, 70_000, Codec::Opus), &clocks).unwrap();
    let header = header(&out);
    assert_eq!(outgoing.header_len, usize::from(header.header_len));
    let found = ExtensionTable::new(&forwarder.extensions).read(header.extension_profile, header.extension_bytes(&out));
    assert_eq!(found.mid, Some(&b"7"[..]));
    assert_eq!(found.audio_level.map(|level| level.to_byte()), Some(0x9e));
    assert_eq!(found.abs_capture_time, Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
    assert_eq!(found.transport_cc, None, "hop by hop");
    assert_eq!(out[usize::from(header.header_len)..], [0x78, 1]);
    // The MID is not repeated for ever.
    for n in 1..100 {
        bytes[3] = n;
        let (outgoing, _) = offer(&mut forwarder, t, &bytes, (0, 70_000 + u64::from(n), Codec::Opus), &clocks).unwrap();
        assert_eq!(outgoing.header_len, if u64::from(n) < MID_PACKETS { 12 + 4 + 16 } else { 12 + 4 + 12 });
    }
}

#[test]
fn a_codec_that_the_subscriber_lacks_is_refused_quietly() {
    let t = origin();
    let mut forwarder = Forwarder::new(params(MediaKind::Video, None));
    forwarder.set_layers_active(0b001);
    let packet = Vp8Packet::KEY.bytes();
    let mut av1 = packet[..12].to_vec();
    av1.extend([0x18, 0x0a]);
    let at = (0, 70_000, Codec::Av1);
    let refused = offer(&mut forwarder, t, &av1, at, &LayerClocks::new());
    assert_eq!(refused.unwrap_err(), DropReason::UnknownPayloadType);
    assert_eq!(forwarder.wants_keyframe(), None, "no keyframe would help");
    assert!(vp8(&mut forwarder, t, Vp8Packet::KEY).is_ok(), "another codec may");
}

#[test]
fn receiver_reports_tell_loss_and_round_trip() {
    let (t, mut forwarder) = started(None);
    let mut clocks = LayerClocks::new();
    clocks.set(0, SenderClock { ntp: 0x1122_3344_5566_7788, rtp: 1_000, arrival: t });
    let report = forwarder.sender_report(t, &clocks, 90_000).unwrap();
    let block = ReportBlock {
        fraction_lost: 64,
        last_sender_report: compact_ntp(report.ntp),
        delay_since_last_sender_report: 65_536 / 10,
        ..ReportBlock::default()
    };
    forwarder.on_receiver_report(t + ms(150), &block);
    let rtt = forwarder.rtt().unwrap();
    assert!(rtt > ms(49) && rtt < ms(51), "{rtt:?}");
    let stats = forwarder.take_stats(SubscriptionId(4));
    assert_eq!((stats.id, stats.packets, stats.loss, stats.layer), (SubscriptionId(4), 1, 0.25, Some(0)));
    assert_eq!(forwarder.take_stats(SubscriptionId(4)).packets, 0);
    forwarder.on_receiver_report(t, &ReportBlock { last_sender_report: 99, ..block });
    assert_eq!(forwarder.rtt(), Some(rtt), "an unknown report tells nothing");
}
