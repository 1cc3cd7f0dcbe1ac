//! `/rooms/{room}/lobby`: knocking, waiting, being let in or not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, both};

/// A guest waits at one replica, and a host lets them in at the other.
#[tokio::test]
async fn is_one_lobby_for_all_replicas() {
    let Some(a) = TestApp::on_postgres(|_| ()).await else { return };
    let node = a.node.clone();
    let b = a.twin(move |config| config.media.call = node).await;
    let (ada, id, code) = scene(&a).await;
    for (admit, status) in [("admit", "accepted"), ("deny", "denied")] {
        let waiting = knock(&b, &code, "Grace").await;
        let (entry, pass) = (waiting.text("/id"), waiting.text("/guest/access_token"));
        let list = a.get(&format!("/rooms/{id}/lobby"), Some(&ada.access)).await.expect(200);
        assert_eq!(list.text("/items/0/id"), entry);
        let own = format!("/rooms/{code}/lobby/{entry}?wait=25");
        let began = std::time::Instant::now();
        let (poll, _) = tokio::join!(b.get(&own, Some(&pass)), async {
            a.post(&format!("/rooms/{id}/lobby/{entry}/{admit}"), Some(&ada.access), json!({})).await.expect(200)
        });
        assert_eq!(poll.expect(200).text("/status"), status);
        assert!(began.elapsed() < Duration::from_secs(10), "it looks every two seconds");
        let join = b.post(&format!("/rooms/{code}/join"), Some(&pass), json!({})).await;
        assert_eq!(join.status == 200, admit == "admit", "{}", join.json);
    }
    b.finish().await;
    a.finish().await;
}

async fn knock(app: &TestApp, code: &str, name: &str) -> Answer {
    app.post(&format!("/rooms/{code}/lobby"), None, json!({ "display_name": name })).await.expect(200)
}

/// A trusted room with its owner in the call.
async fn scene(app: &TestApp) -> (Person, String, String) {
    let ada = app.person("Ada").await;
    let room = app.room(&ada, "trusted").await;
    let (id, code) = (room.text("/id"), room.text("/code"));
    app.node.beat(app).await.expect(200);
    let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
    app.node.join(app, &join.text("/token"), &id).await;
    (ada, id, code)
}

