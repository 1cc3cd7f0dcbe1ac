//! Recorded descriptions with random damage: whatever comes out of the parser, nothing may panic, nothing may grow out of
//! proportion, and everything that we write must be readable.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use sfu_engine::api::{IceCredentials, MediaKind, SubscriptionId};
use sfu_engine::sdp::{
    AnswerInput, Answerer, Candidate, DEFAULT_CODECS, LocalTransport, MAX_SDP_BYTES, MAX_SECTIONS, Offerer,
    PendingPublication, RemoteDescription, WantedSubscription,
};

/// One of each: join offer, publishing offer with simulcast, Go's sendrecv offer, an answer.
fn seeds() -> Vec<String> {
    let texts = [
        include_str!("recorded/js-single.txt"),
        include_str!("recorded/py.txt"),
        include_str!("recorded/go-v0.txt"),
        include_str!("recorded/go-v1.txt"),
        include_str!("recorded/js-dual.txt"),
    ];
    let mut seeds = Vec::new();
    for text in texts {
        let described = text.split("\n@ ").map(|part| part.split_once('\n').map_or("", |(_, sdp)| sdp));
        let without_marks =
            |sdp: &str| sdp.lines().filter(|line| !line.starts_with('+')).collect::<Vec<_>>().join("\r\n");
        seeds.extend(described.map(without_marks).filter(|sdp| sdp.starts_with("v=0")).step_by(5));
    }
    seeds
}

#[derive(Clone, Debug)]
enum Damage {
    DropLine(usize),
    RepeatLine(usize, usize),
    SwapLines(usize, usize),
    SetByte(usize, u8),
    Number(usize, String),
    Cut(usize),
    Insert(usize, String),
}

fn damage() -> impl Strategy<Value = Damage> {
    let number = prop_oneof![
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("128".to_owned()),
        Just("255".to_owned()),
        Just("65536".to_owned()),
        Just("4294967296".to_owned()),
        Just("99999999999999999999999".to_owned()),
        any::<u8>().prop_map(|number| number.to_string()),
    ];
    let line = prop_oneof![
        Just("a=simulcast:send ;;,~;q;q;q".to_owned()),
        Just("a=rid:q send".to_owned()),
        Just("a=ssrc-group:SIM 1 2 3 4 5 6 7".to_owned()),
        Just("a=ssrc-group:FID 1 1".to_owned()),
        Just("a=rtpmap:96 opus/48000/2".to_owned()),
        Just("a=fmtp:96 apt=96".to_owned()),
        Just("a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid".to_owned()),
        Just("a=msid:".to_owned()),
        Just("a=bundle-only".to_owned()),
        Just("m=audio 0 UDP/TLS/RTP/SAVPF".to_owned()),
        Just("m=video 9 UDP/TLS/RTP/SAVPF 96".to_owned()),
        "[a-z]=[ -~]{0,40}",
        "a=[a-z]{1,12}:[ -~]{0,40}",
    ];
    prop_oneof![
        any::<usize>().prop_map(Damage::DropLine),
        (any::<usize>(), 1..40_usize).prop_map(|(line, times)| Damage::RepeatLine(line, times)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Damage::SwapLines(a, b)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::SetByte(at, byte)),
        (any::<usize>(), number).prop_map(|(line, number)| Damage::Number(line, number)),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), line).prop_map(|(at, line)| Damage::Insert(at, line)),
    ]
}

fn apply(text: &str, damages: &[Damage]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for damage in damages {
        let len = lines.len().max(1);
        match damage.clone() {
            Damage::DropLine(at) if !lines.is_empty() => drop(lines.remove(at % len)),
            Damage::RepeatLine(at, times) if !lines.is_empty() => {
                let line = lines[at % len].clone();
                lines.splice(at % len..at % len, std::iter::repeat_n(line, times));
            }
            Damage::SwapLines(a, b) if !lines.is_empty() => lines.swap(a % len, b % len),
            Damage::SetByte(at, byte) if !lines.is_empty() => {
                let mut bytes = lines[at % len].clone().into_bytes();
                let count = bytes.len().max(1);
                if let Some(target) = bytes.get_mut(at / 7 % count) {
                    *target = byte;
                }
                lines[at % len] = String::from_utf8_lossy(&bytes).into_owned();
            }
            Damage::Number(at, number) if !lines.is_empty() => {
                let line = &lines[at % len];
                let start = line.find(|c: char| c.is_ascii_digit()).unwrap_or(line.len());
                let end = line[start..].find(|c: char| !c.is_ascii_digit()).map_or(line.len(), |end| start + end);
                lines[at % len] = format!("{}{number}{}", &line[..start], &line[end..]);
            }
            Damage::Cut(at) => lines.truncate(at % len),
            Damage::Insert(at, line) => lines.insert(at % len, line),
            _ => {}
        }
    }
    lines.join("\r\n") + "\r\n"
}

fn local() -> LocalTransport {
    LocalTransport {
        ice: IceCredentials { ufrag: "local".to_owned(), pwd: "passwordpasswordpassword".to_owned() },
        fingerprint: ["AB"; 32].join(":"),
        candidates: vec![Candidate { ip: [127, 0, 0, 1].into(), port: 7882, tcp: true }],
        session_id: 1,
    }
}

