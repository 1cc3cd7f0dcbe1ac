//! What happens when something we stand on goes away: a database that does not answer, a disk that is full.

use std::time::Duration;

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::support::{Proxy, TestApp};

/// As long as the database is away.
const OUTAGE: Duration = Duration::from_secs(10);

/// The database goes away in one of two ways and comes back; what was acknowledged is there, sockets stay.
async fn survive_an_outage(away: fn(&Proxy)) {
    let Ok(server) = std::env::var("PLENUM_TEST_POSTGRES_URL") else {
        assert!(std::env::var_os("PLENUM_TEST_REQUIRE_POSTGRES").is_none(), "PLENUM_TEST_POSTGRES_URL is not set");
        return;
    };
    let proxy = Proxy::to(&server).await;
    let change = |config: &mut control_plane::ControlPlaneConfig| {
        let url = config.database_url.take().expect("a server");
        config.database_url = Some(proxy.through(&url));
        config.database.acquire_timeout_ms = 1_000;
        config.http.timeout_ms = 2_000;
        config.realtime.poll_ms = 200;
        config.realtime.recheck_every_s = 1;
    };
    let Some(app) = TestApp::on_postgres(change).await else { return };
    let wire = app.wire().await;
    let ada = app.person("Ada").await;
    let room = app.room(&ada, "public").await;
    let conversation = room.text("/conversation_id");
    let path = format!("/conversations/{conversation}/messages");
    let topic = format!("conversation:{conversation}");
    let mut socket = wire.open(&ada.access).await;
    socket.subscribe(&[&topic], None).await;
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    let send = async |n: usize| {
        let body = json!({ "body": format!("Message {n}"), "client_id": format!("m{n}") });
        app.post(&path, Some(&ada.access), body).await
    };
    for n in 0..5 {
        acknowledged.push(send(n).await.expect(201).text("/id"));
    }
    let mut heard = Vec::new();
    let message = async |socket: &mut crate::support::Socket| {
        let event = socket.until("message.created").await;
        event["payload"]["id"].as_str().unwrap().to_owned()
    };
    for _ in 0..5 {
        heard.push(message(&mut socket).await);
    }
    away(&proxy);
    let began = std::time::Instant::now();
    while began.elapsed() < OUTAGE {
        let answer = send(5).await;
        // A statement that was under way when the wire broke may have been done.
        assert_eq!(answer.status.as_u16(), 503, "{}", answer.json);
        let code = answer.json["code"].as_str().unwrap();
        assert!(matches!(code, "database_unavailable" | "timeout"), "{code}");
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert!(app.control.ready().await.is_err());
        refused += 1;
    }
    assert!(refused > 1);
    let answer = socket.ask(json!({ "type": "ping" })).await;
    assert_eq!(answer["type"], "pong", "the socket outlives the outage");
    proxy.heal();
    app.eventually("the database is back", async || app.control.ready().await.is_ok()).await;
    for n in 5..10 {
        let answer = send(n).await;
        assert!(answer.status.is_success(), "{}", answer.json);
        acknowledged.push(answer.text("/id"));
    }
    while heard.len() < acknowledged.len() {
        heard.push(message(&mut socket).await);
    }
    assert_eq!(heard, acknowledged, "in order and once");
    let page = app.get(&format!("{path}?order=asc&limit=100"), Some(&ada.access)).await.expect(200);
    let ids = page.json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
    assert_eq!(ids.collect::<Vec<_>>(), acknowledged);
    proxy.heal();
    app.finish().await;
}

#[tokio::test]
async fn outlive_a_database_that_is_gone() {
    survive_an_outage(Proxy::cut).await;
}

#[tokio::test]
async fn outlive_a_database_that_is_silent() {
    survive_an_outage(Proxy::stall).await;
}

