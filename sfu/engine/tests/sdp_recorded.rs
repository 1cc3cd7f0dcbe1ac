//! Every offer and answer of recorded sessions between unmodified LiveKit clients and a livekit-server: we must be able to
//! answer each offer, and our answer must have the structure of the recorded one, except where we differ on purpose.
//!
//! On purpose: DTLS role, candidates and ICE-lite, no RED, no PCM, transport-wide congestion control also for audio and
//! then no absolute send time, and every H.264 profile that was offered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sfu_engine::api::{Codec, DtlsRole, IceCredentials, MediaKind, SubscriptionId};
use sfu_engine::sdp::{
    AnswerInput, Answerer, DEFAULT_CODECS, Direction, Kind, LocalTransport, Offerer, PendingPublication,
    RemoteDescription, RemoteSection, WantedSubscription,
};

const FILES: [(&str, &str); 5] = [
    ("js-single", include_str!("recorded/js-single.txt")),
    ("js-dual", include_str!("recorded/js-dual.txt")),
    ("py", include_str!("recorded/py.txt")),
    ("go-v0", include_str!("recorded/go-v0.txt")),
    ("go-v1", include_str!("recorded/go-v1.txt")),
];

const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";

#[derive(Debug)]
enum Recorded {
    Description {
        at: String,
        connection: u32,
        from_client: bool,
        offer: bool,
        mids: Vec<(String, String)>,
        sdp: String,
    },
    Announced {
        connection: u32,
        pending: PendingPublication,
    },
}

/// `@ <ms> <connection> c>s|s>c offer|answer <id> <mid>=<track>,…` before each text, `+ …` for each announced track.
fn read(text: &str) -> Vec<Recorded> {
    let mut all = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match (line.chars().next(), &words[..]) {
            (Some('@'), [_, ms, connection, dir, kind, id, mids]) => {
                let pairs = mids.split(',').filter_map(|pair| pair.split_once('='));
                all.push(Recorded::Description {
                    at: format!("{ms} {kind} {id}"),
                    connection: connection.parse().unwrap(),
                    from_client: *dir == "c>s",
                    offer: *kind == "offer",
                    mids: pairs.map(|(mid, track)| (mid.to_owned(), track.to_owned())).collect(),
                    sdp: String::new(),
                });
            }
            (Some('+'), [_, connection, track, kind, cids, codec, channels, dtx]) => all.push(Recorded::Announced {
                connection: connection.parse().unwrap(),
                pending: PendingPublication {
                    track: (*track).to_owned(),
                    cids: cids.split(',').map(str::to_owned).collect(),
                    kind: if *kind == "audio" { MediaKind::Audio } else { MediaKind::Video },
                    codec: codec.to_ascii_lowercase().ends_with("vp8").then_some(Codec::Vp8),
                    stereo: *channels == "stereo",
                    dtx: *dtx == "dtx",
                },
            }),
            _ => match all.iter_mut().rev().find_map(|r| match r {
                Recorded::Description { sdp, .. } => Some(sdp),
                Recorded::Announced { .. } => None,
            }) {
                Some(sdp) => {
                    sdp.push_str(line);
                    sdp.push_str("\r\n");
                }
                None => panic!("text before the first description: {line}"),
            },
        }
    }
    all
}

fn local(name: &str) -> LocalTransport {
    LocalTransport {
        ice: IceCredentials { ufrag: format!("u{name}"), pwd: "pwdpwdpwdpwdpwdpwdpwdpwd".to_owned() },
        fingerprint: ["AB"; 32].join(":"),
        candidates: vec![sfu_engine::sdp::Candidate { ip: [127, 0, 0, 1].into(), port: 7882, tcp: false }],
        session_id: 7,
    }
}

