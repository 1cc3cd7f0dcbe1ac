//! A media node as far as the control plane can tell: answers RoomService, reports by webhook and heartbeat.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use signaling_proto::Message;
use signaling_proto::call::{CallError, HttpCall};
use signaling_proto::heartbeat::{self, Heartbeat};
use signaling_proto::proto::{self, ParticipantInfo, Room, WebhookEvent, participant_info};
use signaling_proto::token::{KeyStore, verify};
use signaling_proto::{unix_now, webhook};
use uuid::Uuid;

use super::{Answer, KEY, TestApp};

/// How the node behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Every call fails at once.
    Refusing,
    /// No call is ever answered.
    Silent,
}

/// A room on the node.
#[derive(Clone, Debug)]
pub(crate) struct FakeRoom {
    pub(crate) sid: String,
    pub(crate) people: Vec<ParticipantInfo>,
}

/// The node.
#[derive(Default)]
pub(crate) struct FakeNode {
    pub(crate) mood: Mutex<Mood>,
    pub(crate) rooms: Mutex<BTreeMap<String, FakeRoom>>,
    /// `Method room [identity]` of every call.
    pub(crate) log: Mutex<Vec<String>>,
    /// The last CreateRoom.
    pub(crate) created: Mutex<Option<proto::CreateRoomRequest>>,
    /// Further nodes by the host of their `api_url`; this one stands for all others.
    pub(crate) others: Mutex<BTreeMap<String, Arc<Self>>>,
}

impl HttpCall for FakeNode {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, CallError>> {
        let other = request.uri().host().and_then(|host| self.others.lock().unwrap().get(host).cloned());
        if let Some(other) = other {
            return other.call(request);
        }
        match *self.mood.lock().unwrap() {
            Mood::Well => std::future::ready(Ok(self.answer(&request))).boxed(),
            Mood::Refusing => {
                let error = CallError::Unreachable { to: "node".into(), reason: "refused".into() };
                std::future::ready(Err(error)).boxed()
            }
            Mood::Silent => tokio::time::sleep(Duration::from_secs(3_600))
                .map(|()| Err(CallError::TimedOut(Duration::from_secs(3_600))))
                .boxed(),
        }
    }
}

impl FakeNode {
    /// A further node, called `ND_{name}`, that is reached as `{name}.test`.
    pub(crate) fn another(&self, name: &str) -> Arc<Self> {
        let node = Arc::new(Self::default());
        self.others.lock().unwrap().insert(format!("{name}.test"), Arc::clone(&node));
        node
    }

