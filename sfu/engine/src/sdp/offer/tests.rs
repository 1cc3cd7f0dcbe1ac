use super::super::DEFAULT_CODECS;
use super::super::fixture::{Part, Text, credentials, has, local, part, section_lines, wanted};
use super::*;
use crate::api::MediaKind::{Audio, Video};

fn offerer() -> Offerer {
    Offerer::new(local(), &DEFAULT_CODECS)
}

fn reply(parts: &[Part]) -> RemoteDescription {
    Text { setup: "active", ..Text::default() }.parse(parts)
}

/// What a client answers to a text of ours: it receives whatever is sent.
fn accept(offer: &Offer) -> RemoteDescription {
    let text = offer.sdp.replace("a=setup:actpass", "a=setup:active").replace("a=sendonly", "a=recvonly");
    RemoteDescription::parse(&text).unwrap()
}

fn exchange(offerer: &mut Offerer) -> AnswerOutcome {
    let offer = offerer.negotiate_if_needed().unwrap();
    offerer.handle_answer(offer.id, &accept(&offer)).unwrap()
}

fn mids(outcome: &AnswerOutcome) -> Vec<(u64, &str)> {
    outcome.subscriptions.iter().map(|bound| (bound.id.0, bound.mid.as_str())).collect()
}

#[test]
fn the_first_offer_has_data_channels_and_what_is_there() {
    let mut offerer = offerer();
    offerer.set_subscriptions(&[wanted(1, Audio), wanted(2, Video)]);
    let offer = offerer.negotiate_if_needed().unwrap();
    assert_eq!(offer.id, 1);
    assert!(offer.sdp.contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(offer.sdp.contains("a=group:BUNDLE 0 1 2\r\n") && has(&offer.sdp, "0", "a=end-of-candidates"));
    for line in ["a=sendonly", "a=setup:actpass", "a=msid:PA_a|TR_2 TR_2", "a=ssrc-group:FID 1002 2002", "a=rtcp-rsize"]
    {
        assert!(has(&offer.sdp, "2", line), "{line}");
    }
    assert!(section_lines(&offer.sdp, "2")[0].ends_with(" 96 97 108 109 125 126"));
    assert_eq!(offer.mid_to_track_id, [("1".to_owned(), "TR_1".to_owned()), ("2".to_owned(), "TR_2".to_owned())]);
    let outcome = offerer.handle_answer(1, &accept(&offer)).unwrap();
    assert_eq!((outcome.role, mids(&outcome)), (DtlsRole::Server, vec![(1, "1"), (2, "2")]));
    assert_eq!(outcome.send_extensions.mid, Some(1));
    assert!(!outcome.negotiate_again && offerer.negotiate_if_needed().is_none());
}

#[test]
fn offers_never_overlap() {
    let mut offerer = offerer();
    let first = offerer.negotiate_if_needed().unwrap();
    offerer.set_subscriptions(&[wanted(1, Audio)]);
    assert_eq!(offerer.negotiate_if_needed(), None);
    assert!(matches!(
        offerer.handle_answer(2, &accept(&first)),
        Err(SdpError::UnexpectedAnswer { got: 2, want: Some(1) })
    ));
    let outcome = offerer.handle_answer(0, &accept(&first)).unwrap();
    assert!(outcome.negotiate_again);
    assert!(matches!(
        offerer.handle_answer(0, &accept(&first)),
        Err(SdpError::UnexpectedAnswer { got: 0, want: None })
    ));
    let second = offerer.negotiate_if_needed().unwrap();
    assert_eq!(second.id, 2);
    assert!(second.sdp.contains("o=- 1 2 IN"));
}

#[test]
fn a_released_section_is_inactive_and_then_used_again() {
    let mut offerer = offerer();
    offerer.set_subscriptions(&[wanted(1, Audio), wanted(2, Audio)]);
    exchange(&mut offerer);
    // Released and wanted in one step: the new one gets a section of its own.
    offerer.set_subscriptions(&[wanted(2, Audio), wanted(3, Audio)]);
    let offer = offerer.negotiate_if_needed().unwrap();
    assert!(has(&offer.sdp, "1", "a=inactive") && !section_lines(&offer.sdp, "1").iter().any(|l| l.contains("a=ssrc")));
    let outcome = offerer.handle_answer(offer.id, &accept(&offer)).unwrap();
    assert_eq!(mids(&outcome), [(2, "2"), (3, "3")]);
    offerer.set_subscriptions(&[wanted(2, Audio), wanted(3, Audio), wanted(4, Video), wanted(5, Audio)]);
    assert_eq!(mids(&exchange(&mut offerer)), [(5, "1"), (2, "2"), (3, "3"), (4, "4")]);
}

#[test]
fn what_is_no_longer_wanted_is_not_bound() {
    let mut offerer = offerer();
    offerer.set_subscriptions(&[wanted(1, Audio)]);
    let offer = offerer.negotiate_if_needed().unwrap();
    offerer.set_subscriptions(&[]);
    let outcome = offerer.handle_answer(offer.id, &accept(&offer)).unwrap();
    assert!(outcome.subscriptions.is_empty() && outcome.refused.is_empty() && outcome.negotiate_again);
    let offer = offerer.negotiate_if_needed().unwrap();
    assert!(has(&offer.sdp, "1", "a=inactive") && offer.mid_to_track_id.is_empty());
}

#[test]
fn a_subscription_offers_its_publications_codecs() {
    let mut offerer = offerer();
    offerer.set_subscriptions(&[WantedSubscription { codecs: vec![Codec::H264], ..wanted(1, Video) }]);
    let offer = offerer.negotiate_if_needed().unwrap();
    assert!(section_lines(&offer.sdp, "1")[0].ends_with(" 108 109 125 126"));
    // A client that takes only packetization mode 0.
    let text = offer.sdp.replace("a=setup:actpass", "a=setup:active").replace("a=sendonly", "a=recvonly");
    let text = text.replace(" 108 109 125 126", " 125 126");
    let outcome = offerer.handle_answer(0, &RemoteDescription::parse(&text).unwrap()).unwrap();
    assert_eq!(outcome.subscriptions[0].payload_types.iter().map(|pt| pt.pt).collect::<Vec<_>>(), [125]);
}

#[test]
fn a_refused_subscription_is_reported_once_and_not_offered_again() {
    for refuse in [("a=sendonly", "a=inactive"), ("m=video 9", "m=video 0"), ("VP8", "AV1"), ("H264", "H265")] {
        let mut offerer = offerer();
        let only = match refuse.0 {
            "VP8" => vec![Codec::Vp8],
            _ => vec![Codec::H264],
        };
        offerer.set_subscriptions(&[WantedSubscription { codecs: only, ..wanted(1, Video) }]);
        let offer = offerer.negotiate_if_needed().unwrap();
        let text = offer.sdp.replace("a=setup:actpass", "a=setup:active").replace(refuse.0, refuse.1);
        let answer = RemoteDescription::parse(&text.replace("a=sendonly", "a=recvonly")).unwrap();
        let outcome = offerer.handle_answer(0, &answer).unwrap();
        assert_eq!(outcome.refused, [SubscriptionId(1)], "{refuse:?}");
        assert!(!outcome.negotiate_again && offerer.negotiate_if_needed().is_none(), "{refuse:?}");
        // A new subscription is tried again, in another m-line if that one was stopped.
        offerer.set_subscriptions(&[wanted(1, Video), wanted(2, Video)]);
        let offer = offerer.negotiate_if_needed().unwrap();
        let mid = if refuse.0 == "m=video 9" { "2" } else { "1" };
        assert!(has(&offer.sdp, mid, "a=msid:PA_a|TR_2 TR_2"), "{refuse:?}");
    }
}

#[test]
fn a_restart_brings_new_credentials_with_the_next_offer() {
    let mut offerer = offerer();
    let first = offerer.negotiate_if_needed().unwrap();
    offerer.restart(credentials("fresh"));
    assert_eq!(offerer.local().ice, local().ice, "the open offer still counts");
    let outcome = offerer.handle_answer(0, &accept(&first)).unwrap();
    assert_eq!((outcome.restarted, outcome.negotiate_again), (None, true));
    let second = offerer.negotiate_if_needed().unwrap();
    assert!(has(&second.sdp, "0", "a=ice-ufrag:fresh"));
    assert_eq!(offerer.handle_answer(2, &accept(&second)).unwrap().restarted, Some(credentials("fresh")));
    assert_eq!(offerer.negotiate_if_needed(), None);
}

#[test]
fn an_answer_that_does_not_fit_leaves_the_offer_open() {
    let mut offerer = offerer();
    let offer = offerer.negotiate_if_needed().unwrap();
    let two = reply(&[part("application", "0", "sendrecv"), part("audio", "1", "recvonly")]);
    assert_eq!(offerer.handle_answer(0, &two), Err(SdpError::SectionMismatch(1)));
    let other = reply(&[part("application", "x", "sendrecv")]);
    assert_eq!(offerer.handle_answer(0, &other), Err(SdpError::SectionMismatch(0)));
    let undecided = Text::default().parse(&[part("application", "0", "sendrecv")]);
    assert_eq!(offerer.handle_answer(0, &undecided), Err(SdpError::UndecidedRole));
    assert_eq!(offerer.handle_answer(0, &accept(&offer)).unwrap().role, DtlsRole::Server);
}

#[test]
fn an_answer_decides_the_role_once() {
    let mut offerer = offerer();
    let offer = offerer.negotiate_if_needed().unwrap();
    let passive = RemoteDescription::parse(&offer.sdp.replace("actpass", "passive")).unwrap();
    assert_eq!(offerer.handle_answer(0, &passive).unwrap().role, DtlsRole::Client);
    offerer.set_subscriptions(&[wanted(1, Audio)]);
    assert_eq!(exchange(&mut offerer).role, DtlsRole::Client);
}

#[test]
fn m_lines_are_bounded() {
    let mut offerer = offerer();
    let all: Vec<WantedSubscription> = (0..600).map(|id| wanted(id, Audio)).collect();
    offerer.set_subscriptions(&all);
    let outcome = exchange(&mut offerer);
    assert_eq!((outcome.subscriptions.len(), outcome.refused.len()), (383, 217));
    assert!(!outcome.negotiate_again && offerer.negotiate_if_needed().is_none());
    // Room is made: the left-out ones follow.
    offerer.set_subscriptions(&all[300..]);
    exchange(&mut offerer);
    let outcome = exchange(&mut offerer);
    assert_eq!((outcome.subscriptions.len(), outcome.refused.len()), (300, 0));
}
