//! Joining: the first messages, who hears of whom, and every way to be refused.
#![allow(deprecated, reason = "older clients still read and write the deprecated fields of the protocol")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]

mod support;

use std::time::Duration;

use signaling_proto::proto;
use signaling_proto::proto::DisconnectReason;
use signaling_proto::proto::leave_request::Action;
use signaling_proto::proto::participant_info::State;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::token;
use signaling_proto::token::AccessToken;
use signaling_proto::token::VideoGrant;
use support::*;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_join_has_what_clients_cannot_do_without() {
    let node = start().await;
    let mut client = node.join("room", "alice").await;
    let join = client.join.clone();
    let room = join.room.clone().unwrap();
    assert!(room.sid.starts_with("RM_"));
    assert_eq!((room.name.as_str(), room.empty_timeout, room.departure_timeout), ("room", 300, 20));
    assert_eq!(room.turn_password, "");
    let me = join.participant.clone().unwrap();
    assert!(me.sid.starts_with("PA_"));
    assert_eq!((me.identity.as_str(), me.name.as_str(), me.version), ("alice", "alice", 0));
    assert!(me.permission.unwrap().can_publish);
    let server = join.server_info.unwrap();
    assert_eq!((server.version.as_str(), server.protocol, server.agent_protocol), ("1.13.3", 17, 1));
    assert!(server.node_id.starts_with("ND_"));
    assert_eq!(join.server_version, "1.13.3");
    assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
    assert!(join.subscriber_primary && join.fast_publish);
    assert_eq!(join.enabled_publish_codecs[0].mime, "video/VP8");
    assert!(join.ice_servers.is_empty());

    let refreshed =
        client.wait("refresh_token", |m| if let Response::RefreshToken(t) = m { Some(t.clone()) } else { None }).await;
    let keys = token::KeyStore::with_key(KEY, SECRET);
    let claims = token::verify(&refreshed, &keys, signaling_proto::unix_now()).unwrap();
    assert_eq!(claims.identity(), "alice");
    assert!(claims.exp.unwrap() >= signaling_proto::unix_now() + 590);
    let offer = client.wait("offer", |m| if let Response::Offer(o) = m { Some(o.clone()) } else { None }).await;
    assert!(offer.id > 0 && offer.sdp.contains("webrtc-datachannel"));
    assert!(!offer.sdp.contains("a=candidate") || offer.sdp.contains("127.0.0.1"));
    let own = client.wait_for_participant("alice", |info| info.state == State::Joined as i32).await;
    assert!(own.version > 0);
}

#[tokio::test]
async fn pings_are_answered_in_both_forms() {
    let node = start().await;
    let mut client = node.join("room", "alice").await;
    client.send(Request::Ping(5)).await;
    client.send(Request::PingReq(proto::Ping { timestamp: 77, rtt: 0 })).await;
    let unix_ms = client.wait("pong", |m| if let Response::Pong(ms) = m { Some(*ms) } else { None }).await;
    assert!(unix_ms > 1_700_000_000_000);
    let pong = client.wait("pong_resp", |m| if let Response::PongResp(p) = m { Some(*p) } else { None }).await;
    assert_eq!(pong.last_ping_timestamp, 77);
}

#[tokio::test]
async fn the_others_hear_of_a_join_and_of_a_leave() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    let mut bob = node.join("room", "bob").await;
    assert_eq!(bob.join.other_participants[0].identity, "alice");
    let seen = alice.wait_for_participant("bob", |_| true).await;
    assert_eq!(seen.sid, bob.sid());
    bob.send(Request::Leave(proto::LeaveRequest::default())).await;
    let Some(Response::Leave(leave)) = bob.last_words().await else { panic!("no leave") };
    assert_eq!((leave.reason(), leave.action()), (DisconnectReason::ClientInitiated, Action::Disconnect));
    let gone = alice.wait_for_participant("bob", |info| info.state == State::Disconnected as i32).await;
    assert!(gone.version > seen.version);
    assert_eq!(gone.disconnect_reason, DisconnectReason::ClientInitiated as i32);
    let update =
        alice.wait("room_update", |m| if let Response::RoomUpdate(u) = m { u.room.clone() } else { None }).await;
    assert_eq!(update.num_participants, 1);
}

