//! `/rooms/{room}/members` and `/invitations`: adding people, roles, removing, leaving.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, both};

/// Lets everybody in `others` meet `owner`: they share a room, so that ids may be used between them.
async fn acquaint(app: &TestApp, owner: &Person, others: &[&Person]) {
    let id = app.room(owner, "public").await.text("/id");
    app.node.beat(app).await.expect(200);
    for other in others {
        let join = app.post(&format!("/rooms/{id}/join"), Some(&other.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.post(&format!("/rooms/{id}/members"), Some(&owner.access), json!({ "user_id": other.id }))
            .await
            .expect(201);
    }
}

fn roles(page: &Value) -> Vec<(String, String)> {
    let text = |member: &Value, field: &str| member[field].as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap();
    items.iter().map(|member| (text(member, "display_name"), text(member, "role"))).collect()
}

both! {
    async fn owners_add_promote_and_remove(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        acquaint(app, &ada, &[&eve]).await;
        let id = app.room(&ada, "restricted").await.text("/id");
        let (members, room) = (format!("/rooms/{id}/members"), format!("/rooms/{id}"));
        app.get(&room, Some(&eve.access)).await.problem(404, "room_not_found");
        let added = app.post(&members, Some(&ada.access), json!({ "user_id": eve.id })).await.expect(201);
        assert_eq!((added.text("/display_name"), added.text("/role")), ("Eve".into(), "member".into()));
        let again = app.post(&members, Some(&ada.access), json!({ "user_id": eve.id, "role": "admin" })).await.expect(200);
        assert_eq!(again.text("/role"), "member", "adding again changes nothing");
        assert_eq!(app.get(&room, Some(&eve.access)).await.expect(200).text("/role"), "member");
        let page = app.get(&members, Some(&eve.access)).await.expect(200);
        assert_eq!(roles(&page.json), [("Ada".into(), "owner".into()), ("Eve".into(), "member".into())]);
        let eves = format!("{members}/{}", eve.id);
        let up = app.patch(&eves, Some(&ada.access), json!({ "role": "admin" })).await.expect(200);
        assert_eq!(up.text("/role"), "admin");
        app.delete(&eves, Some(&ada.access)).await.expect(204);
        app.delete(&eves, Some(&ada.access)).await.problem(404, "member_not_found");
        app.get(&room, Some(&eve.access)).await.problem(404, "room_not_found");
    }

    async fn admins_govern_members_only(app) {
        let (ada, ben, cem) = (app.person("Ada").await, app.person("Ben").await, app.person("Cem").await);
        acquaint(app, &ada, &[&ben, &cem]).await;
        let members = format!("/rooms/{}/members", app.room(&ada, "trusted").await.text("/id"));
        let one = |person: &Person| format!("{members}/{}", person.id);
        app.post(&members, Some(&ada.access), json!({ "user_id": ben.id, "role": "admin" })).await.expect(201);
        app.post(&members, Some(&ben.access), json!({ "user_id": cem.id, "role": "admin" })).await.problem(403, "forbidden");
        app.post(&members, Some(&ben.access), json!({ "user_id": cem.id })).await.expect(201);
        app.patch(&one(&cem), Some(&ben.access), json!({ "role": "admin" })).await.problem(403, "forbidden");
        app.delete(&one(&ada), Some(&ben.access)).await.problem(403, "forbidden");
        app.delete(&one(&ben), Some(&cem.access)).await.problem(403, "forbidden");
        app.post(&members, Some(&cem.access), json!({ "user_id": ben.id })).await.problem(403, "forbidden");
        app.delete(&one(&cem), Some(&ben.access)).await.expect(204);
        app.delete(&one(&ben), Some(&ben.access)).await.expect(204);
    }

    async fn a_room_keeps_an_owner(app) {
        let (ada, ben) = (app.person("Ada").await, app.person("Ben").await);
        acquaint(app, &ada, &[&ben]).await;
        let members = format!("/rooms/{}/members", app.room(&ada, "trusted").await.text("/id"));
        let (adas, bens) = (format!("{members}/{}", ada.id), format!("{members}/{}", ben.id));
        app.delete(&adas, Some(&ada.access)).await.problem(409, "last_owner");
        app.patch(&adas, Some(&ada.access), json!({ "role": "member" })).await.problem(409, "last_owner");
        app.post(&members, Some(&ada.access), json!({ "user_id": ben.id, "role": "owner" })).await.expect(201);
        // Each demotes the other at once: one of them stays owner.
        let demote = json!({ "role": "member" });
        let (one, two) = futures_util::future::join(
            app.patch(&bens, Some(&ada.access), demote.clone()),
            app.patch(&adas, Some(&ben.access), demote.clone()),
        ).await;
        let page = app.get(&members, Some(&ada.access)).await.expect(200);
        let owners = roles(&page.json).into_iter().filter(|(_, role)| role == "owner").count();
        assert_eq!(owners, 1, "{} and {}", one.status, two.status);
    }

    async fn strangers_learn_nothing(app) {
        let (ada, eve, zoe) = (app.person("Ada").await, app.person("Eve").await, app.person("Zoe").await);
        app.verify_email(&zoe).await;
        let open = format!("/rooms/{}/members", app.room(&ada, "trusted").await.text("/id"));
        let secret = format!("/rooms/{}/members", app.room(&ada, "restricted").await.text("/id"));
        app.get(&open, Some(&eve.access)).await.problem(403, "forbidden");
        app.get(&secret, Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&secret, None).await.problem(401, "sign_in_required");
        app.post(&open, None, json!({ "user_id": ada.id })).await.problem(401, "sign_in_required");
        let nobody = json!({ "user_id": "0190d2a6-0000-7000-8000-000000000000" });
        let refused = app.post(&open, Some(&ada.access), nobody).await.problem(404, "user_not_found");
        let stranger = app.post(&open, Some(&ada.access), json!({ "user_id": zoe.id })).await.problem(404, "user_not_found");
        assert_eq!(refused.json, stranger.json);
        let zoes = app.post(&open, Some(&ada.access), json!({ "email": zoe.email })).await.expect(202);
        let none = app.post(&open, Some(&ada.access), json!({ "email": "no@example.org" })).await.expect(202);
        assert_eq!(zoes.json, none.json);
        let page = app.get(&open, Some(&ada.access)).await.expect(200);
        assert_eq!(roles(&page.json).len(), 1);
    }

    async fn an_invited_address_becomes_a_member_by_coming(app) {
        let (ada, zoe, eve) = (app.person("Ada").await, app.person("Zoe").await, app.person("Eve").await);
        let id = app.room(&ada, "restricted").await.text("/id");
        let (room, members, invitations) =
            (format!("/rooms/{id}"), format!("/rooms/{id}/members"), format!("/rooms/{id}/invitations"));
        for person in [&zoe, &eve] {
            let body = json!({ "email": person.email.to_uppercase(), "role": "admin" });
            app.post(&members, Some(&ada.access), body.clone()).await.expect(202);
            app.post(&members, Some(&ada.access), body).await.expect(202);
        }
        let page = app.get(&invitations, Some(&ada.access)).await.expect(200);
        assert_eq!(page.json["items"].as_array().unwrap().len(), 2);
        assert_eq!(page.text("/items/0/email"), "eve@example.org");
        app.delete(&format!("{invitations}/{}", page.text("/items/0/id")), Some(&ada.access)).await.expect(204);
        let gone = format!("{invitations}/{}", page.text("/items/0/id"));
        app.delete(&gone, Some(&ada.access)).await.problem(404, "invitation_not_found");
        app.get(&room, Some(&zoe.access)).await.problem(404, "room_not_found");
        app.verify_email(&zoe).await;
        app.verify_email(&eve).await;
        app.get(&room, Some(&eve.access)).await.problem(404, "room_not_found");
        assert_eq!(app.get(&room, Some(&zoe.access)).await.expect(200).text("/role"), "admin");
        assert_eq!(app.get(&invitations, Some(&zoe.access)).await.expect(200).json["items"], json!([]));
        app.get(&invitations, Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&invitations, None).await.problem(401, "sign_in_required");
    }

    async fn an_invitation_is_worth_what_its_inviter_is_and_less_than_what_came_after(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        acquaint(app, &ada, &[&bob]).await;
        for (n, how) in ["inviter removed", "inviter demoted", "added", "removed"].into_iter().enumerate() {
            let id = app.room(&ada, "restricted").await.text("/id");
            let (room, members) = (format!("/rooms/{id}"), format!("/rooms/{id}/members"));
            let bobs = format!("{members}/{}", bob.id);
            let body = json!({ "user_id": bob.id, "role": "admin" });
            app.post(&members, Some(&ada.access), body).await.expect(201);
            let zoe = app.person(&format!("Zoe{n}")).await;
            app.post(&members, Some(&bob.access), json!({ "email": zoe.email })).await.expect(202);
            app.verify_email(&zoe).await;
            match how {
                "inviter removed" => drop(app.delete(&bobs, Some(&ada.access)).await.expect(204)),
                "inviter demoted" => drop(app.patch(&bobs, Some(&ada.access), json!({ "role": "member" })).await.expect(200)),
                _ => {
                    acquaint(app, &ada, &[&zoe]).await;
                    app.post(&members, Some(&ada.access), json!({ "user_id": zoe.id })).await.expect(201);
                    if how == "removed" {
                        app.delete(&format!("{members}/{}", zoe.id), Some(&ada.access)).await.expect(204);
                    }
                }
            }
            let seen = app.get(&room, Some(&zoe.access)).await;
            match how {
                "added" => assert_eq!(seen.expect(200).text("/role"), "member"),
                _ => drop(seen.problem(404, "room_not_found")),
            }
            let waiting = app.get(&format!("{room}/invitations"), Some(&ada.access)).await.expect(200);
            assert_eq!(waiting.json["items"], json!([]), "{how}");
        }
    }

    async fn known_addresses_are_added_at_once(app) {
        let (ada, ben) = (app.person("Ada").await, app.person("Ben").await);
        acquaint(app, &ada, &[&ben]).await;
        let members = format!("/rooms/{}/members", app.room(&ada, "trusted").await.text("/id"));
        app.post(&members, Some(&ada.access), json!({ "email": ben.email })).await.expect(202);
        app.verify_email(&ben).await;
        app.post(&members, Some(&ada.access), json!({ "email": ben.email })).await.expect(201);
    }

    async fn removing_a_member_takes_them_out_of_the_call(app) {
        let (ada, ben) = (app.person("Ada").await, app.person("Ben").await);
        acquaint(app, &ada, &[&ben]).await;
        let id = app.room(&ada, "restricted").await.text("/id");
        app.post(&format!("/rooms/{id}/members"), Some(&ada.access), json!({ "user_id": ben.id })).await.expect(201);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ben.access), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &id).await;
        app.delete(&format!("/rooms/{id}/members/{}", ben.id), Some(&ada.access)).await.expect(204);
        let removed = format!("RemoveParticipant {id} {}", inside.identity);
        app.eventually("who was a member is removed", async || app.node.called(&removed) >= 1).await;
    }

    async fn pages_cost_the_same_whatever_their_length(app) {
        let ada = app.person("Ada").await;
        let mut others = Vec::new();
        for n in 0..5 {
            others.push(app.person(&format!("Person{n}")).await);
        }
        acquaint(app, &ada, &others.iter().collect::<Vec<_>>()).await;
        let members = format!("/rooms/{}/members", app.room(&ada, "trusted").await.text("/id"));
        let count = async || {
            let mut least = u64::MAX;
            for _ in 0..5 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                let before = app.control.statements();
                app.get(&members, Some(&ada.access)).await.expect(200);
                least = least.min(app.control.statements() - before);
            }
            least
        };
        let alone = count().await;
        for other in &others {
            app.post(&members, Some(&ada.access), json!({ "user_id": other.id })).await.expect(201);
        }
        assert_eq!(count().await, alone);
        let first = app.get(&format!("{members}?limit=4"), Some(&ada.access)).await.expect(200);
        assert_eq!(roles(&first.json).len(), 4);
        let rest = format!("{members}?limit=4&cursor={}", first.text("/next_cursor"));
        let rest = app.get(&rest, Some(&ada.access)).await.expect(200);
        assert_eq!((roles(&rest.json).len(), &rest.json["next_cursor"]), (2, &Value::Null));
    }

    async fn refuse_nonsense(app) {
        let ada = app.person("Ada").await;
        let members = format!("/rooms/{}/members", app.room(&ada, "trusted").await.text("/id"));
        let ada = Some(ada.access.as_str());
        app.post(&members, ada, json!({})).await.blames(&["user_id"]);
        app.post(&members, ada, json!({ "user_id": "x" })).await.blames(&["user_id"]);
        app.post(&members, ada, json!({ "email": "a\u{0}b@example.org" })).await.blames(&["email"]);
        app.post(&members, ada, json!({ "email": format!("{}@example.org", "x".repeat(300)) })).await.blames(&["email"]);
        app.post(&members, ada, json!({ "email": "a@example.org", "role": "king" })).await.blames(&["role"]);
        app.patch(&format!("{members}/x"), ada, json!({ "role": "admin" })).await.problem(404, "member_not_found");
        app.patch(&format!("{members}/%00"), ada, json!({})).await.blames(&["role"]);
        app.get(&format!("{members}?limit=0"), ada).await.blames(&["limit"]);
        app.get(&format!("{members}?cursor=x"), ada).await.blames(&["cursor"]);
    }
}
