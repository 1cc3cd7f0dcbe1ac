//! Invites to organizations: by token or verified address, once, and nothing given away.

use std::time::Duration;

use serde_json::json;

use crate::support::{MailSink, both, talk};

both! {
    async fn a_token_makes_a_member_once(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let body = json!({ "email": " New@Example.org ", "role": "admin" });
        let invite = app.post(&path, Some(&ada.access), body.clone()).await.expect(201);
        assert_eq!((invite.text("/email"), invite.text("/role")), ("new@example.org".into(), "admin".into()));
        assert!(invite.text("/url").ends_with(&invite.text("/token")), "{}", invite.json);
        let waiting = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!((waiting.text("/items/0/id"), waiting.json["items"][0].get("token")), (invite.text("/id"), None));
        let link = format!("/organization-invites/{}", invite.text("/token"));
        assert_eq!(app.get(&link, None).await.expect(200).text("/org_name"), "Org");
        // The id opens nothing for who does not own the address, the link of before nothing once there is a new one.
        let by_id = format!("/organization-invites/{}/accept", invite.text("/id"));
        app.post(&by_id, Some(&bob.access), json!({})).await.problem(404, "invite_not_found");
        app.get(&format!("/organization-invites/{}", invite.text("/id")), None).await.problem(404, "invite_not_found");
        let fresh = app.post(&path, Some(&ada.access), body).await.expect(201);
        app.post(&format!("{link}/accept"), Some(&bob.access), json!({})).await.problem(404, "invite_not_found");
        let link = format!("/organization-invites/{}", fresh.text("/token"));
        app.post(&format!("{link}/accept"), None, json!({})).await.problem(401, "sign_in_required");
        let accept = format!("{link}/accept");
        let (one, two) = tokio::join!(
            app.post(&accept, Some(&bob.access), json!({})),
            app.post(&accept, Some(&eve.access), json!({})),
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404]);
        app.get(&link, None).await.problem(404, "invite_not_found");
        assert_eq!(app.get(&path, Some(&ada.access)).await.json["items"], json!([]));
        let members = app.get(&format!("/organizations/{}/members?role=admin", org.text("/id")), Some(&ada.access)).await;
        assert_eq!(members.json["items"].as_array().unwrap().len(), 1);
        let taken = members.text("/items/0/email");
        app.post(&path, Some(&ada.access), json!({ "email": taken })).await.problem(409, "already_member");
    }

    async fn are_for_admins_and_bounded_by_their_role(app) {
        let (ada, bob, vi, eve) =
            (app.person("Ada").await, app.person("Bob").await, app.person("Vi").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "admin").await;
        talk::member(app, &ada, &org, &vi, "member").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let body = json!({ "email": "new@example.org" });
        app.post(&path, Some(&vi.access), body.clone()).await.problem(403, "forbidden");
        app.get(&path, Some(&vi.access)).await.problem(403, "forbidden");
        app.post(&path, Some(&eve.access), body.clone()).await.problem(404, "organization_not_found");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.post(&path, None, body.clone()).await.problem(401, "sign_in_required");
        app.get(&path, None).await.problem(401, "sign_in_required");
        let owner = json!({ "email": "new@example.org", "role": "owner" });
        app.post(&path, Some(&bob.access), owner).await.problem(403, "forbidden");
        app.post(&path, Some(&bob.access), json!({ "email": "a b" })).await.blames(&["email"]);
        app.post(&path, Some(&bob.access), json!({ "email": "a\0@b.example" })).await.blames(&["email"]);
        app.post(&path, Some(&bob.access), json!({})).await.blames(&["email"]);
        let invite = app.post(&path, Some(&bob.access), body).await.expect(201);
        let one = format!("{path}/{}", invite.text("/id"));
        app.delete(&one, Some(&vi.access)).await.problem(403, "forbidden");
        app.delete(&one, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.delete(&one, None).await.problem(401, "sign_in_required");
        app.delete(&one, Some(&ada.access)).await.expect(204);
        app.delete(&one, Some(&ada.access)).await.problem(404, "invite_not_found");
        let link = format!("/organization-invites/{}", invite.text("/token"));
        app.get(&link, None).await.problem(404, "invite_not_found");
        app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.get(&format!("{path}?limit=0"), Some(&ada.access)).await.blames(&["limit"]);
    }

    async fn decline_and_expire(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let invite = async |email: &str| {
            let made = app.post(&path, Some(&ada.access), json!({ "email": email })).await.expect(201);
            format!("/organization-invites/{}", made.text("/token"))
        };
        let (one, two) = (invite("one@example.org").await, invite("two@example.org").await);
        app.post(&format!("{one}/decline"), None, json!({})).await.expect(204);
        app.post(&format!("{one}/decline"), None, json!({})).await.problem(404, "invite_not_found");
        app.post(&format!("{one}/accept"), Some(&bob.access), json!({})).await.problem(404, "invite_not_found");
        for odd in ["x", "poi_x", "%00"] {
            app.get(&format!("/organization-invites/{odd}"), None).await.problem(404, "invite_not_found");
            let decline = format!("/organization-invites/{odd}/decline");
            app.post(&decline, None, json!({})).await.problem(404, "invite_not_found");
        }
        let id = format!("/organization-invites/{}/decline", uuid::Uuid::now_v7());
        app.post(&id, None, json!({})).await.problem(401, "sign_in_required");
        app.clock.advance(Duration::from_secs(14 * 86_400 + 1));
        app.get(&two, None).await.problem(404, "invite_not_found");
    }

    async fn a_list_of_ones_own_needs_a_verified_address(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let invite = app.post(&path, Some(&ada.access), json!({ "email": bob.email })).await.expect(201);
        let mine = app.get("/me/organization-invites", Some(&bob.access)).await.expect(200);
        assert_eq!(mine.json, json!({ "items": [], "next_cursor": null }));
        let accept = format!("/organization-invites/{}/accept", invite.text("/id"));
        app.post(&accept, Some(&bob.access), json!({})).await.problem(404, "invite_not_found");
        app.get("/me/organization-invites", None).await.problem(401, "sign_in_required");
        app.get("/me/organization-invites?limit=0", Some(&bob.access)).await.blames(&["limit"]);
    }

    async fn the_owner_of_a_verified_address_accepts_by_id(app, |config| MailSink::serve(config)) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let invite = app.post(&path, Some(&ada.access), json!({ "email": bob.email })).await.expect(201);
        let code = app.mail().code(&bob.email, "Confirm", 1).await;
        app.post("/auth/email/verify/confirm", Some(&bob.access), json!({ "code": code })).await.expect(200);
        let mine = app.get("/me/organization-invites", Some(&bob.access)).await.expect(200);
        assert_eq!(mine.text("/items/0/id"), invite.text("/id"));
        let accept = format!("/organization-invites/{}/accept", invite.text("/id"));
        app.post(&accept, Some(&ada.access), json!({})).await.problem(404, "invite_not_found");
        assert_eq!(app.post(&accept, Some(&bob.access), json!({})).await.expect(200).text("/role"), "member");
        app.post(&accept, Some(&bob.access), json!({})).await.problem(404, "invite_not_found");
    }
}