fn subscriptions() -> Vec<WantedSubscription> {
    (0..4_u32)
        .map(|index| WantedSubscription {
            id: SubscriptionId(u64::from(index)),
            kind: if index % 2 == 0 { MediaKind::Audio } else { MediaKind::Video },
            stream: format!("PA_a|TR_{index}"),
            track: format!("TR_{index}"),
            ssrc: 100 + index,
            rtx_ssrc: Some(200 + index),
            codecs: Vec::new(),
            stereo: index == 2,
        })
        .collect()
}

fn answer(answerer: &mut Answerer, text: &str) {
    let Ok(offer) = RemoteDescription::parse(text) else { return };
    assert!(offer.sections.len() <= MAX_SECTIONS);
    let subscriptions = subscriptions();
    let publications = [PendingPublication {
        track: "TR_p".to_owned(),
        cids: vec!["cam".to_owned()],
        kind: MediaKind::Video,
        codec: None,
        stereo: false,
        dtx: false,
    }];
    let spare_ice = IceCredentials { ufrag: "spare".to_owned(), pwd: "passwordpasswordpassword".to_owned() };
    let input = AnswerInput { subscriptions: &subscriptions, publications: &publications, spare_ice: &spare_ice };
    let before = format!("{answerer:?}");
    let Ok(answer) = answerer.answer(&offer, input) else {
        assert_eq!(format!("{answerer:?}"), before, "a refused offer changes nothing");
        return;
    };
    assert!(answer.sdp.len() <= 2 * text.len() + 1_024 * (offer.sections.len() + 1), "{}", answer.sdp);
    assert!(answer.publications.iter().all(|p| (1..=3).contains(&p.encodings.len())));
    assert!(answer.receive.payload_types.iter().all(|pt| pt.pt < 128));
    // Every section declined means no transport; all others must be readable by anyone.
    if answer.sdp.contains("a=ice-ufrag") {
        let ours = RemoteDescription::parse(&answer.sdp).unwrap();
        let mids = |description: &RemoteDescription| {
            description.sections.iter().map(|section| section.mid.clone()).collect::<Vec<_>>()
        };
        assert_eq!(mids(&ours), mids(&offer));
    }
    answerer.requirement(&subscriptions);
    answerer.match_publication(&publications[0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_offers_and_answers_do_no_harm(
        seed in any::<prop::sample::Index>(),
        first in prop::collection::vec(damage(), 0..12),
        second in prop::collection::vec(damage(), 0..12),
    ) {
        let seeds = seeds();
        let text = &seeds[seed.index(seeds.len())];
        let mut answerer = Answerer::bidirectional(local(), &DEFAULT_CODECS);
        answer(&mut answerer, &apply(text, &first));
        answer(&mut answerer, &apply(text, &second));
        answer(&mut answerer, text);

        let mut offerer = Offerer::new(local(), &DEFAULT_CODECS);
        offerer.set_subscriptions(&subscriptions()[..2]);
        let offer = offerer.negotiate_if_needed().unwrap();
        let reply = offer.sdp.replace("actpass", "active").replace("sendonly", "recvonly");
        for text in [apply(text, &first), apply(&reply, &second), reply] {
            if let Ok(description) = RemoteDescription::parse(&text) {
                let _ = offerer.handle_answer(0, &description);
            }
        }
        offerer.set_subscriptions(&subscriptions());
        prop_assert!(offerer.negotiate_if_needed().is_some());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,400}", lines in prop::collection::vec("[a-z]=\\PC{0,60}", 0..60)) {
        let _ = RemoteDescription::parse(&text);
        let _ = RemoteDescription::parse(&format!("v=0\n{}", lines.join("\n")));
    }
}

#[test]
fn huge_descriptions_are_refused_or_answered_quickly() {
    let head = "v=0\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:sha-256 ".to_owned() + &["AB"; 32].join(":") + "\n";
    let bundle = |count: usize| format!("a=group:BUNDLE {}\n", (0..count).map(|m| format!("{m} ")).collect::<String>());
    let section = |mid: usize| {
        format!("m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:{mid}\na=recvonly\na=rtcp-mux\na=rtpmap:96 VP8/90000\n")
    };
    let many = head.clone() + &bundle(MAX_SECTIONS) + &(0..MAX_SECTIONS).map(section).collect::<String>();
    let one = head.clone() + &bundle(1) + &section(0);
    let worst = [
        many,
        one.clone() + &"a=ssrc-group:FID 1 2 3 4 5 6 7 8 9\na=rid:q send\n".repeat(500),
        one.clone() + &(0..1_000).map(|ssrc| format!("a=ssrc-group:FID {ssrc} {}\n", ssrc + 1)).collect::<String>(),
        one.clone() + &(0..1_000).map(|ssrc| format!("a=ssrc:{ssrc} cname:x\n")).collect::<String>(),
        one.clone() + "a=simulcast:send " + &"q;".repeat(300_000),
        one.clone() + "a=ssrc-group:SIM " + &"1 ".repeat(300_000),
        one + &format!("m=audio 9 UDP/TLS/RTP/SAVPF {}\n", "96 ".repeat(200_000)),
        head + &"a=x\n".repeat(250_000),
    ];
    for text in worst {
        let mut answerer = Answerer::bidirectional(local(), &DEFAULT_CODECS);
        answer(&mut answerer, &text);
        answer(&mut answerer, &text);
    }
    assert!(RemoteDescription::parse(&"x".repeat(MAX_SDP_BYTES + 1)).is_err());
}
