//! `POST /auth/setup`: the first admin, once.

use serde_json::{Value, json};

use crate::support::{PASSWORD, both};

fn form(token: &str, email: &str) -> Value {
    json!({ "token": token, "email": email, "password": PASSWORD, "display_name": "Root" })
}

both! {
    async fn makes_the_first_admin_and_no_second(app) {
        app.person("First").await;
        let token = app.control.setup_token().expect("there is no admin yet");
        assert_eq!(app.get("/config", None).await.json["setup_required"], true);
        app.post("/auth/setup", None, form("ps_wrong", "root@example.org")).await.problem(403, "invalid_setup_token");
        app.post("/auth/setup", None, form(&token, "first@example.org")).await.problem(409, "email_taken");

        let answer = app.post("/auth/setup", None, form(&token, "root@example.org")).await.expect(201);
        assert_eq!(answer.text("/user/platform_role"), "admin");
        assert_eq!(app.control.setup_token(), None);
        app.post("/auth/setup", None, form(&token, "two@example.org")).await.problem(403, "invalid_setup_token");
        assert_eq!(app.get("/config", None).await.json["setup_required"], false);
    }

    async fn at_once_makes_one_admin(app) {
        let token = app.control.setup_token().unwrap();
        let (app, token) = (&app, &token);
        let tries = (0..4).map(|n| async move {
            app.post("/auth/setup", None, form(token, &format!("root{n}@example.org"))).await.status.as_u16()
        });
        let mut statuses = futures_util::future::join_all(tries).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 403, 403, 403]);
    }
}

#[tokio::test]
async fn the_command_line_makes_admins_too() {
    let dir = std::env::temp_dir().join(format!("plenum-test-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir_all(&dir).unwrap();
    let admin = |email: &str| control_plane::NewAdmin {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        display_name: "Root".to_owned(),
    };
    control_plane::create_admin(None, &dir, admin("root@example.org")).await.unwrap();
    let taken = control_plane::create_admin(None, &dir, admin("ROOT@example.org")).await;
    assert!(matches!(taken, Err(control_plane::CreateAdminError::Taken)));
    let invalid = control_plane::create_admin(None, &dir, admin("root")).await;
    assert!(matches!(invalid, Err(control_plane::CreateAdminError::Invalid(_))));
    std::fs::remove_dir_all(&dir).unwrap();
}
