//! `/me/preferences`: how one wants to be told.

use serde_json::{Value, json};

use crate::support::{Answer, both};

const PATH: &str = "/me/preferences";

#[track_caller]
fn of(all: &Answer, kind: &str) -> Value {
    let items = all.json["items"].as_array().unwrap();
    items.iter().find(|item| item["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {}", all.json)).clone()
}

both! {
    async fn begin_with_defaults_and_keep_what_is_not_changed(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let all = app.get(PATH, Some(&ada.access)).await.expect(200);
        assert_eq!(all.json["items"].as_array().unwrap().len(), 13);
        let reminder = json!({
            "kind": "meeting.reminder", "in_app": true, "push": true, "email": true, "reminder_lead_minutes": 10
        });
        assert_eq!(of(&all, "meeting.reminder"), reminder);
        let ringing = json!({ "kind": "call.ringing", "in_app": true, "push": true, "email": false });
        assert_eq!(of(&all, "call.ringing"), ringing);

        let change = json!({ "items": [
            { "kind": "meeting.reminder", "reminder_lead_minutes": 30, "email": false },
            { "kind": "message.mention", "push": false },
        ] });
        let changed = app.patch(PATH, Some(&ada.access), change).await.expect(200);
        assert_eq!(of(&changed, "meeting.reminder"), json!({
            "kind": "meeting.reminder", "in_app": true, "push": true, "email": false, "reminder_lead_minutes": 30
        }));
        let more = json!({ "items": [{ "kind": "meeting.reminder", "push": false }] });
        let changed = app.patch(PATH, Some(&ada.access), more).await.expect(200);
        assert_eq!(of(&changed, "meeting.reminder"), json!({
            "kind": "meeting.reminder", "in_app": true, "push": false, "email": false, "reminder_lead_minutes": 30
        }));
        assert_eq!(of(&changed, "message.mention")["push"], false);
        assert_eq!(app.get(PATH, Some(&ada.access)).await.expect(200).json, changed.json);
        assert_eq!(app.get(PATH, Some(&eve.access)).await.expect(200).json, all.json);
    }

    async fn changed_at_once_keep_both_changes(app) {
        let ada = app.person("Ada").await;
        let set = |field: &str| {
            let body = json!({ "items": [{ "kind": "system", field: false }] });
            app.patch(PATH, Some(&ada.access), body)
        };
        let (a, b, c) = tokio::join!(set("in_app"), set("push"), set("email"));
        for answer in [a, b, c] {
            answer.expect(200);
        }
        let all = app.get(PATH, Some(&ada.access)).await.expect(200);
        assert_eq!(of(&all, "system"), json!({ "kind": "system", "in_app": false, "push": false, "email": false }));
    }

    async fn refuse_nonsense(app) {
        let ada = app.person("Ada").await;
        let ada = Some(ada.access.as_str());
        let one = |item: Value| app.patch(PATH, ada, json!({ "items": [item] }));
        one(json!({ "kind": "gossip" })).await.blames(&["items[0].kind"]);
        one(json!({ "kind": "system", "push": "yes" })).await.blames(&["items[0].push"]);
        one(json!({ "kind": "system", "reminder_lead_minutes": 5 })).await.blames(&["items[0].reminder_lead_minutes"]);
        for minutes in [-1, 10_081] {
            one(json!({ "kind": "meeting.reminder", "reminder_lead_minutes": minutes }))
                .await
                .blames(&["items[0].reminder_lead_minutes"]);
        }
        one(json!({ "kind": "meeting.reminder", "reminder_lead_minutes": 1e30 })).await.expect(422);
        app.patch(PATH, ada, json!({})).await.blames(&["items"]);
        let many: Vec<_> = (0..51).map(|_| json!({ "kind": "system" })).collect();
        app.patch(PATH, ada, json!({ "items": many })).await.blames(&["items"]);
        app.patch(PATH, ada, json!({ "items": [] })).await.expect(200);
        app.get(PATH, None).await.problem(401, "sign_in_required");
        app.patch(PATH, None, json!({ "items": [] })).await.problem(401, "sign_in_required");
    }
}
