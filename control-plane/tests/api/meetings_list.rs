//! `GET /meetings`: views, filters, pages, and a number of statements that does not grow.

use serde_json::{Value, json};

use crate::support::meeting::{again, invite, meeting};
use crate::support::time::{in_minutes, pass};
use crate::support::{Answer, both};

fn titles(page: &Answer) -> Vec<String> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

both! {
    async fn shows_what_is_to_come_and_what_is_over(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let soon = meeting(app, &ada, 30, json!({ "title": "Soon" })).await.text("/id");
        meeting(app, &bob, 300, json!({ "title": "Bob's own" })).await;
        let later = meeting(app, &bob, 200, json!({ "title": "Later", "rrule": "FREQ=WEEKLY" })).await.text("/id");
        let off = meeting(app, &ada, 100, json!({ "title": "Off" })).await.text("/id");
        invite(app, &ada, &soon, &bob, "participant").await;
        app.post(&format!("/meetings/{off}/cancel"), Some(&ada.access), json!({})).await.expect(200);
        let list = async |who: &crate::support::Person, query: &str| {
            titles(&app.get(&format!("/meetings{query}"), Some(&who.access)).await.expect(200))
        };
        assert_eq!(list(&bob, "?view=upcoming").await, ["Soon", "Later", "Bob's own"]);
        assert_eq!(list(&bob, "").await, ["Later", "Bob's own", "Soon"]);
        assert_eq!(list(&bob, "?view=mine").await, ["Later", "Bob's own"]);
        assert_eq!(list(&ada, "?view=past").await, ["Off"]);
        assert_eq!(list(&ada, "?view=history").await, ["Off"]);
        assert!(list(&eve, "").await.is_empty());
        app.post(&format!("/meetings/{later}/start"), Some(&bob.access), json!({})).await.expect(200);
        app.post(&format!("/meetings/{later}/end"), Some(&bob.access), json!({})).await.expect(200);
        assert_eq!(list(&bob, "?view=history").await, ["Later"]);
        pass(app, 120);
        let (ada, bob) = (again(app, &ada).await, again(app, &bob).await);
        assert_eq!(list(&ada, "?view=past").await, ["Off", "Soon"]);
        assert_eq!(list(&bob, "?view=upcoming").await, ["Bob's own", "Later"]);
    }

    async fn filters_by_title_and_time(app) {
        let ada = app.person("Ada").await;
        for (title, minutes) in [("Übung 100%", 60), ("Weekly_plan", 600), ("Other", 6_000)] {
            meeting(app, &ada, minutes, json!({ "title": title })).await;
        }
        for (query, wanted) in [
            ("q=%C3%BCBUNG".to_owned(), vec!["Übung 100%"]),
            ("q=0%25".to_owned(), vec!["Übung 100%"]),
            ("q=y_p".to_owned(), vec!["Weekly_plan"]),
            (format!("to={}", in_minutes(app, 300)), vec!["Übung 100%"]),
            (format!("from={}", in_minutes(app, 3_000)), vec!["Other"]),
            (format!("view=upcoming&from={}&to={}", in_minutes(app, 300), in_minutes(app, 900)), vec!["Weekly_plan"]),
            (format!("view=mine&from={}", in_minutes(app, 9_000)), vec![]),
        ] {
            let page = app.get(&format!("/meetings?{query}"), Some(&ada.access)).await.expect(200);
            assert_eq!(titles(&page), wanted, "{query}");
        }
    }

    async fn pages_through_every_view(app) {
        let ada = app.person("Ada").await;
        for n in 0..5 {
            // Two share their start.
            meeting(app, &ada, 60 + 10 * (n / 2), json!({ "title": format!("No. {n}") })).await;
        }
        for view in ["all", "mine", "upcoming", "past", "history"] {
            if view == "past" {
                for item in app.get("/meetings", Some(&ada.access)).await.json["items"].as_array().unwrap() {
                    let path = format!("/meetings/{}/cancel", item["id"].as_str().unwrap());
                    app.post(&path, Some(&ada.access), json!({})).await.expect(200);
                }
            }
            let (mut seen, mut path) = (Vec::new(), format!("/meetings?view={view}&limit=2"));
            loop {
                let page = app.get(&path, Some(&ada.access)).await.expect(200);
                seen.extend(titles(&page));
                if page.json["next_cursor"] == Value::Null {
                    break;
                }
                path = format!("/meetings?view={view}&limit=2&cursor={}", page.text("/next_cursor"));
            }
            let whole = titles(&app.get(&format!("/meetings?view={view}"), Some(&ada.access)).await.expect(200));
            assert_eq!(seen, whole, "{view}");
            assert_eq!(seen.len(), 5, "{view}");
        }
    }

    async fn reads_a_page_in_two_statements(app) {
        let ada = app.person("Ada").await;
        for n in 0..12 {
            meeting(app, &ada, 60 + n, json!({})).await;
        }
        for view in ["all", "mine", "upcoming", "past", "history"] {
            let mut least = u64::MAX;
            for _ in 0..5 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                let before = app.control.statements();
                app.get(&format!("/meetings?view={view}"), Some(&ada.access)).await.expect(200);
                least = least.min(app.control.statements() - before);
            }
            assert_eq!(least, 2, "{view}");
        }
    }

    async fn refuses_nonsense(app) {
        let ada = app.person("Ada").await;
        let get = async |query: &str| app.get(&format!("/meetings?{query}"), Some(&ada.access)).await;
        get("limit=0").await.blames(&["limit"]);
        get("limit=101").await.blames(&["limit"]);
        get("view=secret").await.blames(&["view"]);
        get("from=yesterday").await.blames(&["from"]);
        get("cursor=x").await.blames(&["cursor"]);
        get("q=%00").await.blames(&["q"]);
        app.get("/meetings", None).await.problem(401, "sign_in_required");
    }
}
