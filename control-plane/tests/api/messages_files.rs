//! Files that messages carry: sent once, shown wherever the message is, gone with it.

use serde_json::{Value, json};

use crate::support::files::{PNG, Part, conversation, find_files, form};
use crate::support::{Person, TestApp, both};

async fn file(app: &TestApp, who: &Person, conversation: &str) -> String {
    app.send(form(conversation, Some(&who.access), &[Part::new("a.png", "", PNG)])).await.expect(201).text("/id")
}

both! {
    async fn travel_with_the_message(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let token = Some(ada.access.as_str());
        let (one, two) = (file(app, &ada, &conversation).await, file(app, &ada, &conversation).await);
        let path = format!("/conversations/{conversation}/messages");
        let body = json!({ "body": "look", "client_id": "c1", "file_ids": [one, two] });
        let sent = app.post(&path, token, body.clone()).await.expect(201);
        let ids = |message: &Value| -> Vec<String> {
            message["files"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&sent.json), [one.clone(), two.clone()]);
        assert_eq!(sent.json["files"][0]["message_id"], sent.json["id"]);
        let again = app.post(&path, token, body).await.expect(200);
        assert_eq!(again.json, sent.json);
        let other = json!({ "body": "look", "client_id": "c1", "file_ids": [one] });
        app.post(&path, token, other).await.problem(409, "client_id_reused");
        app.post(&path, token, json!({ "body": "nothing" })).await.expect(201);
        let listed = app.get(&format!("{path}?order=asc"), token).await.expect(200);
        assert_eq!((ids(&listed.json["items"][0]).len(), ids(&listed.json["items"][1]).len()), (2, 0));
        let id = sent.text("/id");
        assert_eq!(ids(&app.get(&format!("{path}/{id}"), token).await.expect(200).json).len(), 2);
        let found = app.get("/conversations/search?q=look", token).await.expect(200);
        assert_eq!(ids(&found.json["items"][0]).len(), 2);
        app.delete(&format!("{path}/{id}"), token).await.expect(204);
        app.get(&format!("/files/{one}"), token).await.problem(404, "file_not_found");
        app.eventually("the bytes are gone", async || find_files(&app.files_dir()).is_empty()).await;
    }

    async fn have_to_be_ready_ones_own_here_and_free(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let (_, here) = conversation(app, &ada).await;
        let (_, elsewhere) = conversation(app, &ada).await;
        let token = Some(ada.access.as_str());
        let path = format!("/conversations/{here}/messages");
        let taken = file(app, &ada, &here).await;
        app.post(&path, token, json!({ "body": "1", "file_ids": [taken] })).await.expect(201);
        let announce = format!("/conversations/{here}/files");
        let pending = app.post(&announce, token, json!({ "name": "a.txt", "size": 1 })).await.expect(201).text("/id");
        let (foreign, far) = (file(app, &eve, &here).await, file(app, &ada, &elsewhere).await);
        let fine = file(app, &ada, &here).await;
        for bad in [taken, pending, foreign, far, "0190d2a6-0000-7000-8000-000000000000".to_owned()] {
            let body = json!({ "body": "2", "file_ids": [fine, bad] });
            app.post(&path, token, body).await.blames(&["file_ids"]);
        }
        app.post(&path, token, json!({ "body": "2", "file_ids": [fine, fine] })).await.blames(&["file_ids"]);
        let many = vec![fine.clone(); 11];
        app.post(&path, token, json!({ "body": "2", "file_ids": many })).await.blames(&["file_ids"]);
        // Nothing of the refused ones stayed: the good file is free, and no number was lost.
        let sent = app.post(&path, token, json!({ "body": "3", "file_ids": [fine] })).await.expect(201);
        assert_eq!(sent.json["seq"], 2);
    }
}
