//! What a test does behind the API's back: an admin, rows nobody can make by a request.

use serde_json::json;
use uuid::Uuid;

use super::{PASSWORD, Person, TestApp};

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
}
