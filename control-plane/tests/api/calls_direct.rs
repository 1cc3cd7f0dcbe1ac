//! `/calls/direct`: one person rings another; answered, declined, given up, missed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::meeting::told;
use crate::support::talk::{member, organization};
use crate::support::{Answer, Person, TestApp, both};

/// Two people who share an organization, and a stranger.
async fn people(app: &TestApp) -> (Person, Person, Person) {
    let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
    let engines = organization(app, &ada, "Analytical Engines").await;
    member(app, &ada, &engines, &bob, "member").await;
    (ada, bob, eve)
}

async fn ring(app: &TestApp, who: &Person, whom: &Person) -> Answer {
    app.post("/calls/direct", Some(&who.access), json!({ "user_id": whom.id })).await
}

async fn act(app: &TestApp, who: &Person, ring: &str, verb: &str) -> Answer {
    app.post(&format!("/calls/direct/{ring}/{verb}"), Some(&who.access), json!({})).await
}

both! {
    async fn are_answered_and_meet_in_the_room_of_the_two(app) {
        app.node.beat(app).await.expect(200);
        let (ada, bob, eve) = people(app).await;
        let first = ring(app, &ada, &bob).await.expect(201);
        let id = first.text("/id");
        assert_eq!((first.text("/state"), first.text("/caller/display_name")), ("ringing".into(), "Ada".into()));
        assert_eq!(told(app, &bob).await[0], "call.ringing");
        assert_eq!(ring(app, &ada, &bob).await.expect(200).text("/id"), id, "it rings already");
        act(app, &ada, &id, "answer").await.problem(403, "forbidden");
        act(app, &eve, &id, "answer").await.problem(404, "ring_not_found");
        app.get(&format!("/calls/direct/{id}"), Some(&eve.access)).await.problem(404, "ring_not_found");
        for _ in 0..2 {
            assert_eq!(act(app, &bob, &id, "answer").await.expect(200).text("/state"), "answered");
        }
        act(app, &bob, &id, "decline").await.problem(409, "ring_over");
        act(app, &ada, &id, "cancel").await.problem(409, "ring_over");
        let room = first.text("/room_code");
        for person in [&ada, &bob] {
            let join = app.post(&format!("/rooms/{room}/join"), Some(&person.access), json!({})).await.expect(200);
            app.node.join(app, &join.text("/token"), &first.text("/room_id")).await;
        }
        app.post(&format!("/rooms/{room}/join"), Some(&eve.access), json!({})).await.problem(403, "lobby_required");
        // The other way round it is the same room.
        assert_eq!(ring(app, &bob, &ada).await.expect(201).text("/room_code"), room);
        assert!(!told(app, &bob).await.contains(&"call.missed".to_owned()));
    }

    async fn of_two_who_ring_each_other_at_once_nobody_is_refused(app) {
        let (ada, bob, _) = people(app).await;
        for _ in 0..4 {
            let (one, two, three) = tokio::join!(ring(app, &ada, &bob), ring(app, &bob, &ada), ring(app, &bob, &ada));
            for answer in [&one, &two, &three] {
                assert!([200, 201].contains(&answer.status.as_u16()), "{answer:?}");
            }
            // Whatever rings now ends before the next round.
            for answer in [one, two, three] {
                let id = answer.text("/id");
                act(app, &ada, &id, "cancel").await;
                act(app, &bob, &id, "cancel").await;
            }
        }
    }

    async fn are_declined_given_up_and_missed(app) {
        let (ada, bob, _) = people(app).await;
        let missed = async || told(app, &bob).await.iter().filter(|kind| *kind == "call.missed").count();
        let id = ring(app, &ada, &bob).await.expect(201).text("/id");
        act(app, &ada, &id, "decline").await.problem(403, "forbidden");
        assert_eq!(act(app, &bob, &id, "decline").await.expect(200).text("/state"), "declined");
        assert_eq!(missed().await, 0);
        let id = ring(app, &ada, &bob).await.expect(201).text("/id");
        act(app, &bob, &id, "cancel").await.problem(403, "forbidden");
        assert_eq!(act(app, &ada, &id, "cancel").await.expect(200).text("/state"), "cancelled");
        assert_eq!(missed().await, 1);
        let id = ring(app, &ada, &bob).await.expect(201).text("/id");
        app.clock.advance(Duration::from_secs(46));
        act(app, &bob, &id, "answer").await.problem(409, "ring_over");
        app.eventually("the second is missed", async || missed().await == 2).await;
        let seen = app.get(&format!("/calls/direct/{id}"), Some(&ada.access)).await.expect(200);
        assert_eq!(seen.text("/state"), "missed");
        assert!(seen.json["ended_at"].is_string());
        assert_ne!(ring(app, &ada, &bob).await.expect(201).text("/id"), id);
    }

    async fn of_both_sides_at_once_become_one_call(app) {
        let (ada, bob, _) = people(app).await;
        let id = ring(app, &ada, &bob).await.expect(201).text("/id");
        let other = ring(app, &bob, &ada).await.expect(200);
        assert_eq!((other.text("/id"), other.text("/state")), (id, "answered".into()));
        let answers = futures_util::future::join_all((0..6).map(|_| ring(app, &ada, &bob))).await;
        let mut ids: Vec<_> = answers.iter().map(|answer| answer.text("/id")).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    }

    async fn share_the_direct_conversation(app) {
        let (ada, bob, _) = people(app).await;
        let direct = app.post("/conversations/direct", Some(&ada.access), json!({ "user_id": bob.id })).await;
        let direct = direct.expect(201).text("/id");
        let ring = ring(app, &bob, &ada).await.expect(201);
        assert_eq!(ring.text("/conversation_id"), direct);
        let room = app.get(&format!("/rooms/{}", ring.text("/room_id")), Some(&ada.access)).await.expect(200);
        assert_eq!((room.text("/conversation_id"), room.text("/role")), (direct, "owner".into()));
    }

    async fn reach_known_people_alone(app) {
        let (ada, bob, eve) = people(app).await;
        ring(app, &ada, &eve).await.problem(404, "user_not_found");
        ring(app, &ada, &ada).await.blames(&["user_id"]);
        let post = async |body: Value| app.post("/calls/direct", Some(&ada.access), body).await;
        post(json!({ "user_id": "0190d2a6-0000-7000-8000-000000000000" })).await.problem(404, "user_not_found");
        post(json!({ "user_id": "Bob" })).await.blames(&["user_id"]);
        post(json!({ "user_id": 5 })).await.blames(&["user_id"]);
        post(json!({})).await.blames(&["user_id"]);
        app.post("/calls/direct", None, json!({ "user_id": bob.id })).await.problem(401, "sign_in_required");
        for verb in ["answer", "decline", "cancel"] {
            act(app, &ada, "nonsense", verb).await.problem(404, "ring_not_found");
            app.post(&format!("/calls/direct/x/{verb}"), None, json!({})).await.problem(401, "sign_in_required");
        }
        app.get("/calls/direct/%00", Some(&ada.access)).await.problem(404, "ring_not_found");
        app.get("/calls/direct/x", None).await.problem(401, "sign_in_required");
    }
}
