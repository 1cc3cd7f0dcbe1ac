//! `POST /conversations/{id}/messages`: said once, numbered without gaps, by who may.

use serde_json::json;

use crate::support::{both, talk};

both! {
    async fn numbers_messages_from_one(app) {
        let ada = app.person("Ada").await;
        let messages = talk::of_room(&app.room(&ada, "public").await);
        for n in 1..=3 {
            let sent = app.post(&messages, Some(&ada.access), json!({ "body": format!("Message {n}") })).await.expect(201);
            assert_eq!(sent.json["seq"], n);
            assert_eq!(sent.json["sender"], json!({ "kind": "user", "id": ada.id, "name": "Ada" }));
            assert_eq!((sent.text("/body"), &sent.json["edited_at"]), (format!("Message {n}"), &json!(null)));
            let path = format!("{messages}/{}", sent.text("/id"));
            assert_eq!(app.get(&path, Some(&ada.access)).await.expect(200).json, sent.json);
        }
    }

    async fn the_same_client_id_is_the_same_message(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let messages = talk::of_room(&app.room(&ada, "trusted").await);
        let body = json!({ "body": "Hello", "client_id": "one" });
        let first = app.post(&messages, Some(&ada.access), body.clone()).await.expect(201);
        let again = app.post(&messages, Some(&ada.access), body.clone()).await.expect(200);
        assert_eq!(again.json, first.json);
        let other = json!({ "body": "Something else", "client_id": "one" });
        app.post(&messages, Some(&ada.access), other).await.problem(409, "client_id_reused");
        assert_eq!(app.post(&messages, Some(&bob.access), body.clone()).await.expect(201).json["seq"], 2);
        app.patch(&format!("{messages}/{}", first.text("/id")), Some(&ada.access), json!({ "body": "Hi" })).await.expect(200);
        assert_eq!(app.post(&messages, Some(&ada.access), body).await.expect(200).text("/body"), "Hi");
    }

    async fn parallel_duplicates_become_one_and_others_have_no_gap(app) {
        let ada = app.person("Ada").await;
        let messages = talk::of_room(&app.room(&ada, "public").await);
        let sending = (0..40).map(|n| {
            let body = json!({ "body": format!("Message {}", n / 2), "client_id": format!("c{}", n / 2) });
            app.post(&messages, Some(&ada.access), body)
        });
        let answers = futures_util::future::join_all(sending).await;
        let mut made = Vec::new();
        for answer in answers {
            match answer.status.as_u16() {
                201 => made.push(answer.json["seq"].as_i64().unwrap()),
                _ => drop(answer.expect(200)),
            }
        }
        made.sort_unstable();
        assert_eq!(made, (1..=20).collect::<Vec<i64>>());
    }

    async fn answers_name_a_message_of_the_same_conversation(app) {
        let ada = app.person("Ada").await;
        let (here, there) = (app.room(&ada, "public").await, app.room(&ada, "public").await);
        let (here, there) = (talk::of_room(&here), talk::of_room(&there));
        let said = app.post(&here, Some(&ada.access), json!({ "body": "?" })).await.expect(201).text("/id");
        let answer = json!({ "body": "!", "reply_to": said });
        assert_eq!(app.post(&here, Some(&ada.access), answer.clone()).await.expect(201).text("/reply_to"), said);
        app.post(&there, Some(&ada.access), answer).await.blames(&["reply_to"]);
        app.post(&here, Some(&ada.access), json!({ "body": "!", "reply_to": "x" })).await.blames(&["reply_to"]);
    }

    async fn is_for_who_may_enter(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let open = talk::of_room(&app.room(&ada, "trusted").await);
        let secret = talk::of_room(&app.room(&ada, "restricted").await);
        let body = json!({ "body": "Hello" });
        app.post(&open, Some(&eve.access), body.clone()).await.expect(201);
        app.post(&secret, Some(&eve.access), body.clone()).await.problem(404, "conversation_not_found");
        app.post(&secret, None, body.clone()).await.problem(401, "sign_in_required");
        app.post("/conversations/nonsense/messages", Some(&eve.access), body.clone()).await.problem(404, "not_found");
        let nowhere = format!("/conversations/{}/messages", uuid::Uuid::now_v7());
        app.post(&nowhere, Some(&eve.access), body.clone()).await.problem(404, "conversation_not_found");
        app.post(&nowhere, None, body).await.problem(401, "sign_in_required");
    }

    async fn refuses_nonsense(app) {
        let ada = app.person("Ada").await;
        let messages = talk::of_room(&app.room(&ada, "public").await);
        let post = |body| app.post(&messages, Some(&ada.access), body);
        for body in ["", " \n\t ", "a\0b", "\u{1b}[31m", &"x".repeat(8_193), &"é".repeat(4_097)] {
            post(json!({ "body": body })).await.blames(&["body"]);
        }
        post(json!({})).await.blames(&["body"]);
        post(json!({ "body": 5 })).await.blames(&["body"]);
        post(json!({ "body": "a", "client_id": "" })).await.blames(&["client_id"]);
        post(json!({ "body": "a", "client_id": "a b" })).await.blames(&["client_id"]);
        post(json!({ "body": "a", "client_id": "x".repeat(65) })).await.blames(&["client_id"]);
        let odd = format!("{} \u{202e}\u{0301}👩‍👩‍👧‍👦\nline two\t%_!'\"\\", "x".repeat(8_000));
        assert_eq!(post(json!({ "body": odd })).await.expect(201).text("/body"), odd);
    }
}