fn wanted(mid_kind: Kind, track: &str, id: u64) -> WantedSubscription {
    WantedSubscription {
        id: SubscriptionId(id),
        kind: mid_kind.media().unwrap(),
        stream: format!("PA_x|{track}"),
        track: track.to_owned(),
        ssrc: 1_000 + u32::try_from(id).unwrap(),
        rtx_ssrc: (mid_kind == Kind::Video).then_some(2_000 + u32::try_from(id).unwrap()),
        codecs: Vec::new(),
        stereo: false,
    }
}

/// A text of ours must be read alike by our parser and by an independent one.
fn read_back(sdp: &str) -> RemoteDescription {
    let independent = rtc_sdp::SessionDescription::unmarshal(&mut std::io::Cursor::new(sdp.as_bytes())).unwrap();
    let ours = RemoteDescription::parse(sdp).unwrap();
    assert_eq!(independent.media_descriptions.len(), ours.sections.len());
    for (media, section) in independent.media_descriptions.iter().zip(&ours.sections) {
        assert_eq!(media.attribute("mid").flatten(), Some(section.mid.as_str()));
        assert!(media.attribute(section.direction.as_str()).is_some() || section.kind == Kind::Application);
    }
    ours
}

fn payload_types(section: &RemoteSection, name: &str) -> BTreeSet<(u8, Option<u8>)> {
    let rtx = |pt: u8| section.codecs.iter().find(|codec| codec.apt() == Some(pt)).map(|codec| codec.pt);
    let named = section.codecs.iter().filter(|codec| codec.name.eq_ignore_ascii_case(name));
    named.map(|codec| (codec.pt, rtx(codec.pt))).collect()
}

fn extensions(section: &RemoteSection) -> BTreeMap<&str, u8> {
    section.extensions.iter().map(|extension| (extension.uri.as_str(), extension.id)).collect()
}

fn rids(sdp: &str) -> Vec<String> {
    let lines = sdp.lines().filter(|line| line.starts_with("a=rid:") || line.starts_with("a=simulcast:"));
    lines.map(str::to_owned).collect()
}

/// What our answer must share with the recorded one.
fn compare(at: &str, offer: &RemoteDescription, ours: &RemoteDescription, recorded: &RemoteDescription) {
    assert_eq!(ours.sections.len(), recorded.sections.len(), "{at}");
    for ((ours, theirs), offered) in ours.sections.iter().zip(&recorded.sections).zip(&offer.sections) {
        let at = format!("{at}, mid {}", theirs.mid);
        assert_eq!((&ours.mid, ours.kind), (&theirs.mid, theirs.kind), "{at}");
        assert_eq!((ours.rejected, ours.bundled), (theirs.rejected, theirs.bundled), "{at}");
        assert_eq!(ours.direction, theirs.direction, "{at}");
        assert_eq!(ours.msid.as_ref().map(|m| &m.1), theirs.msid.as_ref().map(|m| &m.1), "{at}");
        assert_eq!(ours.ssrcs.len(), theirs.ssrcs.len(), "{at}");
        assert_eq!(ours.ssrc_groups.len(), theirs.ssrc_groups.len(), "{at}");
        assert_eq!(ours.sctp_port, theirs.sctp_port, "{at}");
        for name in ["opus", "VP8"] {
            assert_eq!(payload_types(ours, name), payload_types(theirs, name), "{at}, {name}");
        }
        let h264 = payload_types(ours, "H264");
        assert!(h264.is_superset(&payload_types(theirs, "H264")), "{at}");
        assert!(h264.is_subset(&payload_types(offered, "H264")), "{at}");
        for declined in ["red", "ulpfec", "flexfec-03", "PCMU", "VP9", "AV1"] {
            assert!(payload_types(ours, declined).is_empty(), "{at}, {declined}");
        }
        for codec in ours.codecs.iter().filter(|codec| codec.name == "opus") {
            let reference = theirs.codecs.iter().find(|known| known.pt == codec.pt).unwrap();
            assert_eq!(codec.fmtp, reference.fmtp, "{at}");
        }
        let (mine, mut reference) = (extensions(ours), extensions(theirs));
        if let Some(id) = extensions(offered).get(TRANSPORT_CC) {
            assert_eq!(mine.get(TRANSPORT_CC), Some(id), "{at}");
            reference.insert(TRANSPORT_CC, *id);
            reference.remove(ABS_SEND_TIME);
        }
        assert_eq!(mine, reference, "{at}");
    }
}

