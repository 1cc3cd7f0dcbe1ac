//! Activities, figures and the audit log of an organization.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, both, talk};

fn types(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect()
}

fn last(answer: &Answer) -> &Value {
    answer.json["items"].as_array().unwrap().last().unwrap()
}

both! {
    async fn activities_show_what_one_may_see(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "viewer").await;
        talk::channel(app, &ada, &org, "General", "public").await;
        let secret = talk::channel(app, &ada, &org, "Secret", "private").await;
        let path = format!("/organizations/{}/activities", org.text("/id"));
        let mine = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!(types(&mine), ["channel.created", "channel.created", "member.joined", "organization.created"]);
        assert_eq!(mine.json["items"][0]["actor"], json!({ "id": ada.id, "display_name": "Ada" }));
        assert_eq!((mine.text("/items/0/ref_id"), mine.text("/items/0/data/name")), (secret.text("/id"), "Secret".into()));
        let theirs = app.get(&path, Some(&bob.access)).await.expect(200);
        assert_eq!(types(&theirs), ["channel.created", "member.joined", "organization.created"]);
        assert_eq!(theirs.text("/items/0/data/name"), "General");
        let first = app.get(&format!("{path}?limit=2"), Some(&bob.access)).await.expect(200);
        let next = app.get(&format!("{path}?limit=2&cursor={}", first.text("/next_cursor")), Some(&bob.access)).await;
        assert_eq!((types(&next), &next.json["next_cursor"]), (vec!["organization.created"], &json!(null)));
        let some = app.get(&format!("{path}?type=member.joined"), Some(&bob.access)).await.expect(200);
        assert_eq!(types(&some), ["member.joined"]);
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.delete(&format!("/channels/{}", secret.text("/id")), Some(&ada.access)).await.expect(204);
        assert_eq!(types(&app.get(&path, Some(&ada.access)).await).len(), 3);
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?limit=0"), Some(&ada.access)).await.blames(&["limit"]);
        app.get(&format!("{path}?type=%00"), Some(&ada.access)).await.blames(&["type"]);
    }

    async fn messages_are_counted_by_day(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let path = format!("/organizations/{}/analytics/messages-per-day", org.text("/id"));
        let empty = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!((empty.json["items"].as_array().unwrap().len(), &last(&empty)["messages"]), (14, &json!(0)));
        let channel = talk::channel(app, &ada, &org, "General", "public").await;
        for n in 0..3 {
            talk::say(app, &bob.access, &talk::of_room(&channel), &format!("Message {n}")).await;
        }
        // Not of the organization.
        talk::say(app, &ada.access, &talk::of_room(&app.room(&ada, "public").await), "Elsewhere").await;
        let counted = app.get(&format!("{path}?days=2"), Some(&ada.access)).await.expect(200);
        assert_eq!((counted.json["items"].as_array().unwrap().len(), &last(&counted)["messages"]), (2, &json!(3)));
        let today = last(&counted)["date"].clone();
        app.clock.advance(Duration::from_secs(600));
        app.get(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?days=0"), Some(&ada.access)).await.blames(&["days"]);
        app.get(&format!("{path}?days=91"), Some(&ada.access)).await.blames(&["days"]);
        app.get(&format!("{path}?days=x"), Some(&ada.access)).await.expect(422);
        assert_eq!(today.as_str().unwrap().len(), "2030-01-31".len());
    }

    async fn active_members_are_those_seen_lately(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "viewer").await;
        let path = format!("/organizations/{}/analytics/active-users", org.text("/id"));
        let both = app.get(&path, Some(&bob.access)).await.expect(200);
        assert_eq!(both.json, json!({ "minutes": 15, "active_users": 2, "members": 2 }));
        app.clock.advance(Duration::from_secs(600));
        app.get("/me", Some(&ada.access)).await.expect(200);
        let one = app.get(&format!("{path}?minutes=5"), Some(&ada.access)).await.expect(200);
        assert_eq!(one.json, json!({ "minutes": 5, "active_users": 1, "members": 2 }));
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?minutes=0"), Some(&ada.access)).await.blames(&["minutes"]);
        app.get(&format!("{path}?minutes=1441"), Some(&ada.access)).await.blames(&["minutes"]);
    }

    async fn call_minutes_are_for_admins(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let path = format!("/organizations/{}/analytics/call-minutes", org.text("/id"));
        let empty = app.get(&format!("{path}?days=3"), Some(&ada.access)).await.expect(200);
        assert_eq!(empty.json["items"].as_array().unwrap().len(), 3);
        assert_eq!((&last(&empty)["calls"], &last(&empty)["minutes"]), (&json!(0), &json!(0)));
        app.get(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?days=91"), Some(&ada.access)).await.blames(&["days"]);
    }

    async fn the_audit_log_says_who_did_what(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        talk::organization(app, &ada, "Other").await;
        let path = format!("/organizations/{}/audit-log", org.text("/id"));
        let log = app.get(&path, Some(&ada.access)).await.expect(200);
        let entry = &log.json["items"][0];
        assert_eq!((&entry["action"], &entry["target_id"], &entry["diff"]), (&json!("member.joined"), &json!(bob.id), &json!({ "role": "member" })));
        assert_eq!((&entry["actor"]["id"], log.json["items"].as_array().unwrap().len()), (&json!(ada.id), 2));
        let first = app.get(&format!("{path}?limit=1"), Some(&ada.access)).await.expect(200);
        let next = app.get(&format!("{path}?limit=1&cursor={}", first.text("/next_cursor")), Some(&ada.access)).await;
        assert_eq!((next.text("/items/0/action"), &next.json["next_cursor"]), ("organization.created".into(), &json!(null)));
        for (query, wanted) in [
            ("action=member.joined".to_owned(), 1),
            (format!("actor_id={}", ada.id), 2),
            (format!("actor_id={}", bob.id), 0),
            ("to=2001-01-01T00:00:00Z".to_owned(), 0),
            ("from=2001-01-01T00:00:00Z".to_owned(), 2),
        ] {
            let page = app.get(&format!("{path}?{query}"), Some(&ada.access)).await.expect(200);
            assert_eq!(page.json["items"].as_array().unwrap().len(), wanted, "{query}");
        }
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.get(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?limit=0&action=%00"), Some(&ada.access)).await.blames(&["action", "limit"]);
        app.get(&format!("{path}?actor_id=x"), Some(&ada.access)).await.expect(422);
    }
}