    /// What the node called `name` says of itself when it has nothing to do.
    pub(crate) fn idle(name: &str) -> Heartbeat {
        Heartbeat {
            url: format!("ws://{name}.test"),
            api_url: format!("http://{name}.test"),
            version: "1.2.3".into(),
            ..Heartbeat::default()
        }
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let token = request.headers()["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let claims = verify(token, &KeyStore::with_key(KEY.0, KEY.1), unix_now()).expect("signed by the internal key");
        let method = request.uri().path().strip_prefix("/twirp/livekit.RoomService/").unwrap().to_owned();
        let body = request.body().as_ref();
        let mut rooms = self.rooms.lock().unwrap();
        let (name, answer) = match method.as_str() {
            "CreateRoom" => {
                claims.require_create().unwrap();
                let wanted = proto::CreateRoomRequest::decode(body).unwrap();
                let room = rooms.entry(wanted.name.clone()).or_default();
                let answer = room.info(&wanted.name).encode_to_vec();
                (self.created.lock().unwrap().insert(wanted).name.clone(), answer)
            }
            "DeleteRoom" => {
                claims.require_create().unwrap();
                let name = proto::DeleteRoomRequest::decode(body).unwrap().room;
                rooms.remove(&name);
                (name, Vec::new())
            }
            "ListRooms" => {
                claims.require_list().unwrap();
                let rooms = rooms.iter().map(|(name, room)| room.info(name)).collect();
                (String::new(), proto::ListRoomsResponse { rooms }.encode_to_vec())
            }
            "ListParticipants" => {
                let name = proto::ListParticipantsRequest::decode(body).unwrap().room;
                claims.require_admin(&name).unwrap();
                let participants = rooms.get(&name).map(|room| room.people.clone()).unwrap_or_default();
                (name, proto::ListParticipantsResponse { participants }.encode_to_vec())
            }
            "RemoveParticipant" => {
                let wanted = proto::RoomParticipantIdentity::decode(body).unwrap();
                claims.require_admin(&wanted.room).unwrap();
                if let Some(room) = rooms.get_mut(&wanted.room) {
                    room.people.retain(|person| person.identity != wanted.identity);
                }
                (format!("{} {}", wanted.room, wanted.identity), Vec::new())
            }
            "GetParticipant" => {
                let wanted = proto::RoomParticipantIdentity::decode(body).unwrap();
                claims.require_admin(&wanted.room).unwrap();
                let Some(person) = person_in(&mut rooms, &wanted.room, &wanted.identity) else { return not_found() };
                (format!("{} {}", wanted.room, wanted.identity), person.encode_to_vec())
            }
            "MutePublishedTrack" => {
                let wanted = proto::MuteRoomTrackRequest::decode(body).unwrap();
                claims.require_admin(&wanted.room).unwrap();
                let Some(person) = person_in(&mut rooms, &wanted.room, &wanted.identity) else { return not_found() };
                let track = person.tracks.iter_mut().find(|track| track.sid == wanted.track_sid);
                let track = track.map(|track| {
                    track.muted = wanted.muted;
                    track.clone()
                });
                let answer = proto::MuteRoomTrackResponse { track };
                (format!("{} {}", wanted.room, wanted.identity), answer.encode_to_vec())
            }
            "UpdateParticipant" => {
                let wanted = proto::UpdateParticipantRequest::decode(body).unwrap();
                claims.require_admin(&wanted.room).unwrap();
                let Some(person) = person_in(&mut rooms, &wanted.room, &wanted.identity) else { return not_found() };
                person.attributes.extend(wanted.attributes);
                person.attributes.retain(|_, value| !value.is_empty());
                if wanted.permission.is_some() {
                    person.permission = wanted.permission;
                }
                (format!("{} {}", wanted.room, wanted.identity), person.encode_to_vec())
            }
            other => panic!("the control plane called {other}"),
        };
        self.log.lock().unwrap().push(format!("{method} {name}").trim().to_owned());
        Response::new(answer.into())
    }

    fn find(&self, identity: &str) -> ParticipantInfo {
        let rooms = self.rooms.lock().unwrap();
        let mut people = rooms.values().flat_map(|room| &room.people);
        people.find(|person| person.identity == identity).cloned().unwrap_or_default()
    }

    /// Lets somebody send a track of a source, by LiveKit's number.
    pub(crate) fn publish(&self, identity: &str, source: i32) {
        let sid = format!("TR_{}", &Uuid::new_v4().simple().to_string()[..12]);
        let track = proto::TrackInfo { sid, source, ..proto::TrackInfo::default() };
        for room in self.rooms.lock().unwrap().values_mut() {
            let person = room.people.iter_mut().find(|person| person.identity == identity);
            person.into_iter().for_each(|person| person.tracks.push(track.clone()));
        }
    }

    /// Sources of somebody's muted tracks.
    pub(crate) fn muted(&self, identity: &str) -> Vec<i32> {
        let tracks = self.find(identity).tracks;
        tracks.iter().filter(|track| track.muted).map(|track| track.source).collect()
    }

    /// An attribute of somebody who is there.
    pub(crate) fn attribute(&self, identity: &str, name: &str) -> Option<String> {
        self.find(identity).attributes.get(name).cloned()
    }

    /// What somebody may send, once it was set.
    pub(crate) fn sources(&self, identity: &str) -> Vec<i32> {
        self.find(identity).permission.map(|permission| permission.can_publish_sources).unwrap_or_default()
    }

    /// How often something was called.
    pub(crate) fn called(&self, what: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|call| call.starts_with(what)).count()
    }

    /// Says that the node is there.
    pub(crate) async fn beat(&self, app: &TestApp) -> Answer {
        self.beat_as(app, "ND_test", &Heartbeat::default()).await
    }

