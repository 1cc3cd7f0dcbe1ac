//! `/healthz` and `/readyz`: whether this process lives, and whether it can serve.
//!
//! In: checks of the halves. Out: small JSON objects. Liveness asks nobody; readiness asks both halves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// A check that takes longer counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers whether one part can serve; the error is a short text for operators.
pub(crate) type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// One part of the server and how to find out about it.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Without it nothing can be served. A part that is not needed is reported, and the server counts as ready: a load
    /// balancer that took it away would only make things worse.
    pub(crate) needed: bool,
    pub(crate) check: Check,
}

/// The parts that are asked.
pub(crate) type Checks = Arc<[Part]>;

/// The two routes.
pub(crate) fn router(checks: Checks) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(checks)
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// 200 when every part that is needed is ready (`degraded` when another one is not), else 503; the body says what each says.
async fn readyz(State(checks): State<Checks>) -> Response {
    let outcomes = futures_util::future::join_all(checks.iter().map(|part| async {
        match tokio::time::timeout(CHECK_TIMEOUT, (part.check)()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        }
    }));
    let mut parts = Map::new();
    let (mut ready, mut whole) = (true, true);
    for (part, outcome) in checks.iter().zip(outcomes.await) {
        whole &= outcome.is_ok();
        ready &= outcome.is_ok() || !part.needed;
        parts.insert(part.name.to_owned(), outcome.map_or_else(Value::from, |()| Value::from("ok")));
    }
    let (code, status) = match (ready, whole) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Json(json!({ "status": status, "parts": parts }))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    fn part(name: &'static str, needed: bool, outcome: Result<(), String>) -> Part {
        Part { name, needed, check: Arc::new(move || Box::pin(std::future::ready(outcome.clone()))) }
    }

    async fn ask(parts: Vec<Part>) -> (u16, Value) {
        let request = http::Request::get("/readyz").body(Body::empty()).expect("a request");
        let answer = router(parts.into()).oneshot(request).await.expect("infallible");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn only_what_is_needed_makes_it_unavailable() {
        let bad = || Err("gone".to_owned());
        let (status, body) = ask(vec![part("a", true, Ok(())), part("b", false, Ok(()))]).await;
        assert_eq!((status, &body["status"], &body["parts"]["a"]), (200, &json!("ok"), &json!("ok")));
        let (status, body) = ask(vec![part("a", true, Ok(())), part("b", false, bad())]).await;
        assert_eq!((status, &body["status"], &body["parts"]["b"]), (200, &json!("degraded"), &json!("gone")));
        let (status, body) = ask(vec![part("a", true, bad()), part("b", false, Ok(()))]).await;
        assert_eq!((status, &body["status"]), (503, &json!("unavailable")));
    }
}
