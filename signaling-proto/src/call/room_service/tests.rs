//! What the client sends, and what it makes of every kind of answer.

use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::token::{KeyStore, verify};
use crate::unix_now;

const SOON: Duration = Duration::from_millis(50);

/// Answers every request with the same status and body, or never, and keeps the last request.
#[derive(Default)]
struct Scripted {
    status: u16,
    body: Vec<u8>,
    silent: bool,
    seen: Mutex<Option<http::Request<Bytes>>>,
}

impl HttpCall for Scripted {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Bytes>, CallError>> {
        *self.seen.lock().unwrap() = Some(request);
        if self.silent {
            return std::future::pending().boxed();
        }
        let answer = http::Response::builder().status(self.status).body(Bytes::from(self.body.clone())).unwrap();
        std::future::ready(Ok(answer)).boxed()
    }
}

fn client(script: Scripted) -> (RoomServiceClient, Arc<Scripted>) {
    let script = Arc::new(script);
    (RoomServiceClient::new(script.clone(), "http://node/", "internal", "secret"), script)
}

fn sent(script: &Scripted) -> (String, VideoGrant, Bytes) {
    let request = script.seen.lock().unwrap().take().expect("a request");
    let token = request.headers()[AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let claims = verify(&token, &KeyStore::with_key("internal", "secret"), unix_now()).unwrap();
    assert_eq!(request.headers()[CONTENT_TYPE], "application/protobuf");
    (request.uri().to_string(), claims.video.unwrap(), request.into_body())
}

#[tokio::test]
async fn a_call_carries_just_the_grant_it_needs() {
    let room = proto::Room { name: "r".into(), ..proto::Room::default() };
    let (client, script) = client(Scripted { status: 200, body: room.encode_to_vec(), ..Scripted::default() });

    let request = proto::CreateRoomRequest { name: "r".into(), ..proto::CreateRoomRequest::default() };
    assert_eq!(client.create_room(request.clone(), SOON).await.unwrap(), room);
    let (url, grant, body) = sent(&script);
    assert_eq!(url, "http://node/twirp/livekit.RoomService/CreateRoom");
    assert_eq!(grant, VideoGrant { room_create: true, ..VideoGrant::default() });
    assert_eq!(proto::CreateRoomRequest::decode(body).unwrap(), request);

    client.update_room_metadata("r", "m", SOON).await.unwrap();
    let (url, grant, _) = sent(&script);
    assert_eq!(url, "http://node/twirp/livekit.RoomService/UpdateRoomMetadata");
    assert_eq!(grant, VideoGrant { room_admin: true, room: "r".into(), ..VideoGrant::default() });
}

#[tokio::test]
async fn every_kind_of_failure_has_its_error() {
    let error = TwirpError::not_found("participant does not exist").to_json();
    let (not_found, _) = client(Scripted { status: 404, body: error, ..Scripted::default() });
    let result = not_found.remove_participant("r", "i", SOON).await;
    assert_eq!(result, Err(RoomServiceError::NotFound("participant does not exist".into())));

    let error = TwirpError::failed_precondition("remote unmute not enabled").to_json();
    let (refused, _) = client(Scripted { status: 412, body: error, ..Scripted::default() });
    let result = refused.delete_room("r", SOON).await;
    assert!(matches!(result, Err(RoomServiceError::Refused { code: TwirpCode::FailedPrecondition, .. })), "{result:?}");

    let (gateway, _) = client(Scripted { status: 502, body: b"<html>".to_vec(), ..Scripted::default() });
    let result = gateway.list_rooms(Vec::new(), SOON).await;
    assert_eq!(result, Err(RoomServiceError::BadAnswer("HTTP status 502 Bad Gateway".into())));

    let (silent, _) = client(Scripted { silent: true, ..Scripted::default() });
    let result = silent.list_participants("r", SOON).await;
    assert_eq!(result, Err(RoomServiceError::Unreachable(CallError::TimedOut(SOON))));
}
