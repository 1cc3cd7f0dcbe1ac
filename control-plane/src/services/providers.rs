//! Sign-in by a provider: begun in a browser, finished here; or by a code that an app brings.
//!
//! In: a provider, later its code. Out: a session. The account is found by the provider's subject; by address only when
//! the provider says that it is verified.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;
use url::Url;
use uuid::Uuid;

use super::accounts::{self, Closed};
use super::sessions::{self, TokenPair};
use super::{addresses, audit, codes, identities};
use crate::adapters::providers::{Claims, Exchange, OneProvider, VouchError};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::http::origin::ClientFacts;
use crate::http::validate;
use crate::model::clock::Micros;
use crate::model::user::{CodePurpose, PlatformRole, Provider, SessionTransport, User, UserStatus};
use crate::store::db::StoreError;
use crate::store::identities::{self as identity_store, Identity};
use crate::store::tx::Tx;
use crate::store::users;
use crate::store::users::NewUser;

/// How long somebody may stay at the provider.
pub(crate) const STATE_TTL: Duration = Duration::from_secs(600);
/// How often a sign-in that met its twin is tried.
const TRIES: usize = 3;
/// Longest path to return to, in bytes.
const RETURN_TO_BYTES: usize = 512;

/// Why a provider lets nobody in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    #[error("the provider is not configured")]
    NotConfigured,
    #[error("the request does not say which host it was sent to")]
    UnknownAddress,
    #[error("the state is wrong, used or expired")]
    StateMismatch,
    #[error("the provider says no: {0}")]
    Denied(String),
    #[error(transparent)]
    Vouch(#[from] VouchError),
    #[error("the provider tells no address")]
    EmailMissing,
    #[error("the address is taken, and the provider does not say that it is verified")]
    EmailTaken,
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error("the account is suspended")]
    Suspended,
    #[error("what was begun in a session ends in another, or in none")]
    NotSignedIn,
    #[error("the provider's account opens another account here")]
    IdentityTaken,
    #[error("another account of this provider is linked")]
    AlreadyLinked,
    #[error("the provider is not linked")]
    NotLinked,
    #[error("there is no other way into the account")]
    LastWayIn,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A sign-in that is under way, kept by the browser in a signed cookie.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
    expires_at: i64,
    /// Who wants to link the provider; nobody in a sign-in.
    #[serde(default)]
    link: Option<Uuid>,
}

/// Where a browser is sent, and what it keeps.
#[derive(Debug)]
pub(crate) struct Started {
    pub url: Url,
    pub cookie: String,
}

/// Whether a path leads to this server and nowhere else, in every browser's reading.
pub(crate) fn is_own_path(path: &str) -> bool {
    let mut letters = path.chars();
    letters.next() == Some('/')
        && !matches!(letters.next(), Some('/' | '\\'))
        && path.len() <= RETURN_TO_BYTES
        && !path.chars().any(|c| c.is_control() || c == '\\')
}

/// Begins a sign-in, or for who is signed in (`link`) the linking of a provider.
///
/// # Errors
/// See [`ProviderError`].
pub(crate) async fn start(
    app: &App,
    kind: Provider,
    facts: &ClientFacts,
    return_to: &str,
    link: Option<Uuid>,
) -> Result<Started, ProviderError> {
    let provider = configured(app, kind)?;
    let begun = provider.begin(redirect_uri(app, kind, facts)?).await?;
    let under_way = UnderWay {
        provider: kind.as_str().to_owned(),
        state: begun.state,
        nonce: begun.nonce,
        verifier: begun.verifier,
        return_to: return_to.to_owned(),
        expires_at: app.clock.now().plus(STATE_TTL).0,
        link,
    };
    Ok(Started { url: begun.url, cookie: seal(&app.state_key, &under_way) })
}

/// What a browser brings back.
#[derive(Debug)]
pub(crate) struct Returned<'a> {
    pub code: Option<String>,
    pub state: &'a str,
    pub error: Option<String>,
    pub cookie: Option<&'a str>,
}

