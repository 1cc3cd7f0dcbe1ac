//! Publishing and subscribing, as far as signaling goes, on both kinds of clients.
#![allow(deprecated, reason = "older clients still read and write the deprecated fields of the protocol")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]

mod support;

use signaling_proto::proto;
use signaling_proto::proto::TrackSource;
use signaling_proto::proto::TrackType;
use signaling_proto::proto::client_info::Sdk;
use signaling_proto::proto::request_response::Reason;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::token::VideoGrant;
use support::*;

fn camera(cid: &str) -> proto::AddTrackRequest {
    let layer = |quality: proto::VideoQuality, width, height| proto::VideoLayer {
        quality: quality as i32,
        width,
        height,
        ..proto::VideoLayer::default()
    };
    proto::AddTrackRequest {
        cid: cid.to_owned(),
        r#type: TrackType::Video as i32,
        source: TrackSource::Camera as i32,
        width: 1280,
        height: 720,
        layers: vec![
            layer(proto::VideoQuality::Low, 320, 180),
            layer(proto::VideoQuality::Medium, 640, 360),
            layer(proto::VideoQuality::High, 1280, 720),
        ],
        simulcast_codecs: vec![proto::SimulcastCodec {
            codec: "vp8".to_owned(),
            cid: cid.to_owned(),
            ..proto::SimulcastCodec::default()
        }],
        ..proto::AddTrackRequest::default()
    }
}

fn microphone(cid: &str) -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: cid.to_owned(),
        source: TrackSource::Microphone as i32,
        ..proto::AddTrackRequest::default()
    }
}