#[test]
fn recorded_offers_get_the_recorded_answers() {
    for (file, text) in FILES {
        let single = file.contains("single") || file == "py" || file == "go-v1";
        let mut pending: HashMap<u32, Vec<PendingPublication>> = HashMap::new();
        let mut connections: HashMap<[u8; 32], Answerer> = HashMap::new();
        let mut open: HashMap<u32, RemoteDescription> = HashMap::new();
        let mut ids: HashMap<([u8; 32], String), u64> = HashMap::new();
        let (mut answered, mut published) = (0, BTreeSet::new());
        for (index, recorded) in read(text).into_iter().enumerate() {
            let (at, connection, offer, mids, sdp) = match recorded {
                Recorded::Announced { connection, pending: new } => {
                    pending.entry(connection).or_default().push(new);
                    continue;
                }
                Recorded::Description { at, connection, from_client: true, offer: true, sdp, .. } => {
                    open.insert(
                        connection,
                        RemoteDescription::parse(&sdp).unwrap_or_else(|e| panic!("{file} {at}: {e}")),
                    );
                    continue;
                }
                Recorded::Description { at, connection, from_client: false, offer: false, mids, sdp } => {
                    (at, connection, open.remove(&connection).unwrap(), mids, sdp)
                }
                Recorded::Description { sdp, .. } => {
                    RemoteDescription::parse(&sdp).unwrap();
                    continue;
                }
            };
            let at = format!("{file} {at}");
            let reference = RemoteDescription::parse(&sdp).unwrap();
            let fingerprint = offer.fingerprint;
            let answerer = connections.entry(fingerprint).or_insert_with(|| {
                let local = local(&index.to_string());
                match single {
                    true => Answerer::bidirectional(local, &DEFAULT_CODECS),
                    false => Answerer::publish_only(local, &DEFAULT_CODECS),
                }
            });
            let subscriptions: Vec<WantedSubscription> = mids
                .iter()
                .map(|(mid, track)| {
                    let next = ids.len() as u64;
                    let id = *ids.entry((fingerprint, track.clone())).or_insert(next);
                    wanted(reference.section(mid).unwrap().kind, track, id)
                })
                .collect();
            let spare = IceCredentials { ufrag: format!("r{index}"), pwd: "restartrestartrestartrest".to_owned() };
            let input = AnswerInput {
                subscriptions: &subscriptions,
                publications: pending.get(&connection).map_or(&[], Vec::as_slice),
                spare_ice: &spare,
            };
            let answer = answerer.answer(&offer, input).unwrap_or_else(|error| panic!("{at}: {error}"));
            let ours = read_back(&answer.sdp);
            compare(&at, &offer, &ours, &reference);
            assert_eq!(rids(&answer.sdp), rids(&sdp.replace("\r\n", "\n")), "{at}");
            assert_eq!(answer.mid_to_track_id, mids, "{at}");
            assert_eq!(answer.role, DtlsRole::Server, "{at}");
            assert_eq!(ours.setup, sfu_engine::sdp::Setup::Passive, "{at}");
            assert!(answer.missing.is_none() && answer.unsupported.is_empty(), "{at}");
            assert_eq!(answerer.requirement(&subscriptions), None, "{at}");
            for subscription in &answer.subscriptions {
                assert!(!subscription.payload_types.is_empty(), "{at}");
                let video = ours.section(&subscription.mid).unwrap().kind == Kind::Video;
                assert_eq!(subscription.rtx, video, "{at}");
            }
            for publication in &answer.publications {
                let track = publication.track.clone().unwrap_or_else(|| panic!("{at}: {publication:?}"));
                let layers = if publication.kind == MediaKind::Video { 3 } else { 1 };
                assert_eq!(publication.encodings.len(), layers, "{at}");
                if let Some(waiting) = pending.get_mut(&connection) {
                    waiting.retain(|waiting| waiting.track != track);
                }
                published.insert(track);
            }
            for ended in &answer.ended {
                assert!(ended.track.is_some(), "{at}");
            }
            answered += 1;
        }
        let announced = read(text).iter().filter(|r| matches!(r, Recorded::Announced { .. })).count();
        assert_eq!(published.len(), announced, "{file}: every announced track found its section");
        let server_answers =
            |r: &&Recorded| matches!(r, Recorded::Description { from_client: false, offer: false, .. });
        assert_eq!(answered, read(text).iter().filter(server_answers).count(), "{file}");
    }
}

