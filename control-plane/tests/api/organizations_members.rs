//! `/organizations/{org_id}/members`: roles up to one's own, an owner at all times.

use serde_json::json;

use crate::support::{both, talk};

both! {
    async fn are_added_listed_and_shown(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        app.organization(&[&ada, &bob]).await;
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/members", org.text("/id"));
        let added = app.post(&path, Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        assert_eq!((added.text("/role"), added.text("/email")), ("member".into(), bob.email.clone()));
        app.post(&path, Some(&ada.access), json!({ "user_id": bob.id })).await.problem(409, "already_member");
        let nobody = uuid::Uuid::now_v7();
        app.post(&path, Some(&ada.access), json!({ "user_id": nobody })).await.problem(404, "user_not_found");
        app.post(&path, Some(&ada.access), json!({ "user_id": "x" })).await.blames(&["user_id"]);
        app.post(&path, Some(&ada.access), json!({ "user_id": nobody, "role": "king" })).await.blames(&["role"]);
        app.post(&path, Some(&ada.access), json!({})).await.blames(&["user_id"]);
        app.post(&path, Some(&bob.access), json!({ "user_id": eve.id })).await.problem(403, "forbidden");
        for suffix in [String::new(), format!("/{}", bob.id)] {
            let path = format!("{path}{suffix}");
            app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
            app.get(&path, None).await.problem(401, "sign_in_required");
        }
        let seen = app.get(&path, Some(&bob.access)).await.expect(200);
        assert_eq!(seen.json["items"].as_array().unwrap().len(), 2);
        assert_eq!(seen.json["items"][0].get("email"), None);
        let first = app.get(&format!("{path}?limit=1"), Some(&ada.access)).await.expect(200);
        let second = app.get(&format!("{path}?limit=1&cursor={}", first.text("/next_cursor")), Some(&ada.access)).await;
        assert_eq!((first.text("/items/0/user_id"), second.text("/items/0/user_id")), (ada.id.clone(), bob.id.clone()));
        assert_eq!(second.json["next_cursor"], json!(null));
        let found = app.get(&format!("{path}?q=BO&role=member"), Some(&ada.access)).await.expect(200);
        assert_eq!(found.text("/items/0/display_name"), "Bob");
        assert_eq!(app.get(&format!("{path}/{}", bob.id), Some(&ada.access)).await.expect(200).json, added.json);
        app.get(&format!("{path}/{}", eve.id), Some(&ada.access)).await.problem(404, "member_not_found");
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
    }

    async fn added_by_a_stranger_keep_their_address(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/members", org.text("/id"));
        let added = app.post(&path, Some(&ada.access), json!({ "user_id": eve.id })).await.expect(201);
        let one = format!("{path}/{}", eve.id);
        let changed = app.patch(&one, Some(&ada.access), json!({ "role": "viewer" })).await.expect(200);
        let found = app.get(&one, Some(&ada.access)).await.expect(200);
        let list = app.get(&path, Some(&ada.access)).await.expect(200);
        for answer in [&added, &changed, &found, &list] {
            assert!(!answer.json.to_string().contains(&eve.email), "{}", answer.json);
        }
        let own = app.get(&path, Some(&ada.access)).await.expect(200);
        assert!(own.json.to_string().contains(&ada.email), "{}", own.json);
    }

    async fn cannot_be_given_more_organizations_than_anybody_may_own(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        for n in 0..=100 {
            let org = talk::organization(app, &ada, &format!("Org {n}")).await;
            let of_org = format!("/organizations/{}", org.text("/id"));
            let body = json!({ "user_id": eve.id, "role": "owner" });
            let given = app.post(&format!("{of_org}/members"), Some(&ada.access), body).await;
            if n == 100 {
                given.problem(409, "too_many_organizations");
                talk::member(app, &ada, &org, &eve, "admin").await;
                let member = format!("{of_org}/members/{}", eve.id);
                let raised = app.patch(&member, Some(&ada.access), json!({ "role": "owner" })).await;
                raised.problem(409, "too_many_organizations");
            } else {
                given.expect(201);
                app.post(&format!("{of_org}/leave"), Some(&ada.access), json!({})).await.expect(204);
            }
        }
        // What was given to them does not keep people from making their own.
        talk::organization(app, &eve, "Mine").await;
    }

    async fn nobody_gives_or_takes_more_than_they_have(app) {
        let (ada, bob, cy, vi) =
            (app.person("Ada").await, app.person("Bob").await, app.person("Cy").await, app.person("Vi").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/members", org.text("/id"));
        talk::member(app, &ada, &org, &bob, "admin").await;
        talk::member(app, &bob, &org, &cy, "member").await;
        let of = |person: &crate::support::Person| format!("{path}/{}", person.id);
        app.post(&path, Some(&bob.access), json!({ "user_id": vi.id, "role": "owner" })).await.problem(403, "forbidden");
        app.patch(&of(&cy), Some(&bob.access), json!({ "role": "owner" })).await.problem(403, "forbidden");
        app.patch(&of(&ada), Some(&bob.access), json!({ "role": "member" })).await.problem(403, "forbidden");
        app.delete(&of(&ada), Some(&bob.access)).await.problem(403, "forbidden");
        app.patch(&of(&cy), Some(&cy.access), json!({ "role": "admin" })).await.problem(403, "forbidden");
        app.delete(&of(&bob), Some(&cy.access)).await.problem(403, "forbidden");
        app.patch(&of(&vi), Some(&bob.access), json!({ "role": "admin" })).await.problem(404, "member_not_found");
        app.patch(&of(&cy), Some(&vi.access), json!({ "role": "admin" })).await.problem(404, "organization_not_found");
        app.patch(&of(&cy), None, json!({ "role": "admin" })).await.problem(401, "sign_in_required");
        assert_eq!(app.patch(&of(&cy), Some(&bob.access), json!({ "role": "viewer" })).await.expect(200).text("/role"), "viewer");
        app.patch(&of(&cy), Some(&bob.access), json!({})).await.blames(&["role"]);
        app.delete(&of(&cy), Some(&bob.access)).await.expect(204);
        app.delete(&of(&cy), Some(&bob.access)).await.problem(404, "member_not_found");
    }

    async fn the_last_owner_stays(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}", org.text("/id"));
        let of = |person: &crate::support::Person| format!("{path}/members/{}", person.id);
        app.post(&format!("{path}/leave"), Some(&ada.access), json!({})).await.problem(409, "last_owner");
        app.delete(&of(&ada), Some(&ada.access)).await.problem(409, "last_owner");
        app.patch(&of(&ada), Some(&ada.access), json!({ "role": "member" })).await.problem(409, "last_owner");
        app.post(&format!("{path}/leave"), Some(&bob.access), json!({})).await.problem(404, "organization_not_found");
        app.post(&format!("{path}/leave"), None, json!({})).await.problem(401, "sign_in_required");
        talk::member(app, &ada, &org, &bob, "owner").await;
        // Both give up their role at once: one of them has to keep it.
        let leave = format!("{path}/leave");
        let (one, two) = tokio::join!(
            app.post(&leave, Some(&ada.access), json!({})),
            app.post(&leave, Some(&bob.access), json!({})),
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        let stays = if one.status == 204 { &bob } else { &ada };
        assert_eq!(app.get(&path, Some(&stays.access)).await.expect(200).json["members"], 1);
    }
}
