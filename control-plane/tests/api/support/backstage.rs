//! What a test does behind the API's back: an admin, rows nobody can make by a request, a second replica.

use axum::Router;
use control_plane::{ControlPlane, ControlPlaneConfig, InternalKey, MediaConnection};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{KEY, PASSWORD, Person, TestApp};

impl TestApp {
    /// The first admin of the platform.
    pub(crate) async fn admin(&self) -> Person {
        let token = self.control.setup_token().expect("there is no admin yet");
        let email = "root@example.org".to_owned();
        let body = json!({ "token": token, "email": email, "password": PASSWORD, "display_name": "Root" });
        let answer = self.post("/auth/setup", None, body).await.expect(201);
        Person {
            id: answer.text("/user/id"),
            email,
            access: answer.text("/access_token"),
            refresh: answer.text("/refresh_token"),
        }
    }

    /// An id as written in SQL.
    pub(crate) fn sql_id(&self, id: Uuid) -> String {
        match self.database {
            Some(_) => format!("'{id}'::uuid"),
            None => format!("x'{}'", id.simple()),
        }
    }

    /// Another process on the same database.
    pub(crate) async fn replica(&self) -> (ControlPlane, Router) {
        let key = InternalKey { key: KEY.0.into(), secret: KEY.1.into() };
        let media = MediaConnection { call: self.node.clone(), api_url: String::new(), client_url: None };
        let mut config = ControlPlaneConfig::new(self.dir.clone(), key, media);
        config.database_url = self.database_url();
        config.database.max_connections = 3;
        config.clock = self.clock.clone();
        let control = ControlPlane::start(config, CancellationToken::new()).await.expect("a second one starts");
        let router = control.router();
        (control, router)
    }
}
