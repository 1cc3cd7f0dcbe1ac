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
        let new = app.person("New").await;
        app.post(&format!("{link}/accept"), Some(&new.access), json!({})).await.problem(404, "invite_not_found");
        let link = format!("/organization-invites/{}", fresh.text("/token"));
        app.post(&format!("{link}/accept"), None, json!({})).await.problem(401, "sign_in_required");
        let accept = format!("{link}/accept");
        // It is for who has the address, and for nobody else who comes by the token.
        for other in [&ada, &bob, &eve] {
            app.post(&accept, Some(&other.access), json!({})).await.problem(404, "invite_not_found");
        }
        let (one, two) = tokio::join!(
            app.post(&accept, Some(&new.access), json!({})),
            app.post(&accept, Some(&new.access), json!({})),
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

    async fn are_worth_what_their_inviter_is(app) {
        let ada = app.person("Ada").await;
        let org = talk::organization(app, &ada, "Org").await;
        let of_org = format!("/organizations/{}", org.text("/id"));
        let root = talk::platform_admin(app).await;
        let ways = ["removed", "left", "member", "viewer", "deleted", "suspended", "behind"];
        for (n, how) in ways.into_iter().enumerate() {
            let (bob, new) = (app.person(&format!("Bob{n}")).await, app.person(&format!("New{n}")).await);
            talk::member(app, &ada, &org, &bob, "admin").await;
            let body = json!({ "email": new.email, "role": "admin" });
            let invite = app.post(&format!("{of_org}/invites"), Some(&bob.access), body).await.expect(201);
            let link = format!("/organization-invites/{}", invite.text("/token"));
            app.get(&link, None).await.expect(200);
            let member = format!("{of_org}/members/{}", bob.id);
            match how {
                "removed" => drop(app.delete(&member, Some(&ada.access)).await.expect(204)),
                "left" => drop(app.post(&format!("{of_org}/leave"), Some(&bob.access), json!({})).await.expect(204)),
                "suspended" => {
                    let suspended = json!({ "status": "suspended" });
                    app.patch(&format!("/users/{}", bob.id), Some(&root), suspended).await.expect(200);
                }
                "deleted" => drop(app.delete_me(&bob.access).await.expect(204)),
                // As if the invite had been made while the role was taken.
                "behind" => app.sql("UPDATE organization_members SET role = 'member' WHERE role = 'admin'").await,
                role => drop(app.patch(&member, Some(&ada.access), json!({ "role": role })).await.expect(200)),
            }
            if how != "behind" && how != "suspended" {
                app.get(&link, None).await.problem(404, "invite_not_found");
            }
            for person in [&bob, &new] {
                let answer = app.post(&format!("{link}/accept"), Some(&person.access), json!({})).await;
                assert!([401, 404].contains(&answer.status.as_u16()), "{how}: {}", answer.json);
            }
            app.get(&of_org, Some(&new.access)).await.problem(404, "organization_not_found");
        }
        let admins = app.get(&format!("{of_org}/members?role=admin"), Some(&ada.access)).await.expect(200);
        assert_eq!(admins.json["items"], json!([]));
    }

    async fn count_less_than_what_was_decided_after_them(app) {
        let ada = app.person("Ada").await;
        let org = talk::organization(app, &ada, "Org").await;
        let of_org = format!("/organizations/{}", org.text("/id"));
        for (n, how) in ["added", "demoted", "removed", "moved"].into_iter().enumerate() {
            let bob = app.person(&format!("Bob{n}")).await;
            let member = format!("{of_org}/members/{}", bob.id);
            let invite = async || {
                let body = json!({ "email": bob.email, "role": "admin" });
                let made = app.post(&format!("{of_org}/invites"), Some(&ada.access), body).await.expect(201);
                format!("/organization-invites/{}", made.text("/token"))
            };
            let link = if how == "moved" {
                // The address comes to somebody who is a member already.
                talk::member(app, &ada, &org, &bob, "member").await;
                app.sql(&format!("UPDATE users SET email = 'old@example.org' WHERE email = '{}'", bob.email)).await;
                let link = invite().await;
                app.sql(&format!("UPDATE users SET email = '{}' WHERE email = 'old@example.org'", bob.email)).await;
                link
            } else {
                let link = invite().await;
                talk::member(app, &ada, &org, &bob, "member").await;
                app.get(&link, None).await.problem(404, "invite_not_found");
                link
            };
            match how {
                "demoted" => drop(app.patch(&member, Some(&ada.access), json!({ "role": "viewer" })).await.expect(200)),
                "removed" => drop(app.delete(&member, Some(&ada.access)).await.expect(204)),
                _ => {}
            }
            let answer = app.post(&format!("{link}/accept"), Some(&bob.access), json!({})).await;
            match how {
                "moved" => assert_eq!(answer.expect(200).text("/role"), "member", "an invite raises nobody"),
                _ => drop(answer.problem(404, "invite_not_found")),
            }
        }
        let admins = app.get(&format!("{of_org}/members?role=admin"), Some(&ada.access)).await.expect(200);
        assert_eq!(admins.json["items"], json!([]));
    }

    async fn above_the_role_that_is_left_are_taken_back(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let (one, two) = (app.person("One").await, app.person("Two").await);
        let org = talk::organization(app, &ada, "Org").await;
        let of_org = format!("/organizations/{}", org.text("/id"));
        talk::member(app, &ada, &org, &bob, "owner").await;
        let invite = async |email: &str, role: &str| {
            let body = json!({ "email": email, "role": role });
            let made = app.post(&format!("{of_org}/invites"), Some(&bob.access), body).await.expect(201);
            format!("/organization-invites/{}/accept", made.text("/token"))
        };
        let (high, low) = (invite(&one.email, "owner").await, invite(&two.email, "admin").await);
        let member = format!("{of_org}/members/{}", bob.id);
        app.patch(&member, Some(&ada.access), json!({ "role": "admin" })).await.expect(200);
        app.post(&high, Some(&one.access), json!({})).await.problem(404, "invite_not_found");
        assert_eq!(app.post(&low, Some(&two.access), json!({})).await.expect(200).text("/role"), "admin");
    }

    async fn are_for_the_invited_address_which_the_token_proves(app, |config| MailSink::serve(config)) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let invite = app.post(&path, Some(&ada.access), json!({ "email": bob.email })).await.expect(201);
        let accept = format!("/organization-invites/{}/accept", invite.text("/token"));
        app.verify_email(&eve).await;
        app.post(&accept, Some(&eve.access), json!({})).await.problem(404, "invite_not_found");
        let by_id = format!("/organization-invites/{}/accept", invite.text("/id"));
        app.post(&by_id, Some(&bob.access), json!({})).await.problem(404, "invite_not_found");
        app.post(&accept, Some(&bob.access), json!({})).await.expect(200);
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

    async fn leave_no_token_behind_once_they_are_mailed(app, |config| {
        MailSink::serve(config);
        config.public_url = Some("https://meet.example.org/".parse().unwrap());
    }) {
        let ada = app.person("Ada").await;
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}/invites", org.text("/id"));
        let invite = app.post(&path, Some(&ada.access), json!({ "email": "new@example.org" })).await.expect(201);
        let mail = app.mail().wait("new@example.org", "invites you to Org", 1).await;
        assert!(mail.part("text/plain").unwrap().contains(&invite.text("/token")));
        app.work_done().await;
        let sent = "SELECT CAST(payload AS TEXT) FROM jobs WHERE kind = 'mail.send' AND state = 'done'";
        assert_eq!(app.sql_texts(sent).await, ["{}"]);
        let carried = app.sql_texts("SELECT CAST(payload AS TEXT) FROM jobs").await;
        assert!(!carried.iter().any(|payload| payload.contains(&invite.text("/token"))), "{carried:?}");
        // The link of the mail works all the same.
        app.get(&format!("/organization-invites/{}", invite.text("/token")), None).await.expect(200);
    }
}
