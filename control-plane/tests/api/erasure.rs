//! What was deleted is erased for good after the time the setting says, and nothing else is.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::support::files::{Part, find_files, form, pdf};
use crate::support::meeting::meeting;
use crate::support::{TestApp, both, talk};

const DAY: u64 = 86_400;

/// Rows of a table, on either engine.
async fn rows(app: &TestApp, table: &str) -> i64 {
    app.number(&format!("SELECT COUNT(*) FROM {table}")).await
}

/// Rounds as they come in time; files are erased by jobs.
async fn rounds(app: &TestApp) {
    app.control.forget().await.unwrap();
    app.control.forget().await.unwrap();
}

both! {
    async fn takes_deleted_things_after_thirty_days_and_nothing_else(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        app.node.beat(app).await.expect(200);
        // A room with a call, messages and a file; another one stays.
        let (gone, stays) = (app.room(&ada, "public").await, app.room(&ada, "public").await);
        for room in [&gone, &stays] {
            let id = room.text("/id");
            let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
            let person = app.node.join(app, &join.text("/token"), &id).await;
            app.node.part(app, &person, &id).await;
            let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200).text("/id");
            app.post(&format!("/calls/{call}/end"), Some(&ada.access), json!({})).await.expect(200);
            talk::say(app, &ada.access, &talk::of_room(room), "One").await;
            let bytes = pdf(2_000);
            let upload = form(&room.text("/conversation_id"), Some(&ada.access), &[Part::new("a.pdf", "application/pdf", &bytes)]);
            app.send(upload).await.expect(201);
        }
        // A message of a room that stays, an organization with a channel, a meeting with a room of its own.
        let slip = talk::say(app, &ada.access, &talk::of_room(&stays), "Slip").await;
        let slip = format!("{}/{}", talk::of_room(&stays), slip.text("/id"));
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let channel = talk::channel(app, &ada, &org, "General", "public").await;
        talk::say(app, &bob.access, &talk::of_room(&channel), "Two").await;
        let body = json!({ "name": "Ours", "type": "video", "org_id": org.text("/id") });
        let ours = app.post("/rooms", Some(&ada.access), body).await.expect(201).text("/id");
        let off = meeting(app, &ada, 60, json!({})).await;
        let on = meeting(app, &ada, 60, json!({})).await;
        // A room that is deleted while a meeting is still to come in it, for a long time: that is called off, and goes too.
        let series = json!({ "rrule": "FREQ=WEEKLY;COUNT=20" });
        let busy = meeting(app, &ada, 60, series).await;
        let before = [("rooms", 6), ("channels", 1), ("organizations", 1), ("messages", 4), ("meetings", 3), ("calls", 2)];
        for (table, count) in before {
            assert_eq!(rows(app, table).await, count, "{table}");
        }
        let audit = rows(app, "audit_log").await;
        for path in [
            format!("/rooms/{}", gone.text("/id")),
            format!("/rooms/{}", busy.text("/room_id")),
            format!("/meetings/{}", off.text("/id")),
            format!("/organizations/{}", org.text("/id")),
            slip.clone(),
        ] {
            app.delete(&path, Some(&ada.access)).await.expect(204);
        }
        app.clock.advance(Duration::from_secs(29 * DAY));
        rounds(app).await;
        for (table, count) in before {
            assert_eq!(rows(app, table).await, count, "{table} too early");
        }
        app.clock.advance(Duration::from_secs(2 * DAY));
        rounds(app).await;
        let after = [
            ("rooms", 3),
            ("channels", 0),
            ("organizations", 0),
            ("organization_members", 0),
            ("messages", 1),
            ("meetings", 1),
            ("calls", 1),
            ("call_participants", 1),
            ("conversations", 3),
        ];
        for (table, count) in after {
            assert_eq!(rows(app, table).await, count, "{table}");
        }
        app.eventually("the file is erased", async || find_files(&app.files_dir()).len() == 1).await;
        assert_eq!(rows(app, "files").await, 1);
        assert!(rows(app, "audit_log").await > audit, "the log says who deleted what");
        // What is left works: the room that stays with its message and its file, the room the organization had.
        let ada = app.sign_in("ada@example.org").await;
        let page = app.get(&talk::of_room(&stays), Some(&ada)).await.expect(200);
        assert_eq!((page.json["items"].as_array().unwrap().len(), page.text("/items/0/body")), (1, "One".into()));
        talk::say(app, &ada, &talk::of_room(&stays), "Three").await;
        assert_eq!(app.get(&format!("/rooms/{ours}"), Some(&ada)).await.expect(200).json["org_id"], json!(null));
        app.get(&format!("/meetings/{}", on.text("/id")), Some(&ada)).await.expect(200);
        app.get(&format!("/meetings/{}", busy.text("/id")), Some(&ada)).await.problem(404, "meeting_not_found");
        app.get(&slip, Some(&ada)).await.problem(404, "message_not_found");
    }

    async fn the_time_is_a_setting(app) {
        let root = app.admin().await;
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        app.patch("/admin/settings", Some(&root.access), json!({ "retention.deleted_days": 1 })).await.expect(200);
        app.delete(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(204);
        app.clock.advance(Duration::from_secs(DAY + 60));
        rounds(app).await;
        assert_eq!(rows(app, "rooms").await, 0);
        let bad = json!({ "retention.deleted_days": 0 });
        let root = app.sign_in(&root.email).await;
        app.patch("/admin/settings", Some(&root), bad).await.blames(&["retention.deleted_days"]);
    }

    async fn direct_conversations_go_when_both_are_gone(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = app.organization(&[&ada, &bob]).await;
        assert_ne!(org, Uuid::nil());
        let direct = app.post("/conversations/direct", Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        talk::say(app, &ada.access, &format!("/conversations/{}/messages", direct.text("/id")), "Hello").await;
        app.delete_me(&ada.access).await.expect(204);
        app.clock.advance(Duration::from_secs(31 * DAY));
        rounds(app).await;
        assert_eq!(rows(app, "messages").await, 1, "the other one still reads it");
        let bob = app.sign_in("bob@example.org").await;
        app.delete_me(&bob).await.expect(204);
        app.clock.advance(Duration::from_secs(31 * DAY));
        rounds(app).await;
        assert_eq!((rows(app, "messages").await, rows(app, "direct_conversations").await), (0, 0));
    }

    async fn two_at_once_do_no_harm(app) {
        let ada = app.person("Ada").await;
        let second = app.second().await;
        for _ in 0..30 {
            let room = app.room(&ada, "public").await;
            talk::say(app, &ada.access, &talk::of_room(&room), "One").await;
            app.delete(&format!("/rooms/{}", room.text("/id")), Some(&ada.access)).await.expect(204);
        }
        app.clock.advance(Duration::from_secs(31 * DAY));
        let (one, other) = tokio::join!(app.control.forget(), second.control.forget());
        // On PostgreSQL two that meet may have one of them give way; it goes on with the next round.
        assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
        rounds(app).await;
        for table in ["rooms", "conversations", "messages"] {
            assert_eq!(rows(app, table).await, 0, "{table}");
        }
        second.control.stop().await;
    }
}
