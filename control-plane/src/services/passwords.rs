//! Passwords: argon2id, off the async threads, a bounded number at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::config::SessionSettings;

/// Hashes and verifies.
#[derive(Clone)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Verified against when there is no such account, so that the answer takes as long as for one that exists.
    decoy: Arc<str>,
}

/// A password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The cost settings are outside what argon2id allows.
    #[error("argon2id refuses its parameters: {0}")]
    Parameters(argon2::Error),
    /// Hashing failed.
    #[error("cannot hash a password: {0}")]
    Hash(argon2::password_hash::Error),
    /// The thread that hashed is gone.
    #[error("the hashing thread ended early")]
    Thread,
}

impl Passwords {
    pub(crate) fn new(settings: &SessionSettings) -> Result<Self, PasswordError> {
        let params = Params::new(settings.argon2_memory_kib, settings.argon2_passes, 1, None);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(PasswordError::Parameters)?);
        let decoy = hash_now(&argon2, &uuid::Uuid::new_v4().to_string())?;
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(settings.concurrent_hashes.max(1))), decoy: decoy.into() })
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash_now(&argon2, &password)).await?
    }

    /// Whether `password` is the one behind `phc`; without an account it takes as long and is `false`.
    pub(crate) async fn verify(&self, password: String, phc: Option<String>) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.decoy.to_string());
        self.in_turn(move || {
            let parsed = PasswordHash::new(&phc);
            known & parsed.is_ok_and(|parsed| argon2.verify_password(password.as_bytes(), &parsed).is_ok())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Thread)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|_| PasswordError::Thread)
    }
}

fn hash_now(argon2: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(PasswordError::Hash)
}
