//! Calls of whoever operates the server and holds the internal key: `plenum node …` to the control plane's `/internal`.
//!
//! `Authorization: Bearer` a token of the internal key: `sub` is [`SUBJECT`], `sha256` the digest of method, path and body,
//! 60 s. A heartbeat's token does not pass for one, nor the other way round.

use crate::body_signature::{self, BodySignatureError};
use crate::limits;
use crate::token::{AccessToken, KeyStore, SignError};

/// The `sub` of an operator's token. No node is called so: their names begin with `ND_`.
pub const SUBJECT: &str = "operator";

/// A received call is refused: 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// Not signed by the internal key, or for another request.
    #[error(transparent)]
    Signature(#[from] BodySignatureError),
    /// Signed by a media node.
    #[error("the token is not an operator's")]
    NotAnOperator,
}

/// What is signed: a token for one request is good for no other.
fn signed_text(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    [method.as_bytes(), b" ", path.as_bytes(), b"\n", body].concat()
}

/// The `Authorization` header of a request at `now` (Unix seconds).
///
/// # Errors
/// See [`SignError`].
pub fn sign(method: &str, path: &str, body: &[u8], key: &str, secret: &str, now: u64) -> Result<String, SignError> {
    let token = AccessToken::new(key, secret)
        .identity(SUBJECT)
        .sha256(body_signature::digest(&signed_text(method, path, body)))
        .ttl(limits::CALL_TOKEN_TTL)
        .issued_at(now)
        .to_jwt()?;
    Ok(format!("Bearer {token}"))
}

/// Verifies a received request. `keys` must hold the internal key and no other.
///
/// # Errors
/// See [`OperatorError`].
pub fn verify(
    method: &str,
    path: &str,
    authorization: &str,
    body: &[u8],
    keys: &KeyStore,
    now: u64,
) -> Result<(), OperatorError> {
    let claims = body_signature::verify_body(authorization, &signed_text(method, path, body), keys, now)?;
    if claims.sub == SUBJECT { Ok(()) } else { Err(OperatorError::NotAnOperator) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_call_is_good_for_itself_alone() {
        let keys = KeyStore::with_key("internal", "secret");
        let header = sign("POST", "/internal/nodes/ND_1/drain", b"{}", "internal", "secret", NOW).unwrap();
        let verify = |method, path, body: &[u8], keys, now| verify(method, path, &header, body, keys, now);
        assert_eq!(verify("POST", "/internal/nodes/ND_1/drain", b"{}", &keys, NOW), Ok(()));
        assert!(verify("POST", "/internal/nodes/ND_1/undrain", b"{}", &keys, NOW).is_err());
        assert!(verify("GET", "/internal/nodes/ND_1/drain", b"{}", &keys, NOW).is_err());
        assert!(verify("POST", "/internal/nodes/ND_1/drain", b"{\"deadline_s\":0}", &keys, NOW).is_err());
        assert!(verify("POST", "/internal/nodes/ND_1/drain", b"{}", &keys, NOW + 121).is_err());
        let other = KeyStore::with_key("internal", "another");
        assert!(verify("POST", "/internal/nodes/ND_1/drain", b"{}", &other, NOW).is_err());
    }

    #[test]
    fn a_nodes_token_is_no_operators() {
        let keys = KeyStore::with_key("internal", "secret");
        let token = AccessToken::new("internal", "secret")
            .identity("ND_1")
            .sha256(body_signature::digest(b"GET /internal/nodes\n"))
            .ttl(limits::CALL_TOKEN_TTL)
            .issued_at(NOW)
            .to_jwt()
            .unwrap();
        let verified = verify("GET", "/internal/nodes", &format!("Bearer {token}"), b"", &keys, NOW);
        assert_eq!(verified, Err(OperatorError::NotAnOperator));
    }
}
