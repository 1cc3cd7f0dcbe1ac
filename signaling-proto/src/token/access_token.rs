//! Makes tokens, for the control plane, for tests and for the command line.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Claims, SignError, VideoGrant, sign};
use crate::{limits, unix_now};

/// A token in the making. Without [`AccessToken::ttl`] it lives [`limits::JOIN_TOKEN_TTL`].
#[derive(Clone)]
pub struct AccessToken {
    key: String,
    secret: String,
    ttl: Duration,
    now: Option<u64>,
    claims: Claims,
}

impl AccessToken {
    /// Starts a token of this API key.
    #[must_use]
    pub fn new(key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            secret: secret.into(),
            ttl: limits::JOIN_TOKEN_TTL,
            now: None,
            claims: Claims::default(),
        }
    }

    /// Who joins (`sub`).
    #[must_use]
    pub fn identity(mut self, identity: impl Into<String>) -> Self {
        self.claims.sub = identity.into();
        self
    }

    /// The name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.claims.name = name.into();
        self
    }

    /// The participant's metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.claims.metadata = metadata.into();
        self
    }

    /// The participant's attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: BTreeMap<String, String>) -> Self {
        self.claims.attributes = attributes;
        self
    }

    /// What the holder may do.
    #[must_use]
    pub fn grant(mut self, grant: VideoGrant) -> Self {
        self.claims.video = Some(grant);
        self
    }

    /// Base64 SHA-256 of the body that the token signs.
    #[must_use]
    pub fn sha256(mut self, digest: impl Into<String>) -> Self {
        self.claims.sha256 = digest.into();
        self
    }

    /// How long it lives.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The time of its making, instead of the system clock's.
    #[must_use]
    pub fn issued_at(mut self, unix_seconds: u64) -> Self {
        self.now = Some(unix_seconds);
        self
    }

    /// Signs it: `iat` and `nbf` now, `exp` after its life.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn to_jwt(mut self) -> Result<String, SignError> {
        let now = self.now.unwrap_or_else(unix_now);
        self.claims.iat = Some(now);
        self.claims.nbf = Some(now);
        self.claims.exp = Some(now.saturating_add(self.ttl.as_secs()));
        sign(&self.claims, &self.key, &self.secret)
    }
}
