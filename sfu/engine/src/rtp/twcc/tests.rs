use bytes::Bytes;
use proptest::prelude::*;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::PacketStatusChunk;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::SymbolTypeTcc;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc_shared::marshal::Unmarshal;

use super::*;

fn origin() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the origin of virtual time")]
    Instant::now()
}

/// What a feedback packet says, read by another implementation: (sequence, arrival in µs) of what was received, and the
/// count of numbers spoken of.
fn decode(raw: &[u8]) -> (Vec<(u16, i64)>, u16, TransportLayerCc) {
    let feedback = TransportLayerCc::unmarshal(&mut Bytes::copy_from_slice(raw)).unwrap();
    let mut symbols = Vec::new();
    for chunk in &feedback.packet_chunks {
        match chunk {
            PacketStatusChunk::RunLengthChunk(run) => {
                symbols.extend(std::iter::repeat_n(run.packet_status_symbol, usize::from(run.run_length)));
            }
            PacketStatusChunk::StatusVectorChunk(vector) => symbols.extend(vector.symbol_list.iter().copied()),
        }
    }
    symbols.truncate(usize::from(feedback.packet_status_count));
    assert_eq!(symbols.len(), usize::from(feedback.packet_status_count));
    let mut deltas = feedback.recv_deltas.iter();
    let mut at = i64::from(feedback.reference_time) * 64_000;
    let mut received = Vec::new();
    for (i, symbol) in symbols.iter().enumerate() {
        if *symbol != SymbolTypeTcc::PacketNotReceived {
            at += deltas.next().unwrap().delta;
            received.push((feedback.base_sequence_number.wrapping_add(i as u16), at));
        }
    }
    assert!(deltas.next().is_none());
    (received, feedback.packet_status_count, feedback)
}

fn feedbacks(recorder: &mut TwccRecorder) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut out = Vec::new();
        let more = recorder.build_feedback(11, 22, &mut out);
        if !out.is_empty() {
            assert!(out.len() < 1_200, "fits a datagram");
            all.push(out);
        }
        if !more {
            return all;
        }
        assert!(all.len() < 3_000);
    }
}

#[test]
fn arrivals_are_told_in_quarters_of_a_millisecond() {
    let (t, mut recorder) = (origin(), TwccRecorder::new());
    for (sequence, us) in [(10, 0), (11, 1_000), (13, 90_000), (12, 80_000)] {
        recorder.record(sequence, t + Duration::from_micros(us));
    }
    let all = feedbacks(&mut recorder);
    let (received, count, feedback) = decode(&all[0]);
    assert_eq!(received, [(10, 0), (11, 1_000), (12, 80_000), (13, 90_000)]);
    assert_eq!((count, feedback.sender_ssrc, feedback.media_ssrc, feedback.fb_pkt_count), (4, 11, 22, 0));
    assert_eq!(all.len(), 1);
    assert!(!recorder.is_pending());
    assert!(feedbacks(&mut recorder).is_empty());
}

#[test]
fn losses_between_feedbacks_are_told_and_latecomers_again() {
    let (t, mut recorder) = (origin(), TwccRecorder::new());
    recorder.record(65_534, t);
    assert_eq!(decode(&feedbacks(&mut recorder)[0]).0, [(65_534, 0)]);
    recorder.record(1, t + Duration::from_millis(50));
    let (received, count, feedback) = decode(&feedbacks(&mut recorder)[0]);
    assert_eq!((feedback.base_sequence_number, count, received), (65_535, 3, vec![(1, 50_000)]));
    recorder.record(65_535, t + Duration::from_millis(60));
    let (received, _, feedback) = decode(&feedbacks(&mut recorder)[0]);
    assert_eq!(received, [(65_535, 60_000), (1, 50_000)], "the late one, and what was told after it again");
    assert_eq!(feedback.fb_pkt_count, 2);
}

#[test]
fn a_long_silence_starts_another_packet() {
    let (t, mut recorder) = (origin(), TwccRecorder::new());
    recorder.record(1, t);
    recorder.record(2, t + Duration::from_secs(20));
    let all: Vec<_> = feedbacks(&mut recorder).iter().map(|raw| decode(raw).0).collect();
    assert_eq!(all, [vec![(1, 0)], vec![(2, 20_000_000)]]);
}

#[test]
fn a_jump_beyond_the_window_forgets_what_was_before() {
    let (t, mut recorder) = (origin(), TwccRecorder::new());
    recorder.record(1, t);
    recorder.record(10_000, t + Duration::from_millis(10));
    let told: Vec<_> = feedbacks(&mut recorder).iter().flat_map(|raw| decode(raw).0).collect();
    assert_eq!(told, [(10_000, 10_000)]);
}

#[test]
fn a_gap_longer_than_a_packet_ends() {
    let (t, mut recorder) = (origin(), TwccRecorder::new());
    recorder.record(1, t);
    feedbacks(&mut recorder);
    recorder.record(1_500, t + Duration::from_millis(10));
    let (received, count, _) = decode(&feedbacks(&mut recorder)[0]);
    assert_eq!((received, u64::from(count)), (vec![(1_500, 10_000)], MAX_LEADING + 1));
}

proptest! {
    /// Everything recorded within the window is told with its time, whatever the order, loss, spacing and feedback times.
    #[test]
    fn feedback_tells_all_that_arrived(
        first in any::<u16>(),
        packets in prop::collection::vec((1_u16..12, 0_u64..40_000, 0_u8..20, any::<bool>()), 1..600),
    ) {
        let (t, mut recorder) = (origin(), TwccRecorder::new());
        let (mut sequence, mut us) = (first, 0_u64);
        let (mut held, mut epoch) = (None::<u16>, None::<u64>);
        let mut expected = std::collections::BTreeMap::new();
        let mut told = std::collections::BTreeMap::new();
        for (step, wait, kind, flush) in packets {
            sequence = sequence.wrapping_add(if step > 8 { step } else { 1 });
            us += wait / 10 * if kind == 19 { 500 } else { 1 };
            let now = t + Duration::from_micros(us);
            if kind == 0 && held.is_none() {
                held = Some(sequence);
                continue;
            }
            recorder.record(sequence, now);
            // Times count from the first packet.
            let epoch = *epoch.get_or_insert(us);
            let at = (us - epoch) as i64 / 250 * 250;
            expected.insert(sequence, at);
            if let Some(late) = held.take_if(|_| kind == 1).filter(|late| sequence.wrapping_sub(*late) < 2_000) {
                recorder.record(late, now);
                expected.insert(late, at);
            }
            if flush {
                for raw in feedbacks(&mut recorder) {
                    told.extend(decode(&raw).0);
                }
            }
        }
        for raw in feedbacks(&mut recorder) {
            told.extend(decode(&raw).0);
        }
        prop_assert_eq!(told, expected);
    }
}
