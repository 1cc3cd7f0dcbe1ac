//! `GET /conversations/{id}/messages` and `GET /conversations/search`.

use serde_json::json;

use crate::support::{Answer, both, talk};

fn seqs(page: &Answer) -> Vec<i64> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()).collect()
}

fn bodies(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["body"].as_str().unwrap()).collect()
}

both! {
    async fn pages_in_both_orders(app) {
        let ada = app.person("Ada").await;
        let messages = talk::of_room(&app.room(&ada, "public").await);
        for n in 1..=5 {
            talk::say(app, &ada.access, &messages, &format!("Message {n}")).await;
        }
        let get = async |query: String| app.get(&format!("{messages}?{query}"), Some(&ada.access)).await;
        let first = get("limit=2".into()).await.expect(200);
        assert_eq!(seqs(&first), [5, 4]);
        let second = get(format!("limit=2&cursor={}", first.text("/next_cursor"))).await.expect(200);
        assert_eq!(seqs(&second), [3, 2]);
        let third = get(format!("limit=2&cursor={}", second.text("/next_cursor"))).await.expect(200);
        assert_eq!((seqs(&third), &third.json["next_cursor"]), (vec![1], &json!(null)));
        let first = get("limit=3&order=asc".into()).await.expect(200);
        assert_eq!(seqs(&first), [1, 2, 3]);
        let second = get(format!("limit=3&order=asc&cursor={}", first.text("/next_cursor"))).await.expect(200);
        assert_eq!((seqs(&second), &second.json["next_cursor"]), (vec![4, 5], &json!(null)));
        assert_eq!(seqs(&get("order=asc&after_seq=3".into()).await), [4, 5]);
        assert_eq!(seqs(&get("after_seq=5".into()).await), [0_i64; 0]);
        assert_eq!(seqs(&get("to=2001-01-01T00:00:00Z".into()).await), [0_i64; 0]);
        assert_eq!(seqs(&get("from=2001-01-01T00:00:00Z&limit=1".into()).await), [5]);
    }

    async fn finds_text_in_any_case(app) {
        let ada = app.person("Ada").await;
        let messages = talk::of_room(&app.room(&ada, "public").await);
        let mut last = String::new();
        for body in ["100% ÜBUNG", "1000 things", "snake_case", "gone übung"] {
            last = talk::say(app, &ada.access, &messages, body).await.text("/id");
        }
        app.delete(&format!("{messages}/{last}"), Some(&ada.access)).await.expect(204);
        for (query, wanted) in [
            ("q=%C3%BCbung", vec!["100% ÜBUNG"]),
            ("q=100%25", vec!["100% ÜBUNG"]),
            ("q=E_C", vec!["snake_case"]),
            ("q=100&order=asc", vec!["100% ÜBUNG", "1000 things"]),
            ("q=100", vec!["1000 things", "100% ÜBUNG"]),
            ("q=100&limit=1", vec!["1000 things"]),
            ("q=nothing", vec![]),
        ] {
            let page = app.get(&format!("{messages}?{query}"), Some(&ada.access)).await.expect(200);
            assert_eq!(bodies(&page), wanted, "{query}");
        }
    }

    async fn searches_only_ones_own_conversations(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        for (person, body) in [(&ada, "needle one"), (&eve, "needle of Eve"), (&ada, "Needle two")] {
            let messages = talk::of_room(&app.room(person, "trusted").await);
            talk::say(app, &person.access, &messages, body).await;
        }
        let page = app.get("/conversations/search?q=NEEDLE", Some(&ada.access)).await.expect(200);
        assert_eq!(bodies(&page), ["Needle two", "needle one"]);
        let first = app.get("/conversations/search?q=needle&limit=1", Some(&ada.access)).await.expect(200);
        let path = format!("/conversations/search?q=needle&limit=1&cursor={}", first.text("/next_cursor"));
        assert_eq!(bodies(&app.get(&path, Some(&ada.access)).await.expect(200)), ["needle one"]);
        let ada = Some(ada.access.as_str());
        app.get("/conversations/search?q=", ada).await.blames(&["q"]);
        app.get("/conversations/search?q=%00", ada).await.blames(&["q"]);
        app.get("/conversations/search", ada).await.expect(422);
        app.get("/conversations/search?q=a&limit=0", ada).await.blames(&["limit"]);
        app.get("/conversations/search?q=a", None).await.problem(401, "sign_in_required");
    }

    async fn a_page_takes_as_many_statements_as_a_short_one(app) {
        let ada = app.person("Ada").await;
        let (full, short) = (app.room(&ada, "public").await, app.room(&ada, "public").await);
        let (full, short) = (talk::of_room(&full), talk::of_room(&short));
        talk::say(app, &ada.access, &short, "Message 0").await;
        for n in 0..20 {
            talk::say(app, &ada.access, &full, &format!("Message {n}")).await;
        }
        for query in ["", "?q=message", "?order=asc"] {
            let of_full = talk::statements(app, &ada.access, &format!("{full}{query}")).await;
            assert_eq!(of_full, talk::statements(app, &ada.access, &format!("{short}{query}")).await);
            assert!(of_full <= 5, "{of_full}");
        }
    }

    async fn refuses_nonsense_and_strangers(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let messages = talk::of_room(&app.room(&ada, "restricted").await);
        let get = async |query: &str| app.get(&format!("{messages}?{query}"), Some(&ada.access)).await;
        get("limit=0").await.blames(&["limit"]);
        get("limit=101").await.blames(&["limit"]);
        get("cursor=abc").await.blames(&["cursor"]);
        get("q=%00").await.blames(&["q"]);
        get("after_seq=-1").await.blames(&["after_seq"]);
        get("order=random").await.blames(&["order"]);
        get("from=yesterday").await.blames(&["from"]);
        app.get(&messages, Some(&eve.access)).await.problem(404, "conversation_not_found");
        app.get(&messages, None).await.problem(401, "sign_in_required");
    }
}
