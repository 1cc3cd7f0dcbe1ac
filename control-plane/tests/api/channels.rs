//! `/organizations/{org_id}/channels` and `/channels`: public to the organization, private to who is in them.

use serde_json::json;

use crate::support::{Answer, both, talk};

fn names(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

both! {
    async fn are_made_listed_and_named_once(app) {
        let (ada, vi, eve) = (app.person("Ada").await, app.person("Vi").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &vi, "viewer").await;
        let path = format!("/organizations/{}/channels", org.text("/id"));
        let channel = talk::channel(app, &ada, &org, "General", "public").await;
        assert_eq!((channel.text("/role"), &channel.json["members"]), ("admin".into(), &json!(1)));
        app.post(&path, Some(&ada.access), json!({ "name": "GENERAL" })).await.problem(409, "channel_name_taken");
        talk::channel(app, &ada, &org, "Random", "public").await;
        talk::channel(app, &ada, &org, "Board", "private").await;
        assert_eq!(names(&app.get(&path, Some(&ada.access)).await.expect(200)), ["General", "Random", "Board"]);
        assert_eq!(names(&app.get(&path, Some(&vi.access)).await.expect(200)), ["General", "Random"]);
        assert_eq!(names(&app.get(&format!("{path}?q=RAND"), Some(&vi.access)).await.expect(200)), ["Random"]);
        let first = app.get(&format!("{path}?limit=1"), Some(&vi.access)).await.expect(200);
        let next = app.get(&format!("{path}?limit=1&cursor={}", first.text("/next_cursor")), Some(&vi.access)).await;
        assert_eq!(names(&next), ["Random"]);
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.post(&path, Some(&vi.access), json!({ "name": "Mine" })).await.problem(403, "forbidden");
        app.post(&path, Some(&eve.access), json!({ "name": "Mine" })).await.problem(404, "organization_not_found");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.post(&path, None, json!({ "name": "Mine" })).await.problem(401, "sign_in_required");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.post(&path, Some(&ada.access), json!({ "name": "\0", "description": "\0" })).await.blames(&["description", "name"]);
        app.post(&path, Some(&ada.access), json!({ "name": "x", "visibility": "odd" })).await.blames(&["visibility"]);
        app.get(&format!("{path}?limit=101&q=%00"), Some(&ada.access)).await.blames(&["limit", "q"]);
    }

    async fn a_private_one_exists_for_its_members_alone(app) {
        let (ada, bob, cy) = (app.person("Ada").await, app.person("Bob").await, app.person("Cy").await);
        let org = talk::organization(app, &bob, "Org").await;
        talk::member(app, &bob, &org, &ada, "member").await;
        talk::member(app, &bob, &org, &cy, "member").await;
        let channel = talk::channel(app, &ada, &org, "Secret", "private").await;
        let path = format!("/channels/{}", channel.text("/id"));
        let messages = talk::of_room(&channel);
        talk::say(app, &ada.access, &messages, "Psst").await;
        // Not even for the owner of the organization.
        let token = Some(bob.access.as_str());
        app.get(&path, token).await.problem(404, "channel_not_found");
        app.patch(&path, token, json!({})).await.problem(404, "channel_not_found");
        app.delete(&path, token).await.problem(404, "channel_not_found");
        app.post(&format!("{path}/join"), token, json!({})).await.problem(404, "channel_not_found");
        app.get(&format!("{path}/members"), token).await.problem(404, "channel_not_found");
        app.get(&messages, token).await.problem(404, "conversation_not_found");
        app.post(&messages, token, json!({ "body": "?" })).await.problem(404, "conversation_not_found");
        let members = format!("{path}/members");
        app.post(&members, token, json!({ "user_id": bob.id })).await.problem(404, "channel_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.post(&members, Some(&ada.access), json!({ "user_id": cy.id })).await.expect(201);
        app.post(&members, Some(&ada.access), json!({ "user_id": cy.id })).await.expect(200);
        assert_eq!(app.get(&messages, Some(&cy.access)).await.expect(200).text("/items/0/body"), "Psst");
        // What was said before is not news to who comes in.
        let mine = app.get("/conversations?kind=channel", Some(&cy.access)).await.expect(200);
        assert_eq!((mine.text("/items/0/title"), &mine.json["items"][0]["unread"]), ("Secret".into(), &json!(0)));
        app.post(&members, Some(&cy.access), json!({ "user_id": bob.id })).await.problem(403, "forbidden");
        app.patch(&path, Some(&cy.access), json!({ "name": "Mine" })).await.problem(403, "forbidden");
        // When its admin leaves, everybody in it may act.
        app.post(&format!("{path}/leave"), Some(&ada.access), json!({})).await.expect(204);
        app.get(&path, Some(&ada.access)).await.problem(404, "channel_not_found");
        app.patch(&path, Some(&cy.access), json!({ "name": "Mine" })).await.expect(200);
        let root = talk::platform_admin(app).await;
        app.get(&path, Some(&root)).await.expect(200);
        app.post(&format!("{path}/join"), Some(&root), json!({})).await.problem(403, "forbidden");
    }

    async fn a_public_one_is_joined_and_left(app) {
        let (ada, bob, vi, eve) =
            (app.person("Ada").await, app.person("Bob").await, app.person("Vi").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        talk::member(app, &ada, &org, &vi, "viewer").await;
        let channel = talk::channel(app, &ada, &org, "General", "public").await;
        let (path, messages) = (format!("/channels/{}", channel.text("/id")), talk::of_room(&channel));
        talk::say(app, &bob.access, &messages, "Hello").await;
        app.post(&messages, Some(&vi.access), json!({ "body": "Me too" })).await.problem(403, "forbidden");
        app.get(&messages, Some(&vi.access)).await.expect(200);
        app.get(&messages, Some(&eve.access)).await.problem(404, "conversation_not_found");
        for verb in ["join", "leave"] {
            app.post(&format!("{path}/{verb}"), Some(&eve.access), json!({})).await.problem(404, "channel_not_found");
            app.post(&format!("{path}/{verb}"), None, json!({})).await.problem(401, "sign_in_required");
        }
        let joined = app.post(&format!("{path}/join"), Some(&vi.access), json!({})).await.expect(200);
        assert_eq!((joined.text("/role"), &joined.json["members"]), ("member".into(), &json!(2)));
        assert_eq!(app.post(&format!("{path}/join"), Some(&vi.access), json!({})).await.expect(200).json, joined.json);
        let members = format!("{path}/members");
        let seen = app.get(&members, Some(&bob.access)).await.expect(200);
        assert_eq!(seen.json["items"].as_array().unwrap().len(), 2);
        let first = app.get(&format!("{members}?limit=1"), Some(&bob.access)).await.expect(200);
        let next = format!("{members}?limit=1&cursor={}", first.text("/next_cursor"));
        assert_eq!(app.get(&next, Some(&bob.access)).await.expect(200).json["next_cursor"], json!(null));
        app.get(&members, None).await.problem(401, "sign_in_required");
        app.post(&members, Some(&ada.access), json!({ "user_id": eve.id })).await.blames(&["user_id"]);
        app.post(&members, None, json!({ "user_id": eve.id })).await.problem(401, "sign_in_required");
        app.delete(&format!("{members}/{}", ada.id), Some(&bob.access)).await.problem(403, "forbidden");
        app.delete(&format!("{members}/{}", vi.id), None).await.problem(401, "sign_in_required");
        app.delete(&format!("{members}/{}", vi.id), Some(&ada.access)).await.expect(204);
        app.delete(&format!("{members}/{}", vi.id), Some(&ada.access)).await.problem(404, "member_not_found");
        app.post(&format!("{path}/leave"), Some(&bob.access), json!({})).await.expect(204);
    }

    async fn an_archived_one_is_read_only_and_a_deleted_one_gone(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let channel = talk::channel(app, &bob, &org, "General", "public").await;
        let (path, messages) = (format!("/channels/{}", channel.text("/id")), talk::of_room(&channel));
        let said = talk::say(app, &bob.access, &messages, "Hello").await.text("/id");
        let archived = app.patch(&path, Some(&ada.access), json!({ "archived": true })).await.expect(200);
        assert!(archived.json["archived_at"].is_string());
        app.post(&messages, Some(&bob.access), json!({ "body": "More" })).await.problem(409, "channel_archived");
        let own = format!("{messages}/{said}");
        app.patch(&own, Some(&bob.access), json!({ "body": "More" })).await.problem(409, "channel_archived");
        app.get(&messages, Some(&bob.access)).await.expect(200);
        let list = format!("/organizations/{}/channels?archived=", org.text("/id"));
        assert_eq!(names(&app.get(&format!("{list}true"), Some(&bob.access)).await.expect(200)), ["General"]);
        assert_eq!(names(&app.get(&format!("{list}false"), Some(&bob.access)).await.expect(200)), [""; 0]);
        app.patch(&path, Some(&ada.access), json!({ "archived": false })).await.expect(200);
        talk::say(app, &bob.access, &messages, "More").await;
        // An admin of the organization moderates a public channel.
        app.delete(&own, Some(&ada.access)).await.expect(204);
        app.patch(&path, Some(&bob.access), json!({ "name": "", "visibility": 1 })).await.expect(422);
        talk::channel(app, &ada, &org, "Other", "public").await;
        app.patch(&path, Some(&bob.access), json!({ "name": "other" })).await.problem(409, "channel_name_taken");
        app.patch(&path, None, json!({})).await.problem(401, "sign_in_required");
        app.delete(&path, None).await.problem(401, "sign_in_required");
        app.delete(&path, Some(&bob.access)).await.expect(204);
        app.delete(&path, Some(&bob.access)).await.problem(404, "channel_not_found");
        app.get(&messages, Some(&bob.access)).await.problem(404, "conversation_not_found");
        talk::channel(app, &ada, &org, "General", "public").await;
    }

    async fn membership_of_the_organization_carries_that_of_its_channels(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let channel = talk::channel(app, &ada, &org, "Secret", "private").await;
        let members = format!("/channels/{}/members", channel.text("/id"));
        app.post(&members, Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        app.get(&talk::of_room(&channel), Some(&bob.access)).await.expect(200);
        app.delete(&format!("/organizations/{}/members/{}", org.text("/id"), bob.id), Some(&ada.access)).await.expect(204);
        app.get(&talk::of_room(&channel), Some(&bob.access)).await.problem(404, "conversation_not_found");
        assert_eq!(app.get(&members, Some(&ada.access)).await.json["items"].as_array().unwrap().len(), 1);
        // Coming back does not bring the channels back.
        talk::member(app, &ada, &org, &bob, "member").await;
        app.get(&talk::of_room(&channel), Some(&bob.access)).await.problem(404, "conversation_not_found");
        app.delete(&format!("/organizations/{}", org.text("/id")), Some(&ada.access)).await.expect(204);
        app.get(&talk::of_room(&channel), Some(&ada.access)).await.problem(404, "conversation_not_found");
    }
}
