//! `GET /rooms`: mine, by pages.

use serde_json::json;

use crate::support::{Answer, both};

fn names(page: &Answer) -> Vec<String> {
    page.json["items"].as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap().to_owned()).collect()
}

both! {
    async fn pages_through_ones_own_rooms(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        app.room(&eve, "public").await;
        for n in 0..5 {
            app.post("/rooms", Some(&ada.access), json!({ "name": format!("Room {n}") })).await.expect(201);
        }
        let first = app.get("/rooms?limit=2", Some(&ada.access)).await.expect(200);
        assert_eq!(names(&first), ["Room 4", "Room 3"]);
        let second = app.get(&format!("/rooms?limit=2&cursor={}", first.text("/next_cursor")), Some(&ada.access)).await;
        assert_eq!(names(&second), ["Room 2", "Room 1"]);
        let third = app.get(&format!("/rooms?limit=2&cursor={}", second.text("/next_cursor")), Some(&ada.access)).await;
        assert_eq!((names(&third), &third.json["next_cursor"]), (vec!["Room 0".to_owned()], &json!(null)));
        let oldest = app.get("/rooms?limit=2&order=asc", Some(&ada.access)).await.expect(200);
        assert_eq!(names(&oldest), ["Room 0", "Room 1"]);
    }

    async fn filters_by_name_and_type(app) {
        let ada = app.person("Ada").await;
        for (name, kind) in [("100% Übung", "video"), ("1000 things", "chat"), ("Weekly_plan", "video")] {
            app.post("/rooms", Some(&ada.access), json!({ "name": name, "type": kind })).await.expect(201);
        }
        for (query, wanted) in [
            ("q=%C3%BCBUNG", vec!["100% Übung"]),
            ("q=100%25", vec!["100% Übung"]),
            ("q=y_p", vec!["Weekly_plan"]),
            ("q=100", vec!["1000 things", "100% Übung"]),
            ("type=chat", vec!["1000 things"]),
            ("type=video&q=nothing", vec![]),
        ] {
            let page = app.get(&format!("/rooms?{query}"), Some(&ada.access)).await.expect(200);
            assert_eq!(names(&page), wanted, "{query}");
        }
    }

    async fn reads_a_page_in_two_statements(app) {
        let ada = app.person("Ada").await;
        for _ in 0..20 {
            app.room(&ada, "public").await;
        }
        let mut least = u64::MAX;
        for _ in 0..5 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let before = app.control.statements();
            app.get("/rooms", Some(&ada.access)).await.expect(200);
            least = least.min(app.control.statements() - before);
        }
        assert_eq!(least, 2);
    }

    async fn refuses_nonsense(app) {
        let ada = Some(app.person("Ada").await.access);
        let ada = ada.as_deref();
        app.get("/rooms?limit=0", ada).await.blames(&["limit"]);
        app.get("/rooms?limit=101", ada).await.blames(&["limit"]);
        app.get("/rooms?limit=many", ada).await.blames(&["limit"]);
        app.get("/rooms?cursor=%00", ada).await.blames(&["cursor"]);
        app.get("/rooms?q=%00", ada).await.expect(422);
        app.get("/rooms?order=random", ada).await.blames(&["order"]);
        app.get("/rooms", None).await.problem(401, "sign_in_required");
    }
}
