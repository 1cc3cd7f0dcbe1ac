use proptest::prelude::*;

use super::*;

fn all(bytes: &[u8]) -> Vec<RtcpPacket<'_>> {
    Packets::new(bytes).map(Result::unwrap).collect()
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 7,
    fraction_lost: 12,
    cumulative_lost: -3,
    highest_sequence: 0x0002_ffff,
    jitter: 99,
    last_sender_report: 0x1234_5678,
    delay_since_last_sender_report: 65_536,
};

#[test]
fn a_compound_packet_is_read_in_order() {
    let info = SenderInfo { ssrc: 1, ntp: 0x0102_0304_0506_0708, rtp: 9, packets: 10, octets: 11 };
    let mut out = Vec::new();
    write::sender_report(&mut out, &info, &[BLOCK, BLOCK]);
    write::source_description(&mut out, 1, b"name");
    write::receiver_report(&mut out, 2, &[BLOCK]);
    write::picture_loss(&mut out, 1, 3);
    write::full_intra(&mut out, 1, 4, 200);
    write::goodbye(&mut out, &[5, 6]);
    let packets = all(&out);
    let RtcpPacket::SenderReport { info: read, blocks } = &packets[0] else { panic!("{packets:?}") };
    assert_eq!((*read, blocks.clone().collect::<Vec<_>>()), (info, vec![BLOCK, BLOCK]));
    assert!(matches!(packets[1], RtcpPacket::SourceDescription));
    let RtcpPacket::ReceiverReport { ssrc: 2, blocks } = &packets[2] else { panic!("{packets:?}") };
    assert_eq!(blocks.clone().collect::<Vec<_>>(), [BLOCK]);
    assert!(matches!(packets[3], RtcpPacket::PictureLoss { sender_ssrc: 1, media_ssrc: 3 }));
    let RtcpPacket::FullIntra { requests, .. } = &packets[4] else { panic!("{packets:?}") };
    assert_eq!(requests.clone().collect::<Vec<_>>(), [(4, 200)]);
    let RtcpPacket::Goodbye { ssrcs } = &packets[5] else { panic!("{packets:?}") };
    assert_eq!(ssrcs.clone().collect::<Vec<_>>(), [5, 6]);
    assert_eq!(packets.len(), 6);
}

#[test]
fn more_blocks_than_fit_are_left_out() {
    let mut out = Vec::new();
    write::receiver_report(&mut out, 2, &[BLOCK; 40]);
    let [RtcpPacket::ReceiverReport { blocks, .. }] = &all(&out)[..] else { panic!("one report") };
    assert_eq!(blocks.clone().count(), MAX_REPORT_BLOCKS);
}

#[test]
fn malformed_packets_end_the_reading() {
    let mut out = Vec::new();
    write::picture_loss(&mut out, 1, 3);
    let good = out.len();
    write::receiver_report(&mut out, 2, &[BLOCK]);
    out[good] = 0x82;
    let read: Vec<_> = Packets::new(&out).collect();
    assert!(read[0].is_ok());
    assert!(read[1].is_err(), "two blocks announced, one there");
    assert_eq!(read.len(), 2);
    assert!(Packets::new(&out[..good - 1]).next().unwrap().is_err(), "length beyond the datagram");
    assert!(Packets::new(&[0x40, 201, 0, 0]).next().unwrap().is_err(), "version 1");
    assert!(Packets::new(&[0xa0, 204, 0, 0]).next().unwrap().is_err(), "padding of nothing");
}

#[test]
fn unknown_packets_are_stepped_over() {
    let mut out = vec![0x80, 207, 0, 1, 0, 0, 0, 1];
    write::picture_loss(&mut out, 1, 3);
    let packets = all(&out);
    assert!(matches!(packets[..], [RtcpPacket::Other { packet_type: 207 }, RtcpPacket::PictureLoss { .. }]));
}

