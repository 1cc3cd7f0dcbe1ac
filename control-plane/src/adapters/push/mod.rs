//! Web Push: one encrypted message to the push service of one browser.
//!
//! In: where a browser takes messages, its keys, a text. Out: an HTTPS request to one of the hosts that are allowed
//! (RFC 8030), encrypted for that browser alone (RFC 8291), signed as coming from this server (RFC 8292). Addresses come
//! from clients, so nothing is sent anywhere else, and no redirect is followed.

mod hosts;
mod vapid;

use std::sync::OnceLock;
use std::time::Duration;

use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use url::Url;
use web_push_native::{Auth, encrypt, p256};

pub(crate) use hosts::DEFAULT_HOSTS;
use hosts::{HostError, PushHosts};
use vapid::{VapidError, VapidKey};

use crate::config::PushSettings;
use crate::model::clock::Micros;

/// A request to a push service may take this long.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What a push service must take (RFC 8030, 7.2), less what encryption adds: 86 bytes of header, a tag and a delimiter.
pub(crate) const MAX_MESSAGE: usize = 4_096 - 103;
/// Waiting that a push service may ask for at most.
const MAX_WAIT: Duration = Duration::from_secs(3_600);
/// Waiting when it asks for patience without saying how long.
const WAIT: Duration = Duration::from_secs(60);
/// Bytes of the secret a browser shares with us (RFC 8291, 3.2).
const AUTH_BYTES: usize = 16;
/// Bytes of a browser's public key, an uncompressed point of P-256.
const KEY_BYTES: usize = 65;

/// Why a browser's address and keys are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("is not an address at a push service that this server knows")]
    Endpoint,
    #[error("is not a public key of P-256, uncompressed, in base64url")]
    Key,
    #[error("is not a secret of 16 bytes in base64url")]
    Auth,
}

/// Where one browser takes messages.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub endpoint: Url,
    pub key: p256::PublicKey,
    pub auth: Auth,
}

/// A message and how it is to travel.
#[derive(Debug)]
pub(crate) struct Push<'a> {
    pub message: &'a [u8],
    /// How long the push service should keep it for a browser that is away.
    pub ttl: Duration,
    /// Whether the device should be woken.
    pub urgent: bool,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Taken,
    /// The browser takes no messages any more.
    Gone,
    /// To be tried again that much later.
    Later(Duration),
    /// No use in trying again.
    Refused(StatusCode),
}

/// Why a message did not get through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error("the push service cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("the push service failed with {0}")]
    Failed(StatusCode),
    #[error("the message cannot be encrypted: {0}")]
    Encrypt(String),
    #[error(transparent)]
    Sign(#[from] VapidError),
}

/// Sends messages to browsers.
#[derive(Debug)]
pub(crate) struct WebPush {
    hosts: PushHosts,
    vapid: VapidKey,
    contact: String,
    /// Made when the first message is sent: it reads the system's certificates.
    client: OnceLock<reqwest::Client>,
}

/// Why push cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum PushSetupError {
    /// An entry of `push.hosts` makes no sense.
    #[error("hosts: {0}")]
    Host(#[from] HostError),
    /// The key cannot be read, made or used.
    #[error(transparent)]
    Vapid(#[from] VapidError),
}

impl WebPush {
    /// Checks the settings and opens the key, making one at first start.
    pub(crate) fn open(
        settings: &PushSettings,
        data_dir: &std::path::Path,
        public_url: Option<&Url>,
    ) -> Result<Self, PushSetupError> {
        let own = public_url.filter(|url| url.scheme() == "https").map(ToString::to_string);
        let contact = settings.contact.clone().or(own).unwrap_or_else(|| "mailto:push@plenum.invalid".into());
        Ok(Self {
            hosts: PushHosts::parse(&settings.hosts)?,
            vapid: VapidKey::open(settings.vapid_private_key.as_deref(), data_dir)?,
            contact,
            client: OnceLock::new(),
        })
    }

    /// What browsers subscribe with (`applicationServerKey`).
    pub(crate) fn public_key(&self) -> &str {
        self.vapid.public_key()
    }

    /// Reads what a browser says about itself; everything else of this module trusts it.
    pub(crate) fn target(&self, endpoint: &str, key: &[u8], auth: &[u8]) -> Result<Target, TargetError> {
        let endpoint = Url::parse(endpoint).ok().filter(|url| self.hosts.permit(url)).ok_or(TargetError::Endpoint)?;
        let uncompressed = key.len() == KEY_BYTES;
        let key = p256::PublicKey::from_sec1_bytes(key).ok().filter(|_| uncompressed).ok_or(TargetError::Key)?;
        if auth.len() != AUTH_BYTES {
            return Err(TargetError::Auth);
        }
        Ok(Target { endpoint, key, auth: Auth::clone_from_slice(auth) })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// See [`PushError`]: worth another try.
    pub(crate) async fn send(&self, to: &Target, push: Push<'_>, now: Micros) -> Result<Outcome, PushError> {
        let body =
            encrypt(push.message.to_vec(), &to.key, &to.auth).map_err(|error| PushError::Encrypt(error.to_string()))?;
        let request = self
            .client()?
            .post(to.endpoint.clone())
            .header("TTL", push.ttl.as_secs())
            .header("Urgency", if push.urgent { "high" } else { "normal" })
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(AUTHORIZATION, self.vapid.authorize(&to.endpoint, &self.contact, now)?)
            .body(body);
        let answer = request.send().await.map_err(|error| PushError::Unreachable(error.without_url()))?;
        let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        outcome(answer.status(), wait.and_then(|text| text.trim().parse().ok()))
    }

    fn client(&self) -> Result<&reqwest::Client, PushError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(PushError::Unreachable)?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// What an answer means (RFC 8030, 5 and 7.3).
fn outcome(status: StatusCode, retry_after_s: Option<u64>) -> Result<Outcome, PushError> {
    match status {
        status if status.is_success() => Ok(Outcome::Taken),
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Outcome::Gone),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Ok(Outcome::Later(retry_after_s.map_or(WAIT, Duration::from_secs).min(MAX_WAIT)))
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Err(PushError::Failed(status)),
        status => Ok(Outcome::Refused(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_the_standard_says() {
        let of = |status, wait| outcome(StatusCode::from_u16(status).unwrap(), wait);
        assert_eq!(of(201, None).unwrap(), Outcome::Taken);
        assert_eq!((of(404, None).unwrap(), of(410, None).unwrap()), (Outcome::Gone, Outcome::Gone));
        assert_eq!(of(429, Some(7)).unwrap(), Outcome::Later(Duration::from_secs(7)));
        assert_eq!(of(503, Some(u64::MAX)).unwrap(), Outcome::Later(MAX_WAIT));
        assert_eq!(of(429, None).unwrap(), Outcome::Later(WAIT));
        // A redirect is a refusal: it would lead anywhere.
        assert_eq!(of(302, None).unwrap(), Outcome::Refused(StatusCode::FOUND));
        assert_eq!(of(413, None).unwrap(), Outcome::Refused(StatusCode::PAYLOAD_TOO_LARGE));
        assert!(of(500, None).is_err() && of(502, None).is_err());
    }
}
