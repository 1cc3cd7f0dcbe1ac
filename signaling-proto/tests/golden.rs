//! What we write is, byte for byte, what LiveKit's server writes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it fails")]

use serde::de::DeserializeOwned;
use serde_json::Value;
use signaling_proto::proto::{
    self, DeleteRoomResponse, ListParticipantsResponse, ListRoomsResponse, MuteRoomTrackResponse, ParticipantInfo,
    Room, SendDataResponse, UpdateSubscriptionsResponse,
};
use signaling_proto::server_api::{BodyFormat, TwirpError, TwirpJson, decode_request, encode_answer};
use signaling_proto::token::KeyStore;
use signaling_proto::{Message, protojson, webhook};

const NOW: u64 = 1_800_000_000;

fn rewritten<M: Message + Default + PartialEq + std::fmt::Debug + DeserializeOwned + TwirpJson>(json: &str) -> String {
    let answer: M = protojson::decode(json.as_bytes()).expect("the recorded answer is this message");
    let bytes = encode_answer(BodyFormat::Protobuf, &answer).expect("protobuf");
    assert_eq!(M::decode(bytes.as_ref()).expect("protobuf"), answer);
    String::from_utf8(encode_answer(BodyFormat::Json, &answer).expect("JSON").to_vec()).expect("UTF-8")
}

#[test]
fn twirp_answers_are_written_as_recorded() {
    let recorded = include_str!("golden/twirp_answers.txt");
    let mut calls = std::collections::BTreeSet::new();
    for line in recorded.lines() {
        let (call, json) = line.split_once(' ').expect("a call and its answer");
        let written = match call {
            "CreateRoom" | "UpdateRoomMetadata" => rewritten::<Room>(json),
            "ListRooms" => rewritten::<ListRoomsResponse>(json),
            "DeleteRoom" => rewritten::<DeleteRoomResponse>(json),
            "ListParticipants" => rewritten::<ListParticipantsResponse>(json),
            "GetParticipant" | "UpdateParticipant" => rewritten::<ParticipantInfo>(json),
            "MutePublishedTrack" => rewritten::<MuteRoomTrackResponse>(json),
            "RemoveParticipant" => rewritten::<proto::RemoveParticipantResponse>(json),
            "UpdateSubscriptions" => rewritten::<UpdateSubscriptionsResponse>(json),
            "SendData" => rewritten::<SendDataResponse>(json),
            other => panic!("an unexpected call: {other}"),
        };
        assert_eq!(written, json, "{call}");
        calls.insert(call);
    }
    assert_eq!(calls.len(), 11, "every call was recorded");
}