#[test]
fn our_packets_are_what_another_implementation_reads() {
    use rtc_rtcp::goodbye::Goodbye;
    use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
    use rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
    use rtc_rtcp::receiver_report::ReceiverReport;
    use rtc_rtcp::sender_report::SenderReport;
    use rtc_rtcp::source_description::SourceDescription;
    use rtc_rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

    let info = SenderInfo { ssrc: 1, ntp: 0x0102_0304_0506_0708, rtp: 9, packets: 10, octets: 11 };
    let mut out = Vec::new();
    write::sender_report(&mut out, &info, &[ReportBlock { cumulative_lost: 3, ..BLOCK }]);
    write::source_description(&mut out, 1, b"names");
    write::receiver_report(&mut out, 2, &[]);
    write::nack(&mut out, 1, 2, [65_535, 0, 3, 40]);
    write::picture_loss(&mut out, 1, 3);
    write::remb(&mut out, 1, 1_500_000, &[8, 9]);
    write::goodbye(&mut out, &[5]);
    let read = rtc_rtcp::packet::unmarshal(&mut bytes::Bytes::from(out)).unwrap();
    let report = read[0].as_any().downcast_ref::<SenderReport>().unwrap();
    assert_eq!((report.ntp_time, report.rtp_time, report.reports[0].total_lost), (info.ntp, 9, 3));
    let description = read[1].as_any().downcast_ref::<SourceDescription>().unwrap();
    assert_eq!(&description.chunks[0].items[0].text[..], b"names");
    assert!(read[2].as_any().is::<ReceiverReport>());
    let nack = read[3].as_any().downcast_ref::<TransportLayerNack>().unwrap();
    let sequences: Vec<u16> = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
    assert_eq!(sequences, [65_535, 0, 3, 40]);
    assert!(read[4].as_any().is::<PictureLossIndication>());
    let remb = read[5].as_any().downcast_ref::<ReceiverEstimatedMaximumBitrate>().unwrap();
    assert_eq!((remb.bitrate, &remb.ssrcs[..]), (1_500_000.0, &[8, 9][..]));
    assert!(read[6].as_any().is::<Goodbye>());
}

proptest! {
    #[test]
    fn nacks_name_exactly_what_was_asked(mut sequences in prop::collection::vec(any::<u16>(), 0..60)) {
        sequences.sort_unstable();
        sequences.dedup();
        let mut out = Vec::new();
        write::nack(&mut out, 1, 2, sequences.iter().copied());
        let read: Vec<u16> = all(&out).into_iter().flat_map(|packet| match packet {
            RtcpPacket::Nack { sequences, .. } => sequences.collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(read, sequences);
    }

    #[test]
    fn estimates_keep_their_upper_18_bits(bitrate in any::<u64>()) {
        let mut out = Vec::new();
        write::remb(&mut out, 1, bitrate, &[]);
        let [RtcpPacket::Remb { bitrate_bps, .. }] = &all(&out)[..] else { panic!("one estimate") };
        prop_assert!(*bitrate_bps <= bitrate && bitrate - *bitrate_bps <= bitrate >> 17);
    }

    #[test]
    fn any_bytes_are_read_within_bounds(mut bytes in prop::collection::vec(any::<u8>(), 0..120), likely in any::<bool>()) {
        if likely && bytes.len() >= 4 {
            bytes[0] = bytes[0] & 0x1f | 0x80;
            bytes[1] = 200 + bytes[1] % 8;
            bytes[2] = 0;
            bytes[3] %= 30;
        }
        for packet in Packets::new(&bytes).flatten() {
            match packet {
                RtcpPacket::SenderReport { blocks, .. } | RtcpPacket::ReceiverReport { blocks, .. } => prop_assert!(blocks.count() <= 31),
                RtcpPacket::Nack { sequences, .. } => prop_assert!(sequences.count() <= 17 * 30),
                RtcpPacket::FullIntra { requests, .. } => prop_assert!(requests.count() < 30),
                RtcpPacket::Goodbye { ssrcs } => prop_assert!(ssrcs.count() <= 31),
                _ => {}
            }
        }
    }
}
