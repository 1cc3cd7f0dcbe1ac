//! `POST /api/v1/auth/ws-ticket`: one socket for one ticket.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::support::{TestApp, both};

async fn ticket(app: &TestApp, token: &str) -> String {
    app.call(Method::POST, "/auth/ws-ticket", Some(token), None).await.expect(201).text("/ticket")
}

both! {
    async fn opens_one_socket(app) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let query = format!("?ticket={}", ticket(app, &ada.access).await);
        // Whoever comes first; a page of another origin may bring one, it cannot steal one.
        let origin = [("origin", "https://app.example")];
        let tries = futures_util::future::join_all((0..8).map(|_| wire.try_open(&query, &origin))).await;
        assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1);
        for refused in tries.iter().filter_map(|tried| tried.as_ref().err()) {
            assert_eq!((refused.0, &refused.1["code"]), (401, &json!("invalid_ticket")));
        }
        let mut socket = tries.into_iter().find_map(Result::ok).unwrap();
        socket.subscribe(&["notifications"], None).await;
        app.call(Method::POST, "/auth/logout", Some(&ada.access), None).await.expect(204);
        assert_eq!(socket.closed().await, 4001, "it belongs to the session");
    }

    async fn is_good_for_half_a_minute_and_as_long_as_its_session(app) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let (old, orphan) = (ticket(app, &ada.access).await, ticket(app, &ada.access).await);
        app.call(Method::POST, "/auth/logout", Some(&ada.access), None).await.expect(204);
        assert_eq!(wire.try_open(&format!("?ticket={orphan}"), &[]).await.err().unwrap().0, 401);
        app.clock.advance(Duration::from_secs(31));
        assert_eq!(wire.try_open(&format!("?ticket={old}"), &[]).await.err().unwrap().0, 401);
        for nonsense in ["", "pt_", "pa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00"] {
            assert_eq!(wire.try_open(&format!("?ticket={nonsense}"), &[]).await.err().unwrap().0, 401, "{nonsense}");
        }
        assert_eq!(wire.try_open(&format!("?ticket={}", "x".repeat(200)), &[]).await.err().unwrap().0, 422);
    }

    async fn is_for_guests_too_and_for_nobody_else(app) {
        let wire = app.wire().await;
        app.node.beat(app).await.expect(200);
        app.call(Method::POST, "/auth/ws-ticket", None, None).await.problem(401, "sign_in_required");
        app.call(Method::POST, "/auth/ws-ticket", Some("pa_x"), None).await.problem(401, "invalid_token");
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let path = format!("/rooms/{}/join", room.text("/code"));
        let guest = app.post(&path, None, json!({ "display_name": "Grace" })).await.expect(200);
        let query = format!("?ticket={}", ticket(app, &guest.text("/guest/access_token")).await);
        let mut socket = wire.try_open(&query, &[]).await.unwrap_or_else(|refused| panic!("{refused:?}"));
        socket.subscribe(&[&format!("room:{}", room.text("/id"))], None).await;
    }
}
