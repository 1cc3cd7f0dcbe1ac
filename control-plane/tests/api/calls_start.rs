//! `POST /calls`: the call of a room, or of a meeting.

use serde_json::json;

use crate::support::both;
use crate::support::meeting::{invite, meeting};

both! {
    async fn a_meeting_is_called_in_its_room(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        app.node.beat(app).await.expect(200);
        let planned = meeting(app, &ada, 0, json!({ "access_level": "restricted" })).await;
        let body = json!({ "meeting_id": planned.text("/id") });
        invite(app, &ada, &planned.text("/id"), &bob, "participant").await;
        // Everybody at once: one call.
        let calls: Vec<_> = (0..4)
            .map(|n| app.post("/calls", Some(if n % 2 == 0 { &ada.access } else { &bob.access }), body.clone()))
            .collect();
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status.as_u16())), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "one of them began it");
        let first = answers[0].text("/id");
        assert!(answers.iter().all(|answer| answer.text("/id") == first));
        assert_eq!(answers[0].text("/room_id"), planned.text("/room_id"));
        let by_room = json!({ "room_id": planned.text("/room_id") });
        assert_eq!(app.post("/calls", Some(&ada.access), by_room).await.expect(200).text("/id"), first);
        // Once somebody is in, it is the meeting.
        let join = app.post(&format!("/rooms/{}/join", planned.text("/room_id")), Some(&bob.access), json!({})).await;
        app.node.join(app, &join.expect(200).text("/token"), &planned.text("/room_id")).await;
        let path = format!("/meetings/{}", planned.text("/id"));
        assert_eq!(app.get(&path, Some(&ada.access)).await.text("/status"), "ongoing");
        app.post("/calls", Some(&eve.access), body.clone()).await.problem(404, "meeting_not_found");
        app.post("/calls", None, body).await.problem(401, "sign_in_required");
    }

    async fn takes_exactly_one_of_the_two(app) {
        let ada = app.person("Ada").await;
        app.node.beat(app).await.expect(200);
        let planned = meeting(app, &ada, 60, json!({})).await;
        let (id, room) = (planned.text("/id"), planned.text("/room_id"));
        let post = async |body| app.post("/calls", Some(&ada.access), body).await;
        post(json!({})).await.blames(&["room_id"]);
        post(json!({ "room_id": room, "meeting_id": id })).await.blames(&["meeting_id"]);
        post(json!({ "meeting_id": "x" })).await.expect(422);
        post(json!({ "meeting_id": room })).await.problem(404, "meeting_not_found");
        app.post(&format!("/meetings/{id}/cancel"), Some(&ada.access), json!({})).await.expect(200);
        post(json!({ "meeting_id": id })).await.problem(409, "meeting_over");
    }
}
