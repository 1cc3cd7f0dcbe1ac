//! A second process on the same database, as far as one test program can have one.

use axum::Router;
use axum::body::Body;
use control_plane::{ControlPlane, ControlPlaneConfig, InternalKey, MediaConnection};
use http::Request;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{Answer, KEY, TestApp};

/// Another control plane beside [`TestApp`]: same database, same media nodes, same clock.
pub(crate) struct Second {
    pub(crate) control: ControlPlane,
    router: Router,
}

impl TestApp {
    /// Starts another control plane on this one's database; stop it before the test finishes.
    pub(crate) async fn second(&self) -> Second {
        let key = InternalKey { key: KEY.0.into(), secret: KEY.1.into() };
        let media = MediaConnection { call: self.node.clone(), api_url: String::new(), client_url: None };
        let mut config = ControlPlaneConfig::new(self.dir.clone(), key, media);
        config.database_url = self.database_url();
        config.database.max_connections = 5;
        config.rate_limits.session_per_minute = 1_000_000;
        config.rate_limits.address_per_minute = 1_000_000;
        config.clock = self.clock.clone();
        let control = ControlPlane::start(config, CancellationToken::new()).await.expect("a second control plane");
        let router = control.router();
        Second { control, router }
    }
}

impl Second {
    /// Asks for a path under `/api/v1`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(format!("/api/v1{path}")).body(Body::empty()).expect("a request")).await
    }

    /// Posts JSON to a path under `/api/v1`.
    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        let mut request = Request::post(format!("/api/v1{path}"))
            .header("host", "meet.test")
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.expect("routers do not fail")).await
    }
}
