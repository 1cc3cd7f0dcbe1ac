//! The user name: another name to sign in by.

use serde_json::{Value, json};

use crate::support::{PASSWORD, both};

both! {
    async fn signs_in_and_can_be_given_up(app) {
        let ada = app.person("Ada").await;
        let me = app.patch("/me", Some(&ada.access), json!({ "username": " Ada.L-1 " })).await.expect(200);
        assert_eq!(me.text("/username"), "ada.l-1");
        let login = |name: &'static str| async move {
            app.post("/auth/login", None, json!({ "identifier": name, "password": PASSWORD })).await
        };
        assert_eq!(login("ADA.l-1").await.expect(200).text("/user/id"), ada.id);
        let me = app.patch("/me", Some(&ada.access), json!({ "display_name": "Ada L." })).await.expect(200);
        assert_eq!(me.text("/username"), "ada.l-1");
        let me = app.patch("/me", Some(&ada.access), json!({ "username": null })).await.expect(200);
        assert_eq!(me.json["username"], Value::Null);
        login("ada.l-1").await.problem(401, "invalid_credentials");
    }

    async fn belongs_to_one(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        app.patch("/me", Some(&ada.access), json!({ "username": "ada" })).await.expect(200);
        app.patch("/me", Some(&bob.access), json!({ "username": "ADA" })).await.problem(409, "username_taken");
        app.patch("/me", Some(&ada.access), json!({ "username": "ada" })).await.expect(200);
        let register = |email: &'static str, username: &'static str| async move {
            let body = json!({ "email": email, "password": PASSWORD, "display_name": "X", "username": username });
            app.post("/auth/register", None, body).await
        };
        register("x@example.org", "Ada").await.problem(409, "username_taken");
        register("ada@example.org", "fresh").await.problem(409, "email_taken");
        assert_eq!(register("x@example.org", "Xenia").await.expect(201).text("/user/username"), "xenia");
        let many = (0..4).map(|n| {
            let body = json!({ "email": format!("y{n}@example.org"), "password": PASSWORD, "display_name": "Y",
                "username": "yan" });
            app.post("/auth/register", None, body)
        });
        let mut statuses: Vec<u16> =
            futures_util::future::join_all(many).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
    }

    async fn has_a_plain_form(app) {
        let ada = app.person("Ada").await;
        let long = "x".repeat(33);
        for bad in ["", "ab", "1abc", "a b c", "ada@home", "äda", "a\u{0}bc", "ada\u{200b}", &long] {
            app.patch("/me", Some(&ada.access), json!({ "username": bad })).await.blames(&["username"]);
        }
    }
}
