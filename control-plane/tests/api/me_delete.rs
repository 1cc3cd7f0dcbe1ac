//! `DELETE /me`: the end of an account, in calls, rooms and history.

use serde_json::{Value, json};

use crate::support::{Idp, PASSWORD, Person, TestApp, both, talk};
use crate::users_admin::admin;

/// Rounds of a race.
const ROUNDS: usize = 12;

/// Three people nobody knows yet.
async fn trio(app: &TestApp, round: usize) -> [Person; 3] {
    [
        app.person(&format!("X{round}")).await,
        app.person(&format!("Y{round}")).await,
        app.person(&format!("Z{round}")).await,
    ]
}

both! {
    async fn ends_sessions_calls_and_rooms_and_blanks_history(app) {
        let root = admin(app).await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        app.patch("/me", Some(&ada.access), json!({ "username": "ada" })).await.expect(200);
        app.node.beat(app).await.expect(200);
        let own = app.room(&ada, "trusted").await.text("/id");
        let bobs = app.room(&bob, "trusted").await.text("/id");
        let join = app.post(&format!("/rooms/{bobs}/join"), Some(&ada.access), json!({ "client_id": "tab00001" })).await;
        let inside = app.node.join(app, &join.expect(200).text("/token"), &bobs).await;
        assert_eq!(app.get(&format!("/rooms/{bobs}/call"), Some(&bob.access)).await.expect(200)
            .json["participants"][0]["name"], "Ada");

        app.delete("/me", None).await.problem(401, "sign_in_required");
        app.delete_me(&ada.access).await.expect(204);
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        app.post("/auth/refresh", None, json!({ "refresh_token": ada.refresh })).await.problem(401, "invalid_refresh_token");
        for name in ["ada", "ada@example.org"] {
            let body = json!({ "identifier": name, "password": PASSWORD });
            app.post("/auth/login", None, body).await.problem(401, "invalid_credentials");
        }
        app.eventually("ada is out of the call", async || {
            app.node.called(&format!("RemoveParticipant {bobs} {}", inside.identity)) > 0
        }).await;
        app.eventually("nobody owns her room", async || {
            app.get(&format!("/rooms/{own}"), Some(&root.access)).await.status.as_u16() == 404
        }).await;
        app.eventually("history does not name her", async || {
            let call = app.get(&format!("/rooms/{bobs}/call"), Some(&bob.access)).await;
            !call.json.to_string().contains("Ada")
        }).await;
        assert_eq!(app.get(&format!("/rooms/{bobs}"), Some(&bob.access)).await.expect(200).text("/id"), bobs);

        // Address and user name are free for somebody else, who is another person.
        let body = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada", "username": "ada" });
        let next = app.post("/auth/register", None, body).await.expect(201);
        assert_ne!(next.text("/user/id"), ada.id);
        app.get("/me", Some(&next.text("/access_token"))).await.expect(200);
    }

    async fn is_refused_while_an_organization_would_have_no_owner(app) {
        let root = admin(app).await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = app.post("/organizations", Some(&ada.access), json!({ "name": "Ours" })).await.expect(201).text("/id");
        let refused = app.delete_me(&ada.access).await.problem(409, "sole_owner");
        assert!(refused.text("/detail").contains("Ours"), "{}", refused.json);
        app.delete(&format!("/users/{}", ada.id), Some(&root.access)).await.problem(409, "sole_owner");
        app.get("/me", Some(&ada.access)).await.expect(200);
        let members = format!("/organizations/{org}/members");
        app.post(&members, Some(&ada.access), json!({ "user_id": bob.id, "role": "owner" })).await.expect(201);
        app.delete_me(&ada.access).await.expect(204);
        app.eventually("she is no member", async || {
            let page = app.get(&members, Some(&bob.access)).await.expect(200);
            page.json["items"].as_array().unwrap().len() == 1
        }).await;
    }

    async fn leaves_every_organization_an_owner_whoever_goes_at_the_same_time(app) {
        for round in 0..ROUNDS {
            let [x, y, z] = trio(app, round).await;
            let org = talk::organization(app, &x, "Ours").await;
            talk::member(app, &x, &org, &y, "owner").await;
            talk::member(app, &x, &org, &z, "member").await;
            let path = format!("/organizations/{}", org.text("/id"));
            let (one, two) = tokio::join!(app.delete_me(&x.access), async {
                match round % 3 {
                    0 => app.delete_me(&y.access).await,
                    1 => app.post(&format!("{path}/leave"), Some(&y.access), json!({})).await,
                    _ => app.patch(&format!("{path}/members/{}", y.id), Some(&y.access), json!({ "role": "member" })).await,
                }
            });
            let gone = [one.status.is_success(), two.status.is_success()];
            assert!(gone == [true, false] || gone == [false, true], "{} and {}", one.json, two.json);
            let code = if gone[0] { two.json["code"].clone() } else { one.json["code"].clone() };
            assert!(code == "last_owner" || code == "sole_owner", "{code}");
            let owners = app.get(&format!("{path}/members?role=owner"), Some(&z.access)).await.expect(200);
            let left = if gone[0] { &y } else { &x };
            assert_eq!(owners.json["items"].as_array().map(Vec::len), Some(1), "{}", owners.json);
            assert_eq!(owners.text("/items/0/user_id"), left.id);
            app.get("/me", Some(&left.access)).await.expect(200);
        }
    }

    async fn leaves_no_organization_to_somebody_who_is_gone(app) {
        for round in 0..2 * ROUNDS {
            let [x, y, z] = trio(app, round).await;
            let org = talk::organization(app, &x, "Ours").await;
            let path = format!("/organizations/{}", org.text("/id"));
            talk::member(app, &x, &org, &y, "member").await;
            let promoted = round % 2 == 0;
            if promoted {
                talk::member(app, &x, &org, &z, "member").await;
            }
            // X hands over to Z, and leaves; Z goes meanwhile.
            let (given, gone) = tokio::join!(async {
                let given = if promoted {
                    app.patch(&format!("{path}/members/{}", z.id), Some(&x.access), json!({ "role": "owner" })).await
                } else {
                    let body = json!({ "user_id": z.id, "role": "owner" });
                    app.post(&format!("{path}/members"), Some(&x.access), body).await
                };
                (given, app.post(&format!("{path}/leave"), Some(&x.access), json!({})).await)
            }, app.delete_me(&z.access));
            let owners = app.get(&format!("{path}/members?role=owner"), Some(&y.access)).await.expect(200);
            let left = if given.1.status.is_success() { &z } else { &x };
            assert_eq!(owners.text("/items/0/user_id"), left.id, "{} {} {}", given.0.json, given.1.json, gone.json);
            app.get("/me", Some(&left.access)).await.expect(200);
        }
    }

    async fn goes_with_what_is_made_at_the_same_time(app) {
        let root = admin(app).await;
        for round in 0..ROUNDS {
            let [x, y, _] = trio(app, round).await;
            let (made, gone) = tokio::join!(
                app.post("/organizations", Some(&x.access), json!({ "name": "Late" })),
                app.delete_me(&x.access),
            );
            assert_ne!(made.status.is_success(), gone.status.is_success(), "{} {}", made.json, gone.json);
            let (made, gone) = tokio::join!(
                app.post("/rooms", Some(&y.access), json!({ "name": "Late" })),
                app.delete_me(&y.access),
            );
            gone.expect(204);
            if made.status.is_success() {
                let room = format!("/rooms/{}", made.text("/id"));
                app.eventually("the room is gone", async || {
                    app.get(&room, Some(&root.access)).await.status.as_u16() == 404
                }).await;
            } else {
                assert_eq!(made.status.as_u16(), 401, "{}", made.json);
            }
        }
    }

    async fn leaves_the_rooms_of_an_organization_to_it(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Ours").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let body = json!({ "name": "Lab", "type": "video", "org_id": org.json["id"] });
        let shared = app.post("/rooms", Some(&bob.access), body).await.expect(201).text("/id");
        let own = app.room(&bob, "public").await.text("/id");
        app.delete_me(&bob.access).await.expect(204);
        app.eventually("his own room is gone", async || {
            app.get(&format!("/rooms/{own}"), Some(&ada.access)).await.status.as_u16() == 404
        }).await;
        let room = app.get(&format!("/rooms/{shared}"), Some(&ada.access)).await.expect(200);
        assert_eq!(room.text("/role"), "owner");
        app.delete(&format!("/rooms/{shared}"), Some(&ada.access)).await.expect(204);
    }

    async fn needs_another_owner_who_can_act(app) {
        let root = admin(app).await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Ours").await;
        talk::member(app, &ada, &org, &bob, "owner").await;
        let bobs = format!("/users/{}", bob.id);
        app.patch(&bobs, Some(&root.access), json!({ "status": "suspended" })).await.expect(200);
        let leave = format!("/organizations/{}/leave", org.text("/id"));
        app.delete_me(&ada.access).await.problem(409, "sole_owner");
        app.post(&leave, Some(&ada.access), json!({})).await.problem(409, "last_owner");
        app.patch(&bobs, Some(&root.access), json!({ "status": "active" })).await.expect(200);
        app.post(&leave, Some(&ada.access), json!({})).await.expect(204);
        app.delete_me(&ada.access).await.expect(204);
    }

    async fn leaves_every_room_an_owner_or_closes_it(app) {
        for round in 0..ROUNDS {
            let [x, y, z] = trio(app, round).await;
            app.organization(&[&x, &y, &z]).await;
            let room = format!("/rooms/{}", app.room(&x, "trusted").await.text("/id"));
            for (person, role) in [(&y, "owner"), (&z, "member")] {
                let body = json!({ "user_id": person.id, "role": role });
                app.post(&format!("{room}/members"), Some(&x.access), body).await.expect(201);
            }
            let member = format!("{room}/members/{}", y.id);
            let (one, two) = tokio::join!(app.delete_me(&x.access), async {
                match round % 3 {
                    0 => app.delete_me(&y.access).await,
                    1 => app.delete(&member, Some(&y.access)).await,
                    _ => app.patch(&member, Some(&y.access), json!({ "role": "member" })).await,
                }
            });
            one.expect(204);
            let y_stays = !two.status.is_success();
            app.eventually("the room has an owner, or is gone", async || {
                let page = app.get(&format!("{room}/members"), Some(&z.access)).await;
                if page.status.as_u16() == 404 {
                    return true;
                }
                let owners: Vec<Value> = page.json["items"].as_array().into_iter().flatten()
                    .filter(|member| member["role"] == "owner").map(|member| member["user_id"].clone()).collect();
                y_stays && owners == [json!(y.id)]
            }).await;
        }
    }

    async fn leaves_no_address_in_invitations(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        app.organization(&[&ada, &bob]).await;
        let meeting = crate::support::meeting::meeting(app, &bob, 60, json!({})).await.text("/id");
        crate::support::meeting::invite(app, &bob, &meeting, &ada, "participant").await;
        let path = format!("/meetings/{meeting}/invites");
        let before = app.get(&path, Some(&bob.access)).await.expect(200).json.to_string();
        assert!(before.contains(&ada.email), "{before}");
        app.delete_me(&ada.access).await.expect(204);
        app.eventually("the invitation does not name her", async || {
            let page = app.get(&path, Some(&bob.access)).await.expect(200).json.to_string();
            !page.contains(&ada.email) && !page.contains("Ada")
        }).await;
    }

    async fn takes_the_cookies_of_a_browser_away(app) {
        app.person("Ada").await;
        let body = json!({ "identifier": "ada@example.org", "password": PASSWORD, "transport": "cookie" });
        let cookies = app.post("/auth/login", None, body).await.expect(200).cookies();
        let request = http::Request::delete("/api/v1/me").header("host", "meet.test").header("cookie", &cookies)
            .header("content-type", "application/json");
        let cross = http::Request::delete("/api/v1/me").header("host", "meet.test").header("cookie", &cookies)
            .header("sec-fetch-site", "cross-site");
        app.send(cross.body(axum::body::Body::empty()).unwrap()).await.problem(403, "cross_site_request");
        let proof = json!({ "current_password": PASSWORD }).to_string();
        let answer = app.send(request.body(proof.into()).unwrap()).await.expect(204);
        assert_eq!((answer.cookies().as_str(), answer.headers.get_all("set-cookie").iter().count()), ("", 2));
        assert_eq!(answer.json, Value::Null);
    }

    async fn takes_the_password_of_an_account_that_has_one(app) {
        let ada = app.person("Ada").await;
        app.clock.advance(std::time::Duration::from_secs(601));
        let delete = async |body: Value| app.call(http::Method::DELETE, "/me", Some(&ada.access), Some(body)).await;
        app.delete("/me", Some(&ada.access)).await.blames(&["current_password"]);
        delete(json!({})).await.blames(&["current_password"]);
        delete(json!({ "current_password": null })).await.blames(&["current_password"]);
        delete(json!({ "current_password": 7 })).await.blames(&["current_password"]);
        delete(json!({ "current_password": "x".repeat(201) })).await.blames(&["current_password"]);
        for wrong in ["", "Correct horse", "correct horse "] {
            delete(json!({ "current_password": wrong })).await.problem(403, "wrong_password");
        }
        app.get("/me", Some(&ada.access)).await.expect(200);
        app.delete_me(&ada.access).await.expect(204);
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
    }

    async fn asks_no_password_of_who_has_just_signed_in(app) {
        let ada = app.person("Ada").await;
        app.clock.advance(std::time::Duration::from_secs(590));
        let wrong = json!({ "current_password": "a guess" });
        app.call(http::Method::DELETE, "/me", Some(&ada.access), Some(wrong)).await.problem(403, "wrong_password");
        app.delete("/me", Some(&ada.access)).await.expect(204);
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
    }

    async fn asks_no_password_where_there_is_none(app, |config| Idp::serve(config)) {
        app.idp().is(json!({ "sub": "one", "email": "one@example.net", "email_verified": true, "name": "One" }));
        let (verifier, back) = ("a-code-verifier-of-forty-three-letters-or-more", "https://app.example.org/back");
        let code = app.idp().code("google", verifier, back, None);
        let body = json!({ "code": code, "code_verifier": verifier, "redirect_uri": back });
        let session = app.post("/auth/oauth/google/token", None, body).await.expect(200).text("/access_token");
        assert_eq!(app.get("/me/identities", Some(&session)).await.expect(200).json["has_password"], false);
        app.delete("/me", Some(&session)).await.expect(204);
        app.get("/me", Some(&session)).await.problem(401, "invalid_token");
    }

    async fn is_an_attempt_to_sign_in(app, |config| config.rate_limits.auth_per_minute = 2) {
        let ada = app.person("Ada").await;
        let guess = json!({ "current_password": "a guess" });
        app.call(http::Method::DELETE, "/me", Some(&ada.access), Some(guess)).await.problem(403, "wrong_password");
        app.delete_me(&ada.access).await.problem(429, "rate_limited");
        app.get("/me", Some(&ada.access)).await.expect(200);
    }
}
