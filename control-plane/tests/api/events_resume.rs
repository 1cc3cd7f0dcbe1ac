//! Resuming: a client that comes back misses nothing, hears nothing twice, and is told when that cannot be.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Person, Socket, TestApp, both};

/// Renames a room `times` times.
async fn rename(app: &TestApp, owner: &Person, room: &str, times: std::ops::Range<u32>) {
    for n in times {
        let name = json!({ "name": format!("Name {n}") });
        app.patch(&format!("/rooms/{room}"), Some(&owner.access), name).await.expect(200);
    }
}

/// The ids of the next `count` events.
async fn ids(socket: &mut Socket, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "gap");
        ids.extend(frame["id"].as_i64());
    }
    ids
}

both! {
    async fn brings_what_was_missed_in_order_and_once(app) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let (a, b) = (app.room(&ada, "public").await.text("/id"), app.room(&ada, "public").await.text("/id"));
        let other = app.room(&ada, "public").await.text("/id");
        let topics = [format!("room:{a}"), format!("room:{b}")];
        let topics = [topics[0].as_str(), topics[1].as_str()];
        let mut socket = wire.open(&ada.access).await;
        socket.subscribe(&topics, None).await;
        rename(app, &ada, &a, 0..3).await;
        let seen = ids(&mut socket, 3).await;
        socket.drop_connection().await;

        for n in 3..8 {
            rename(app, &ada, &a, n..n + 1).await;
            rename(app, &ada, &b, n..n + 1).await;
            rename(app, &ada, &other, n..n + 1).await;
        }
        // Events go on while the client comes back.
        let mut socket = wire.open(&ada.access).await;
        let (_, _) = tokio::join!(socket.subscribe(&topics, Some(seen[2])), rename(app, &ada, &a, 8..12));
        let missed = ids(&mut socket, 14).await;
        assert!(missed.is_sorted_by(|x, y| x < y) && missed[0] > seen[2], "{seen:?} {missed:?}");
        assert!(socket.is_quiet(Duration::from_millis(200)).await);

        // Subscribing again to what is live repeats nothing.
        socket.subscribe(&topics, Some(seen[0])).await;
        assert!(socket.is_quiet(Duration::from_millis(200)).await);
        // As text, as it is in a stream.
        let mut socket = wire.open(&ada.access).await;
        let frame = json!({ "type": "subscribe", "topics": topics, "last_event_id": seen[2].to_string() });
        assert_eq!(socket.ask(frame).await["type"], "subscribed");
        assert_eq!(ids(&mut socket, 14).await, missed);
    }

    async fn says_when_something_is_lost(app) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        let topic = format!("room:{room}");
        let mut socket = wire.open(&ada.access).await;
        socket.subscribe(&[&topic], None).await;
        rename(app, &ada, &room, 0..3).await;
        let seen = ids(&mut socket, 3).await;
        app.sql("DELETE FROM event_log WHERE seq <= (SELECT MAX(seq) - 1 FROM event_log)").await;
        for (last, is_gap) in [(seen[0], true), (seen[1], false), (seen[2], false), (seen[2] + 1_000, true), (-1, true)] {
            let mut socket = wire.open(&ada.access).await;
            let answer = socket.subscribe(&[&topic], Some(last)).await;
            if is_gap {
                let gap = socket.next().await;
                assert_eq!((&gap["type"], &gap["topics"]), (&json!("gap"), &json!([topic])), "{last}");
                assert_eq!(gap["last_event_id"], answer["last_event_id"]);
            } else if last == seen[1] {
                assert_eq!(ids(&mut socket, 1).await, [seen[2]]);
            }
            let before = socket.ask(json!({ "type": "ping" })).await;
            assert_eq!(before["type"], "pong");
            rename(app, &ada, &room, 10..11).await;
            assert_eq!(socket.next().await["type"], "room.updated", "live after all: {last}");
            app.sql("DELETE FROM event_log WHERE seq > (SELECT MIN(seq) FROM event_log)").await;
        }
    }

    async fn closes_who_does_not_read_and_brings_it_all_when_they_come_back(app, |config| {
        config.realtime.queue_frames = 4;
        config.realtime.poll_ms = 10;
    }) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        let topic = format!("room:{room}");
        let (mut slow, mut quick) = (wire.open(&ada.access).await, wire.open(&ada.access).await);
        slow.subscribe(&[&topic], None).await;
        quick.subscribe(&[&topic], None).await;
        // More than the sockets' buffers of the kernel hold; nobody reads the slow one.
        let fat = "x".repeat(200_000);
        let mut seen = Vec::new();
        for n in 0..80 {
            app.emit(&topic, "room.fat", &json!({ "n": n, "fat": fat })).await;
            seen.extend(ids(&mut quick, 1).await);
        }
        let mut got = Vec::new();
        let code = loop {
            match slow.next_or_close().await {
                Ok(frame) => got.extend(frame["id"].as_i64()),
                Err(code) => break code,
            }
        };
        assert_eq!(code, 4002, "after {} events", got.len());
        assert!(got.len() < 80 && seen.starts_with(&got));
        let mut back = wire.open(&ada.access).await;
        back.subscribe(&[&topic], Some(got.last().copied().unwrap_or(seen[0] - 1))).await;
        got.extend(ids(&mut back, seen.len() - got.len()).await);
        assert_eq!(got, seen);
    }
}