    pub(crate) async fn beat_as(&self, app: &TestApp, id: &str, beat: &Heartbeat) -> Answer {
        let signed = heartbeat::sign(id, beat, KEY.0, KEY.1, unix_now()).unwrap();
        let request = Request::post(signed.path).header("authorization", signed.authorization);
        app.send(request.body(Body::from(signed.body)).unwrap()).await
    }

    /// Lets the bearer of a join token into the room, without telling anybody.
    pub(crate) fn enter(&self, token: &str) -> ParticipantInfo {
        let claims = verify(token, &KeyStore::with_key(KEY.0, KEY.1), unix_now()).expect("a join token");
        let grant = claims.join_grant().unwrap();
        let person = ParticipantInfo {
            sid: format!("PA_{}", &Uuid::new_v4().simple().to_string()[..12]),
            identity: claims.sub.clone(),
            name: claims.name.clone(),
            attributes: claims.attributes.clone().into_iter().collect(),
            state: participant_info::State::Active.into(),
            joined_at: i64::try_from(unix_now()).unwrap(),
            ..ParticipantInfo::default()
        };
        let mut rooms = self.rooms.lock().unwrap();
        rooms.get_mut(&grant.room).expect("CreateRoom came before the token").people.push(person.clone());
        person
    }

    /// Takes somebody out of every room, without telling anybody.
    pub(crate) fn leave(&self, sid: &str) {
        for room in self.rooms.lock().unwrap().values_mut() {
            room.people.retain(|person| person.sid != sid);
        }
    }

    /// The room as reports describe it.
    pub(crate) fn room(&self, name: &str) -> Room {
        self.rooms.lock().unwrap().get(name).expect("a room").info(name)
    }

    /// Delivers a report.
    pub(crate) async fn report(&self, app: &TestApp, event: &WebhookEvent) -> Answer {
        let signed = webhook::sign(event, KEY.0, KEY.1, unix_now()).unwrap();
        let request = Request::post("/internal/webhooks/livekit")
            .header("content-type", webhook::CONTENT_TYPE)
            .header("authorization", signed.authorization);
        app.send(request.body(Body::from(signed.body)).unwrap()).await
    }

    /// Enters with a join token and reports it.
    pub(crate) async fn join(&self, app: &TestApp, token: &str, room: &str) -> ParticipantInfo {
        let person = self.enter(token);
        let event =
            webhook::participant_event(webhook::event::PARTICIPANT_JOINED, self.room(room), person.clone(), unix_now());
        self.report(app, &event).await.expect(204);
        person
    }

    /// Leaves and reports it.
    pub(crate) async fn part(&self, app: &TestApp, person: &ParticipantInfo, room: &str) {
        self.leave(&person.sid);
        let event =
            webhook::participant_event(webhook::event::PARTICIPANT_LEFT, self.room(room), person.clone(), unix_now());
        self.report(app, &event).await.expect(204);
    }
}

impl Default for FakeRoom {
    fn default() -> Self {
        Self { sid: format!("RM_{}", &Uuid::new_v4().simple().to_string()[..12]), people: Vec::new() }
    }
}

impl FakeRoom {
    fn info(&self, name: &str) -> Room {
        Room {
            sid: self.sid.clone(),
            name: name.to_owned(),
            num_participants: u32::try_from(self.people.len()).unwrap(),
            ..Room::default()
        }
    }
}

fn person_in<'a>(
    rooms: &'a mut BTreeMap<String, FakeRoom>,
    room: &str,
    identity: &str,
) -> Option<&'a mut ParticipantInfo> {
    rooms.get_mut(room)?.people.iter_mut().find(|person| person.identity == identity)
}

fn not_found() -> Response<Bytes> {
    let body = r#"{"code":"not_found","msg":"participant does not exist"}"#;
    let response = Response::builder().status(404).header("content-type", "application/json");
    response.body(Bytes::from_static(body.as_bytes())).unwrap()
}

/// The sources a join token allows; empty = all.
pub(crate) fn sources(token: &str) -> Vec<String> {
    let claims = verify(token, &KeyStore::with_key(KEY.0, KEY.1), unix_now()).expect("a join token");
    claims.video.expect("a grant").can_publish_sources
}