#[tokio::test]
async fn nobody_sees_a_hidden_participant() {
    let node = start().await;
    let mut alice = node.join("room", "alice").await;
    let grant = VideoGrant { hidden: true, ..VideoGrant::join("room") };
    let token = token_with((KEY, SECRET), "spy", grant);
    let _spy = Client::connect(node.address, "/rtc", &token).await.unwrap();
    let bob = node.join("room", "bob").await;
    assert_eq!(bob.join.other_participants.len(), 1);
    alice.wait_for_participant("bob", |_| true).await;
    let messages = alice.drain().await;
    assert!(!format!("{messages:?}").contains("spy"));
}

#[tokio::test]
async fn the_same_identity_again_evicts_the_old_session_without_a_blink() {
    let node = start().await;
    let mut watcher = node.join("room", "watcher").await;
    let mut old = node.join("room", "alice").await;
    watcher.wait_for_participant("alice", |_| true).await;
    let new = node.join("room", "alice").await;
    let Some(Response::Leave(leave)) = old.last_words().await else { panic!("no leave") };
    assert_eq!((leave.reason(), leave.action()), (DisconnectReason::DuplicateIdentity, Action::Disconnect));
    let seen = watcher.wait_for_participant("alice", |info| info.sid == new.sid()).await;
    assert_ne!(seen.state, State::Disconnected as i32);
    for message in watcher.drain().await {
        if let Response::Update(update) = message {
            assert!(update.participants.iter().all(|info| info.state != State::Disconnected as i32), "{update:?}");
        }
    }
}

#[tokio::test]
async fn a_resume_leads_to_a_full_reconnect() {
    let node = start().await;
    let token = join_token("room", "alice");
    let mut client = Client::open(node.address, "/rtc?reconnect=1&sid=PA_x", &token).await.unwrap();
    let Some(Response::Leave(leave)) = client.next().await else { panic!("no leave") };
    assert_eq!((leave.reason(), leave.action()), (DisconnectReason::StateMismatch, Action::Reconnect));
    assert!(client.next().await.is_none());
}

fn claims(room: &str) -> token::Claims {
    let now = signaling_proto::unix_now();
    token::Claims {
        sub: "mallory".to_owned(),
        exp: Some(now + 60),
        nbf: Some(now),
        iat: Some(now),
        video: Some(VideoGrant::join(room)),
        ..token::Claims::default()
    }
}

fn signed(claims: &token::Claims) -> String {
    token::sign(claims, KEY, SECRET).unwrap()
}

/// Whatever is refused is refused alike by `validate` and by the upgrade.
async fn assert_refused(node: &TestNode, token: &str, status: u16, text: &str) {
    let validated = reqwest::get(node.url(&format!("/rtc/validate?access_token={token}"))).await.unwrap();
    assert_eq!(validated.headers()["access-control-allow-origin"], "*");
    assert_eq!(validated.status().as_u16(), status);
    let reason = validated.text().await.unwrap();
    assert!(reason.contains(text), "{reason:?} does not say {text:?}");
    for path in ["/rtc", "/rtc?access_token=", "//rtc"] {
        let Err(refused) = Client::open(node.address, path, token).await else { panic!("{path} let it in") };
        assert_eq!(refused, Refused { status, text: reason.clone() }, "{path}");
    }
}

