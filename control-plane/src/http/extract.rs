//! Extractors that answer problem documents: the body, the query, and who asks.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Query, RawPathParams, Request};
use bytes::Bytes;
use garde::Validate;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::blame;
use super::origin::ClientFacts;
use crate::error::ApiError;
use crate::model::user::{Actor, SessionFacts, User};

/// What the outer layers found out about a request; in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub facts: Arc<ClientFacts>,
    pub actor: Actor,
    /// A token was presented that opens nothing (any more).
    pub stale_token: bool,
}

impl Caller {
    /// The caller of a request, found by the outer layers.
    fn of(parts: &Parts) -> Result<&Self, ApiError> {
        parts.extensions.get::<Self>().ok_or_else(|| ApiError::internal(&"a route outside the caller layer"))
    }

    /// Refuses a token that opens nothing, so that its owner refreshes it instead of being taken for a stranger.
    fn current(&self) -> Result<&Actor, ApiError> {
        if self.stale_token {
            return Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "The access token is unknown or has expired. Refresh it or sign in again.",
            ));
        }
        Ok(&self.actor)
    }

    /// The signed-in user and session for the audit log.
    pub(crate) fn session(&self) -> Option<(&User, &SessionFacts)> {
        match &self.actor {
            Actor::User { user, session } => Some((user, session)),
            Actor::Anonymous | Actor::Guest(_) => None,
        }
    }
}

/// Whoever asks, with a token that is good or none at all.
#[derive(Debug)]
pub(crate) struct Anyone(pub Caller);

impl<S: Sync> FromRequestParts<S> for Anyone {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = Caller::of(parts)?;
        caller.current()?;
        Ok(Self(caller.clone()))
    }
}

/// Whoever asks; a token that has expired is nobody's business here.
#[derive(Debug)]
pub(crate) struct AnyoneAtAll(pub Caller);

impl<S: Sync> FromRequestParts<S> for AnyoneAtAll {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(Caller::of(parts)?.clone()))
    }
}

/// A signed-in person.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub user: User,
    pub session: SessionFacts,
    pub caller: Caller,
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = Caller::of(parts)?;
        match caller.current()? {
            Actor::User { user, session } => {
                Ok(Self { user: (**user).clone(), session: session.clone(), caller: caller.clone() })
            }
            Actor::Anonymous | Actor::Guest(_) => Err(ApiError::sign_in_required()),
        }
    }
}

/// A JSON body that satisfies its rules.
#[derive(Debug)]
pub(crate) struct Body<T>(pub T);

impl<T, S> FromRequest<S> for Body<T>
where
    T: DeserializeOwned + Validate,
    T::Context: Default,
    S: Send + Sync,
{
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if !is_json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send JSON with the header Content-Type: application/json.",
            ));
        }
        parse(&bytes).map(Self)
    }
}

/// A body that may be left out altogether.
impl<T, S> OptionalFromRequest<S> for Body<T>
where
    T: DeserializeOwned + Validate,
    T::Context: Default,
    S: Send + Sync,
{
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        if request.headers().contains_key(CONTENT_TYPE) {
            return <Self as FromRequest<S>>::from_request(request, state).await.map(Some);
        }
        let bytes = read(request, state).await?;
        if bytes.is_empty() { Ok(None) } else { parse(&bytes).map(|body| Some(Self(body))) }
    }
}

/// Tells a field that is null from one that is left out, as `deserialize_with` of an `Option<Option<T>>`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The request body is too large.")
        }
        _ => ApiError::new(StatusCode::BAD_REQUEST, "malformed_body", "The request body could not be read."),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5 && essence.to_ascii_lowercase().ends_with("+json"))
}

/// Parses and validates: 400 for what is no JSON, 422 with the path of every faulty field for what is the wrong JSON.
fn parse<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T, ApiError>
where
    T::Context: Default,
{
    // Where a struct is wanted, the reader of JSON would take a list of its fields as well.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(blame::body::<T>(bytes));
    }
    let value: T = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) if error.is_data() => return Err(blame::body::<T>(bytes)),
        Err(error) => return Err(blame::malformed(&error)),
    };
    value.validate()?;
    Ok(value)
}

/// A query string that satisfies its rules.
#[derive(Debug)]
pub(crate) struct Params<T>(pub T);

impl<T, S> FromRequestParts<S> for Params<T>
where
    T: DeserializeOwned + Validate,
    T::Context: Default,
    S: Send + Sync,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(value) =
            Query::<T>::from_request_parts(parts, state).await.map_err(|_| blame::query::<T>(&parts.uri))?;
        value.validate()?;
        Ok(Self(value))
    }
}

/// The last `N` variable segments of a route's path, each an id; a segment that is none names nothing.
#[derive(Debug)]
pub(crate) struct Ids<const N: usize>(pub [uuid::Uuid; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for Ids<N> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let nothing = || ApiError::not_found("not_found", "There is nothing with this id.");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        let all: Vec<&str> = params.iter().map(|(_, text)| text).collect();
        // A router that carries this one may have variables of its own; they come before ours.
        let own = all.last_chunk::<N>().ok_or_else(nothing)?;
        let mut ids = [uuid::Uuid::nil(); N];
        for (id, text) in ids.iter_mut().zip(own) {
            *id = uuid::Uuid::try_parse(text).map_err(|_| nothing())?;
        }
        Ok(Self(ids))
    }
}

/// The variable segment of a route's path as text; one that is no UTF-8 names nothing.
#[derive(Debug)]
pub(crate) struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let nothing = || ApiError::not_found("not_found", "There is nothing at this address.");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        // A router that carries this one may have variables of its own; they come before ours.
        params.iter().last().map(|(_, text)| Self(text.to_owned())).ok_or_else(nothing)
    }
}

/// The last two variable segments of a route's path, in their order.
#[derive(Debug)]
pub(crate) struct TwoSegments(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for TwoSegments {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let nothing = || ApiError::not_found("not_found", "There is nothing at this address.");
        let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| nothing())?;
        let texts: Vec<&str> = params.iter().map(|(_, text)| text).collect();
        match texts.as_slice() {
            [.., first, second] => Ok(Self((*first).to_owned(), (*second).to_owned())),
            _ => Err(nothing()),
        }
    }
}
