//! RoomService over JSON and protobuf: answers, statuses and errors as SDKs know them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]

mod support;

use serde_json::json;
use signaling_proto::Message as _;
use signaling_proto::proto;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::token::VideoGrant;
use support::*;

#[tokio::test]
async fn rooms_are_created_listed_and_deleted() {
    let node = start().await;
    let admin = admin_token("golden");
    let create =
        json!({"name": "golden", "emptyTimeout": 30, "maxParticipants": 5, "metadata": "m", "unknownField": 1});
    let (status, room) = node.call("CreateRoom", &admin, create).await;
    assert_eq!(status, 200);
    assert_eq!(room["empty_timeout"], 30);
    assert_eq!(room["departure_timeout"], 20);
    assert_eq!(room["max_participants"], 5);
    assert!(room["creation_time_ms"].is_string());
    assert_eq!((room["turn_password"].as_str(), room["version"].is_null()), (Some(""), true));
    let (_, again) = node.call("CreateRoom", &admin, json!({"name": "golden"})).await;
    assert_eq!(again["sid"], room["sid"]);
    assert_eq!(node.call("CreateRoom", &admin, json!({})).await.0, 400);
    let (_, listed) = node.call("ListRooms", &admin, json!({"names": ["golden", "nope"]})).await;
    assert_eq!(listed["rooms"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["rooms"][0]["sid"], room["sid"]);
    let (status, _) = node.call("DeleteRoom", &admin, json!({"room": "golden"})).await;
    assert_eq!(status, 200);
    let (status, error) = node.call("DeleteRoom", &admin, json!({"room": "golden"})).await;
    assert_eq!((status, error["code"].as_str()), (404, Some("not_found")));
    assert!(error["msg"].as_str().unwrap().contains("requested room does not exist"));
    assert_eq!(node.call("ListRooms", &admin, json!({})).await.1, json!({"rooms": []}));
}

#[tokio::test]
async fn deleting_a_room_ends_its_sessions_and_their_tokens() {
    let node = start().await;
    let token = join_token("room", "alice");
    let mut alice = Client::connect(node.address, "/rtc", &token).await.unwrap();
    assert_eq!(node.call("DeleteRoom", &admin_token("room"), json!({"room": "room"})).await.0, 200);
    let Some(Response::Leave(leave)) = alice.last_words().await else { panic!("no leave") };
    assert_eq!(leave.reason(), proto::DisconnectReason::RoomDeleted);
    let Err(refused) = Client::open(node.address, "/rtc", &token).await else { panic!("let in") };
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn participants_are_listed_read_changed_and_removed() {
    let node = start().await;
    let admin = admin_token("room");
    let mut alice = node.join("room", "alice").await;
    let bob = node.join("room", "bob").await;
    let (_, list) = node.call("ListParticipants", &admin, json!({"room": "room"})).await;
    let identities: Vec<_> = list["participants"].as_array().unwrap().iter().map(|p| p["identity"].clone()).collect();
    assert_eq!(identities, ["alice", "bob"]);
    let (_, info) = node.call("GetParticipant", &admin, json!({"room": "room", "identity": "bob"})).await;
    assert_eq!((info["sid"].as_str(), info["state"].as_str()), (Some(bob.sid()), Some("JOINED")));
    let change = json!({"room": "room", "identity": "bob", "name": "N", "metadata": "x", "attributes": {"a": "b"}});
    let (status, info) = node.call("UpdateParticipant", &admin, change).await;
    assert_eq!((status, info["name"].as_str(), info["attributes"]["a"].as_str()), (200, Some("N"), Some("b")));
    alice.wait_for_participant("bob", |info| info.name == "N" && info.metadata == "x").await;
    let (status, room) = node.call("UpdateRoomMetadata", &admin, json!({"room": "room", "metadata": "hello"})).await;
    assert_eq!((status, room["metadata"].as_str(), room["num_participants"].as_u64()), (200, Some("hello"), Some(2)));
    alice
        .wait("room_update", |m| match m {
            Response::RoomUpdate(u) => u.room.as_ref().filter(|room| room.metadata == "hello").map(|_| ()),
            _ => None,
        })
        .await;
    let send = json!({"room": "room", "data": "aGk=", "kind": "RELIABLE"});
    assert_eq!(node.call("SendData", &admin, send).await, (200, json!({})));
    let remove = json!({"room": "room", "identity": "bob"});
    assert_eq!(node.call("RemoveParticipant", &admin, remove.clone()).await, (200, json!({})));
    let (status, error) = node.call("RemoveParticipant", &admin, remove).await;
    assert_eq!((status, error["code"].as_str()), (404, Some("not_found")));
}

#[tokio::test]
async fn a_track_is_muted_but_not_unmuted_from_afar() {
    let node = start().await;
    let admin = admin_token("room");
    let mut alice = node.join("room", "alice").await;
    let request = proto::AddTrackRequest { cid: "mic".to_owned(), source: 2, ..proto::AddTrackRequest::default() };
    let track = alice.add_track(request).await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    alice.wait_for_participant("alice", |info| !info.tracks.is_empty()).await;
    let mute = |sid: &str, muted: bool| json!({"room": "room", "identity": "alice", "trackSid": sid, "muted": muted});
    let (status, answer) = node.call("MutePublishedTrack", &admin, mute(&track.sid, true)).await;
    assert_eq!((status, answer["track"]["muted"].as_bool()), (200, Some(true)));
    let told = alice.wait("mute", |m| if let Response::Mute(m) = m { Some(m.clone()) } else { None }).await;
    assert_eq!((told.sid.as_str(), told.muted), (track.sid.as_str(), true));
    let (status, error) = node.call("MutePublishedTrack", &admin, mute(&track.sid, false)).await;
    assert_eq!((status, error["code"].as_str()), (412, Some("failed_precondition")));
    let nope = node.call("MutePublishedTrack", &admin, mute("TR_nope", true)).await;
    assert_eq!(nope, (200, json!({"track": null})));
    // She may unmute herself.
    alice.send(Request::Mute(proto::MuteTrackRequest { sid: track.sid, muted: false })).await;
    alice.wait_for_participant("alice", |info| info.tracks.iter().any(|track| !track.muted)).await;
}

#[tokio::test]
async fn calls_are_refused_as_the_reference_refuses_them() {
    let node = start().await;
    let admin = admin_token("room");
    let expect = |answer: (u16, serde_json::Value), status: u16, code: &str| {
        assert_eq!((answer.0, answer.1["code"].as_str()), (status, Some(code)), "{}", answer.1);
    };
    expect(node.call("ListRooms", "", json!({})).await, 401, "unauthenticated");
    let list_only = token_with((KEY, SECRET), "", VideoGrant { room_list: true, ..VideoGrant::default() });
    expect(node.call("CreateRoom", &list_only, json!({"name": "x"})).await, 401, "unauthenticated");
    expect(node.call("ListParticipants", &admin, json!({"room": "other"})).await, 401, "unauthenticated");
    let nobody = json!({"room": "room", "identity": "nobody"});
    expect(node.call("GetParticipant", &admin, nobody.clone()).await, 404, "not_found");
    assert_eq!(
        node.call("ListParticipants", &admin, json!({"room": "room"})).await,
        (200, json!({"participants": []}))
    );
    expect(node.call("NoSuchCall", &admin, json!({})).await, 404, "bad_route");
    expect(node.call("ForwardParticipant", &admin, nobody).await, 501, "unimplemented");

    let http = reqwest::Client::new();
    let url = node.url("/twirp/livekit.RoomService/ListRooms");
    let got = http.get(&url).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(got.status().as_u16(), 404);
    let body: serde_json::Value = got.json().await.unwrap();
    assert_eq!(body["meta"]["twirp_invalid_route"], "GET /twirp/livekit.RoomService/ListRooms");
    let text = http.post(&url).bearer_auth(&admin).header("content-type", "text/plain").body("x").send().await.unwrap();
    assert_eq!(text.status().as_u16(), 404);
    let broken = http.post(&url).bearer_auth(&admin).header("content-type", "application/json").body("{\"a\":");
    assert_eq!(broken.send().await.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn protobuf_is_answered_in_protobuf() {
    let node = start().await;
    let request = proto::CreateRoomRequest { name: "room".to_owned(), ..proto::CreateRoomRequest::default() };
    let response = reqwest::Client::new()
        .post(node.url("//twirp/livekit.RoomService/CreateRoom"))
        .bearer_auth(admin_token(""))
        .header("content-type", "application/protobuf")
        .body(request.encode_to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/protobuf");
    let room = proto::Room::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(room.name, "room");
}
