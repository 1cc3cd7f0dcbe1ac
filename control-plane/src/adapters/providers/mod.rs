//! Google and Microsoft, by OpenID Connect: what they publish about themselves, and the exchange of a code.
//!
//! In: settings, then a code. Out: claims of an id token that was checked against the provider's keys. Must not decide
//! whose account it is. A bare id token is accepted nowhere: only one that this server fetched with a code.

mod http;
mod id_token;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, ExtraTokenFields,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use self::http::Http;
pub(crate) use self::http::HttpError;
pub(crate) use self::id_token::Claims;
use self::id_token::{Keys, Rules};
use crate::config::{OauthSettings, ProviderSettings};
use crate::model::user::Provider;

/// How long what a provider publishes is believed without asking again.
const KEEP: Duration = Duration::from_secs(3_600);
/// How soon keys are fetched again for an unknown one, and a provider that is away is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How long a provider that is away is left alone.
const LEAVE_ALONE: Duration = Duration::from_secs(3);

/// Why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSettingsError {
    /// Tokens and secrets would travel in the clear.
    #[error("oauth: the issuer {0} must be https (http on this machine alone)")]
    Issuer(Url),
    /// The system's certificates cannot be read.
    #[error("oauth: no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Why a provider vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VouchError {
    #[error("the provider is away or makes no sense: {0}")]
    Unavailable(String),
    #[error("refused: {0}")]
    Refused(String),
}

impl From<HttpError> for VouchError {
    fn from(error: HttpError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The configured providers.
#[derive(Clone, Default)]
pub(crate) struct Providers {
    google: Option<Arc<OneProvider>>,
    microsoft: Option<Arc<OneProvider>>,
}

/// One provider.
pub(crate) struct OneProvider {
    kind: Provider,
    settings: ProviderSettings,
    http: Http,
    known: Mutex<Known>,
}

/// What is known of a provider, and since when.
#[derive(Default)]
struct Known {
    discovery: Option<(Instant, Arc<Discovery>)>,
    keys: Option<(Instant, Arc<Keys>)>,
    failed_at: Option<Instant>,
}

/// What a provider publishes about itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
}

/// What comes with an access token.
#[derive(Debug, Serialize, Deserialize)]
struct IdFields {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdFields {}

type Base = Client<
    BasicErrorResponse,
    StandardTokenResponse<IdFields, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// A sign-in that was begun: where the browser goes, and what is kept until it comes back.
#[derive(Debug)]
pub(crate) struct Begun {
    pub url: Url,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

/// What somebody brings back from a provider.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub code: String,
    pub verifier: String,
    pub redirect_uri: Url,
    pub nonce: Option<String>,
}

impl Providers {
    /// Reads the settings; asks nobody yet.
    ///
    /// # Errors
    /// See [`ProviderSettingsError`].
    pub(crate) fn new(settings: &OauthSettings) -> Result<Self, ProviderSettingsError> {
        let one = |kind, settings: &Option<ProviderSettings>| match settings {
            Some(settings) => OneProvider::new(kind, settings.clone()).map(|provider| Some(Arc::new(provider))),
            None => Ok(None),
        };
        Ok(Self {
            google: one(Provider::Google, &settings.google)?,
            microsoft: one(Provider::Microsoft, &settings.microsoft)?,
        })
    }

    /// A provider, if it is configured.
    pub(crate) fn get(&self, kind: Provider) -> Option<&OneProvider> {
        match kind {
            Provider::Google => self.google.as_deref(),
            Provider::Microsoft => self.microsoft.as_deref(),
        }
    }

    /// Names of the configured ones.
    pub(crate) fn names(&self) -> Vec<String> {
        let all = [Provider::Google, Provider::Microsoft];
        all.into_iter().filter(|kind| self.get(*kind).is_some()).map(|kind| kind.as_str().to_owned()).collect()
    }
}

impl OneProvider {
    fn new(kind: Provider, settings: ProviderSettings) -> Result<Self, ProviderSettingsError> {
        if !http::is_safe(&settings.issuer) {
            return Err(ProviderSettingsError::Issuer(settings.issuer));
        }
        Ok(Self { kind, settings, http: Http::new()?, known: Mutex::default() })
    }

    /// Begins a sign-in that will come back to `redirect_uri`.
    ///
    /// # Errors
    /// The provider is away.
    pub(crate) async fn begin(&self, redirect_uri: Url) -> Result<Begun, VouchError> {
        let discovery = self.discovery().await?;
        let client = self.client().set_auth_uri(AuthUrl::from_url(discovery.authorization_endpoint.clone()));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random();
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(["openid", "email", "profile"].map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("nonce", nonce.secret())
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri)))
            .url();
        Ok(Begun { url, state: state.into_secret(), nonce: nonce.into_secret(), verifier: verifier.into_secret() })
    }

