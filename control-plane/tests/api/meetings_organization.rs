//! Meetings of an organization: its owners and admins may manage them, its other members know nothing of them.

use serde_json::json;

use crate::support::meeting::{invite, meeting};
use crate::support::{both, talk};

both! {
    async fn are_managed_by_its_owners_and_admins(app) {
        let ada = app.person("Ada").await;
        let (boss, adam, bob, vera) =
            (app.person("Boss").await, app.person("Adam").await, app.person("Bob").await, app.person("Vera").await);
        let org = talk::organization(app, &boss, "Org").await;
        for (person, role) in [(&ada, "member"), (&adam, "admin"), (&bob, "member"), (&vera, "viewer")] {
            talk::member(app, &boss, &org, person, role).await;
        }
        let planned = meeting(app, &ada, 60, json!({ "org_id": org.text("/id") })).await;
        let private = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{}", planned.text("/id"));
        // Its admins as co-organizers,
        app.get(&path, Some(&adam.access)).await.expect(200);
        app.patch(&path, Some(&adam.access), json!({ "title": "Ours" })).await.expect(200);
        invite(app, &adam, &planned.text("/id"), &bob, "participant").await;
        app.delete(&path, Some(&adam.access)).await.problem(403, "forbidden");
        // its other members not at all, unless they are invited,
        app.get(&path, Some(&vera.access)).await.problem(404, "meeting_not_found");
        app.get(&path, Some(&bob.access)).await.expect(200);
        app.patch(&path, Some(&bob.access), json!({ "title": "Mine" })).await.problem(403, "forbidden");
        // and none of them what is not the organization's.
        for person in [&boss, &adam] {
            app.get(&format!("/meetings/{private}"), Some(&person.access)).await.problem(404, "meeting_not_found");
        }
        // Its owners and admins find them in a list, others what concerns them.
        let list = async |person: &crate::support::Person, query: &str| {
            let page = app.get(&format!("/meetings?{query}"), Some(&person.access)).await.expect(200);
            let items = page.json["items"].as_array().unwrap().clone();
            items.iter().map(|meeting| meeting["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (ours, of_org) = (vec![planned.text("/id")], format!("org_id={}", org.text("/id")));
        for person in [&boss, &adam, &ada, &bob] {
            for view in ["all", "upcoming"] {
                assert_eq!(list(person, &format!("{of_org}&view={view}")).await, ours);
            }
        }
        assert_eq!(list(&vera, &of_org).await, Vec::<String>::new());
        assert_eq!(list(&adam, "").await, Vec::<String>::new(), "what is not one's own is not mixed in");
        assert_eq!(list(&ada, "").await.len(), 2);
        app.get("/meetings?org_id=x", Some(&ada.access)).await.blames(&["org_id"]);
        // The right goes with the role.
        let member = format!("/organizations/{}/members/{}", org.text("/id"), adam.id);
        app.patch(&member, Some(&boss.access), json!({ "role": "member" })).await.expect(200);
        app.get(&path, Some(&adam.access)).await.problem(404, "meeting_not_found");
        // Its owners as the organizer.
        app.post(&format!("{path}/start"), Some(&boss.access), json!({})).await.expect(200);
        app.post(&format!("{path}/end"), Some(&boss.access), json!({})).await.expect(200);
        app.delete(&path, Some(&boss.access)).await.expect(204);
        app.get(&path, Some(&ada.access)).await.problem(404, "meeting_not_found");
    }

    async fn are_their_organizers_alone_once_it_is_gone(app) {
        let (ada, boss) = (app.person("Ada").await, app.person("Boss").await);
        let org = talk::organization(app, &boss, "Org").await;
        talk::member(app, &boss, &org, &ada, "member").await;
        let planned = meeting(app, &ada, 60, json!({ "org_id": org.text("/id") })).await;
        let path = format!("/meetings/{}", planned.text("/id"));
        app.get(&path, Some(&boss.access)).await.expect(200);
        app.delete(&format!("/organizations/{}", org.text("/id")), Some(&boss.access)).await.expect(204);
        app.get(&path, Some(&boss.access)).await.problem(404, "meeting_not_found");
        app.patch(&path, Some(&ada.access), json!({ "title": "Still" })).await.expect(200);
    }
}