const SINGLE: [Section<'static>; 3] = [Section::Receive("audio"), Section::Receive("video"), Section::Data];

async fn answer_of(client: &mut Client, id: u32) -> proto::SessionDescription {
    client
        .wait("answer", |m| if let Response::Answer(a) = m { Some(a.clone()).filter(|a| a.id == id) } else { None })
        .await
}

async fn server_offer(client: &mut Client) -> proto::SessionDescription {
    client.wait("offer", |m| if let Response::Offer(o) = m { Some(o.clone()) } else { None }).await
}

/// Turns the server's offer into a client's answer: same sections, opposite direction.
fn answer_to(offer: &proto::SessionDescription) -> Request {
    let fingerprint = format!("a=fingerprint:sha-256 {}\r\n", ["9F"; 32].join(":"));
    let mut sdp = String::new();
    for line in offer.sdp.split("\r\n").filter(|line| !line.is_empty()) {
        let line = match line {
            "a=setup:actpass" => "a=setup:active",
            "a=sendonly" => "a=recvonly",
            "a=ice-lite" => continue,
            line if line.starts_with("a=fingerprint") || line.starts_with("a=ssrc") || line.starts_with("a=msid") => {
                continue;
            }
            line if line.starts_with("a=candidate") || line.starts_with("a=end-of") => continue,
            line if line.starts_with("a=ice-ufrag") => "a=ice-ufrag:abcd",
            line if line.starts_with("a=ice-pwd") => "a=ice-pwd:abcdefghijklmnopqrstuvwx",
            line => line,
        };
        sdp += &format!("{line}\r\n");
        if line.starts_with("a=setup") {
            sdp += &fingerprint;
        }
    }
    Request::Answer(proto::SessionDescription { r#type: "answer".to_owned(), sdp, id: offer.id, ..Default::default() })
}

#[tokio::test]
async fn a_camera_is_published_and_reaches_a_dual_subscriber() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    let mut bob = node.join("room", "bob").await;
    let first = server_offer(&mut bob).await;
    bob.send(answer_to(&first)).await;

    let track = alice.add_track(camera("cam")).await;
    assert!(track.sid.starts_with("TR_VC"));
    assert_eq!((track.mid.as_str(), track.stream.as_str()), ("", "camera"));
    let answer = alice.offer(1, offer(&[Section::Data, Section::Camera("cam")])).await;
    assert!(answer.sdp.contains("a=recvonly") && answer.sdp.contains("a=setup:passive"), "{}", answer.sdp);
    let seen = bob.wait_for_participant("alice", |info| !info.tracks.is_empty()).await;
    assert!(seen.is_publisher);
    let info = &seen.tracks[0];
    assert_eq!((info.sid.as_str(), info.mid.as_str(), info.mime_type.as_str()), (track.sid.as_str(), "1", "video/VP8"));
    assert_eq!(
        info.layers.iter().map(|l| (l.rid.as_str(), l.spatial_layer)).collect::<Vec<_>>(),
        [("q", 0), ("h", 1), ("f", 2)]
    );
    let second = server_offer(&mut bob).await;
    assert!(second.id > first.id);
    assert_eq!(second.mid_to_track_id.values().collect::<Vec<_>>(), [&track.sid]);
    assert!(second.sdp.contains(&format!("{}|{}", alice.sid(), track.sid)), "{}", second.sdp);
    bob.send(answer_to(&second)).await;
    let subscribed = alice
        .wait(
            "track_subscribed",
            |m| if let Response::TrackSubscribed(t) = m { Some(t.track_sid.clone()) } else { None },
        )
        .await;
    assert_eq!(subscribed, track.sid);
    let quality = alice
        .wait("subscribed_quality_update", |m| {
            if let Response::SubscribedQualityUpdate(u) = m { Some(u.clone()) } else { None }
        })
        .await;
    assert_eq!(quality.subscribed_codecs[0].codec, "vp8");
    assert!(quality.subscribed_codecs[0].qualities.iter().all(|q| q.enabled));

    alice.send(Request::Mute(proto::MuteTrackRequest { sid: track.sid.clone(), muted: true })).await;
    bob.wait_for_participant("alice", |info| info.tracks.iter().any(|t| t.muted)).await;
    let answer = alice.offer(2, offer(&[Section::Data, Section::Stopped("video", "cam")])).await;
    assert!(answer.sdp.contains("a=inactive"));
    let seen = bob.wait_for_participant("alice", |info| info.tracks.is_empty()).await;
    assert!(seen.version > 2);
    let third = server_offer(&mut bob).await;
    assert!(third.mid_to_track_id.is_empty());
    assert!(third.sdp.contains("a=inactive"));
}

#[tokio::test]
async fn the_offer_may_come_before_the_announcement() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    let track = alice.add_track(microphone("mic")).await;
    let own = alice.wait_for_participant("alice", |info| !info.tracks.is_empty()).await;
    assert_eq!((own.tracks[0].sid.as_str(), own.tracks[0].mid.as_str()), (track.sid.as_str(), "1"));
    assert_eq!(own.tracks[0].mime_type, "audio/opus");
}

#[tokio::test]
async fn a_single_connection_is_bound_in_its_first_answer_or_asked_for_an_offer() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    alice.add_track(microphone("mic")).await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    let mic = alice.wait_for_participant("alice", |info| info.tracks.len() == 1).await.tracks[0].sid.clone();

    let mut bob = node.join_single("room", "bob", &SINGLE).await;
    assert!(!bob.join.subscriber_primary);
    let answer = answer_of(&mut bob, 1).await;
    assert_eq!(answer.mid_to_track_id.get("0"), Some(&mic));
    assert!(answer.sdp.contains(&format!("{}|{mic}", alice.sid())));

    // Two cameras more, and one free section: one to add.
    alice.add_track(camera("cam1")).await;
    alice.add_track(camera("cam2")).await;
    alice
        .offer(2, offer(&[Section::Data, Section::Microphone("mic"), Section::Camera("cam1"), Section::Camera("cam2")]))
        .await;
    let required =
        bob.wait("requirement", |m| if let Response::MediaSectionsRequirement(r) = m { Some(*r) } else { None }).await;
    assert_eq!((required.num_audios, required.num_videos), (0, 1));
    let mut sections = SINGLE.to_vec();
    sections.push(Section::Receive("video"));
    let answer = bob.offer(2, offer(&sections)).await;
    assert_eq!(answer.mid_to_track_id.len(), 3, "{:?}", answer.mid_to_track_id);
}

#[tokio::test]
async fn a_go_client_hears_the_answer_to_its_join_once_it_gathers() {
    const HELD: std::time::Duration = std::time::Duration::from_millis(100);
    let node = start().await;
    // Who never gathers hears it all the same, later.
    let begin = std::time::Instant::now();
    let mut silent = node.join_single_as(Sdk::Go, "room", "silent", &SINGLE).await;
    answer_of(&mut silent, 1).await;
    assert!(begin.elapsed() >= HELD);

    // On a busy machine one round may take that long by itself, ten do not.
    let mut fastest = HELD;
    for round in 0..10 {
        let mut client = node.join_single_as(Sdk::Go, "room", &format!("go{round}"), &SINGLE).await;
        let begin = std::time::Instant::now();
        client.send(Request::Trickle(proto::TrickleRequest::default())).await;
        answer_of(&mut client, 1).await;
        fastest = fastest.min(begin.elapsed());
    }
    assert!(fastest < HELD / 2, "{fastest:?}");
}

#[tokio::test]
async fn a_client_without_the_right_is_refused_with_its_request() {
    let node = start().await;
    let grant = VideoGrant { can_publish_sources: vec!["microphone".to_owned()], ..VideoGrant::join("room") };
    let token = token_with((KEY, SECRET), "alice", grant);
    let mut alice = Client::connect(node.address, "/rtc", &token).await.unwrap();
    alice.add_track(microphone("mic")).await;
    alice.send(Request::AddTrack(camera("cam"))).await;
    let refused =
        alice.wait("refusal", |m| if let Response::RequestResponse(r) = m { Some(r.clone()) } else { None }).await;
    assert_eq!(refused.reason(), Reason::NotAllowed);
    let Some(proto::request_response::Request::AddTrack(echo)) = refused.request else { panic!("no echo") };
    assert_eq!(echo.cid, "cam");
}

