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

/// The parts that must be ready, by name.
pub(crate) type Checks = Arc<[(&'static str, Check)]>;

/// The two routes.
pub(crate) fn router(checks: Checks) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(checks)
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// 200 when every part is ready, else 503; the body says which is not.
async fn readyz(State(checks): State<Checks>) -> Response {
    let mut parts = Map::new();
    let mut ready = true;
    for (name, check) in checks.iter() {
        let outcome = match tokio::time::timeout(CHECK_TIMEOUT, check()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        ready &= outcome.is_ok();
        parts.insert((*name).to_owned(), outcome.map_or_else(Value::from, |()| Value::from("ok")));
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "status": if ready { "ok" } else { "unavailable" }, "parts": parts }))).into_response()
}
