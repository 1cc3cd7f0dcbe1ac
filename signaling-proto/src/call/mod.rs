//! How the two halves call each other: one HTTP request in, one answer out, by whatever way.
//!
//! In one process the implementation hands the request to the other half's router; split, it sends it over the network.
//! Both pass the same signed requests, so there is no second code path. Implementations live in the root binary.

mod room_service;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use room_service::{RoomServiceClient, RoomServiceError};

/// Sends one HTTP request to the other half.
pub trait HttpCall: Send + Sync + 'static {
    /// Sends it and waits for the whole answer, whose body must not exceed `limits::TWIRP_BODY_BYTES`.
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Bytes>, CallError>>;
}

/// No answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection, or it broke.
    #[error("cannot reach {to}: {reason}")]
    Unreachable {
        /// The host or URL.
        to: String,
        /// What the network said.
        reason: String,
    },
    /// It took longer than the caller waits.
    #[error("no answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// The answer is longer than its bound.
    #[error("the answer is too long")]
    AnswerTooLong,
}
