//! Calls over the network, for webhook targets that the binary gives no way of its own.
//!
//! In: a whole request. Out: a whole response, or why there was none. It adds no headers and follows no redirects.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Request;
use http::Response;
use signaling_proto::call::CallError;
use signaling_proto::call::HttpCall;

/// Longest that one exchange over the network may take.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer that is read; ours are a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

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
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, CallError>> {
        exchange(self.client.clone(), request).boxed()
    }
}

async fn exchange(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
    let to = request.uri().host().unwrap_or_default().to_owned();
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            return CallError::TimedOut(NETWORK_TIMEOUT);
        }
        CallError::Unreachable { to: to.clone(), reason: error.to_string() }
    };
    let mut answer = client.execute(request.try_into().map_err(failed)?).await.map_err(failed)?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    response.headers_mut().clone_from(answer.headers());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(CallError::AnswerTooLong);
        }
        body.extend_from_slice(&chunk);
    }
    *response.body_mut() = body.into();
    Ok(response)
}
