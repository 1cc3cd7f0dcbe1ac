use super::super::fixture::{Part, Text, credentials, has, local, offer, part, pending, section_lines, wanted};
use super::super::{AnswerInput, DEFAULT_CODECS};
use super::*;
use crate::api::MediaKind::{Audio, Video};

fn single() -> Answerer {
    Answerer::bidirectional(local(), &DEFAULT_CODECS)
}

fn answer(
    answerer: &mut Answerer,
    parts: &[Part],
    subscriptions: &[WantedSubscription],
    publications: &[PendingPublication],
) -> Answer {
    let spare_ice = credentials("spare");
    answerer.answer(&offer(parts), AnswerInput { subscriptions, publications, spare_ice: &spare_ice }).unwrap()
}

fn mids(answer: &Answer) -> Vec<(u64, &str)> {
    answer.subscriptions.iter().map(|bound| (bound.id.0, bound.mid.as_str())).collect()
}

fn direction(answer: &Answer, mid: &str) -> Direction {
    RemoteDescription::parse(&answer.sdp).unwrap().section(mid).unwrap().direction
}

fn first_offer() -> Vec<Part> {
    vec![part("audio", "7", "recvonly"), part("video", "8", "recvonly"), part("application", "9", "sendrecv")]
}

#[test]
fn a_subscription_takes_a_free_section_of_its_kind() {
    let mut answerer = single();
    let wanted = [wanted(1, Video), wanted(2, Audio), wanted(3, Video), wanted(4, Video)];
    let first = answer(&mut answerer, &first_offer(), &wanted, &[]);
    assert_eq!(mids(&first), [(2, "7"), (1, "8")]);
    assert_eq!(first.mid_to_track_id, [("7".to_owned(), "TR_2".to_owned()), ("8".to_owned(), "TR_1".to_owned())]);
    assert_eq!(first.missing, Some(SectionsRequirement { audio: 0, video: 2 }));
    for line in ["a=sendonly", "a=msid:PA_a|TR_1 TR_1", "a=ssrc-group:FID 1001 2001", "a=ssrc:2001 cname:PA_a|TR_1"] {
        assert!(has(&first.sdp, "8", line), "{line}");
    }
    assert!(has(&first.sdp, "9", "a=sctp-port:5000") && has(&first.sdp, "9", "a=max-message-size:262144"));

    let mut parts = first_offer();
    parts.extend([part("video", "10", "recvonly"), part("video", "11", "recvonly")]);
    let second = answer(&mut answerer, &parts, &wanted, &[]);
    assert_eq!(mids(&second), [(2, "7"), (1, "8"), (3, "10"), (4, "11")]);
    assert_eq!(second.missing, None);
    assert_eq!(answerer.requirement(&wanted), None);
}

#[test]
fn the_head_says_lite_bundle_passive_and_where_we_are() {
    let first = answer(&mut single(), &first_offer(), &[], &[]);
    assert!(first.sdp.contains("a=ice-lite\r\n") && first.sdp.contains("a=group:BUNDLE 7 8 9\r\n"));
    assert_eq!(first.role, DtlsRole::Server);
    for mid in ["7", "8", "9"] {
        assert!(has(&first.sdp, mid, "a=setup:passive"));
    }
    assert_eq!(first.sdp.matches("a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host\r\n").count(), 1);
    assert_eq!(first.sdp.matches("a=end-of-candidates").count(), 1);
    assert!(has(&first.sdp, "7", "a=end-of-candidates"));
}

#[test]
fn the_client_decides_the_role_only_by_insisting() {
    for (setup, role, written) in [
        ("actpass", DtlsRole::Server, "a=setup:passive"),
        ("active", DtlsRole::Server, "a=setup:passive"),
        ("passive", DtlsRole::Client, "a=setup:active"),
    ] {
        let mut answerer = single();
        let text = Text { setup, ..Text::default() };
        let input = AnswerInput { subscriptions: &[], publications: &[], spare_ice: &credentials("spare") };
        let first = answerer.answer(&text.parse(&first_offer()), input).unwrap();
        assert_eq!((first.role, has(&first.sdp, "7", written)), (role, true), "{setup}");
        // The role stays, whatever later offers say.
        let later = answerer.answer(&offer(&first_offer()), input).unwrap();
        assert_eq!((later.role, has(&later.sdp, "7", written)), (role, true), "{setup}");
    }
}

