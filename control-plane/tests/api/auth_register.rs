//! `POST /auth/register`.

use serde_json::{Value, json};

use crate::support::{PASSWORD, both};

both! {
    async fn makes_an_account_and_signs_in(app) {
        let body = json!({
            "email": " Ada@Example.ORG ", "password": PASSWORD, "display_name": " Ada ", "locale": "en-GB",
            "timezone": "Europe/London"
        });
        let answer = app.post("/auth/register", None, body).await.expect(201);
        assert_eq!(answer.text("/user/email"), "ada@example.org");
        assert_eq!(answer.text("/user/display_name"), "Ada");
        assert_eq!(answer.text("/user/timezone"), "Europe/London");
        assert_eq!(answer.text("/user/platform_role"), "user");
        assert!(answer.json["user"].get("phc").is_none() && !answer.json.to_string().contains("argon2"));
        let me = app.get("/me", Some(&answer.text("/access_token"))).await.expect(200);
        assert_eq!(me.json, answer.json["user"]);
    }

    async fn refuses_a_taken_address(app) {
        app.person("Ada").await;
        let body = json!({ "email": "ADA@example.org", "password": PASSWORD, "display_name": "Other" });
        app.post("/auth/register", None, body).await.problem(409, "email_taken");
    }

    async fn blames_each_bad_field(app) {
        let body = json!({ "email": "nobody", "password": "short", "display_name": " ", "timezone": "Mars/Base" });
        app.post("/auth/register", None, body).await.blames(&["display_name", "email", "password", "timezone"]);
        app.post("/auth/register", None, json!({})).await.blames(&["display_name", "email", "password"]);
        let body = json!({ "email": 5, "password": [], "display_name": "A\u{202e}da", "transport": 1 });
        let answer = app.post("/auth/register", None, body).await.blames(&["display_name", "email", "password", "transport"]);
        assert!(!answer.json.to_string().contains("Request"), "{}", answer.json);
        for name in ["A\u{200b}da", "A\u{202e}da", "\u{feff}Ada", "Ada\u{2066}"] {
            let body = json!({ "email": "a@b.example", "password": PASSWORD, "display_name": name });
            app.post("/auth/register", None, body).await.blames(&["display_name"]);
        }
        let body = json!({ "email": 5, "password": PASSWORD, "display_name": "Ada" });
        app.post("/auth/register", None, body).await.blames(&["email"]);
        let body = json!({ "email": "a@b.example", "password": "x".repeat(201), "display_name": "A\u{0}da" });
        app.post("/auth/register", None, body).await.blames(&["display_name", "password"]);
        let body = json!({ "email": "a@b.example", "password": PASSWORD, "display_name": "Ada", "transport": "pigeon" });
        app.post("/auth/register", None, body).await.blames(&["transport"]);
    }

    async fn at_once_makes_one_account(app) {
        let register = |n: usize| async move {
            let body = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": format!("Ada {n}") });
            app.post("/auth/register", None, body).await.status.as_u16()
        };
        let mut statuses = futures_util::future::join_all((0..8).map(register)).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    }

    async fn is_refused_when_closed(app, |config| config.registration = control_plane::Registration::Closed) {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada" });
        app.post("/auth/register", None, body).await.problem(403, "registration_closed");
        assert_eq!(app.get("/config", None).await.expect(200).text("/registration"), "closed");
    }

    async fn needs_an_invitation_when_by_invitation(app, |config| {
        config.registration = control_plane::Registration::Invite;
    }) {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada" });
        app.post("/auth/register", None, body).await.problem(403, "invite_required");
        let register = |email: &'static str, token: Value| async move {
            let body = json!({ "email": email, "password": PASSWORD, "display_name": "Ada", "invite_token": token });
            app.post("/auth/register", None, body).await
        };
        register("ada@example.org", Value::Null).await.problem(403, "invite_required");
        register("ada@example.org", json!("po_nonsense")).await.problem(403, "invite_required");
        register("ada@example.org", json!("x".repeat(101))).await.blames(&["invite_token"]);

        // Whoever has the link of an organization's invite to them gets in with it, until it was used or taken back.
        let root = app.admin().await;
        let org = crate::support::talk::organization(app, &root, "Engines").await;
        let invites = format!("/organizations/{}/invites", org.text("/id"));
        let invite = async |email: &str| {
            app.post(&invites, Some(&root.access), json!({ "email": email, "role": "member" })).await.expect(201)
        };
        let taken_back = invite("eve@example.org").await;
        let path = format!("{invites}/{}", taken_back.text("/id"));
        app.delete(&path, Some(&root.access)).await.expect(204);
        register("eve@example.org", taken_back.json["token"].clone()).await.problem(403, "invite_required");
        let token = invite("ada@example.org").await.json["token"].clone();
        // It is for its address,
        register("eve@example.org", token.clone()).await.problem(403, "invite_required");
        let session = register("ada@example.org", token.clone()).await.expect(201);
        let accept = format!("/organization-invites/{}/accept", token.as_str().unwrap());
        app.post(&accept, Some(&session.text("/access_token")), json!({})).await.expect(200);
        let mine = app.get("/organizations", Some(&session.text("/access_token"))).await.expect(200);
        assert_eq!((mine.text("/items/0/name"), mine.text("/items/0/role")), ("Engines".into(), "member".into()));
        register("eve@example.org", token).await.problem(403, "invite_required");
        // and worth as much as who invited.
        let adam = invite("adam@example.org").await.json["token"].clone();
        let adam = register("adam@example.org", adam).await.expect(201);
        let members = format!("/organizations/{}/members", org.text("/id"));
        let role = json!({ "user_id": adam.text("/user/id"), "role": "admin" });
        app.post(&members, Some(&root.access), role).await.expect(201);
        let body = json!({ "email": "zoe@example.org" });
        let zoe = app.post(&invites, Some(&adam.text("/access_token")), body).await.expect(201).json["token"].clone();
        let path = format!("/users/{}", adam.text("/user/id"));
        app.patch(&path, Some(&root.access), json!({ "status": "suspended" })).await.expect(200);
        register("zoe@example.org", zoe.clone()).await.problem(403, "invite_required");
        app.patch(&path, Some(&root.access), json!({ "status": "active" })).await.expect(200);
        register("zoe@example.org", zoe).await.expect(201);
        let late = invite("late@example.org").await.json["token"].clone();
        app.clock.advance(std::time::Duration::from_secs(15 * 86_400));
        register("late@example.org", late).await.problem(403, "invite_required");
    }
}
