//! How the two halves reach each other: straight through a router in one process, over the network otherwise.
//!
//! In: a signed request. Out: the answer. A request whose URI has no host is for the other half in this process; one with
//! a host goes there. Either way it is the same request, checked by the same code.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use signaling_proto::call::{CallError, HttpCall};
use signaling_proto::limits::TWIRP_BODY_BYTES;
use tower::ServiceExt as _;

/// Longest that any call may take; callers give up sooner on their own terms.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Longest that a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Unused connections are closed before the other side does it ([`crate::config::Limits::header_timeout_s`]).
const POOL_IDLE: Duration = Duration::from_secs(5);

/// What a call within the process looks like it came from.
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// The way to one half.
#[derive(Clone)]
pub(crate) struct Wire {
    /// The half in this process. Set after both halves exist, because each is built with a wire to the other.
    here: Arc<OnceLock<Router>>,
    network: reqwest::Client,
}

impl Wire {
    /// # Errors
    /// The system's certificates cannot be read.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let network = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE)
            // A signed request is for one receiver: it is not carried elsewhere because that receiver says so.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { here: Arc::default(), network })
    }

    /// Connects the half in this process; later calls change nothing.
    pub(crate) fn connect(&self, router: Router) {
        let _ = self.here.set(router);
    }
}

impl HttpCall for Wire {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, CallError>> {
        if request.uri().host().is_some() {
            return over_network(self.network.clone(), request).boxed();
        }
        match self.here.get() {
            Some(router) => in_process(router.clone(), request).boxed(),
            None => {
                let reason = "the other half does not run in this process and has no address".to_owned();
                std::future::ready(Err(CallError::Unreachable { to: request.uri().path().to_owned(), reason })).boxed()
            }
        }
    }
}

async fn in_process(router: Router, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(ConnectInfo(HERE));
    request.extensions_mut().insert(http::uri::Scheme::HTTPS);
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, TWIRP_BODY_BYTES).collect().await.map_err(|_| CallError::AnswerTooLong)?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

async fn over_network(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
    let to = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            return CallError::TimedOut(if error.is_connect() { CONNECT_TIMEOUT } else { TIMEOUT });
        }
        CallError::Unreachable { to: to.clone(), reason: innermost(&error) }
    };
    let request = reqwest::Request::try_from(request).map_err(failed)?;
    let mut answer = client.execute(request).await.map_err(failed)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > TWIRP_BODY_BYTES {
            return Err(CallError::AnswerTooLong);
        }
        body.extend_from_slice(&chunk);
    }
    response.body(body.freeze()).map_err(|error| CallError::Unreachable { to: to.clone(), reason: error.to_string() })
}

/// The cause at the bottom ("connection refused"); what is above it repeats the address.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use axum::routing::post;

    use super::*;

    fn wire() -> Wire {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Wire::new().expect("a client")
    }

    fn request(uri: &str) -> Request<Bytes> {
        Request::post(uri).header("x-mark", "1").body(Bytes::from_static(b"body")).expect("a request")
    }

    fn echo() -> Router {
        Router::new().route(
            "/echo",
            post(
                |headers: http::HeaderMap, body: Bytes| async move { ([("x-mark", headers["x-mark"].clone())], body) },
            ),
        )
    }

    #[tokio::test]
    async fn the_same_request_gets_the_same_answer_on_both_ways() {
        let wire = wire();
        wire.connect(echo());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, echo()).await });
        for uri in ["/echo".to_owned(), format!("http://{address}/echo")] {
            let answer = wire.call(request(&uri)).await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"body"[..]), "{uri}");
            assert_eq!(answer.headers()["x-mark"], "1");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_said_so() {
        let wire = wire();
        assert!(matches!(wire.call(request("/echo")).await, Err(CallError::Unreachable { .. })));
        let Err(CallError::Unreachable { to, reason }) = wire.call(request("http://127.0.0.1:1/echo")).await else {
            panic!("nothing listens on port 1")
        };
        assert_eq!(to, "127.0.0.1:1");
        assert!(reason.contains("refused"), "{reason}");
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off() {
        let wire = wire();
        let long = vec![0u8; TWIRP_BODY_BYTES + 1];
        wire.connect(Router::new().route("/echo", post(|| async move { long })));
        assert_eq!(wire.call(request("/echo")).await.err(), Some(CallError::AnswerTooLong));
    }
}