/// A transaction takes its number late and commits later still; readers must not pass it by.
#[tokio::test]
async fn loses_nothing_to_a_stalled_transaction() {
    let Some(app) = TestApp::on_postgres(|config| config.realtime.poll_ms = 50).await else { return };
    let wire = app.wire().await;
    let ada = app.person("Ada").await;
    let room = app.room(&ada, "public").await.text("/id");
    let topic = format!("room:{room}");
    let mut live = wire.open(&ada.access).await;
    let begin = live.subscribe(&[&topic], None).await["last_event_id"].as_i64().unwrap();

    // Another replica's act stalls between writing its event and its commit.
    let mut stalled = PgConnection::connect(&app.database_url().unwrap()).await.unwrap();
    stalled.execute("BEGIN").await.unwrap();
    stalled.execute("SELECT pg_advisory_xact_lock(7305881001)").await.unwrap();
    let payload = sqlx::types::Json(json!({ "n": "stalled" }));
    let (first,): (i64,) = sqlx::query_as(
        "INSERT INTO event_log (topic, kind, payload, created_at) VALUES ($1, 'room.stalled', $2, 1) RETURNING seq",
    )
    .bind(&topic)
    .bind(&payload)
    .fetch_one(&mut stalled)
    .await
    .unwrap();

    // Acts after it wait with their numbers until it is through.
    let behind = rename(&app, &ada, &room, 0..5);
    let release = async {
        assert!(live.is_quiet(Duration::from_millis(700)).await, "an event passed one with a lower number");
        let mut early = wire.open(&ada.access).await;
        early.subscribe(&[&topic], Some(begin)).await;
        assert!(early.is_quiet(Duration::from_millis(200)).await);
        stalled.execute("COMMIT").await.unwrap();
        early
    };
    let ((), mut early) = tokio::join!(behind, release);
    let heard = ids(&mut live, 6).await;
    assert_eq!(heard[0], first);
    assert!(heard.is_sorted_by(|a, b| a < b));
    assert_eq!(ids(&mut early, 6).await, heard);
    let mut late = wire.open(&ada.access).await;
    late.subscribe(&[&topic], Some(begin)).await;
    assert_eq!(ids(&mut late, 6).await, heard);

    // One that is rolled back leaves a hole in the numbers, and nobody stumbles over it.
    stalled.execute("BEGIN; SELECT pg_advisory_xact_lock(7305881001)").await.unwrap();
    let hole: Vec<Value> = Vec::new();
    sqlx::query("INSERT INTO event_log (topic, kind, payload, created_at) VALUES ($1, 'room.undone', $2, 1)")
        .bind(&topic)
        .bind(sqlx::types::Json(hole))
        .execute(&mut stalled)
        .await
        .unwrap();
    stalled.execute("ROLLBACK").await.unwrap();
    rename(&app, &ada, &room, 5..7).await;
    let after = ids(&mut live, 2).await;
    assert!(after[0] > heard[5] + 1, "the number of the hole is gone");
    assert_eq!(ids(&mut late, 2).await, after);
    app.finish().await;
}