/// Finishes a sign-in in a browser, or a linking, which begins no session; also where it wants to go.
///
/// # Errors
/// See [`ProviderError`].
pub(crate) async fn finish(
    app: &App,
    kind: Provider,
    caller: &Caller,
    returned: Returned<'_>,
) -> Result<(Option<TokenPair>, String), ProviderError> {
    let provider = configured(app, kind)?;
    let under_way = returned.cookie.and_then(|cookie| open(&app.state_key, cookie));
    let under_way = under_way.filter(|kept| {
        let fits: bool = kept.state.as_bytes().ct_eq(returned.state.as_bytes()).into();
        fits && kept.provider == kind.as_str() && app.clock.now() < Micros(kept.expires_at)
    });
    let under_way = under_way.ok_or(ProviderError::StateMismatch)?;
    let Some(code) = returned.code.filter(|_| returned.error.is_none()) else {
        return Err(ProviderError::Denied(returned.error.unwrap_or_default()));
    };
    let user_id = caller.actor.user().map(|user| user.id);
    if under_way.link.is_some() && under_way.link != user_id {
        return Err(ProviderError::NotSignedIn);
    }
    let redirect_uri = redirect_uri(app, kind, &caller.facts)?;
    let exchange = Exchange { code, verifier: under_way.verifier, redirect_uri, nonce: Some(under_way.nonce) };
    let claims = provider.exchange(exchange).await?;
    if let Some(user_id) = under_way.link {
        identities::attach(app, caller, user_id, kind, &claims).await?;
        return Ok((None, under_way.return_to));
    }
    let (_, tokens) = admit(app, caller, kind, claims, SessionTransport::Cookie).await?;
    Ok((Some(tokens), under_way.return_to))
}

/// Links a provider to the account of who is signed in, by a code that an app got from it.
///
/// # Errors
/// See [`ProviderError`].
pub(crate) async fn link_by_code(
    app: &App,
    kind: Provider,
    who: &SignedIn,
    exchange: Exchange,
) -> Result<Identity, ProviderError> {
    let claims = configured(app, kind)?.exchange(exchange).await?;
    identities::attach(app, &who.caller, who.user.id, kind, &claims).await
}

/// Lets somebody in by a code that an app got from the provider.
///
/// # Errors
/// See [`ProviderError`].
pub(crate) async fn sign_in(
    app: &App,
    kind: Provider,
    caller: &Caller,
    exchange: Exchange,
    transport: SessionTransport,
) -> Result<(User, TokenPair), ProviderError> {
    let claims = configured(app, kind)?.exchange(exchange).await?;
    admit(app, caller, kind, claims, transport).await
}

fn configured(app: &App, kind: Provider) -> Result<&OneProvider, ProviderError> {
    app.providers.get(kind).ok_or(ProviderError::NotConfigured)
}

/// Where a provider sends browsers back to; it refuses addresses that were not registered with it.
fn redirect_uri(app: &App, kind: Provider, facts: &ClientFacts) -> Result<Url, ProviderError> {
    let path = format!("/api/v1/auth/oauth/{}/callback", kind.as_str());
    let base = match (&app.public_url, &facts.host) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(host)) => Url::parse(&format!("{}://{host}", if facts.encrypted { "https" } else { "http" })).ok(),
        (None, None) => None,
    };
    base.and_then(|base| base.join(&path).ok()).ok_or(ProviderError::UnknownAddress)
}

/// Finds or makes the account somebody vouched for, and begins a session.
async fn admit(
    app: &App,
    caller: &Caller,
    kind: Provider,
    claims: Claims,
    transport: SessionTransport,
) -> Result<(User, TokenPair), ProviderError> {
    for _ in 1..TRIES {
        match try_admit(app, caller, kind, &claims, transport).await {
            // A twin of this request was faster: what it made is found now.
            Err(ProviderError::Store(StoreError::Duplicate)) => {}
            other => return other,
        }
    }
    try_admit(app, caller, kind, &claims, transport).await
}

async fn try_admit(
    app: &App,
    caller: &Caller,
    kind: Provider,
    claims: &Claims,
    transport: SessionTransport,
) -> Result<(User, TokenPair), ProviderError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let user = match identity_store::find_user(&mut tx, kind, &claims.subject).await? {
        Some(user) => user,
        None => bind(app, &mut tx, caller, kind, claims, now).await?,
    };
    if user.status != UserStatus::Active || !users::lock_active(&mut tx, user.id).await? {
        return Err(ProviderError::Suspended);
    }
    let tokens = sessions::begin(app, &mut tx, user.id, transport, &caller.facts, now).await?;
    audit(&mut tx, caller, "session.begun", ("user", user.id), json!({ "by": kind }), now).await?;
    tx.commit(now).await?;
    Ok((user, tokens))
}

