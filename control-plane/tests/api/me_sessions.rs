//! `GET` and `DELETE /me/sessions`, `DELETE /me/sessions/{id}`.

use serde_json::{Value, json};

use crate::support::talk::statements;
use crate::support::{PASSWORD, Person, TestApp, both};

async fn again(app: &TestApp, person: &Person) -> String {
    let body = json!({ "identifier": person.email, "password": PASSWORD });
    app.post("/auth/login", None, body).await.expect(200).text("/access_token")
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

both! {
    async fn lists_ones_own_and_pages(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let mut tokens = vec![ada.access.clone()];
        for _ in 0..4 {
            tokens.push(again(app, &ada).await);
        }
        let all = app.get("/me/sessions", Some(&tokens[2])).await.expect(200).json;
        assert_eq!(ids(&all).len(), 5);
        let current: Vec<bool> = all["items"].as_array().unwrap().iter().map(|item| item["current"] == true).collect();
        assert_eq!(current, [false, false, true, false, false]);
        assert!(!all.to_string().contains("hash") && !all.to_string().contains("pa_"));
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        for _ in 0..3 {
            let page = app.get(&format!("/me/sessions?limit=2{cursor}"), Some(&ada.access)).await.expect(200).json;
            walked.extend(ids(&page));
            cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
        assert_eq!((walked, cursor.as_str()), (ids(&all), ""));
        let one = statements(app, &ada.access, "/me/sessions?limit=1").await;
        assert_eq!(statements(app, &ada.access, "/me/sessions").await, one, "statements do not grow with rows");
        assert_eq!(ids(&app.get("/me/sessions", Some(&bob.access)).await.expect(200).json).len(), 1);
        app.get("/me/sessions", None).await.problem(401, "sign_in_required");
        app.get("/me/sessions?limit=0", Some(&ada.access)).await.blames(&["limit"]);
        app.get("/me/sessions?cursor=nonsense", Some(&ada.access)).await.blames(&["cursor"]);
    }

    async fn ends_one_of_ones_own_only(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let second = again(app, &ada).await;
        let id = app.get("/auth/session", Some(&second)).await.text("/session_id");
        let path = format!("/me/sessions/{id}");
        app.delete(&path, Some(&bob.access)).await.problem(404, "session_not_found");
        app.delete(&path, None).await.problem(401, "sign_in_required");
        app.get("/me", Some(&second)).await.expect(200);
        app.delete(&path, Some(&ada.access)).await.expect(204);
        app.get("/me", Some(&second)).await.problem(401, "invalid_token");
        app.delete(&path, Some(&ada.access)).await.problem(404, "session_not_found");
        app.delete("/me/sessions/nonsense", Some(&ada.access)).await.problem(404, "session_not_found");
        app.get("/me", Some(&ada.access)).await.expect(200);
    }

    async fn ends_all_others(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let others = [again(app, &ada).await, again(app, &ada).await];
        app.delete("/me/sessions", Some(&ada.access)).await.expect(204);
        for token in &others {
            app.get("/me", Some(token)).await.problem(401, "invalid_token");
        }
        app.get("/me", Some(&ada.access)).await.expect(200);
        app.get("/me", Some(&bob.access)).await.expect(200);
        assert_eq!(ids(&app.get("/me/sessions", Some(&ada.access)).await.json).len(), 1);
        app.delete("/me/sessions", None).await.problem(401, "sign_in_required");
    }

    async fn keeps_a_hundred(app) {
        let ada = app.person("Ada").await;
        for _ in 0..100 {
            app.clock.advance(std::time::Duration::from_secs(1));
            again(app, &ada).await;
        }
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        let token = again(app, &ada).await;
        let all = app.get("/me/sessions?limit=100", Some(&token)).await.expect(200).json;
        assert_eq!((ids(&all).len(), all["next_cursor"].is_null()), (100, true));
    }
}
