//! LiveKit access tokens: JWTs (RFC 7519) signed with HS256 by an API key's secret.
//!
//! In: the text of a token and the keys this server knows. Out: its [`Claims`], or a [`TokenError`] whose text a
//! developer can act on. A token has no audience, so none is checked; what it allows is in [`Claims`]' methods.
//! The secret is chosen by the unverified `iss`, and the signature then proves it.

mod access_token;
mod grant;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use access_token::AccessToken;
pub use grant::{Claims, VideoGrant, source_from_name, source_name};

use crate::limits;

/// How much of a foreign value is repeated in an error.
const ECHO_CHARS: usize = 64;

/// Why a token is refused. Always HTTP 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing was sent.
    #[error("no token: send `Authorization: Bearer <token>` or the query parameter `access_token`")]
    Missing,
    /// Longer than [`limits::TOKEN_BYTES`].
    #[error("invalid token: longer than {} bytes", limits::TOKEN_BYTES)]
    TooLong,
    /// Not three base64url parts of JSON.
    #[error("invalid token: not a JWT (three base64url parts, the first two JSON objects)")]
    Malformed,
    /// Signed with anything but HS256, or not at all.
    #[error("invalid token: its algorithm is {0:?}; only HS256 is accepted")]
    Algorithm(String),
    /// Without `iss` nobody knows which secret signed it.
    #[error("invalid token: it has no `iss`; set it to the API key")]
    NoIssuer,
    /// `iss` names a key this server does not have.
    #[error("invalid token: unknown API key {0:?} (claim `iss`)")]
    UnknownKey(String),
    /// The signature was made with another secret, or the token was changed.
    #[error("invalid token: the signature does not fit; was it signed with the secret of API key {0:?}?")]
    Signature(String),
    /// A claim of the wrong type.
    #[error("invalid token: {0}")]
    Claims(String),
    /// Tokens must end.
    #[error("invalid token: it has no expiry; set `exp`")]
    NoExpiry,
    /// `exp` has passed, leeway included.
    #[error("invalid token: token is expired ({ago_s} s ago); check the clocks if it is new")]
    Expired {
        /// Seconds since `exp`.
        ago_s: u64,
    },
    /// `nbf` is to come, leeway included.
    #[error("invalid token: not valid for another {in_s} s (claim `nbf`); check the clocks")]
    NotYetValid {
        /// Seconds until `nbf`.
        in_s: u64,
    },
    /// `iat` is to come, leeway included: such a token would outlive its revocation.
    #[error("invalid token: issued {in_s} s in the future (claim `iat`); check the clocks")]
    FromTheFuture {
        /// Seconds until `iat`.
        in_s: u64,
    },
}

/// A token could not be signed: its claims do not become JSON, or the crypto provider failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot sign the token: {0}")]
pub struct SignError(String);

/// The API keys a server accepts, with their secrets.
#[derive(Clone, Default)]
pub struct KeyStore {
    secrets: HashMap<String, String>,
}

impl KeyStore {
    /// A store with one key.
    #[must_use]
    pub fn with_key(key: impl Into<String>, secret: impl Into<String>) -> Self {
        let mut store = Self::default();
        store.insert(key, secret);
        store
    }

    /// Adds a key or replaces its secret.
    pub fn insert(&mut self, key: impl Into<String>, secret: impl Into<String>) {
        self.secrets.insert(key.into(), secret.into());
    }

    /// The secret of a key.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<&str> {
        self.secrets.get(key).map(String::as_str)
    }

    /// The keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }
}

impl fmt::Debug for KeyStore {
    /// Secrets must not reach a log by way of `{:?}`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyStore").field("keys", &self.secrets.len()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct UnverifiedHeader {
    #[serde(default)]
    alg: String,
}

#[derive(Deserialize)]
struct UnverifiedClaims {
    #[serde(default)]
    iss: String,
}

/// Verifies a token at `now` (Unix seconds) and returns its claims; `claims.iss` is the key that signed it.
///
/// # Errors
/// See [`TokenError`].
pub fn verify(token: &str, keys: &KeyStore, now: u64) -> Result<Claims, TokenError> {
    if token.is_empty() {
        return Err(TokenError::Missing);
    }
    if token.len() > limits::TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenError::Malformed);
    };
    let header: UnverifiedHeader = json_part(header).ok_or(TokenError::Malformed)?;
    if header.alg != "HS256" {
        return Err(TokenError::Algorithm(shortened(&header.alg)));
    }
    let unverified: UnverifiedClaims = json_part(claims).ok_or(TokenError::Malformed)?;
    if unverified.iss.is_empty() {
        return Err(TokenError::NoIssuer);
    }
    let secret = keys.secret(&unverified.iss).ok_or_else(|| TokenError::UnknownKey(shortened(&unverified.iss)))?;

    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(secret.as_bytes()), &signature_only())
        .map_err(|error| refused(error.kind(), &unverified.iss))?
        .claims;
    check_times(&claims, now)?;
    Ok(claims)
}

/// Signs claims as `key`: HS256, `iss` set to it.
///
/// # Errors
/// See [`SignError`].
pub fn sign(claims: &Claims, key: &str, secret: &str) -> Result<String, SignError> {
    let claims = Claims { iss: key.to_owned(), ..claims.clone() };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .map_err(|error| SignError(error.to_string()))
}

/// The library checks the signature; times are ours, so that `now` is an argument and each refusal has its own text.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn check_times(claims: &Claims, now: u64) -> Result<(), TokenError> {
    let leeway = limits::TOKEN_LEEWAY.as_secs();
    let exp = claims.exp.ok_or(TokenError::NoExpiry)?;
    if exp.saturating_add(leeway) < now {
        return Err(TokenError::Expired { ago_s: now - exp });
    }
    let latest = now.saturating_add(leeway);
    if let Some(nbf) = claims.nbf.filter(|&nbf| nbf > latest) {
        return Err(TokenError::NotYetValid { in_s: nbf - now });
    }
    if let Some(iat) = claims.iat.filter(|&iat| iat > latest) {
        return Err(TokenError::FromTheFuture { in_s: iat - now });
    }
    Ok(())
}

fn refused(kind: &ErrorKind, key: &str) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature(shortened(key)),
        ErrorKind::Json(error) => TokenError::Claims(shortened(&error.to_string())),
        _ => TokenError::Malformed,
    }
}

fn json_part<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn shortened(text: &str) -> String {
    text.chars().take(ECHO_CHARS).collect()
}
