//! The key that says to push services who sends (RFC 8292): made at first start and kept, since every browser subscribes
//! to messages of this one key.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use url::Url;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::pkcs8::EncodePrivateKey;

use crate::model::clock::Micros;

/// Name of the file in the data directory.
const FILE: &str = "vapid.key";
/// How long a signature is good: half of what RFC 8292 permits, since clocks differ.
const LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// Why there is no key, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum VapidError {
    /// The file in the data directory cannot be read or made.
    #[error("cannot read or write {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text is not a private key.
    #[error("the VAPID key must be a private key of P-256: 32 bytes in base64url")]
    Damaged,
    /// The key does not sign.
    #[error("cannot sign for a push service: {0}")]
    Sign(String),
}

/// The key pair.
pub(crate) struct VapidKey {
    signing: EncodingKey,
    public: String,
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VapidKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: String,
    exp: i64,
    sub: &'a str,
}

impl VapidKey {
    /// The configured key, else the one in the data directory, else a new one that is kept there.
    pub(crate) fn open(configured: Option<&str>, data_dir: &Path) -> Result<Self, VapidError> {
        let text = match configured {
            Some(text) => text.to_owned(),
            None => stored(&data_dir.join(FILE))?,
        };
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| VapidError::Damaged)?;
        let secret = SecretKey::from_slice(&bytes).map_err(|_| VapidError::Damaged)?;
        let der = secret.to_pkcs8_der().map_err(|_| VapidError::Damaged)?;
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_encoded_point(false).as_bytes());
        Ok(Self { signing: EncodingKey::from_ec_der(der.as_bytes()), public })
    }

    /// The public half as browsers take it: an uncompressed point in base64url.
    pub(crate) fn public_key(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` for the push service of `endpoint`.
    pub(crate) fn authorize(&self, endpoint: &Url, contact: &str, now: Micros) -> Result<HeaderValue, VapidError> {
        let claims = Claims {
            aud: endpoint.origin().ascii_serialization(),
            exp: now.plus(LIFETIME).0 / 1_000_000,
            sub: contact,
        };
        let sign = |error: &dyn std::fmt::Display| VapidError::Sign(error.to_string());
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.signing).map_err(|e| sign(&e))?;
        let mut value = HeaderValue::from_str(&format!("vapid t={token}, k={}", self.public)).map_err(|e| sign(&e))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The file's text, written first if it is not there.
fn stored(path: &Path) -> Result<String, VapidError> {
    let error = |source| VapidError::File { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            write_new(path).map_err(error)?;
            // Read back: another process may have been first, and its key is the one to use.
            fs::read_to_string(path).map_err(error)
        }
        other => other.map_err(error),
    }
}

/// Writes a new key, whole or not at all; one that is there already stays.
fn write_new(path: &Path) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.new", uuid::Uuid::now_v7().simple()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = file.write_all(random_key().as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked
}

/// A random private key as text. One draw in four billion is no key; then it draws again.
fn random_key() -> String {
    loop {
        let bytes: [u8; 32] = rand::random();
        if SecretKey::from_slice(&bytes).is_ok() {
            return URL_SAFE_NO_PAD.encode(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_the_owner_alone() {
        let dir = std::env::temp_dir().join(format!("plenum-vapid-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir_all(&dir).unwrap();
        let first = VapidKey::open(None, &dir).unwrap();
        let second = VapidKey::open(None, &dir).unwrap();
        assert_eq!(first.public_key(), second.public_key());
        assert_eq!(URL_SAFE_NO_PAD.decode(first.public_key()).unwrap().len(), 65);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(dir.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        assert!(!format!("{first:?}").contains(fs::read_to_string(dir.join(FILE)).unwrap().trim()));
        fs::write(dir.join(FILE), "nonsense").unwrap();
        assert!(matches!(VapidKey::open(None, &dir), Err(VapidError::Damaged)));
        assert!(VapidKey::open(Some(&random_key()), &dir).is_ok());
        fs::remove_dir_all(&dir).unwrap();
    }
}