#[test]
fn twirp_errors_are_written_as_recorded() {
    let path = |method: &str| format!("/twirp/livekit.RoomService/{method}");
    let recorded: Vec<Value> = include_str!("golden/twirp_errors.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let broken = decode_request::<proto::CreateRoomRequest>(BodyFormat::Json, b"{\"name\":").expect_err("broken");
    for ours in [
        TwirpError { meta: Default::default(), ..broken },
        TwirpError::no_such_path("POST", &path("NoSuchCall")),
        TwirpError::wrong_method("GET", &path("ListRooms")),
        TwirpError::wrong_content_type("text/plain", "POST", &path("ListRooms")),
    ] {
        let answer: Value = serde_json::from_slice(&ours.to_json()).expect("JSON");
        let same = recorded.iter().find(|line| line["answer"] == answer).unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(same["status"], ours.code.http_status());
    }
    // Texts are ours elsewhere; codes and statuses are not.
    for line in &recorded {
        let answer: TwirpError = serde_json::from_value(line["answer"].clone()).expect("a Twirp error");
        assert_eq!(line["status"], answer.code.http_status(), "{line}");
    }
}

#[test]
fn webhooks_are_written_as_recorded_and_signed_with_the_same_claims() {
    let keys = KeyStore::with_key("apikey", "secret");
    for body in include_str!("golden/webhooks.jsonl").lines() {
        let event: proto::WebhookEvent = protojson::decode(body.as_bytes()).expect("the recorded event");
        let signed = webhook::sign(&event, "apikey", "secret", NOW).expect("a webhook");
        assert_eq!(std::str::from_utf8(&signed.body).expect("UTF-8"), body);

        let verified = webhook::verify(&signed.authorization, &signed.body, &keys, NOW).expect("our own signature");
        assert_eq!((verified.key.as_str(), verified.event), ("apikey", event));
        let claims = claims_of(&signed.authorization);
        let names: Vec<&str> = claims.as_object().expect("claims").keys().map(String::as_str).collect();
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
        for name in ["exp", "iat", "iss", "nbf", "sha256"] {
            assert!(names.contains(&name), "{name}");
        }
        assert_eq!((claims["iat"].as_u64(), claims["exp"].as_u64()), (Some(NOW), Some(NOW + 300)));
    }
}

#[test]
fn a_webhook_of_another_body_key_or_time_is_refused() {
    let event = webhook::room_event(webhook::event::ROOM_STARTED, Room { sid: "RM_x".into(), ..Room::default() }, NOW);
    let signed = webhook::sign(&event, "apikey", "secret", NOW).expect("a webhook");
    let keys = KeyStore::with_key("apikey", "secret");
    let status = |authorization: &str, body: &[u8], keys: &KeyStore, now| {
        webhook::verify(authorization, body, keys, now).expect_err("refused").status()
    };
    let mut changed = signed.body.clone();
    changed[10] ^= 1;
    assert_eq!(status(&signed.authorization, &changed, &keys, NOW), 401);
    assert_eq!(status(&signed.authorization, &signed.body, &KeyStore::with_key("apikey", "other"), NOW), 401);
    assert_eq!(status(&signed.authorization, &signed.body, &keys, NOW + 361), 401);
    assert_eq!(status("", &signed.body, &keys, NOW), 401);
    let bare = signaling_proto::token::AccessToken::new("apikey", "secret").issued_at(NOW).to_jwt().expect("a token");
    assert_eq!(status(&bare, &signed.body, &keys, NOW), 401, "a token that signs no body");
}

#[test]
fn events_carry_as_much_as_recorded() {
    let room = Room { sid: "RM_x".into(), name: "r".into(), max_participants: 5, ..Room::default() };
    let alice = ParticipantInfo {
        sid: "PA_x".into(),
        identity: "alice".into(),
        name: "Alice".into(),
        tracks: vec![proto::TrackInfo::default()],
        // A capability newer than our enum must not stop the webhook.
        capabilities: vec![1, 999],
        ..ParticipantInfo::default()
    };
    let joined = webhook::participant_event(webhook::event::PARTICIPANT_JOINED, room.clone(), alice.clone(), NOW);
    let signed = webhook::sign(&joined, "k", "s", NOW).expect("a webhook");
    let body: Value = serde_json::from_slice(&signed.body).expect("JSON");
    assert_eq!((&body["room"]["maxParticipants"], &body["participant"]["name"]), (&5.into(), &"Alice".into()));
    assert_eq!(body["participant"]["tracks"], Value::Null);
    assert!(body["id"].as_str().is_some_and(|id| id.starts_with("EV_")));

    let track = proto::TrackInfo { sid: "TR_x".into(), ..proto::TrackInfo::default() };
    let published = webhook::track_event(webhook::event::TRACK_PUBLISHED, &room, &alice, track, NOW);
    let body: Value = serde_json::from_slice(&protojson::encode(&published).expect("JSON")).expect("JSON");
    assert_eq!(body["room"], serde_json::json!({"sid": "RM_x", "name": "r"}));
    assert_eq!(body["participant"], serde_json::json!({"sid": "PA_x", "identity": "alice"}));
}

fn claims_of(token: &str) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64"))
        .expect("JSON")
}