#[test]
fn a_released_section_is_inactive_and_then_used_again() {
    let mut answerer = single();
    answer(&mut answerer, &first_offer(), &[wanted(1, Audio)], &[]);
    assert_eq!(answerer.requirement(&[]), Some(SectionsRequirement::default()));
    let released = answer(&mut answerer, &first_offer(), &[], &[]);
    assert_eq!(direction(&released, "7"), Direction::Inactive);
    assert_eq!(direction(&released, "8"), Direction::SendOnly);
    assert_eq!(answerer.requirement(&[wanted(2, Audio)]), Some(SectionsRequirement::default()));
    let again = answer(&mut answerer, &first_offer(), &[wanted(2, Audio)], &[]);
    assert_eq!((mids(&again), direction(&again, "7")), (vec![(2, "7")], Direction::SendOnly));
}

#[test]
fn a_section_changes_its_stream_in_one_step_only_if_none_is_free() {
    let mut answerer = single();
    let two = [part("audio", "0", "recvonly"), part("audio", "1", "recvonly")];
    answer(&mut answerer, &two, &[wanted(1, Audio)], &[]);
    let replaced = answer(&mut answerer, &two, &[wanted(2, Audio)], &[]);
    assert_eq!(mids(&replaced), [(2, "1")]);
    let both = answer(&mut answerer, &two, &[wanted(3, Audio), wanted(4, Audio)], &[]);
    assert_eq!(mids(&both), [(3, "0"), (4, "1")]);
}

#[test]
fn what_is_missing_is_counted_beyond_the_free_sections() {
    let mut answerer = single();
    let all: Vec<WantedSubscription> = (1..=5).map(|id| wanted(id, Audio)).collect();
    assert_eq!(answerer.requirement(&all), None, "nothing was offered yet");
    answer(&mut answerer, &[part("audio", "0", "recvonly"), part("audio", "1", "recvonly")], &all[..1], &[]);
    assert_eq!(answerer.requirement(&all[..2]), Some(SectionsRequirement::default()));
    assert_eq!(answerer.requirement(&all), Some(SectionsRequirement { audio: 3, video: 0 }));
}

#[test]
fn both_directions_of_a_section_are_independent() {
    let mut answerer = single();
    let sending = || part("audio", "0", "sendrecv").with("msid:s mic").with("ssrc:5 cname:s");
    let microphone = [pending("TR_mic", "mic", Audio)];
    // The client turns an offered section into sendrecv to publish: nothing new is sent there.
    let both = answer(&mut answerer, &[sending()], &[wanted(1, Audio)], &microphone);
    assert_eq!(direction(&both, "0"), Direction::SendRecv);
    assert_eq!(both.publications[0].track.as_deref(), Some("TR_mic"));
    assert_eq!(both.missing, Some(SectionsRequirement { audio: 1, video: 0 }));
    // Not even after it stopped publishing.
    let stopped = answer(&mut answerer, &[part("audio", "0", "recvonly")], &[wanted(1, Audio)], &[]);
    assert_eq!((direction(&stopped, "0"), stopped.subscriptions.len()), (Direction::Inactive, 0));
    assert_eq!(stopped.ended, [EndedPublication { mid: "0".to_owned(), track: Some("TR_mic".to_owned()) }]);

    // But a subscription that was there first stays.
    let mut answerer = single();
    answer(&mut answerer, &[part("audio", "0", "recvonly")], &[wanted(1, Audio)], &[]);
    let joined = answer(&mut answerer, &[sending()], &[wanted(1, Audio)], &microphone);
    assert_eq!((mids(&joined), direction(&joined, "0")), (vec![(1, "0")], Direction::SendRecv));
    assert_eq!(joined.publications.len(), 1);
}

#[test]
fn a_publisher_connection_never_sends() {
    let mut answerer = Answerer::publish_only(local(), &DEFAULT_CODECS);
    let section = part("audio", "0", "sendrecv").with("msid:s mic");
    let first = answer(&mut answerer, &[section], &[wanted(1, Audio)], &[]);
    assert_eq!(direction(&first, "0"), Direction::RecvOnly);
    assert!(first.subscriptions.is_empty() && first.missing.is_none());
    assert_eq!(answerer.requirement(&[wanted(1, Audio)]), None);
}

