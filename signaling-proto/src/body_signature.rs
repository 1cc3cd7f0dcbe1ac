//! A body signed by a token beside it: the token's `sha256` claim is the body's digest.
//!
//! Webhooks and heartbeats share this; so the body cannot be changed, and the token cannot sign another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::token::{Claims, KeyStore, TokenError, verify};

/// A signed body that is refused: HTTP 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodySignatureError {
    /// The token itself is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token signs no body.
    #[error("the token has no `sha256` claim")]
    NoDigest,
    /// The token signs another body.
    #[error("the body is not the one that was signed")]
    OtherBody,
}

/// Base64 SHA-256, padded.
pub(crate) fn digest(body: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(body))
}

/// Verifies the token (with or without `Bearer `) and that it signs this body.
pub(crate) fn verify_body(
    authorization: &str,
    body: &[u8],
    keys: &KeyStore,
    now: u64,
) -> Result<Claims, BodySignatureError> {
    let token = authorization.strip_prefix("Bearer ").unwrap_or(authorization).trim();
    let claims = verify(token, keys, now)?;
    if claims.sha256.is_empty() {
        return Err(BodySignatureError::NoDigest);
    }
    // Some senders leave the padding out.
    if claims.sha256.trim_end_matches('=') != digest(body).trim_end_matches('=') {
        return Err(BodySignatureError::OtherBody);
    }
    Ok(claims)
}
