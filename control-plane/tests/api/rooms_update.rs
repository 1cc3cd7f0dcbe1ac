//! `PATCH` and `DELETE /rooms/{room}`, and what they do to people inside.

use serde_json::json;

use crate::support::both;

both! {
    async fn changes_what_is_given(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "trusted").await;
        let path = format!("/rooms/{}", room.text("/id"));
        let body = json!({ "name": "Renamed", "capacity": 5, "expires_at": "2090-01-01T00:00:00Z" });
        let changed = app.patch(&path, Some(&ada.access), body).await.expect(200);
        assert_eq!((changed.text("/name"), &changed.json["capacity"]), ("Renamed".into(), &json!(5)));
        let cleared = app.patch(&path, Some(&ada.access), json!({ "capacity": null, "expires_at": null })).await.expect(200);
        assert_eq!((&cleared.json["capacity"], &cleared.json["expires_at"]), (&json!(null), &json!(null)));
        assert_eq!(cleared.text("/name"), "Renamed");
        app.patch(&path, Some(&ada.access), json!({ "name": "", "capacity": -1 })).await.blames(&["capacity", "name"]);
        let found = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!(found.json, cleared.json);
    }

    async fn is_for_owners(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let open = format!("/rooms/{}", app.room(&ada, "trusted").await.text("/id"));
        let secret = format!("/rooms/{}", app.room(&ada, "restricted").await.text("/id"));
        app.patch(&open, Some(&eve.access), json!({ "name": "Mine now" })).await.problem(403, "forbidden");
        app.delete(&open, Some(&eve.access)).await.problem(403, "forbidden");
        app.patch(&secret, Some(&eve.access), json!({ "name": "Mine now" })).await.problem(404, "room_not_found");
        app.delete(&secret, Some(&eve.access)).await.problem(404, "room_not_found");
        app.patch(&open, None, json!({})).await.problem(401, "sign_in_required");
        app.delete(&open, None).await.problem(401, "sign_in_required");
    }

    async fn lets_a_platform_admin_in(app) {
        let ada = app.person("Ada").await;
        let token = app.control.setup_token().unwrap();
        let form = json!({ "token": token, "email": "r@example.org", "password": "correct horse", "display_name": "R" });
        let root = app.post("/auth/setup", None, form).await.expect(201).text("/access_token");
        let secret = format!("/rooms/{}", app.room(&ada, "restricted").await.text("/id"));
        app.patch(&secret, Some(&root), json!({ "name": "Checked" })).await.expect(200);
        app.delete(&secret, Some(&root)).await.expect(204);
    }

    async fn deleting_removes_the_room_and_everybody_in_it(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let (id, path) = (room.text("/id"), format!("/rooms/{}", room.text("/id")));
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("{path}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.delete(&path, Some(&ada.access)).await.expect(204);
        app.get(&path, Some(&ada.access)).await.problem(404, "room_not_found");
        app.delete(&path, Some(&ada.access)).await.problem(404, "room_not_found");
        app.post(&format!("{path}/join"), Some(&ada.access), json!({})).await.problem(404, "room_not_found");
        app.eventually("the room is deleted on its node", async || app.node.called(&format!("DeleteRoom {id}")) >= 1).await;
        assert_eq!(app.get("/rooms", Some(&ada.access)).await.json["items"], json!([]));
    }

    async fn tightening_the_access_removes_who_may_not_stay(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        let mut people = Vec::new();
        for (token, body) in [(Some(&ada), json!({})), (Some(&eve), json!({})), (None, json!({ "display_name": "Guest" }))] {
            let token = token.map(|person| person.access.as_str());
            let join = app.post(&format!("/rooms/{code}/join"), token, body).await.expect(200);
            people.push(app.node.join(app, &join.text("/token"), &id).await.identity);
        }
        let path = format!("/rooms/{id}");
        app.patch(&path, Some(&ada.access), json!({ "access_level": "trusted" })).await.expect(200);
        let removed = |n: usize| format!("RemoveParticipant {id} {}", people[n]);
        app.eventually("the guest is removed", async || app.node.called(&removed(2)) >= 1).await;
        assert_eq!((app.node.called(&removed(0)), app.node.called(&removed(1))), (0, 0));
        app.patch(&path, Some(&ada.access), json!({ "access_level": "restricted" })).await.expect(200);
        app.eventually("who is no member is removed", async || app.node.called(&removed(1)) >= 1).await;
        assert_eq!(app.node.called(&removed(0)), 0);
    }

    async fn closing_hides_the_room_from_all_but_members(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        let path = format!("/rooms/{}", room.text("/code"));
        app.patch(&path, Some(&ada.access), json!({ "is_active": false })).await.expect(200);
        app.get(&path, Some(&ada.access)).await.expect(200);
        app.get(&path, Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&path, None).await.problem(404, "room_not_found");
        for token in [Some(ada.access.as_str()), None] {
            let body = json!({ "display_name": "Any" });
            app.post(&format!("{path}/join"), token, body).await.problem(404, "room_not_found");
        }
    }
}