#[tokio::test]
async fn bad_tokens_are_refused_with_a_reason() {
    let node = start().await;
    let now = signaling_proto::unix_now();
    assert_refused(&node, "", 401, "no token").await;
    assert_refused(&node, "rubbish", 401, "not a JWT").await;
    let expired = token::Claims { exp: Some(now - 100), ..claims("room") };
    assert_refused(&node, &signed(&expired), 401, "expired").await;
    assert_refused(&node, &signed(&token::Claims { exp: None, ..claims("room") }), 401, "exp").await;
    let future = token::Claims { nbf: Some(now + 600), ..claims("room") };
    assert_refused(&node, &signed(&future), 401, "nbf").await;
    let other_secret = token::sign(&claims("room"), KEY, "some other secret of thirty-two bytes").unwrap();
    assert_refused(&node, &other_secret, 401, "signature").await;
    let unknown = token::sign(&claims("room"), "nobody", SECRET).unwrap();
    assert_refused(&node, &unknown, 401, "nobody").await;
    let none =
        format!("{}.{}.", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", signed(&claims("room")).split('.').nth(1).unwrap());
    assert_refused(&node, &none, 401, "HS256").await;
    let no_join = token::Claims {
        video: Some(VideoGrant { room: "room".to_owned(), ..VideoGrant::default() }),
        ..claims("room")
    };
    assert_refused(&node, &signed(&no_join), 401, "roomJoin").await;
    // The signature holds, but nobody could join with what it signs.
    assert_refused(&node, &signed(&token::Claims { sub: String::new(), ..claims("room") }), 400, "identity").await;
    assert_refused(&node, &signed(&claims("")), 400, "room").await;
}

#[tokio::test]
async fn the_internal_key_opens_no_rooms_by_joining() {
    let node = start().await;
    let token = token_with((INTERNAL_KEY, INTERNAL_SECRET), "alice", VideoGrant::join("room"));
    assert_refused(&node, &token, 404, "requested room does not exist").await;
    let (status, _) = node.call("CreateRoom", &admin_token("room"), serde_json::json!({"name": "room"})).await;
    assert_eq!(status, 200);
    Client::connect(node.address, "/rtc", &token).await.unwrap();
}

#[tokio::test]
async fn a_full_room_is_refused_but_not_to_those_inside() {
    let node = start().await;
    node.call("CreateRoom", &admin_token("room"), serde_json::json!({"name": "room", "maxParticipants": 1})).await;
    let _alice = node.join("room", "alice").await;
    assert_refused(&node, &join_token("room", "bob"), 503, "full").await;
    node.join("room", "alice").await;
    // Created again it stays as it is, except for the control plane.
    let grant = VideoGrant { room_create: true, ..VideoGrant::default() };
    let internal = token_with((INTERNAL_KEY, INTERNAL_SECRET), "", grant);
    for (token, places) in [(admin_token("room"), 1), (internal, 2)] {
        let more = serde_json::json!({"name": "room", "maxParticipants": 2});
        let (status, room) = node.call("CreateRoom", &token, more).await;
        assert_eq!((status, &room["max_participants"]), (200, &serde_json::json!(places)));
    }
    node.join("room", "bob").await;
    assert_refused(&node, &join_token("room", "carol"), 503, "full").await;
}

#[tokio::test]
async fn validate_says_success_and_v1_wants_its_request() {
    let node = start().await;
    let token = join_token("room", "alice");
    let get = |path: &str| reqwest::get(node.url(path));
    let response = get(&format!("/rtc/validate?access_token={token}")).await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, "success"));
    let response = get(&format!("/rtc/v1/validate?access_token={token}")).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap().as_str()),
        (400, "join_request is required")
    );
    let response = get("/rtc/v1/validate").await.unwrap();
    assert_eq!(response.status().as_u16(), 401);
    assert!(node.node.counters().rooms == 0, "validate opened a room");
}

