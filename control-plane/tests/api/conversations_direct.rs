//! `POST /conversations/direct`: one conversation for two people who share a place.

use serde_json::json;

use crate::support::{both, talk};

both! {
    async fn there_is_one_per_pair(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let begin = async |by: &crate::support::Person, with: &str| {
            app.post("/conversations/direct", Some(&by.access), json!({ "user_id": with })).await
        };
        begin(&ada, &bob.id).await.problem(404, "user_not_found");
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let first = begin(&ada, &bob.id).await.expect(201);
        assert_eq!((first.text("/title"), first.text("/peer_id")), ("Bob".into(), bob.id.clone()));
        assert_eq!(begin(&ada, &bob.id).await.expect(200).json, first.json);
        let theirs = begin(&bob, &ada.id).await.expect(200);
        assert_eq!((theirs.text("/id"), theirs.text("/title")), (first.text("/id"), "Ada".into()));
        let messages = format!("/conversations/{}/messages", first.text("/id"));
        let said = talk::say(app, &ada.access, &messages, "Hello").await.text("/id");
        let mine = app.get("/conversations?kind=direct", Some(&bob.access)).await.expect(200);
        assert_eq!((mine.text("/items/0/title"), &mine.json["items"][0]["unread"]), ("Ada".into(), &json!(1)));
        let root = talk::platform_admin(app).await;
        for stranger in [&eve.access, &root] {
            app.get(&messages, Some(stranger)).await.problem(404, "conversation_not_found");
            app.post(&messages, Some(stranger), json!({ "body": "?" })).await.problem(404, "conversation_not_found");
        }
        app.delete(&format!("{messages}/{said}"), Some(&bob.access)).await.problem(403, "forbidden");
        begin(&eve, &ada.id).await.problem(404, "user_not_found");
        begin(&ada, &ada.id).await.blames(&["user_id"]);
        begin(&ada, "x").await.blames(&["user_id"]);
        begin(&ada, &uuid::Uuid::now_v7().to_string()).await.problem(404, "user_not_found");
        app.post("/conversations/direct", None, json!({ "user_id": ada.id })).await.problem(401, "sign_in_required");
        app.post("/conversations/direct", Some(&root), json!({ "user_id": eve.id })).await.expect(201);
    }

    async fn parallel_twins_are_one(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let begin = (0..8).map(|n| {
            let (by, with) = if n % 2 == 0 { (&ada, &bob) } else { (&bob, &ada) };
            app.post("/conversations/direct", Some(&by.access), json!({ "user_id": with.id }))
        });
        let answers = futures_util::future::join_all(begin).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, 1);
        for answer in answers {
            assert_eq!(answer.json["id"], app.get("/conversations", Some(&ada.access)).await.json["items"][0]["id"]);
        }
    }
}
