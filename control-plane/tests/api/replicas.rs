//! Several replicas on one PostgreSQL, with and without Redis: what one does, the others tell; what one leaves behind
//! when it dies, the others take up.

use std::collections::BTreeMap;
use std::time::Duration;

use control_plane::ControlPlaneConfig;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::{Mortal, Person, Proxy, Socket, TestApp, redis_url};

/// Long enough that nothing in a test can come from a look into the log.
const NEVER_MS: u64 = 600_000;

async fn rename(app: &TestApp, owner: &Person, room: &str, name: &str) {
    app.patch(&format!("/rooms/{room}"), Some(&owner.access), json!({ "name": name })).await.expect(200);
}

/// The ids of the next `count` events.
async fn ids(socket: &mut Socket, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        ids.extend(socket.next().await["id"].as_i64());
    }
    ids
}

#[tokio::test]
async fn deliver_each_others_events_without_redis() {
    let Some(a) = TestApp::on_postgres(|_| ()).await else { return };
    let b = a.twin(|_| ()).await;
    let ada = a.person("Ada").await;
    let room = a.room(&ada, "public").await.text("/id");
    let (at_a, at_b) = (a.wire().await, b.wire().await);
    let (mut here, mut there) = (at_a.open(&ada.access).await, at_b.open(&ada.access).await);
    let topic = format!("room:{room}");
    here.subscribe(&[&topic], None).await;
    there.subscribe(&[&topic], None).await;
    let began = std::time::Instant::now();
    for n in 0..6 {
        let app = if n % 2 == 0 { &a } else { &b };
        rename(app, &ada, &room, &format!("Name {n}")).await;
    }
    let (here, there) = (ids(&mut here, 6).await, ids(&mut there, 6).await);
    assert_eq!(here, there);
    assert!(here.is_sorted_by(|x, y| x < y));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    b.finish().await;
    a.finish().await;
}

#[tokio::test]
async fn deliver_at_once_over_redis() {
    let Some(redis) = redis_url() else { return };
    let change = move |config: &mut ControlPlaneConfig| {
        config.redis_url = Some(redis);
        config.realtime.poll_ms = NEVER_MS;
    };
    let Some(a) = TestApp::on_postgres(change.clone()).await else { return };
    let b = a.twin(change).await;
    let ada = a.person("Ada").await;
    let room = a.room(&ada, "public").await.text("/id");
    let at_b = b.wire().await;
    let topic = format!("room:{room}");
    // The channel opens while the first requests run.
    a.eventually("the other replica hears", async || {
        let mut probe = at_b.open(&ada.access).await;
        probe.subscribe(&[&topic], None).await;
        rename(&a, &ada, &room, "Probe").await;
        !probe.is_quiet(Duration::from_millis(200)).await
    })
    .await;
    let mut there = at_b.open(&ada.access).await;
    there.subscribe(&[&topic], None).await;
    let mut slowest = Duration::ZERO;
    for n in 0..10 {
        let began = std::time::Instant::now();
        rename(&a, &ada, &room, &format!("Name {n}")).await;
        ids(&mut there, 1).await;
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    // A session that ends at one replica ends its sockets at the other.
    a.call(Method::POST, "/auth/logout", Some(&ada.access), None).await.expect(204);
    assert_eq!(there.closed().await, 4001);
    b.finish().await;
    a.finish().await;
}

#[tokio::test]
async fn miss_nothing_and_repeat_nothing_when_redis_is_away() {
    let Some(redis) = redis_url() else { return };
    let proxy = Proxy::to(&redis).await;
    let url = proxy.through(&redis);
    let change = move |config: &mut ControlPlaneConfig| {
        config.redis_url = Some(url);
        config.realtime.poll_ms = 100;
    };
    let Some(a) = TestApp::on_postgres(change.clone()).await else { return };
    let b = a.twin(change).await;
    let ada = a.person("Ada").await;
    let room = a.room(&ada, "public").await.text("/id");
    let at_b = b.wire().await;
    let topic = format!("room:{room}");
    let mut there = at_b.open(&ada.access).await;
    there.subscribe(&[&topic], None).await;
    let mut heard = Vec::new();
    for (phase, act) in [Proxy::heal, Proxy::cut, Proxy::heal, Proxy::stall, Proxy::heal].into_iter().enumerate() {
        act(&proxy);
        for n in 0..6 {
            let app = if n % 2 == 0 { &a } else { &b };
            rename(app, &ada, &room, &format!("Phase {phase}, name {n}")).await;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        heard.extend(ids(&mut there, 6).await);
    }
    assert!(heard.is_sorted_by(|x, y| x < y), "{heard:?}");
    assert!(there.is_quiet(Duration::from_millis(1_500)).await, "something came twice");
    // Who resumes in the middle hears the rest, once.
    let mut back = at_b.open(&ada.access).await;
    back.subscribe(&[&topic], Some(heard[11])).await;
    assert_eq!(ids(&mut back, 18).await, heard[12..]);
    assert!(back.is_quiet(Duration::from_millis(300)).await);
    b.finish().await;
    a.finish().await;
}

#[tokio::test]
async fn share_limits_over_redis_and_go_on_alone_without_it() {
    let Some(redis) = redis_url() else { return };
    let proxy = Proxy::to(&redis).await;
    let url = proxy.through(&redis);
    let change = move |config: &mut ControlPlaneConfig| {
        config.redis_url = Some(url);
        config.rate_limits.session_per_minute = 6;
    };
    let Some(a) = TestApp::on_postgres(change.clone()).await else { return };
    let b = a.twin(change).await;
    let (ada, eve) = (a.person("Ada").await, a.person("Eve").await);
    let mut left = Vec::new();
    for n in 0..6 {
        let app = if n % 2 == 0 { &a } else { &b };
        let answer = app.get("/me", Some(&ada.access)).await.expect(200);
        let header = answer.headers["ratelimit"].to_str().unwrap().to_owned();
        left.push(header.split(';').nth(1).unwrap().to_owned());
    }
    assert_eq!(left, ["r=5", "r=4", "r=3", "r=2", "r=1", "r=0"]);
    for app in [&a, &b] {
        let refused = app.get("/me", Some(&ada.access)).await.problem(429, "rate_limited");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
    }
    // Alone, each has its own count; nobody is locked out, nobody is let in without end.
    proxy.cut();
    for app in [&a, &b] {
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(app.get("/me", Some(&eve.access)).await.status.as_u16());
        }
        assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 429, 429]);
    }
    b.finish().await;
    a.finish().await;
}