#[test]
fn announced_tracks_find_their_sections() {
    let mut answerer = single();
    let parts = || {
        [
            part("video", "0", "sendonly").with("msid:s camera"),
            part("video", "1", "sendonly").with("msid:s screen"),
            part("audio", "2", "sendonly").with("msid:- renamed"),
        ]
    };
    let announced = [pending("TR_mic", "mic", Audio), pending("TR_screen", "screen", Video)];
    let first = answer(&mut answerer, &parts(), &[], &announced);
    let tracks: Vec<Option<&str>> = first.publications.iter().map(|p| p.track.as_deref()).collect();
    // The microphone by its kind; the camera waits: the announced screen is somebody else's.
    assert_eq!(tracks, [None, Some("TR_screen"), Some("TR_mic")]);
    assert_eq!(first.publications[2].cid, "renamed");

    assert_eq!(answerer.match_publication(&pending("TR_x", "x", Audio)), None);
    let late = answerer.match_publication(&pending("TR_camera", "camera", Video)).unwrap();
    assert_eq!((late.mid.as_str(), late.track.as_deref()), ("0", Some("TR_camera")));
    let second = answer(&mut answerer, &parts(), &[], &[]);
    assert!(second.publications.iter().all(|publication| publication.track.is_some()) && second.ended.is_empty());
}

#[test]
fn a_section_taken_over_by_another_track_ends_the_first() {
    let mut answerer = single();
    let sends = |cid: &str| [part("audio", "0", "sendonly").with(&format!("msid:s {cid}"))];
    answer(&mut answerer, &sends("one"), &[], &[pending("TR_1", "one", Audio)]);
    let unknown = answer(&mut answerer, &sends("other"), &[], &[]);
    assert_eq!(unknown.publications[0].track.as_deref(), Some("TR_1"), "the client's id may change");
    let second = answer(&mut answerer, &sends("two"), &[], &[pending("TR_2", "two", Audio)]);
    assert_eq!(second.ended[0].track.as_deref(), Some("TR_1"));
    assert_eq!(second.publications[0].track.as_deref(), Some("TR_2"));
    // Announced anew under the same client id: its track was taken away meanwhile.
    let third = answer(&mut answerer, &sends("two"), &[], &[pending("TR_3", "two", Audio)]);
    assert_eq!(third.ended[0].track.as_deref(), Some("TR_2"));
    assert_eq!(third.publications[0].track.as_deref(), Some("TR_3"));
}