#[test]
fn recorded_answers_fit_our_offers() {
    let mut fitted = 0;
    for (file, text) in FILES {
        // The recorded server's offers had the same payload types and order of sections as ours.
        let mut offerers: HashMap<[u8; 32], Offerer> = HashMap::new();
        let mut last: HashMap<u32, Vec<(String, String)>> = HashMap::new();
        let mut kinds: HashMap<String, Kind> = HashMap::new();
        let mut ids: HashMap<String, u64> = HashMap::new();
        for recorded in read(text) {
            let Recorded::Description { at, connection, from_client, offer, mids, sdp } = recorded else { continue };
            let description = RemoteDescription::parse(&sdp).unwrap();
            if !from_client && offer {
                for (mid, track) in &mids {
                    kinds.insert(track.clone(), description.section(mid).unwrap().kind);
                }
                last.insert(connection, mids);
            } else if from_client && !offer {
                let at = format!("{file} {at}");
                let offerer = offerers
                    .entry(description.fingerprint)
                    .or_insert_with(|| Offerer::new(local("offerer"), &DEFAULT_CODECS));
                let tracks = last.get(&connection).unwrap();
                let subscriptions: Vec<WantedSubscription> = tracks
                    .iter()
                    .map(|(_, track)| {
                        let next = ids.len() as u64;
                        wanted(kinds[track], track, *ids.entry(track.clone()).or_insert(next))
                    })
                    .collect();
                offerer.set_subscriptions(&subscriptions);
                let Some(offer) = offerer.negotiate_if_needed() else {
                    continue;
                };
                let ours = read_back(&offer.sdp);
                assert_eq!(ours.sections.len(), description.sections.len(), "{at}");
                assert_eq!(&offer.mid_to_track_id, tracks, "{at}");
                for section in ours.sections.iter().skip(1) {
                    let carried = tracks.iter().any(|(mid, _)| *mid == section.mid);
                    let expected = if carried { Direction::SendOnly } else { Direction::Inactive };
                    assert_eq!(section.direction, expected, "{at}");
                }
                let outcome = offerer.handle_answer(0, &description).unwrap();
                assert_eq!(outcome.role, DtlsRole::Server, "{at}");
                assert!(outcome.refused.is_empty() && !outcome.negotiate_again, "{at}: {outcome:?}");
                assert_eq!(outcome.subscriptions.len(), subscriptions.len(), "{at}");
                for bound in &outcome.subscriptions {
                    let video = description.section(&bound.mid).unwrap().kind == Kind::Video;
                    let expected: &[u8] = if video { &[96, 108] } else { &[111] };
                    assert_eq!(bound.payload_types.iter().map(|p| p.pt).collect::<Vec<_>>(), expected, "{at}");
                    assert_eq!(bound.rtx, video, "{at}");
                }
                fitted += 1;
            }
        }
    }
    assert!(fitted >= 12, "{fitted}");
}
