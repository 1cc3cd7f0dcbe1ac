//! `GET /health`: for who asks whether there is anybody.

use crate::support::both;

both! {
    async fn says_that_it_is_well(app) {
        let health = app.get("/health", None).await.expect(200);
        assert!(health.json.as_object().is_some_and(|fields| !fields.is_empty()), "{}", health.json);
    }
}