both! {
    async fn guests_wait_until_a_host_lets_them_in(app) {
        let (ada, id, code) = scene(app).await;
        app.post(&format!("/rooms/{code}/join"), None, json!({ "display_name": "Grace" })).await.problem(403, "lobby_required");
        app.post(&format!("/rooms/{code}/lobby"), None, json!({})).await.blames(&["display_name"]);
        let waiting = knock(app, &code, " Grace ").await;
        assert_eq!(waiting.text("/status"), "waiting");
        let (entry, token) = (waiting.text("/id"), waiting.text("/guest/access_token"));
        let again = app.post(&format!("/rooms/{code}/lobby"), Some(&token), json!({})).await.expect(200);
        assert_eq!(again.text("/id"), entry, "knocking twice is fine");
        let own = format!("/rooms/{code}/lobby/{entry}");
        assert_eq!(app.get(&format!("{own}?wait=0"), Some(&token)).await.expect(200).text("/status"), "waiting");
        let hosts = format!("/rooms/{id}/lobby");
        let list = app.get(&hosts, Some(&ada.access)).await.expect(200);
        assert_eq!((list.text("/items/0/display_name"), list.text("/items/0/id")), ("Grace".into(), entry.clone()));
        let (poll, admitted) = futures_util::future::join(
            app.get(&format!("{own}?wait=20"), Some(&token)),
            async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                app.post(&format!("{hosts}/{entry}/admit"), Some(&ada.access), json!({})).await.expect(200)
            },
        ).await;
        assert_eq!((poll.expect(200).text("/status"), admitted.text("/status")), ("accepted".into(), "accepted".into()));
        app.post(&format!("{hosts}/{entry}/admit"), Some(&ada.access), json!({})).await.expect(200);
        let join = app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &id).await;
        app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.expect(200);
        // The admission ends with the call.
        let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200).text("/id");
        app.node.part(app, &inside, &id).await;
        app.post(&format!("/calls/{call}/end"), Some(&ada.access), json!({})).await.expect(200);
        app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.problem(403, "lobby_required");
    }

    async fn who_is_denied_stays_out(app) {
        let (ada, id, code) = scene(app).await;
        let waiting = knock(app, &code, "Mallory").await;
        let (entry, token) = (waiting.text("/id"), waiting.text("/guest/access_token"));
        let deny = format!("/rooms/{id}/lobby/{entry}/deny");
        app.post(&deny, Some(&ada.access), json!({})).await.expect(200);
        let own = format!("/rooms/{code}/lobby/{entry}?wait=5");
        assert_eq!(app.get(&own, Some(&token)).await.expect(200).text("/status"), "denied");
        let again = app.post(&format!("/rooms/{code}/lobby"), Some(&token), json!({})).await.expect(200);
        assert_eq!(again.text("/status"), "denied");
        app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.problem(403, "lobby_required");
    }

    async fn who_is_denied_after_all_leaves_the_call(app) {
        let (ada, id, code) = scene(app).await;
        let lobby = json!({ "config": { "lobby": true } });
        app.patch(&format!("/rooms/{id}"), Some(&ada.access), lobby).await.expect(200);
        let (bob, waiting) = (app.person("Bob").await, knock(app, &code, "Mallory").await);
        let knocked = app.post(&format!("/rooms/{code}/lobby"), Some(&bob.access), json!({})).await.expect(200);
        for (entry, token) in [
            (waiting.text("/id"), waiting.text("/guest/access_token")),
            (knocked.text("/id"), bob.access.clone()),
        ] {
            app.post(&format!("/rooms/{id}/lobby/{entry}/admit"), Some(&ada.access), json!({})).await.expect(200);
            let join = app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.expect(200);
            let inside = app.node.join(app, &join.text("/token"), &id).await;
            app.post(&format!("/rooms/{id}/lobby/{entry}/deny"), Some(&ada.access), json!({})).await.expect(200);
            let removal = format!("RemoveParticipant {id} {}", inside.identity);
            app.eventually("they are taken out", async || app.node.called(&removal) >= 1).await;
        }
    }

    async fn everybody_can_be_let_in_at_once(app) {
        let (ada, id, code) = scene(app).await;
        let mut tokens = Vec::new();
        for n in 0..3 {
            tokens.push(knock(app, &code, &format!("Guest {n}")).await.text("/guest/access_token"));
        }
        let page = app.get(&format!("/rooms/{id}/lobby?limit=2"), Some(&ada.access)).await.expect(200);
        assert_eq!(page.json["items"].as_array().unwrap().len(), 2);
        let rest = format!("/rooms/{id}/lobby?limit=2&cursor={}", page.text("/next_cursor"));
        assert_eq!(app.get(&rest, Some(&ada.access)).await.json["items"].as_array().unwrap().len(), 1);
        let all = app.post(&format!("/rooms/{id}/lobby/admit-all"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(all.json["admitted"], 3);
        for token in tokens {
            app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.expect(200);
        }
    }

    async fn signed_in_people_wait_where_members_do_not(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let body = json!({ "name": "Waiting", "access_level": "public", "config": { "lobby": true } });
        let room = app.post("/rooms", Some(&ada.access), body).await.expect(201);
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.problem(403, "lobby_required");
        let waiting = app.post(&format!("/rooms/{code}/lobby"), Some(&eve.access), json!({})).await.expect(200);
        assert!(waiting.json.get("guest").is_none());
        let mine = app.post(&format!("/rooms/{code}/lobby"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!((mine.text("/status"), &mine.json["id"]), ("accepted".into(), &Value::Null));
        // Waits are looked at anew: switching the lobby off lets everybody in.
        let off = json!({ "config": { "lobby": false } });
        app.patch(&format!("/rooms/{id}"), Some(&ada.access), off).await.expect(200);
        let own = format!("/rooms/{code}/lobby/{}?wait=0", waiting.text("/id"));
        assert_eq!(app.get(&own, Some(&eve.access)).await.expect(200).text("/status"), "accepted");
    }

    async fn is_run_by_hosts_and_waited_in_by_its_own(app) {
        let (ada, id, code) = scene(app).await;
        let eve = app.person("Eve").await;
        let waiting = knock(app, &code, "Grace").await;
        let (entry, token) = (waiting.text("/id"), waiting.text("/guest/access_token"));
        let other = knock(app, &code, "Trent").await.text("/guest/access_token");
        let own = format!("/rooms/{code}/lobby/{entry}");
        app.get(&format!("{own}?wait=0"), Some(&other)).await.problem(404, "lobby_entry_not_found");
        app.delete(&own, Some(&other)).await.problem(404, "lobby_entry_not_found");
        app.get(&format!("{own}?wait=26"), Some(&token)).await.blames(&["wait"]);
        for path in ["", "/admit-all"] {
            let path = format!("/rooms/{id}/lobby{path}");
            let method = if path.ends_with("all") { http::Method::POST } else { http::Method::GET };
            app.call(method.clone(), &path, Some(&eve.access), None).await.problem(403, "forbidden");
            app.call(method, &path, None, None).await.problem(401, "sign_in_required");
        }
        for verb in ["admit", "deny"] {
            app.post(&format!("/rooms/{id}/lobby/{entry}/{verb}"), Some(&eve.access), json!({})).await.problem(403, "forbidden");
            app.post(&format!("/rooms/{id}/lobby/x/{verb}"), Some(&ada.access), json!({})).await.problem(404, "lobby_entry_not_found");
        }
        app.delete(&own, Some(&token)).await.expect(204);
        app.get(&format!("{own}?wait=0"), Some(&token)).await.problem(404, "lobby_entry_not_found");
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(app.get(&format!("/rooms/{id}/lobby"), Some(&ada.access)).await.json["items"], json!([]));
    }

    async fn who_waits_sees_and_hears_nothing(app) {
        let ada = app.person("Ada").await;
        let eve = app.person("Eve").await;
        let form = json!({ "name": "Board", "type": "video", "access_level": "trusted", "config": { "lobby": true } });
        let room = app.post("/rooms", Some(&ada.access), form).await.expect(201);
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200).text("/id");
        let messages = crate::support::talk::of_room(&room);
        crate::support::talk::say(app, &ada.access, &messages, "The figures are bad").await;
        let guest = knock(app, &code, "Grace").await;
        let pass = guest.text("/guest/access_token");
        let waiting = app.post(&format!("/rooms/{code}/lobby"), Some(&eve.access), json!({})).await.expect(200);

        let wire = app.wire().await;
        let topics = [format!("room:{id}"), format!("conversation:{}", room.text("/conversation_id"))];
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        for token in [&pass, &eve.access] {
            let mut socket = wire.open(token).await;
            let answer = socket.ask(json!({ "type": "subscribe", "topics": topics })).await;
            assert_eq!((&answer["topics"], answer["refused"].as_array().unwrap().len()), (&json!([]), 2));
            let said = json!({ "type": "message.send", "conversation_id": room.json["conversation_id"],
                "body": "Hello?", "client_id": "one" });
            assert_eq!(socket.ask(said).await["code"], "conversation_not_found");
            app.get(&messages, Some(token)).await.problem(404, "conversation_not_found");
            app.post(&messages, Some(token), json!({ "body": "Hello?" })).await.problem(404, "conversation_not_found");
            app.get(&format!("/rooms/{id}/call"), Some(token)).await.problem(403, "lobby_required");
            app.get(&format!("/calls/{call}"), Some(token)).await.problem(404, "call_not_found");
            app.get(&format!("/calls/{call}/participants"), Some(token)).await.problem(404, "call_not_found");
        }

        // Let in, they listen; the guest hears what is said from the moment of joining on.
        app.post(&format!("/rooms/{id}/lobby/admit-all"), Some(&ada.access), json!({})).await.expect(200);
        for token in [&pass, &eve.access] {
            let join = app.post(&format!("/rooms/{code}/join"), Some(token), json!({})).await.expect(200);
            app.node.join(app, &join.text("/token"), &id).await;
            wire.open(token).await.subscribe(&topics, None).await;
            app.post(&messages, Some(token), json!({ "body": "Hello" })).await.expect(201);
            app.get(&format!("/calls/{call}/participants"), Some(token)).await.expect(200);
        }
        assert_eq!(waiting.text("/status"), "waiting");
        // With the call, the admission of somebody who is no member ends.
        app.post(&format!("/calls/{call}/end"), Some(&ada.access), json!({})).await.expect(200);
        app.get(&messages, Some(&eve.access)).await.problem(404, "conversation_not_found");
    }

    async fn slows_down_who_knocks_too_often(app, |config| {
        config.rate_limits.lobby_per_minute = 2;
        config.rate_limits.guest_per_minute = 1;
    }) {
        let (_, _, code) = scene(app).await;
        let waiting = knock(app, &code, "One").await;
        knock(app, &code, "Two").await;
        let third = app.post(&format!("/rooms/{code}/lobby"), None, json!({ "display_name": "Three" })).await;
        third.problem(429, "rate_limited");
        // Waiting is not counted with the guest's other requests.
        let own = format!("/rooms/{code}/lobby/{}?wait=0", waiting.text("/id"));
        for _ in 0..4 {
            app.get(&own, Some(&waiting.text("/guest/access_token"))).await.expect(200);
        }
    }
}