/// Binds a subject nobody has to the account of its address, or to a new one.
async fn bind(
    app: &App,
    tx: &mut Tx,
    caller: &Caller,
    kind: Provider,
    claims: &Claims,
    now: Micros,
) -> Result<User, ProviderError> {
    let email = claims.email.as_deref().filter(|email| validate::email(email, &()).is_ok());
    let email = validate::fold_email(email.ok_or(ProviderError::EmailMissing)?);
    let user = match users::find_by_email(&mut *tx, &email).await? {
        Some(_) if !claims.email_verified => return Err(ProviderError::EmailTaken),
        Some(user) if user.status != UserStatus::Active => return Err(ProviderError::Suspended),
        Some(user) => addresses::claim(tx, caller, user, now).await?,
        None => make(app, tx, caller, kind, claims, &email, now).await?,
    };
    identity_store::insert(tx, kind, &claims.subject, user.id, &email, now).await?;
    audit(tx, caller, "user.provider_linked", ("user", user.id), json!({ "provider": kind }), now).await?;
    Ok(user)
}

async fn make(
    app: &App,
    tx: &mut Tx,
    caller: &Caller,
    kind: Provider,
    claims: &Claims,
    email: &str,
    now: Micros,
) -> Result<User, ProviderError> {
    accounts::require_open(app, tx, email, claims.email_verified, None, now).await?;
    let said = claims.name.as_deref().map(str::trim).filter(|name| validate::name(name, &()).is_ok());
    let display_name = said.or_else(|| email.split('@').next()).unwrap_or_default();
    let display_name: String = display_name.chars().take(validate::NAME_CHARS).collect();
    let locale = claims.locale.clone().filter(|locale| validate::optional_locale(&Some(locale.clone()), &()).is_ok());
    let new = NewUser {
        email,
        username: None,
        display_name: &display_name,
        locale: locale.as_deref().unwrap_or(accounts::DEFAULT_LOCALE),
        timezone: accounts::DEFAULT_TIMEZONE,
        platform_role: PlatformRole::User,
        email_verified_at: claims.email_verified.then_some(now),
    };
    let user = users::insert(tx, new, now).await?;
    if claims.email_verified {
        super::meetings::invites::adopt(tx, user.id, email).await?;
    } else if app.mailer.is_some() {
        codes::issue(app, tx, email, CodePurpose::VerifyEmail, now).await?;
    }
    audit(tx, caller, "user.registered", ("user", user.id), json!({ "by": kind }), now).await?;
    Ok(user)
}

/// A value in a browser's hands that only this server can have made.
fn seal(key: &hmac::Key, under_way: &UnderWay) -> String {
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(under_way).unwrap_or_default());
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(key, body.as_bytes()));
    format!("{body}.{tag}")
}

fn open(key: &hmac::Key, cookie: &str) -> Option<UnderWay> {
    let (body, tag) = cookie.split_once('.')?;
    hmac::verify(key, body.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_to_return_to_stays_on_this_server() {
        for good in ["/", "/rooms/abc?x=1#y", "/a//b"] {
            assert!(is_own_path(good), "{good}");
        }
        for bad in ["", "rooms", "//evil.example", "/\\evil.example", "https://evil.example", "/a\\b", "/a\nb", "/\tx"]
        {
            assert!(!is_own_path(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_sealed_value_cannot_be_changed() {
        let (key, other) = (hmac::Key::new(hmac::HMAC_SHA256, b"one"), hmac::Key::new(hmac::HMAC_SHA256, b"two"));
        let under_way = UnderWay {
            provider: "google".into(),
            state: "s".into(),
            nonce: "n".into(),
            verifier: "v".into(),
            return_to: "/".into(),
            expires_at: 1,
            link: None,
        };
        let cookie = seal(&key, &under_way);
        assert_eq!(open(&key, &cookie).unwrap().state, "s");
        assert!(open(&other, &cookie).is_none());
        assert!(open(&key, &format!("A{cookie}")).is_none());
        assert!(open(&key, "").is_none() && open(&key, ".").is_none());
    }
}
