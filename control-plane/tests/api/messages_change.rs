//! `PATCH` and `DELETE /conversations/{id}/messages/{message_id}`.

use serde_json::json;

use crate::support::{both, talk};

both! {
    async fn an_author_changes_and_deletes(app) {
        let ada = app.person("Ada").await;
        let messages = talk::of_room(&app.room(&ada, "public").await);
        let sent = app.post(&messages, Some(&ada.access), json!({ "body": "Helo" })).await.expect(201);
        let path = format!("{messages}/{}", sent.text("/id"));
        let changed = app.patch(&path, Some(&ada.access), json!({ "body": "Hello" })).await.expect(200);
        assert_eq!((changed.text("/body"), &changed.json["seq"]), ("Hello".into(), &json!(1)));
        assert!(changed.json["edited_at"].is_string());
        for body in [json!({}), json!({ "body": "" }), json!({ "body": "\0" }), json!({ "body": "x".repeat(8_193) })] {
            app.patch(&path, Some(&ada.access), body).await.blames(&["body"]);
        }
        app.delete(&path, Some(&ada.access)).await.expect(204);
        app.delete(&path, Some(&ada.access)).await.expect(204);
        let gone = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!((gone.text("/body"), &gone.json["seq"]), (String::new(), &json!(1)));
        assert!(gone.json["deleted_at"].is_string());
        app.patch(&path, Some(&ada.access), json!({ "body": "Back" })).await.problem(409, "message_deleted");
        let next = app.post(&messages, Some(&ada.access), json!({ "body": "Next" })).await.expect(201);
        assert_eq!(next.json["seq"], 2);
    }

    async fn others_do_not_but_moderators_delete(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let messages = talk::of_room(&app.room(&ada, "trusted").await);
        let sent = app.post(&messages, Some(&bob.access), json!({ "body": "Rude" })).await.expect(201);
        let path = format!("{messages}/{}", sent.text("/id"));
        for person in [&eve, &ada] {
            app.patch(&path, Some(&person.access), json!({ "body": "Nice" })).await.problem(403, "forbidden");
        }
        app.delete(&path, Some(&eve.access)).await.problem(403, "forbidden");
        app.delete(&path, None).await.problem(401, "sign_in_required");
        app.patch(&path, None, json!({ "body": "Nice" })).await.problem(401, "sign_in_required");
        app.delete(&path, Some(&ada.access)).await.expect(204);
        assert_eq!(app.get(&path, Some(&bob.access)).await.expect(200).text("/body"), "");
        let nobody = format!("{messages}/{}", uuid::Uuid::now_v7());
        app.delete(&nobody, Some(&ada.access)).await.problem(404, "message_not_found");
        app.get(&nobody, Some(&ada.access)).await.problem(404, "message_not_found");
        app.patch(&nobody, Some(&ada.access), json!({ "body": "x" })).await.problem(404, "message_not_found");
        app.get(&format!("{messages}/nonsense"), Some(&ada.access)).await.problem(404, "not_found");
        let elsewhere = talk::of_room(&app.room(&ada, "public").await);
        let wrong = format!("{elsewhere}/{}", sent.text("/id"));
        app.get(&wrong, Some(&ada.access)).await.problem(404, "message_not_found");
    }
}
