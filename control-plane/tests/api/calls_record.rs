//! What a media node reports becomes the open call and the history.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::json;
use signaling_proto::heartbeat::{self, Heartbeat};
use signaling_proto::{unix_now, webhook};

use crate::support::{KEY, both};

both! {
    async fn shows_who_is_in_and_for_how_long_they_were(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let id = room.text("/id");
        let (call, calls) = (format!("/rooms/{id}/call"), format!("/rooms/{id}/calls"));
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.get(&call, Some(&ada.access)).await.problem(404, "no_open_call");
        let first = app.node.join(app, &join.text("/token"), &id).await;
        let path = format!("/rooms/{}/join", room.text("/code"));
        let guest = app.post(&path, None, json!({ "display_name": "Grace" })).await.expect(200);
        let second = app.node.join(app, &guest.text("/token"), &id).await;

        let open = app.get(&call, Some(&ada.access)).await.expect(200);
        assert_eq!(open.text("/state"), "active");
        assert_eq!(open.json["peak_participants"], 2);
        let people = open.json["participants"].as_array().unwrap();
        let facts: Vec<_> = people.iter().map(|p| (p["name"].as_str().unwrap(), p["role"].as_str().unwrap())).collect();
        assert_eq!(facts, [("Ada", "host"), ("Grace", "guest")]);
        assert_eq!((&people[0]["user_id"], &people[1]["guest_id"]), (&json!(ada.id), &guest.json["guest"]["id"]));
        let view = app.get(&format!("/rooms/{id}"), Some(&ada.access)).await.expect(200);
        assert_eq!(view.json["call"]["participants"], 2);
        app.get(&call, Some(&guest.text("/guest/access_token"))).await.expect(200);
        app.get(&call, None).await.problem(401, "sign_in_required");

        app.clock.advance(Duration::from_secs(60));
        app.node.part(app, &second, &id).await;
        assert_eq!(app.get(&call, Some(&ada.access)).await.json["participants"].as_array().unwrap().len(), 1);
        app.clock.advance(Duration::from_secs(30));
        app.node.part(app, &first, &id).await;
        let over = webhook::room_event(webhook::event::ROOM_FINISHED, app.node.room(&id), unix_now());
        app.node.report(app, &over).await.expect(204);
        app.get(&call, Some(&ada.access)).await.problem(404, "no_open_call");
        let history = app.get(&calls, Some(&ada.access)).await.expect(200);
        assert_eq!(history.text("/items/0/state"), "ended");
        assert_eq!(history.json["items"][0]["peak_participants"], 2);
        let eve = app.person("Eve").await;
        app.get(&calls, Some(&eve.access)).await.problem(403, "forbidden");
    }

    async fn takes_reports_twice_and_late(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        let call = format!("/rooms/{id}/call");
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        let person = app.node.enter(&join.text("/token"));
        let room = app.node.room(&id);
        let report = |kind| webhook::participant_event(kind, room.clone(), person.clone(), unix_now());
        let joined = report(webhook::event::PARTICIPANT_JOINED);
        let left = report(webhook::event::PARTICIPANT_LEFT);
        app.node.report(app, &joined).await.expect(204);
        app.node.report(app, &joined).await.expect(204);
        let again = webhook::participant_event(webhook::event::PARTICIPANT_JOINED, room.clone(), person.clone(), unix_now());
        app.node.report(app, &again).await.expect(204);
        assert_eq!(app.get(&call, Some(&ada.access)).await.json["participants"].as_array().unwrap().len(), 1);
        app.node.report(app, &left).await.expect(204);
        app.node.report(app, &left).await.expect(204);
        app.node.report(app, &joined).await.expect(204);
        assert_eq!(app.get(&call, Some(&ada.access)).await.json["participants"], json!([]));
    }

    async fn remembers_somebody_whose_arrival_was_never_reported(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        let person = app.node.enter(&join.text("/token"));
        app.node.part(app, &person, &id).await;
        let calls = app.get(&format!("/rooms/{id}/calls"), Some(&ada.access)).await.expect(200);
        assert_eq!(calls.text("/items/0/state"), "active");
        assert_eq!(app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.json["participants"], json!([]));
    }

    async fn removes_who_came_in_with_a_token_from_before_the_room_was_closed(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{code}/join");
        let guest = app.post(&path, None, json!({ "display_name": "Grace" })).await.expect(200);
        app.patch(&format!("/rooms/{id}"), Some(&ada.access), json!({ "access_level": "trusted" })).await.expect(200);
        let late = app.node.join(app, &guest.text("/token"), &id).await;
        let removed = format!("RemoveParticipant {id} {}", late.identity);
        app.eventually("the late guest is removed", async || app.node.called(&removed) >= 1).await;
    }

    async fn leaves_foreign_rooms_alone(app) {
        let person = signaling_proto::proto::ParticipantInfo { sid: "PA_x".into(), identity: "bot".into(), ..Default::default() };
        for name in ["my-room", "0190d2a6-0000-7000-8000-000000000000"] {
            let room = signaling_proto::proto::Room { sid: "RM_x".into(), name: name.into(), ..Default::default() };
            let event = webhook::participant_event(webhook::event::PARTICIPANT_JOINED, room, person.clone(), unix_now());
            app.node.report(app, &event).await.expect(204);
        }
    }

    async fn takes_reports_signed_by_the_internal_key_alone(app) {
        let event = webhook::room_event(webhook::event::ROOM_STARTED, Default::default(), unix_now());
        let good = webhook::sign(&event, KEY.0, KEY.1, unix_now()).unwrap();
        let send = async |authorization: &str, body: Vec<u8>| {
            let request = Request::post("/internal/webhooks/livekit").header("authorization", authorization);
            app.send(request.body(Body::from(body)).unwrap()).await
        };
        send(&good.authorization, good.body.clone()).await.expect(204);
        send("", good.body.clone()).await.problem(401, "internal_request_refused");
        send(&good.authorization, b"{}".to_vec()).await.problem(401, "internal_request_refused");
        let foreign = webhook::sign(&event, "devkey", KEY.1, unix_now()).unwrap();
        send(&foreign.authorization, foreign.body).await.problem(401, "internal_request_refused");
        let old = webhook::sign(&event, KEY.0, KEY.1, unix_now() - 3_600).unwrap();
        send(&old.authorization, old.body).await.problem(401, "internal_request_refused");
        send(&good.authorization, vec![b'x'; 3 << 20]).await.expect(413);
    }

    async fn takes_heartbeats_for_the_signing_node_alone(app) {
        let signed = heartbeat::sign("ND_one", &Heartbeat::default(), KEY.0, KEY.1, unix_now()).unwrap();
        let request = Request::post("/internal/nodes/ND_two/heartbeat").header("authorization", &signed.authorization);
        let answer = app.send(request.body(Body::from(signed.body)).unwrap()).await;
        answer.problem(401, "internal_request_refused");
        let strange = app.node.beat_as(app, "one", &Heartbeat::default()).await;
        strange.problem(400, "internal_request_refused");
        let well = app.node.beat(app).await.expect(200);
        assert_eq!(well.json, json!({ "state": "up" }));
    }
}
