//! One HTTP exchange with another part of the system: over the network, or straight into a router of this process.
//!
//! In: a whole request. Out: a whole response, or why there was none. It adds no headers and follows no redirects.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Limited;
use tower::ServiceExt;

/// Longest that one exchange over the network may take.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer that is read; ours are a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why an exchange gave no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpCallError {
    #[error("no answer: {0}")]
    Network(#[from] reqwest::Error),
    #[error("the answer is longer than {MAX_ANSWER_BYTES} bytes or broke off")]
    Body,
}

pub type HttpCallFuture = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpCallError>> + Send>>;

/// Carries a request to wherever its target is.
pub trait HttpCall: Send + Sync {
    fn call(&self, request: Request<Bytes>) -> HttpCallFuture;
}

/// Over the network; the request's URI is absolute.
#[derive(Clone, Debug)]
pub struct NetworkCall {
    client: reqwest::Client,
}

impl NetworkCall {
    /// # Errors
    /// When the TLS set-up of this machine cannot be read.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client =
            reqwest::Client::builder().timeout(NETWORK_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client })
    }
}

impl HttpCall for NetworkCall {
    fn call(&self, request: Request<Bytes>) -> HttpCallFuture {
        let client = self.client.clone();
        Box::pin(async move {
            let mut answer = client.execute(request.try_into()?).await?;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(HttpCallError::Body);
                }
                body.extend_from_slice(&chunk);
            }
            *response.body_mut() = body.into();
            Ok(response)
        })
    }
}

/// Into a router of this process: the same request, no socket.
#[derive(Clone, Debug)]
pub struct RouterCall(pub axum::Router);

impl HttpCall for RouterCall {
    fn call(&self, request: Request<Bytes>) -> HttpCallFuture {
        let router = self.0.clone();
        Box::pin(async move {
            let response = match router.oneshot(request.map(axum::body::Body::from)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|_| HttpCallError::Body)?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        })
    }
}