#[test]
fn simulcast_is_answered_and_starts_fast() {
    let section = part("video", "0", "sendonly").with("msid:s cam").with("rid:f send").with("rid:h send");
    let section = section.with("rid:q send").with("simulcast:send f;h;q");
    let first = answer(&mut single(), &[section], &[], &[]);
    let rids: Vec<_> =
        first.publications[0].encodings.iter().map(|encoding| encoding.rid.as_deref().unwrap()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    for line in ["a=rid:f recv", "a=rid:q recv", "a=simulcast:recv f;h;q", "a=fmtp:96 x-google-start-bitrate=2500"] {
        assert!(has(&first.sdp, "0", line), "{line}");
    }
    let plain = answer(&mut single(), &[part("video", "0", "sendonly")], &[], &[]);
    assert!(!plain.sdp.contains("x-google") && !plain.sdp.contains("simulcast"));
}

#[test]
fn layers_are_known_by_ssrc_where_the_client_writes_them() {
    let section =
        part("video", "0", "sendonly").with("ssrc-group:FID 10 11").with("ssrc:10 cname:x").with("ssrc:11 cname:x");
    let first = answer(&mut single(), &[section], &[], &[]);
    assert_eq!(first.publications[0].encodings, [Encoding { rid: None, ssrc: Some(10), rtx_ssrc: Some(11) }]);

    let mut section = part("video", "0", "sendonly").with("rid:q send").with("rid:h send").with("simulcast:send q;h");
    for (ssrc, rtx) in [(20, 21), (30, 31)] {
        section = section.with(&format!("ssrc-group:FID {ssrc} {rtx}"));
        section = section.with(&format!("ssrc:{ssrc} cname:x")).with(&format!("ssrc:{rtx} cname:x"));
    }
    let first = answer(&mut single(), &[section], &[], &[]);
    let encodings = &first.publications[0].encodings;
    assert_eq!(encodings[1], Encoding { rid: Some("h".to_owned()), ssrc: Some(30), rtx_ssrc: Some(31) });
}

#[test]
fn the_declared_codec_is_answered_first_and_stays_first() {
    let mut answerer = single();
    let sends = || [part("video", "0", "sendonly").with("msid:s cam")];
    let camera = PendingPublication { codec: Some(Codec::H264), ..pending("TR_1", "cam", Video) };
    for announced in [&[camera][..], &[]] {
        let answered = answer(&mut answerer, &sends(), &[], announced);
        assert!(section_lines(&answered.sdp, "0")[0].ends_with(" 102 108 109 96 97"), "{}", answered.sdp);
        assert_eq!(answered.publications[0].codecs, [Codec::H264, Codec::Vp8]);
    }
}

#[test]
fn opus_is_tuned_by_what_was_announced() {
    let sends = || [part("audio", "0", "sendonly").with("msid:s mic")];
    let fmtp = |track: PendingPublication| {
        let answered = answer(&mut single(), &sends(), &[], &[track]);
        let lines = section_lines(&answered.sdp, "0");
        lines.into_iter().find_map(|line| line.strip_prefix("a=fmtp:111 ")).unwrap().to_owned()
    };
    let mono = pending("TR_1", "mic", Audio);
    let music = PendingPublication { stereo: true, dtx: false, ..mono.clone() };
    assert_eq!(fmtp(mono), "minptime=10;useinbandfec=1;usedtx=1");
    assert_eq!(fmtp(music), "minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000");
    let stereo = WantedSubscription { stereo: true, ..wanted(1, Audio) };
    let answered = answer(&mut single(), &[part("audio", "0", "recvonly")], &[stereo], &[]);
    assert!(has(&answered.sdp, "0", "a=fmtp:111 minptime=10;useinbandfec=1;sprop-stereo=1"));
}

#[test]
fn codecs_feedback_and_extensions_are_what_we_serve() {
    let first = answer(&mut single(), &first_offer(), &[], &[]);
    assert!(section_lines(&first.sdp, "7")[0].ends_with(" 111"), "no RED");
    assert!(!first.sdp.contains("a=rtcp-fb:111 nack") && has(&first.sdp, "7", "a=rtcp-fb:111 transport-cc"));
    for line in ["transport-cc", "nack", "nack pli", "ccm fir"] {
        assert!(has(&first.sdp, "8", &format!("a=rtcp-fb:96 {line}")), "{line}");
    }
    assert!(!first.sdp.contains("goog-remb") && !first.sdp.contains("abs-send-time"));
    assert_eq!((first.receive.extensions.transport_cc, first.receive.extensions.audio_level), (Some(3), Some(1)));
    assert_eq!(first.send_extensions.mid, Some(4));
    let types: Vec<(u8, Option<u8>)> = first.receive.payload_types.iter().map(|pt| (pt.pt, pt.rtx_pt)).collect();
    assert_eq!(types, [(111, None), (96, Some(97)), (102, None), (108, Some(109))]);

    let old = Text::default().of(&first_offer()).replace("a=rtcp-fb:* transport-cc\r\n", "");
    let old = RemoteDescription::parse(&old.replace("a=rtcp-fb:111 transport-cc\r\n", "")).unwrap();
    let input = AnswerInput { subscriptions: &[], publications: &[], spare_ice: &credentials("spare") };
    let remb = single().answer(&old, input).unwrap();
    assert!(has(&remb.sdp, "8", "a=rtcp-fb:96 goog-remb"));
    assert_eq!((remb.send_extensions.transport_cc, remb.send_extensions.abs_send_time), (None, Some(2)));
}

#[test]
fn a_subscription_gets_one_payload_type_per_codec() {
    let h264 = WantedSubscription { codecs: vec![Codec::H264], ..wanted(1, Video) };
    let first = answer(&mut single(), &first_offer(), &[h264], &[]);
    let types = &first.subscriptions[0].payload_types;
    assert_eq!(types.iter().map(|pt| (pt.pt, pt.codec)).collect::<Vec<_>>(), [(108, Codec::H264)]);
    assert!(first.subscriptions[0].rtx);
    let av1 = WantedSubscription { codecs: vec![Codec::Av1], ..wanted(1, Video) };
    let refused = answer(&mut single(), &first_offer(), std::slice::from_ref(&av1), &[]);
    assert_eq!((refused.unsupported, refused.missing), (vec![SubscriptionId(1)], None));
}

#[test]
fn a_payload_type_or_extension_id_means_one_thing_in_a_bundle() {
    let clash = part("video", "1", "sendonly").with("extmap:1 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id");
    let text = Text::default().of(&[part("audio", "0", "sendonly"), clash]).replace("96", "111");
    let input = AnswerInput { subscriptions: &[], publications: &[], spare_ice: &credentials("spare") };
    let first = single().answer(&RemoteDescription::parse(&text).unwrap(), input).unwrap();
    assert!(!first.sdp.contains("a=rtpmap:111 VP8") && has(&first.sdp, "1", "a=rtpmap:108 H264/90000"));
    assert_eq!((first.receive.extensions.audio_level, first.receive.extensions.repaired_rid), (Some(1), None));
}

#[test]
fn an_ice_restart_takes_the_spare_credentials() {
    let mut answerer = single();
    assert_eq!(answer(&mut answerer, &first_offer(), &[], &[]).restart, None);
    let input = AnswerInput { subscriptions: &[], publications: &[], spare_ice: &credentials("spare") };
    let restarted = Text { ufrag: "again", ..Text::default() }.parse(&first_offer());
    let answered = answerer.answer(&restarted, input).unwrap();
    let expected = IceRestart { local: credentials("spare"), remote_ice: restarted.ice.clone() };
    assert_eq!(answered.restart, Some(expected));
    assert!(has(&answered.sdp, "7", "a=ice-ufrag:spare"));
    assert_eq!(answerer.answer(&restarted, input).unwrap().restart, None);
    assert_eq!(answerer.local().ice, credentials("spare"));
}

#[test]
fn an_offer_that_cannot_be_answered_changes_nothing() {
    let mut answerer = single();
    let before = answer(&mut answerer, &first_offer(), &[wanted(1, Audio)], &[]);
    let input = AnswerInput { subscriptions: &[wanted(1, Audio)], publications: &[], spare_ice: &credentials("spare") };
    let stranger =
        Text { fingerprint: format!("sha-256 FF{}", &super::super::fixture::FINGERPRINT[2..]), ..Text::default() };
    assert_eq!(answerer.answer(&stranger.parse(&first_offer()), input), Err(SdpError::FingerprintChanged));
    let fewer = Text { ufrag: "again", ..Text::default() }.parse(&first_offer()[..2]);
    assert_eq!(answerer.answer(&fewer, input), Err(SdpError::SectionsRemoved { before: 3, now: 2 }));
    let mut other = first_offer();
    other.swap(0, 1);
    assert_eq!(answerer.answer(&offer(&other), input), Err(SdpError::SectionMismatch(0)));
    let after = answer(&mut answerer, &first_offer(), &[wanted(1, Audio)], &[]);
    assert_eq!((after.subscriptions, after.restart), (before.subscriptions, None));
    assert!(after.sdp.contains("o=- 1 2 IN"), "failed offers do not count");
}

#[test]
fn a_stopped_section_is_declined_and_may_be_recycled() {
    let mut answerer = single();
    answer(&mut answerer, &[part("audio", "0", "recvonly"), part("audio", "1", "recvonly")], &[wanted(1, Audio)], &[]);
    let stopped = [part("audio", "0", "inactive").rejected(), part("audio", "1", "recvonly")];
    let moved = answer(&mut answerer, &stopped, &[wanted(1, Audio)], &[]);
    assert_eq!(mids(&moved), [(1, "1")]);
    assert!(moved.sdp.contains("m=audio 0 UDP/TLS/RTP/SAVPF 63\r\n") && moved.sdp.contains("a=group:BUNDLE 1\r\n"));
    assert!(has(&moved.sdp, "1", "a=end-of-candidates"), "candidates go where the bundle starts");
    let recycled = [part("video", "2", "recvonly"), part("audio", "1", "recvonly")];
    let reused = answer(&mut answerer, &recycled, &[wanted(1, Audio), wanted(2, Video)], &[]);
    assert_eq!(mids(&reused), [(2, "2"), (1, "1")]);
}
