//! `GET /api/v1/events/stream`: the same events without a socket.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Person, TestApp, both};

/// An open stream.
struct Stream {
    body: axum::body::BodyDataStream,
    rest: String,
}

/// One event: its kind, its id, its data.
#[derive(Debug)]
struct Sent {
    kind: String,
    id: Option<i64>,
    data: Value,
}

impl Stream {
    fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Self { body: response.into_body().into_data_stream(), rest: String::new() }
    }

    async fn next(&mut self) -> Option<Sent> {
        let end = loop {
            if let Some(end) = self.rest.find("\n\n") {
                break end;
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.expect("something comes")?;
            self.rest.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        };
        let block: String = self.rest.drain(..end + 2).collect();
        let mut sent = Sent { kind: String::new(), id: None, data: Value::Null };
        for line in block.lines() {
            match line.split_once(": ").or_else(|| line.split_once(':')) {
                Some(("event", kind)) => sent.kind = kind.to_owned(),
                Some(("id", id)) => sent.id = id.parse().ok(),
                Some(("data", data)) => sent.data = serde_json::from_str(data).unwrap(),
                _ => {}
            }
        }
        Some(sent)
    }

    async fn until(&mut self, kind: &str) -> Sent {
        loop {
            let sent = self.next().await.expect("the stream goes on");
            if sent.data["type"] == kind {
                return sent;
            }
        }
    }
}

async fn open(app: &TestApp, query: &str, person: Option<&Person>, last: Option<&str>) -> Response<Body> {
    let mut request = Request::get(format!("/api/v1/events/stream{query}")).header("host", "meet.test");
    if let Some(person) = person {
        request = request.header("authorization", format!("Bearer {}", person.access));
    }
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    app.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

both! {
    async fn tells_and_resumes(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        let rename = async |name: &str| {
            app.patch(&format!("/rooms/{room}"), Some(&ada.access), json!({ "name": name })).await.expect(200);
        };
        let query = format!("?topics=room:{room},notifications");
        let mut stream = Stream::of(open(app, &query, Some(&ada), None).await);
        assert_eq!(stream.next().await.unwrap().data["type"], "hello");
        let subscribed = stream.next().await.unwrap().data;
        assert_eq!(subscribed["topics"], json!([format!("room:{room}"), "notifications"]));
        rename("One").await;
        let first = stream.next().await.unwrap();
        assert_eq!((first.kind.as_str(), &first.data["type"]), ("room.updated", &json!("room.updated")));
        assert_eq!(first.data["id"].as_i64(), first.id);
        drop(stream);
        rename("Two").await;
        rename("Three").await;
        let id = first.id.unwrap().to_string();
        for mut stream in [
            Stream::of(open(app, &query, Some(&ada), Some(&id)).await),
            Stream::of(open(app, &format!("{query}&last_event_id={id}"), Some(&ada), None).await),
        ] {
            let (two, three) = (stream.until("room.updated").await, stream.until("room.updated").await);
            assert!(first.id < two.id && two.id < three.id);
        }
        let mut stream = Stream::of(open(app, &query, Some(&ada), Some("999999")).await);
        stream.until("gap").await;
    }

    async fn refuses_as_the_socket_does(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "restricted").await.text("/id");
        let refused = async |query: &str, person: Option<&Person>, last: Option<&str>| {
            crate::support::Answer::read(open(app, query, person, last).await).await
        };
        refused("?topics=notifications", None, None).await.problem(401, "sign_in_required");
        refused(&format!("?topics=room:{room}"), Some(&eve), None).await.problem(404, "topic_not_found");
        refused("?topics=nonsense", Some(&eve), None).await.problem(404, "topic_not_found");
        refused("", Some(&eve), None).await.blames(&["topics"]);
        refused("?topics=notifications&last_event_id=x", Some(&eve), None).await.blames(&["last_event_id"]);
        refused("?topics=notifications", Some(&eve), Some("x")).await.blames(&["last-event-id"]);
        refused(&format!("?topics={}", "a,".repeat(60)), Some(&eve), None).await.blames(&["topics"]);
        refused(&format!("?topics={}", "a".repeat(5_000)), Some(&eve), None).await.blames(&["topics"]);
        refused("?topics=notifications&ticket=pt_nonsense", None, None).await.problem(401, "invalid_ticket");
    }

    async fn ends_with_its_session(app) {
        let ada = app.person("Ada").await;
        let mut stream = Stream::of(open(app, "?topics=notifications", Some(&ada), None).await);
        stream.until("subscribed").await;
        app.call(Method::POST, "/auth/logout", Some(&ada.access), None).await.expect(204);
        assert_eq!(stream.until("closed").await.data["code"], 4001);
        assert!(stream.next().await.is_none());
    }

    async fn ends_the_moment_its_session_does(app, |config| {
        config.realtime.recheck_every_s = 3_600;
        config.sessions.refresh_ttl_s = 86_400;
    }) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let mut adas = Stream::of(open(app, "?topics=notifications", Some(&ada), None).await);
        let mut eves = Stream::of(open(app, "?topics=notifications", Some(&eve), None).await);
        adas.until("subscribed").await;
        eves.until("subscribed").await;
        app.clock.advance(Duration::from_secs(80_000));
        app.post("/auth/refresh", None, json!({ "refresh_token": eve.refresh })).await.expect(200);
        app.clock.advance(Duration::from_secs(6_400));
        assert_eq!(adas.until("closed").await.data["code"], 4001);
        assert!(adas.next().await.is_none());
        app.emit(&format!("notifications:{}", eve.id), "notification.new", &json!({ "x": 1 })).await;
        eves.until("notification.new").await;
    }

    async fn opens_with_a_ticket(app) {
        let ada = app.person("Ada").await;
        let ticket = app.call(Method::POST, "/auth/ws-ticket", Some(&ada.access), None).await.expect(201).text("/ticket");
        let query = format!("?topics=notifications&ticket={ticket}");
        Stream::of(open(app, &query, None, None).await).until("subscribed").await;
        let again = crate::support::Answer::read(open(app, &query, None, None).await).await;
        again.problem(401, "invalid_ticket");
    }
}