#[tokio::test]
async fn an_offer_that_is_none_is_refused_before_the_upgrade() {
    let node = start().await;
    let offer = |sdp: &str| proto::JoinRequest {
        publisher_offer: Some(proto::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: sdp.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    for sdp in ["zz", "v=0\r\n", "\0"] {
        let packed = signaling_proto::join::pack_join_request(&offer(sdp));
        let packed: String = url::form_urlencoded::byte_serialize(packed.as_bytes()).collect();
        let path = format!("/rtc/v1?join_request={packed}");
        let refused = Client::open(node.address, &path, &join_token("room", "alice")).await.err().expect("a refusal");
        assert!(refused.status == 400 && refused.text.contains("publisher_offer"), "{refused:?}");
    }
    assert!(node.node.counters().rooms == 0);
}

#[tokio::test]
async fn a_removed_person_stays_out_until_a_new_token() {
    let node = start().await;
    let now = signaling_proto::unix_now();
    let old = AccessToken::new(KEY, SECRET)
        .identity("mallory")
        .grant(VideoGrant::join("room"))
        .issued_at(now - 5)
        .ttl(Duration::from_secs(600));
    let token = old.to_jwt().unwrap();
    let mut mallory = Client::connect(node.address, "/rtc", &token).await.unwrap();
    let refreshed =
        mallory.wait("refresh_token", |m| if let Response::RefreshToken(t) = m { Some(t.clone()) } else { None }).await;
    let remove = serde_json::json!({"room": "room", "identity": "mallory"});
    assert_eq!(node.call("RemoveParticipant", &admin_token("room"), remove).await.0, 200);
    let Some(Response::Leave(leave)) = mallory.last_words().await else { panic!("no leave") };
    assert_eq!(leave.reason(), DisconnectReason::ParticipantRemoved);
    assert_refused(&node, &token, 401, "revoked").await;
    assert_refused(&node, &refreshed, 401, "revoked").await;
    let fresh = AccessToken::new(KEY, SECRET).identity("mallory").grant(VideoGrant::join("room")).issued_at(now + 30);
    Client::connect(node.address, "/rtc", &fresh.to_jwt().unwrap()).await.unwrap();
}

#[tokio::test]
async fn rubbish_and_floods_end_the_session_alone() {
    let node = start().await;
    let mut bystander = node.join("room", "bystander").await;
    for frame in [vec![0xff; 40], vec![0; 3 * 1024 * 1024]] {
        let mut client = node.join("room", "alice").await;
        client.send_raw(Message::Binary(frame.into())).await;
        client.last_words().await;
    }
    bystander.send(Request::Ping(1)).await;
    bystander.wait("pong", |m| if let Response::Pong(_) = m { Some(()) } else { None }).await;
}

#[tokio::test]
async fn text_is_answered_in_text() {
    let node = start().await;
    let mut client = node.join("room", "alice").await;
    client.send_raw(Message::Text(r#"{"pingReq": {"timestamp": "77"}}"#.into())).await;
    let text = client.next_text().await;
    assert!(text.contains("\"pongResp\"") && text.contains("\"77\""), "{text}");
}

#[tokio::test]
async fn a_close_is_answered() {
    let node = start().await;
    let client = node.join("room", "alice").await;
    assert!(client.close().await, "the socket ended without a closing handshake");
}

#[tokio::test]
async fn shutdown_tells_everybody_and_ends() {
    let node = start().await;
    let mut client = node.join("room", "alice").await;
    let started = std::time::Instant::now();
    let (_, leave) = tokio::join!(node.node.shutdown(Duration::from_secs(5)), client.last_words());
    let Some(Response::Leave(leave)) = leave else { panic!("no leave") };
    assert_eq!(leave.reason(), DisconnectReason::ServerShutdown);
    assert!(started.elapsed() < Duration::from_secs(5));
    let Err(refused) = Client::open(node.address, "/rtc", &join_token("room", "bob")).await else { panic!("let in") };
    assert_eq!(refused.status, 503);
}

#[tokio::test]
async fn control_characters_in_identity_and_room_are_refused() {
    let node = start().await;
    for (room, identity) in [("room\0", "alice"), ("ro\nom", "alice"), ("room", "al\0ice"), ("room", "al\u{85}ice")] {
        let token = join_token(room, identity);
        let refused = Client::connect(node.address, "/rtc", &token).await.err().expect("a refusal");
        assert_eq!(refused.status, 400, "{room:?} {identity:?}");
        assert!(refused.text.contains("control characters"), "{}", refused.text);
    }
    for room in ["room\0", "ro\nom", "\u{7f}"] {
        let (status, answer) = node.call("CreateRoom", &admin_token(room), serde_json::json!({ "name": room })).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some("invalid_argument")), "{answer}");
    }
    assert_eq!(node.node.counters().rooms, 0);
}

#[tokio::test]
async fn a_message_that_is_too_long_is_told_so_by_its_close_code() {
    let node = start().await;
    for megabytes in [3, 6] {
        let mut client = node.join("room", "alice").await;
        let frame = vec![0u8; megabytes << 20];
        // The rest of a message that nobody reads may find the socket closed.
        let _ = client.try_send_raw(Message::Binary(frame.into())).await;
        assert_eq!(client.close_code().await, Some(1009), "{megabytes} MiB");
    }
    let mut client = node.join("room", "bob").await;
    client.send_raw(Message::Binary(vec![255; 100].into())).await;
    assert_eq!(client.close_code().await, Some(1007));
}