    /// Exchanges a code for an id token and checks that.
    ///
    /// # Errors
    /// The provider is away, refuses the code, or gave a token that does not hold.
    pub(crate) async fn exchange(&self, exchange: Exchange) -> Result<Claims, VouchError> {
        let discovery = self.discovery().await?;
        let client = self.client().set_token_uri(TokenUrl::from_url(discovery.token_endpoint.clone()));
        let answer = client
            .exchange_code(AuthorizationCode::new(exchange.code))
            .set_pkce_verifier(PkceCodeVerifier::new(exchange.verifier))
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(exchange.redirect_uri)))
            .request_async(&self.http)
            .await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => VouchError::Refused(format!("the code: {}", answer.error())),
            RequestTokenError::Request(error) => error.into(),
            // The answer's text stays out of the log: it may hold tokens.
            RequestTokenError::Parse(error, _) => VouchError::Unavailable(format!("a token answer: {}", error.path())),
            RequestTokenError::Other(_) => VouchError::Unavailable("no token in the answer".to_owned()),
        })?;
        let token = answer.extra_fields().id_token.as_deref();
        let token = token.ok_or_else(|| VouchError::Refused("no id token came with the access token".to_owned()))?;
        self.check(&discovery, token, exchange.nonce.as_deref()).await
    }

    fn client(&self) -> Base {
        // In the body: both providers and every stand-in take it there.
        Base::new(ClientId::new(self.settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.settings.client_secret.clone()))
            .set_auth_type(AuthType::RequestBody)
    }

    async fn check(&self, discovery: &Discovery, token: &str, nonce: Option<&str>) -> Result<Claims, VouchError> {
        let rules = Rules { kind: self.kind, issuer: &discovery.issuer, client_id: &self.settings.client_id, nonce };
        let kid = id_token::kid(token)?;
        let mut keys = self.keys(&discovery.jwks_uri, KEEP).await?;
        if !keys.has(&kid) {
            keys = self.keys(&discovery.jwks_uri, ASK_AGAIN).await?;
        }
        id_token::check(token, &kid, &keys, &rules)
    }

    async fn discovery(&self) -> Result<Arc<Discovery>, VouchError> {
        let mut known = self.known.lock().await;
        match &known.discovery {
            Some((at, discovery)) if at.elapsed() < KEEP => return Ok(Arc::clone(discovery)),
            _ => known.may_ask()?,
        }
        let issuer = self.settings.issuer.as_str().trim_end_matches('/');
        let found = async {
            let url = Url::parse(&format!("{issuer}/.well-known/openid-configuration"));
            let url = url.map_err(|error| VouchError::Unavailable(error.to_string()))?;
            let found: Discovery = self.http.get(url).await?;
            let ends = [&found.authorization_endpoint, &found.token_endpoint, &found.jwks_uri];
            if !ends.into_iter().all(http::is_safe) {
                return Err(VouchError::Unavailable("an endpoint that is not https".to_owned()));
            }
            if !id_token::is_issuer(self.kind, issuer, &found.issuer) {
                return Err(VouchError::Unavailable("it publishes another issuer".to_owned()));
            }
            Ok(found)
        };
        let discovery = Arc::new(known.noting(found.await)?);
        known.discovery = Some((Instant::now(), Arc::clone(&discovery)));
        Ok(discovery)
    }

    /// The provider's keys, at most `age` old.
    async fn keys(&self, uri: &Url, age: Duration) -> Result<Arc<Keys>, VouchError> {
        let mut known = self.known.lock().await;
        match &known.keys {
            Some((at, keys)) if at.elapsed() < age => return Ok(Arc::clone(keys)),
            _ => known.may_ask()?,
        }
        let found = self.http.get::<id_token::Published>(uri.clone()).await.map_err(VouchError::from);
        let keys = Arc::new(Keys::new(known.noting(found)?));
        known.keys = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }
}

impl Known {
    /// Refuses at once while a provider has just failed, so that nobody queues for its time-outs.
    fn may_ask(&self) -> Result<(), VouchError> {
        match self.failed_at {
            Some(at) if at.elapsed() < LEAVE_ALONE => Err(VouchError::Unavailable("it failed just now".to_owned())),
            _ => Ok(()),
        }
    }

    fn noting<T>(&mut self, outcome: Result<T, VouchError>) -> Result<T, VouchError> {
        self.failed_at = outcome.is_err().then(Instant::now);
        outcome
    }
}