#[tokio::test]
async fn take_a_ticket_once() {
    let Some(a) = TestApp::on_postgres(|_| ()).await else { return };
    let b = a.twin(|_| ()).await;
    let ada = a.person("Ada").await;
    let (at_a, at_b) = (a.wire().await, b.wire().await);
    for _ in 0..5 {
        let ticket = a.call(Method::POST, "/auth/ws-ticket", Some(&ada.access), None).await.expect(201).text("/ticket");
        let query = format!("?ticket={ticket}");
        let (one, other) = tokio::join!(at_a.try_open(&query, &[]), at_b.try_open(&query, &[]));
        assert!(one.is_ok() != other.is_ok(), "one of them, and not both");
    }
    b.finish().await;
    a.finish().await;
}

#[tokio::test]
async fn run_a_job_once_between_them() {
    let Some(a) = TestApp::on_postgres(|_| ()).await else { return };
    let b = a.twin(|_| ()).await;
    a.node.beat(&a).await.expect(200);
    let ada = a.person("Ada").await;
    let mut rooms = Vec::new();
    for _ in 0..10 {
        let room = a.room(&ada, "public").await.text("/id");
        a.post(&format!("/rooms/{room}/join"), Some(&ada.access), json!({})).await.expect(200);
        rooms.push(room);
    }
    for room in &rooms {
        a.delete(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(204);
    }
    let calls = || {
        let count = |app: &TestApp, room: &str| app.node.called(&format!("DeleteRoom {room}"));
        rooms.iter().map(|room| count(&a, room) + count(&b, room)).collect::<Vec<_>>()
    };
    a.eventually("every room is closed", async || calls().iter().all(|count| *count > 0)).await;
    a.work_done().await;
    assert_eq!(calls(), [1; 10]);
    b.finish().await;
    a.finish().await;
}

/// A replica takes a job, does it and dies before it can say so: another runs it again, to no second effect.
#[tokio::test]
async fn take_up_the_job_of_one_that_died() {
    let Some(a) = TestApp::on_postgres(|_| ()).await else { return };
    a.node.beat(&a).await.expect(200);
    let ada = a.person("Ada").await;
    let room = a.room(&ada, "public").await.text("/id");
    let join = a.post(&format!("/rooms/{room}/join"), Some(&ada.access), json!({})).await.expect(200);
    a.node.join(&a, &join.text("/token"), &room).await;
    a.delete(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(204);
    let runs = async |times: i64| {
        let done = "SELECT COUNT(*) FROM jobs WHERE kind = 'media.close_room' AND state = 'done' AND attempts = ";
        a.count(&format!("{done}{times}")).await == 1
    };
    a.eventually("the job is done", async || runs(1).await).await;
    // As it was while it ran: one that is done keeps nothing.
    let payload = json!({ "room_id": room, "reason": "room_deleted" });
    a.sql(&format!(
        "UPDATE jobs SET state = 'running', locked_by = 'dead', locked_until = 1, payload = '{payload}' \
         WHERE kind = 'media.close_room'"
    ))
    .await;
    let b = a.twin(|_| ()).await;
    a.eventually("it is done again", async || runs(2).await).await;
    assert_eq!(a.node.called("DeleteRoom") + b.node.called("DeleteRoom"), 1);
    let history = a.count("SELECT COUNT(*) FROM calls WHERE state = 'ended'").await;
    assert_eq!(history, 1);
    b.finish().await;
    a.finish().await;
}

/// What a client does: sends until it is told that it is sent, here or there.
async fn send_until_acknowledged(
    replicas: &[&Mortal; 2],
    token: &str,
    path: &str,
    n: usize,
    first: usize,
) -> (String, i64) {
    for attempt in 0..100 {
        let replica = replicas[(first + attempt) % 2];
        let body = json!({ "body": format!("Message {n}"), "client_id": format!("m{n}") });
        match replica.wire.call(Method::POST, path, token, Some(body)).await {
            Ok(answer) if answer.status.is_success() => {
                return (answer.text("/id"), answer.json["seq"].as_i64().unwrap());
            }
            Ok(answer) => assert!(answer.status.is_server_error(), "{}", answer.json),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("message {n} was never acknowledged");
}

/// Listens here or there, resuming wherever a socket ends, until `count` messages were heard; says when it has begun.
async fn listen(
    replicas: &[&Mortal; 2],
    token: &str,
    topic: &str,
    count: usize,
    ready: oneshot::Sender<()>,
) -> Vec<(i64, String)> {
    let (mut heard, mut last, mut turn, mut ready) = (Vec::new(), None, 0, Some(ready));
    while heard.len() < count {
        turn += 1;
        let bearer = format!("Bearer {token}");
        let url = format!("ws://{}/api/v1/events", replicas[turn % 2].wire.address);
        let Ok(mut socket) = crate::support::try_connect(&url, &bearer).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut frame = json!({ "type": "subscribe", "topics": [topic] });
        if let Some(last) = last {
            frame["last_event_id"] = Value::from(last);
        }
        if socket.try_send(&frame).await.is_err() {
            continue;
        }
        while heard.len() < count {
            let Ok(frame) = socket.next_or_close().await else { break };
            assert_ne!(frame["type"], "gap");
            if frame["type"] == "subscribed" && last.is_none() {
                last = frame["last_event_id"].as_i64();
                if let Some(ready) = ready.take() {
                    let _ = ready.send(());
                }
            }
            if frame["type"] == "message.created" {
                last = frame["id"].as_i64();
                heard.push((
                    frame["payload"]["seq"].as_i64().unwrap(),
                    frame["payload"]["id"].as_str().unwrap().to_owned(),
                ));
            }
        }
    }
    heard
}

/// Either replica is killed while messages are being sent through both; another takes its place.
async fn lose_nothing_when_one_is_killed(kill_first: bool) {
    let Some(redis) = redis_url() else { return };
    let change = move |config: &mut ControlPlaneConfig| config.redis_url = Some(redis);
    let Some(app) = TestApp::on_postgres(change.clone()).await else { return };
    let ada = app.person("Ada").await;
    let room = app.room(&ada, "public").await;
    let conversation = room.text("/conversation_id");
    let (a, b) = (Mortal::start(&app, change.clone()).await, Mortal::start(&app, change).await);
    let (victim, survivor) = if kill_first { (a, b) } else { (b, a) };
    let path = format!("/conversations/{conversation}/messages");
    let topic = format!("conversation:{conversation}");
    const MESSAGES: usize = 60;
    let dead = Mortal::fallen(victim.wire.address);
    let mut victim = Some(victim);
    let token = ada.access.clone();
    let (ready, subscribed) = oneshot::channel();
    // The listener starts at whichever is first in its turn; both are alive then.
    let address = (dead, survivor);
    let (listening, sending) = (
        async {
            let replicas = [&address.0, &address.1];
            listen(&replicas, &token, &topic, MESSAGES, ready).await
        },
        async {
            subscribed.await.unwrap();
            let mut acknowledged = BTreeMap::new();
            let replicas = [&address.0, &address.1];
            for n in 0..MESSAGES {
                if n == MESSAGES / 3 {
                    // In the middle of several requests.
                    let (kill, more) = (
                        async {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                            victim.take().unwrap().kill();
                        },
                        futures_util::future::join_all(
                            (n..n + 8).map(|n| send_until_acknowledged(&replicas, &token, &path, n, n)),
                        ),
                    );
                    let ((), more) = tokio::join!(kill, more);
                    acknowledged.extend(more.into_iter().map(|(id, seq)| (seq, id)));
                } else if !(MESSAGES / 3..MESSAGES / 3 + 8).contains(&n) {
                    let (id, seq) = send_until_acknowledged(&replicas, &token, &path, n, n).await;
                    acknowledged.insert(seq, id);
                }
            }
            acknowledged
        },
    );
    let (heard, acknowledged) = tokio::join!(listening, sending);
    // Dense numbers, each message once, in order, and all that were acknowledged.
    let acknowledged: Vec<(i64, String)> = acknowledged.into_iter().collect();
    assert_eq!(heard, acknowledged);
    assert_eq!(heard.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=60).collect::<Vec<i64>>());
    drop(address);
    app.finish().await;
}

#[tokio::test]
async fn lose_no_acknowledged_message_when_the_first_is_killed() {
    lose_nothing_when_one_is_killed(true).await;
}

#[tokio::test]
async fn lose_no_acknowledged_message_when_the_second_is_killed() {
    lose_nothing_when_one_is_killed(false).await;
}

/// Somebody who is there at one replica is there for all, and gone when that replica dies.
#[tokio::test]
async fn share_presence_over_redis() {
    let Some(redis) = redis_url() else { return };
    let change = move |config: &mut ControlPlaneConfig| {
        config.redis_url = Some(redis);
        config.realtime.presence_ttl_s = 3;
        config.realtime.presence_linger_ms = 100;
    };
    let Some(app) = TestApp::on_postgres(change.clone()).await else { return };
    let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
    let org = app.organization(&[&ada, &eve]).await;
    let other = Mortal::start(&app, change).await;
    let here = app.wire().await;
    let mut eves = here.open(&eve.access).await;
    eves.subscribe(&[&format!("presence:{org}")], None).await;
    let status = async || {
        let page = app.get(&format!("/organizations/{org}/presence"), Some(&eve.access)).await.expect(200);
        let items = page.json["items"].as_array().unwrap().clone();
        let adas = items.into_iter().find(|item| item["user_id"] == ada.id.as_str()).unwrap();
        adas["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status().await, "offline");
    let mut adas = other.wire.open(&ada.access).await;
    app.eventually("she is there", async || status().await == "online").await;
    adas.ask(json!({ "type": "presence.set", "status": "idle" })).await;
    app.eventually("she is idle", async || status().await == "idle").await;
    let mut told = Vec::new();
    let mut hear_until = async |last: &str| {
        while told.last().map(String::as_str) != Some(last) {
            let event = eves.until("presence.changed").await;
            assert!(event.get("id").is_none());
            if event["payload"]["user_id"] == ada.id.as_str() {
                told.push(event["payload"]["status"].as_str().unwrap().to_owned());
            }
        }
    };
    // Known is not yet told: a replica that dies in between tells nobody.
    hear_until("idle").await;
    other.kill();
    app.eventually("she is gone with the replica", async || status().await == "offline").await;
    hear_until("offline").await;
    assert_eq!(told, ["online", "idle", "offline"]);
    app.finish().await;
}
