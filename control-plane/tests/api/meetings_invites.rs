//! Invitations to meetings: by address and by account, answered, taken back, and what they open.

use serde_json::{Value, json};

use crate::support::both;
use crate::support::meeting::{invite, meeting, told};

both! {
    async fn go_to_addresses_and_people_each_once(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let body = json!({ "invites": [{ "email": " New@Example.ORG " }, { "user_id": bob.id }] });
        let made = app.post(&path, Some(&ada.access), body.clone()).await.expect(200);
        assert_eq!(made.text("/items/0/email"), "new@example.org");
        assert_eq!((&made.json["items"][0]["user_id"], made.text("/items/1/user_id")), (&Value::Null, bob.id.clone()));
        assert_eq!(made.text("/items/1/display_name"), "Bob");
        let link = made.text("/items/0/link");
        assert!(link.starts_with("http://meet.test/invites/pm_"), "{link}");
        let again = app.post(&path, Some(&ada.access), body).await.expect(200);
        assert_eq!((again.text("/items/0/id"), again.text("/items/0/link")), (made.text("/items/0/id"), link));
        let list = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!(list.json["items"].as_array().unwrap().len(), 2);
        assert!(list.json["items"][0].get("link").is_none());
        assert_eq!(told(app, &bob).await, ["meeting.invited"]);
        // The organizer needs none.
        let body = json!({ "invites": [{ "user_id": ada.id }] });
        assert_eq!(app.post(&path, Some(&ada.access), body).await.expect(200).json["items"], json!([]));
    }

    async fn at_the_same_time_make_one(app) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let post = || app.post(&path, Some(&ada.access), json!({ "invites": [{ "email": "new@example.org" }] }));
        let answers = futures_util::future::join_all((0..6).map(|_| post())).await;
        let mut ids: Vec<_> = answers.into_iter().map(|answer| answer.expect(200).text("/items/0/id")).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
    }

    async fn are_answered_by_token_without_a_session_and_by_id_with_one(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let body = json!({ "invites": [{ "email": "new@example.org" }, { "user_id": bob.id }] });
        let made = app.post(&path, Some(&ada.access), body).await.expect(200);
        let token = made.text("/items/0/link").rsplit('/').next().unwrap().to_owned();
        for (verb, status) in [("accept", "accepted"), ("tentative", "tentative"), ("decline", "declined"),
            ("decline", "declined"), ("accept", "accepted")] {
            let answer = app.post(&format!("/invites/{token}/{verb}"), None, json!({})).await.expect(200);
            assert_eq!((answer.text("/invite/status"), answer.text("/title")), (status.into(), "Planning".into()));
        }
        let own = made.text("/items/1/id");
        let accept = format!("/invites/{own}/accept");
        assert_eq!(app.post(&accept, Some(&bob.access), json!({})).await.expect(200).text("/invite/status"), "accepted");
        app.post(&accept, Some(&eve.access), json!({})).await.problem(404, "invite_not_found");
        app.post(&accept, Some(&ada.access), json!({})).await.problem(404, "invite_not_found");
        app.post(&accept, None, json!({})).await.problem(404, "invite_not_found");
        for odd in ["pm_short", "nothing", "%00", "pm_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            app.post(&format!("/invites/{odd}/accept"), None, json!({})).await.problem(404, "invite_not_found");
        }
        let seen = app.get(&format!("/meetings/{id}"), Some(&bob.access)).await.expect(200);
        assert_eq!((seen.text("/my_answer"), seen.text("/my_invite_id")), ("accepted".into(), own));
        app.post(&format!("/meetings/{id}/cancel"), Some(&ada.access), json!({})).await.expect(200);
        app.post(&format!("/invites/{token}/decline"), None, json!({})).await.problem(409, "meeting_over");
    }

    async fn are_shown_to_who_holds_the_link_before_any_answer(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let more = json!({ "rrule": "FREQ=WEEKLY;COUNT=3", "description": "Bring cake" });
        let made = meeting(app, &ada, 60, more).await;
        let id = made.text("/id");
        let body = json!({ "invites": [{ "email": "new@example.org" }, { "user_id": bob.id }] });
        let sent = app.post(&format!("/meetings/{id}/invites"), Some(&ada.access), body).await.expect(200);
        let token = sent.text("/items/0/link").rsplit('/').next().unwrap().to_owned();
        let path = format!("/invites/{token}");
        let seen = app.get(&path, None).await.expect(200);
        assert_eq!((seen.text("/title"), seen.text("/organizer_name")), ("Planning".into(), "Ada".into()));
        assert_eq!((seen.text("/description"), seen.text("/rrule")), ("Bring cake".into(), made.text("/rrule")));
        assert_eq!((seen.text("/room_code"), seen.text("/meeting_id")), (made.text("/room_code"), id.clone()));
        assert_eq!((seen.text("/invite/status"), seen.text("/status")), ("pending".into(), "scheduled".into()));
        assert_eq!(seen.text("/invite/email"), "new@example.org");
        assert_eq!(seen.text("/next_occurrence/starts_at"), made.text("/starts_at"));
        // Looking answers nothing and binds nobody.
        app.get(&path, Some(&eve.access)).await.expect(200);
        assert_eq!(app.get(&path, None).await.expect(200).json["invite"]["user_id"], Value::Null);
        let own = format!("/invites/{}", sent.text("/items/1/id"));
        assert_eq!(app.get(&own, Some(&bob.access)).await.expect(200).text("/invite/user_id"), bob.id);
        app.get(&own, Some(&eve.access)).await.problem(404, "invite_not_found");
        app.get(&own, None).await.problem(404, "invite_not_found");
        for odd in ["pm_short", "%00", "pm_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            app.get(&format!("/invites/{odd}"), None).await.problem(404, "invite_not_found");
        }
        app.post(&format!("/meetings/{id}/cancel"), Some(&ada.access), json!({})).await.expect(200);
        let over = app.get(&path, None).await.expect(200);
        assert_eq!((over.text("/status"), &over.json["next_occurrence"]), ("cancelled".into(), &Value::Null));
        app.delete(&format!("/meetings/{id}"), Some(&ada.access)).await.expect(204);
        app.get(&path, None).await.problem(404, "invite_not_found");
    }

    async fn belong_to_who_comes_with_the_token_while_signed_in(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        // The address of an account that never proved to own it gives no rights.
        let body = json!({ "invites": [{ "email": eve.email }] });
        let made = app.post(&format!("/meetings/{id}/invites"), Some(&ada.access), body).await.expect(200);
        assert_eq!(made.json["items"][0]["user_id"], Value::Null);
        app.get(&format!("/meetings/{id}"), Some(&eve.access)).await.problem(404, "meeting_not_found");
        let token = made.text("/items/0/link").rsplit('/').next().unwrap().to_owned();
        let answer = app.post(&format!("/invites/{token}/accept"), Some(&eve.access), json!({})).await.expect(200);
        assert_eq!(answer.text("/invite/user_id"), eve.id);
        app.get(&format!("/meetings/{id}"), Some(&eve.access)).await.expect(200);
        // It is hers now, and nobody else's.
        let bob = app.person("Bob").await;
        app.post(&format!("/invites/{token}/accept"), Some(&bob.access), json!({})).await.expect(200);
        app.get(&format!("/meetings/{id}"), Some(&bob.access)).await.problem(404, "meeting_not_found");
    }

    async fn open_the_restricted_room_until_taken_back(app) {
        app.node.beat(app).await.expect(200);
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let made = meeting(app, &ada, 0, json!({ "access_level": "restricted" })).await;
        let (id, room) = (made.text("/id"), made.text("/room_id"));
        let join = format!("/rooms/{}/join", made.text("/room_code"));
        app.post(&join, Some(&bob.access), json!({})).await.problem(403, "lobby_required");
        app.get(&format!("/rooms/{room}"), Some(&bob.access)).await.problem(404, "room_not_found");
        let invited = invite(app, &ada, &id, &bob, "participant").await;
        app.get(&format!("/rooms/{room}"), Some(&bob.access)).await.expect(200);
        let token = app.post(&format!("/rooms/{room}/join"), Some(&bob.access), json!({})).await.expect(200).text("/token");
        app.post(&join, Some(&eve.access), json!({})).await.problem(403, "lobby_required");
        app.node.join(app, &token, &room).await;
        assert_eq!(app.node.called("RemoveParticipant"), 0);
        // Who is no longer invited is no longer inside.
        app.delete(&format!("/meetings/{id}/invites/{invited}"), Some(&ada.access)).await.expect(204);
        app.eventually("Bob is out", async || app.node.called("RemoveParticipant") == 1).await;
        app.post(&join, Some(&bob.access), json!({})).await.problem(403, "lobby_required");
        let again = invite(app, &ada, &id, &bob, "participant").await;
        app.post(&format!("/invites/{again}/decline"), Some(&bob.access), json!({})).await.expect(200);
        app.post(&join, Some(&bob.access), json!({})).await.problem(403, "lobby_required");
    }

    async fn of_a_stranger_by_id_keep_the_address(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        app.organization(&[&ada, &bob]).await;
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let body = json!({ "invites": [{ "user_id": bob.id }, { "user_id": eve.id }, { "email": "new@example.org" }] });
        let made = app.post(&path, Some(&ada.access), body).await.expect(200);
        let list = app.get(&path, Some(&ada.access)).await.expect(200);
        let calendar = app.get(&format!("/meetings/{id}/calendar.ics"), Some(&ada.access)).await.expect(200);
        let calendar = calendar.json.as_str().unwrap().replace("\r\n ", "");
        for text in [made.json.to_string(), list.json.to_string(), calendar] {
            assert!(text.contains(&bob.email) && text.contains("new@example.org"), "{text}");
            assert!(!text.contains(&eve.email), "{text}");
        }
        // Who is invited sees their own.
        let own = app.get(&format!("/meetings/{id}/calendar.ics"), Some(&eve.access)).await.expect(200);
        assert!(own.json.as_str().unwrap().replace("\r\n ", "").contains(&eve.email), "{}", own.json);
    }

    async fn of_an_address_do_not_tell_whose_it_is(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        for person in [&bob, &eve] {
            app.verify_email(person).await;
        }
        app.organization(&[&ada, &bob]).await;
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let body = json!({ "invites": [{ "email": bob.email }, { "email": eve.email }, { "email": "new@example.org" }] });
        let made = app.post(&path, Some(&ada.access), body).await.expect(200);
        let list = app.get(&path, Some(&ada.access)).await.expect(200);
        for items in [&made.json["items"], &list.json["items"]] {
            let find = |email: &str| items.as_array().unwrap().iter().find(|item| item["email"] == email).unwrap().clone();
            assert_eq!(find(&bob.email)["user_id"], bob.id.as_str());
            let (known, unknown) = (find(&eve.email), find("new@example.org"));
            for field in ["user_id", "display_name", "sent_at", "status", "role"] {
                assert_eq!(known[field], unknown[field], "{field}");
            }
            assert_eq!(known["user_id"], Value::Null);
        }
        let calendar = app.get(&format!("/meetings/{id}/calendar.ics"), Some(&ada.access)).await.expect(200);
        let calendar = calendar.json.as_str().unwrap().replace("\r\n ", "");
        assert!(calendar.contains(&eve.email) && !calendar.contains("CN=Eve"), "{calendar}");
        // Whose it is, is told by who has it.
        let own = app.get(&path, Some(&eve.access)).await.expect(200);
        let own = own.json["items"].as_array().unwrap().iter().find(|item| item["user_id"] == eve.id.as_str()).cloned();
        let own = own.unwrap()["id"].as_str().unwrap().to_owned();
        app.post(&format!("/invites/{own}/accept"), Some(&eve.access), json!({})).await.expect(200);
        let list = app.get(&path, Some(&ada.access)).await.expect(200).json.to_string();
        assert!(list.contains(&eve.id), "{list}");
    }

    async fn show_addresses_to_organizers_alone(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        for n in 0..3 {
            let body = json!({ "invites": [{ "email": format!("p{n}@example.org") }] });
            app.post(&path, Some(&ada.access), body).await.expect(200);
        }
        invite(app, &ada, &id, &bob, "participant").await;
        let list = app.get(&format!("{path}?limit=3"), Some(&bob.access)).await.expect(200);
        assert!(list.json["items"].as_array().unwrap().iter().all(|item| item.get("email").is_none()));
        let rest = app.get(&format!("{path}?limit=3&cursor={}", list.text("/next_cursor")), Some(&bob.access)).await;
        assert_eq!(rest.json["items"][0]["email"], bob.email.as_str());
        assert_eq!(rest.json["next_cursor"], Value::Null);
        app.get(&path, Some(&eve.access)).await.problem(404, "meeting_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?limit=0"), Some(&bob.access)).await.blames(&["limit"]);
        app.get(&format!("{path}?cursor=x"), Some(&bob.access)).await.blames(&["cursor"]);
        let mut least = u64::MAX;
        for _ in 0..3 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let before = app.control.statements();
            app.get(&path, Some(&ada.access)).await.expect(200);
            least = least.min(app.control.statements() - before);
        }
        assert!(least <= 3, "{least} statements");
    }

    async fn are_sent_and_taken_back_by_organizers(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let new = |role: &str| json!({ "invites": [{ "email": "new@example.org", "role": role }] });
        app.post(&path, Some(&eve.access), new("participant")).await.problem(404, "meeting_not_found");
        app.post(&path, None, new("participant")).await.problem(401, "sign_in_required");
        let (bobs, eves) =
            (invite(app, &ada, &id, &bob, "co_organizer").await, invite(app, &ada, &id, &eve, "participant").await);
        app.post(&path, Some(&eve.access), new("participant")).await.problem(403, "forbidden");
        app.post(&path, Some(&bob.access), new("co_organizer")).await.problem(403, "forbidden");
        let made = app.post(&path, Some(&bob.access), new("participant")).await.expect(200).text("/items/0/id");
        app.delete(&format!("{path}/{made}"), Some(&eve.access)).await.problem(403, "forbidden");
        app.delete(&format!("{path}/{bobs}"), Some(&eve.access)).await.problem(403, "forbidden");
        app.delete(&format!("{path}/{made}"), Some(&bob.access)).await.expect(204);
        app.delete(&format!("{path}/{made}"), Some(&bob.access)).await.problem(404, "invite_not_found");
        app.delete(&format!("{path}/{eves}"), Some(&eve.access)).await.expect(204);
        app.get(&format!("/meetings/{id}"), Some(&eve.access)).await.problem(404, "meeting_not_found");
        let role = json!({ "invites": [{ "user_id": bob.id, "role": "participant" }] });
        assert_eq!(app.post(&path, Some(&ada.access), role).await.expect(200).text("/items/0/role"), "participant");
        let other = meeting(app, &ada, 60, json!({})).await.text("/id");
        app.delete(&format!("/meetings/{other}/invites/{bobs}"), Some(&ada.access)).await.problem(404, "invite_not_found");
        app.delete(&format!("{path}/nonsense"), Some(&ada.access)).await.problem(404, "invite_not_found");
    }

    async fn refuse_nonsense(app) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{id}/invites");
        let post = |body: Value| app.post(&path, Some(&ada.access), body);
        post(json!({ "invites": [] })).await.blames(&["invites"]);
        post(json!({})).await.blames(&["invites"]);
        post(json!({ "invites": [{}] })).await.blames(&["invites[0]"]);
        post(json!({ "invites": [{ "email": "a@b.example", "user_id": ada.id }] })).await.blames(&["invites[0]"]);
        post(json!({ "invites": [{ "email": "no address" }] })).await.blames(&["invites[0].email"]);
        post(json!({ "invites": [{ "email": "a@b.example", "role": "king" }] })).await.blames(&["invites[0].role"]);
        let stranger = "0190d2a6-0000-7000-8000-000000000000";
        post(json!({ "invites": [{ "user_id": stranger }] })).await.blames(&["invites"]);
        let many: Vec<Value> = (0..101).map(|n| json!({ "email": format!("p{n}@b.example") })).collect();
        post(json!({ "invites": many })).await.blames(&["invites"]);
        for round in 0..5 {
            let many: Vec<Value> = (0..100).map(|n| json!({ "email": format!("p{round}x{n}@b.example") })).collect();
            post(json!({ "invites": many })).await.expect(200);
        }
        post(json!({ "invites": [{ "email": "one.more@b.example" }] })).await.problem(409, "too_many_invites");
        let list = app.get(&format!("{path}?limit=1"), Some(&ada.access)).await.expect(200);
        assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
    }
}