#[tokio::test]
async fn say_that_the_disk_is_full_and_keep_what_there_is() {
    let app = TestApp::on_sqlite(|config| {
        config.database.sqlite_max_bytes = Some(2 * 1024 * 1024);
        config.rooms.max_owned = 100_000;
    })
    .await;
    let ada = app.person("Ada").await;
    let fat = "x".repeat(2_000);
    let mut kept = Vec::new();
    let refused = loop {
        let body = json!({ "name": "Fat", "type": "video", "access_level": "public", "description": fat });
        let answer = app.post("/rooms", Some(&ada.access), body).await;
        if answer.status != 201 {
            break answer;
        }
        kept.push(answer.text("/id"));
        assert!(kept.len() < 10_000, "the disk is never full");
    };
    refused.problem(507, "storage_full").headers.get("retry-after").expect("when to try again");
    assert!(kept.len() > 100, "{}", kept.len());
    // Reading goes on, and nothing of the refused act is there.
    app.get(&format!("/rooms/{}", kept[0]), Some(&ada.access)).await.expect(200);
    let count = || async {
        let (mut count, mut path) = (0, "/rooms?limit=100".to_owned());
        loop {
            let page = app.get(&path, Some(&ada.access)).await.expect(200);
            count += page.json["items"].as_array().unwrap().len();
            match page.json["next_cursor"].as_str() {
                Some(cursor) => path = format!("/rooms?limit=100&cursor={cursor}"),
                None => return count,
            }
        }
    };
    assert_eq!(count().await, kept.len());
    let mut direct = SqliteConnectOptions::new().filename(app.database_file()).connect().await.unwrap();
    let (verdict,): (String,) = sqlx::query_as("PRAGMA integrity_check").fetch_one(&mut direct).await.unwrap();
    assert_eq!(verdict, "ok");
    direct.close().await.unwrap();
    // Space is made, and it goes on without a restart.
    for room in &kept[..kept.len() / 2] {
        app.sql(&format!("DELETE FROM room_members WHERE room_id = x'{}'", room.replace('-', ""))).await;
    }
    app.sql("DELETE FROM audit_log").await;
    app.post("/rooms", Some(&ada.access), json!({ "name": "Slim", "type": "video" })).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn no_act_is_a_defect_on_a_full_disk() {
    let app = TestApp::on_sqlite(|config| {
        config.database.sqlite_max_bytes = Some(2 * 1024 * 1024);
        config.rooms.max_owned = 100_000;
    })
    .await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    app.node.beat(&app).await.expect(200);
    let room = app.room(&ada, "public").await;
    let (id, conversation) = (room.text("/id"), room.text("/conversation_id"));
    let body = json!({ "name": "Org" });
    let org = app.post("/organizations", Some(&ada.access), body).await.expect(201).text("/id");
    app.post(&format!("/organizations/{org}/members"), Some(&ada.access), json!({ "user_id": bob.id })).await;
    let fat = "x".repeat(2_000);
    while app.post("/rooms", Some(&ada.access), json!({ "name": "Fat", "description": fat })).await.status == 201 {}
    let login = json!({ "identifier": "bob@example.org", "password": crate::support::PASSWORD });
    let acts = |n: usize| {
        let person = json!({ "email": format!("p{n}@example.org"), "password": "correct horse", "display_name": "P" });
        let meeting =
            json!({ "title": "M", "starts_at": "2040-01-01T10:00:00Z", "duration_min": 30, "description": fat });
        [
            ("/auth/register".to_owned(), false, person),
            ("/auth/login".to_owned(), false, login.clone()),
            ("/rooms".to_owned(), true, json!({ "name": "Thin" })),
            ("/organizations".to_owned(), true, json!({ "name": format!("Org {n}"), "description": fat })),
            (format!("/organizations/{org}/channels"), true, json!({ "name": format!("C{n}"), "description": fat })),
            (format!("/organizations/{org}/invites"), true, json!({ "email": format!("i{n}@example.org") })),
            (format!("/conversations/{conversation}/messages"), true, json!({ "body": fat })),
            ("/conversations/direct".to_owned(), true, json!({ "user_id": bob.id })),
            ("/meetings".to_owned(), true, meeting),
            ("/calls/direct".to_owned(), true, json!({ "user_id": bob.id })),
            (format!("/rooms/{id}/join"), true, json!({})),
            (format!("/rooms/{id}/members"), true, json!({ "email": format!("m{n}@example.org") })),
            (format!("/rooms/{id}/bans"), true, json!({ "user_id": bob.id, "reason": "x".repeat(400) })),
            ("/auth/ws-ticket".to_owned(), true, json!({})),
            ("/me/calendar".to_owned(), true, json!({})),
        ]
    };
    let mut refused = std::collections::BTreeSet::new();
    for n in 0..30 {
        for (path, signed_in, body) in acts(n) {
            let answer = app.post(&path, signed_in.then_some(ada.access.as_str()), body).await;
            let status = answer.status.as_u16();
            // A node that cannot report is down after a while: that is another's 503.
            let node_is_gone = status == 503 && path.ends_with("/join");
            assert!(status < 500 || status == 507 || node_is_gone, "{path}: {status} {}", answer.json);
            if status == 507 {
                assert_eq!(answer.json["code"], "storage_full");
                refused.insert(path);
            }
        }
        app.node.beat(&app).await;
    }
    assert!(refused.len() >= 5, "too few acts met the full disk: {refused:?}");
    let mut direct = SqliteConnectOptions::new().filename(app.database_file()).connect().await.unwrap();
    let (verdict,): (String,) = sqlx::query_as("PRAGMA integrity_check").fetch_one(&mut direct).await.unwrap();
    assert_eq!(verdict, "ok");
    direct.close().await.unwrap();
    app.get(&format!("/rooms/{id}"), Some(&ada.access)).await.expect(200);
    app.finish().await;
}

/// Clients hang up at every moment of a write; what others do meanwhile and is acknowledged, is done.
#[tokio::test]
async fn clients_that_hang_up_leave_no_transaction_to_others() {
    let change = |config: &mut control_plane::ControlPlaneConfig| {
        config.database.max_connections = 2;
        config.realtime.ticket_ttl_s = 3_600;
    };
    let Some(app) = TestApp::on_postgres(change).await else { return };
    let ada = app.person("Ada").await;
    let room = app.room(&ada, "public").await;
    let path = format!("/conversations/{}/messages", room.text("/conversation_id"));
    for n in 0..150 {
        let body = json!({ "body": "Never mind", "client_id": format!("h{n}") });
        let patience = Duration::from_micros(50 * n);
        let _hung_up = tokio::time::timeout(patience, app.post(&path, Some(&ada.access), body)).await;
        app.post("/auth/ws-ticket", Some(&ada.access), json!({})).await.expect(201);
        let tickets = app.count("SELECT COUNT(*) FROM ws_tickets").await;
        assert_eq!(tickets, i64::try_from(n).unwrap() + 1, "after {patience:?}: one was acknowledged and is not there");
    }
    app.finish().await;
}