#[tokio::test]
async fn the_same_cid_waits_for_its_predecessor() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    let first = alice.add_track(microphone("mic")).await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    alice.send(Request::AddTrack(microphone("mic"))).await;
    let queued =
        alice.wait("queued", |m| if let Response::RequestResponse(r) = m { Some(r.clone()) } else { None }).await;
    assert_eq!(queued.reason(), Reason::Queued);
    alice.offer(2, offer(&[Section::Data, Section::Stopped("audio", "mic")])).await;
    let second =
        alice.wait("second", |m| if let Response::TrackPublished(t) = m { t.track.clone() } else { None }).await;
    assert_ne!(first.sid, second.sid);
}

#[tokio::test]
async fn a_lost_right_takes_the_track_away() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    let mut bob = node.join("room", "bob").await;
    let track = alice.add_track(microphone("mic")).await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    bob.wait_for_participant("alice", |info| info.tracks.len() == 1).await;
    let request = serde_json::json!({
        "room": "room", "identity": "alice", "permission": {"canSubscribe": true, "canPublish": false, "canPublishData": false}
    });
    let (status, info) = node.call("UpdateParticipant", &admin_token("room"), request).await;
    assert_eq!((status, info["permission"]["can_publish"].as_bool()), (200, Some(false)));
    let sid = alice
        .wait(
            "track_unpublished",
            |m| if let Response::TrackUnpublished(t) = m { Some(t.track_sid.clone()) } else { None },
        )
        .await;
    assert_eq!(sid, track.sid);
    bob.wait_for_participant("alice", |info| info.tracks.is_empty() && !info.permission.clone().unwrap().can_publish)
        .await;
}

#[tokio::test]
async fn subscriptions_follow_choice_and_permission() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    let mut bob = Client::connect(node.address, "/rtc?auto_subscribe=0", &join_token("room", "bob")).await.unwrap();
    let first = server_offer(&mut bob).await;
    bob.send(answer_to(&first)).await;
    let track = alice.add_track(microphone("mic")).await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    bob.wait_for_participant("alice", |info| info.tracks.len() == 1).await;
    let choose = |subscribe| {
        Request::Subscription(proto::UpdateSubscription {
            track_sids: vec![track.sid.clone()],
            subscribe,
            ..proto::UpdateSubscription::default()
        })
    };
    bob.send(choose(true)).await;
    let offer = server_offer(&mut bob).await;
    assert_eq!(offer.mid_to_track_id.len(), 1);
    bob.send(answer_to(&offer)).await;
    alice.send(Request::SubscriptionPermission(proto::SubscriptionPermission::default())).await;
    let told = bob
        .wait("permission", |m| match m {
            Response::SubscriptionPermissionUpdate(u) if !u.allowed => Some(u.clone()),
            _ => None,
        })
        .await;
    assert_eq!((told.participant_sid.as_str(), told.track_sid.as_str()), (alice.sid(), track.sid.as_str()));
    let offer = server_offer(&mut bob).await;
    assert!(offer.mid_to_track_id.is_empty());
}

#[tokio::test]
async fn own_metadata_is_confirmed_after_the_update() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    alice.drain().await;
    let change = |request_id, value: &str| {
        Request::UpdateMetadata(proto::UpdateParticipantMetadata {
            metadata: "m".to_owned(),
            name: "Alice".to_owned(),
            attributes: [("hand".to_owned(), value.to_owned())].into(),
            request_id,
        })
    };
    alice.send(change(1, "up")).await;
    let messages = alice.drain().await;
    let kinds: Vec<_> = messages
        .iter()
        .filter_map(|m| match m {
            Response::Update(_) => Some("update"),
            Response::RefreshToken(_) => Some("refresh_token"),
            Response::RequestResponse(r) if r.request_id == 1 && r.reason() == Reason::Ok => Some("request_response"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["update", "refresh_token", "request_response"]);
    alice.send(change(2, "")).await;
    let info = alice.wait_for_participant("alice", |info| info.attributes.is_empty()).await;
    assert_eq!((info.name.as_str(), info.metadata.as_str()), ("Alice", "m"));
}

#[tokio::test]
async fn a_description_that_cannot_be_used_leads_to_a_reconnect() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    alice
        .send(Request::Offer(proto::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: "v=0\r\n".repeat(200_000),
            id: 1,
            ..proto::SessionDescription::default()
        }))
        .await;
    let leave = alice.wait("leave", |m| if let Response::Leave(l) = m { Some(l.clone()) } else { None }).await;
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
}
