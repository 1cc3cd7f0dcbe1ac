//! An identity provider on loopback: real HTTP, discovery, keys, PKCE and signed id tokens; and ways to misbehave.
//!
//! It plays Google below `/` and Microsoft's `common` below `/common/v2.0`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control_plane::{ControlPlaneConfig, ProviderSettings};
use http::StatusCode;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

/// How this server is known to the provider.
pub(crate) const CLIENT: (&str, &str) = ("plenum-client", "plenum-secret");
/// A tenant of Microsoft's.
pub(crate) const TENANT: &str = "0f5a2f0e-7d0a-4b7e-9f0a-3f6c2a6b1c11";

static RUNNING: LazyLock<Mutex<BTreeMap<u16, Arc<Idp>>>> = LazyLock::new(Mutex::default);

/// Making an RSA key takes a while; every test may use the same one.
static RSA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("a key's text");
    let bytes = pkcs8.as_ref();
    // The key itself is the last field of the envelope.
    assert_eq!((bytes[22], bytes[23]), (0x04, 0x82));
    bytes[26..].to_vec()
});

/// What the provider does wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mischief {
    /// Laid over the claims; null takes one away.
    pub(crate) claims: Value,
    /// Sign with this instead of RS256.
    pub(crate) algorithm: Option<Algorithm>,
    /// Name this key in the head.
    pub(crate) kid: Option<String>,
    /// Put this in the place of the token.
    pub(crate) token: Option<String>,
    /// Leave the id token out.
    pub(crate) no_token: bool,
    /// Answer everything with this status.
    pub(crate) status: Option<u16>,
}

/// A code that waits to be exchanged.
struct Code {
    challenge: String,
    redirect_uri: String,
    nonce: Option<String>,
    microsoft: bool,
}

/// The provider.
pub(crate) struct Idp {
    base: String,
    rsa: EncodingKey,
    ec: EncodingKey,
    stranger: EncodingKey,
    codes: Mutex<BTreeMap<String, Code>>,
    /// Who signs in: claims beside those that every token has.
    pub(crate) person: Mutex<Value>,
    pub(crate) mischief: Mutex<Mischief>,
    /// Which key ids are published.
    pub(crate) published: Mutex<Vec<&'static str>>,
    /// Requests so far, by path.
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Idp {
    /// Starts a provider and makes a control plane trust it as Google and as Microsoft.
    pub(crate) fn serve(config: &mut ControlPlaneConfig) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let idp = Arc::new(Self {
            base: format!("http://127.0.0.1:{port}"),
            rsa: EncodingKey::from_rsa_der(&RSA),
            ec: ec_key(),
            stranger: ec_key(),
            codes: Mutex::default(),
            person: Mutex::new(json!({})),
            mischief: Mutex::default(),
            published: Mutex::new(vec!["rsa", "ec"]),
            asked: Mutex::default(),
        });
        RUNNING.lock().unwrap().insert(port, Arc::clone(&idp));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(google))
            .route("/common/v2.0/.well-known/openid-configuration", get(microsoft))
            .route("/authorize", get(authorize))
            .route("/common/authorize", get(authorize_microsoft))
            .route("/token", post(token))
            .route("/jwks", get(jwks))
            .route("/common/jwks", get(jwks_microsoft))
            .with_state(Arc::clone(&idp));
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = |path: &str| ProviderSettings {
            client_id: CLIENT.0.to_owned(),
            client_secret: CLIENT.1.to_owned(),
            issuer: Url::parse(&format!("{}{path}", idp.base)).expect("a URL"),
        };
        config.oauth.google = Some(settings(""));
        config.oauth.microsoft = Some(settings("/common/v2.0"));
    }

    /// The provider that [`Self::serve`] made for these settings.
    pub(crate) fn of(config: &ControlPlaneConfig) -> Option<Arc<Self>> {
        let port = config.oauth.google.as_ref()?.issuer.port()?;
        RUNNING.lock().unwrap().remove(&port)
    }

    /// Says who signs in from now on.
    pub(crate) fn is(&self, person: Value) {
        *self.person.lock().unwrap() = person;
    }

    /// Misbehaves from now on.
    pub(crate) fn misbehave(&self, mischief: Mischief) {
        *self.mischief.lock().unwrap() = mischief;
    }

    /// What an app does at the provider: a code for a verifier.
    pub(crate) fn code(&self, provider: &str, verifier: &str, redirect_uri: &str, nonce: Option<&str>) -> String {
        let code = Code {
            challenge: challenge(verifier),
            redirect_uri: redirect_uri.to_owned(),
            nonce: nonce.map(str::to_owned),
            microsoft: provider == "microsoft",
        };
        self.keep(code)
    }

    fn keep(&self, code: Code) -> String {
        let name = uuid::Uuid::new_v4().simple().to_string();
        self.codes.lock().unwrap().insert(name.clone(), code);
        name
    }

    fn note(&self, path: &str) -> Option<Response> {
        self.asked.lock().unwrap().push(path.to_owned());
        let status = self.mischief.lock().unwrap().status?;
        Some((StatusCode::from_u16(status).unwrap(), "broken").into_response())
    }

    /// An id token for whoever signs in, with everything that is wrong about it.
    fn sign(&self, code: &Code) -> String {
        let mischief = self.mischief.lock().unwrap().clone();
        if let Some(token) = mischief.token {
            return token;
        }
        let now = jsonwebtoken::get_current_timestamp();
        let issuer = match code.microsoft {
            true => format!("{}/{TENANT}/v2.0", self.base),
            false => self.base.clone(),
        };
        let mut claims = json!({ "iss": issuer, "aud": CLIENT.0, "sub": "subject-1", "iat": now, "exp": now + 600,
            "nonce": code.nonce });
        if code.microsoft {
            lay_over(&mut claims, &json!({ "tid": TENANT, "oid": "11111111-2222-3333-4444-555555555555" }));
        }
        lay_over(&mut claims, &self.person.lock().unwrap());
        lay_over(&mut claims, &mischief.claims);
        let algorithm = mischief.algorithm.unwrap_or(Algorithm::RS256);
        let (key, kid) = match algorithm {
            Algorithm::ES256 => (self.ec.clone(), "ec"),
            // The trick of taking the published key for a shared secret.
            Algorithm::HS256 => (EncodingKey::from_secret(CLIENT.1.as_bytes()), "rsa"),
            _ => (self.rsa.clone(), "rsa"),
        };
        let kid = mischief.kid.unwrap_or_else(|| kid.to_owned());
        let key = if kid == "ec" && algorithm == Algorithm::ES256 { self.ec.clone() } else { key };
        let mut header = Header::new(algorithm);
        header.kid = Some(kid);
        jsonwebtoken::encode(&header, &claims, &key).expect("a token")
    }

    /// A token whose signature is somebody else's.
    pub(crate) fn forged(&self, email: &str) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = json!({ "iss": self.base, "aud": CLIENT.0, "sub": "subject-1", "exp": now + 600, "email": email,
            "email_verified": true });
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("ec".to_owned());
        jsonwebtoken::encode(&header, &claims, &self.stranger).expect("a token")
    }

    /// A token without any signature.
    pub(crate) fn unsigned(&self, email: &str) -> String {
        let claims = json!({ "iss": self.base, "aud": CLIENT.0, "sub": "subject-1", "exp": 99_999_999_999_u64,
            "email": email, "email_verified": true });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(json!({ "alg": "none", "kid": "rsa" })), part(claims))
    }
}

fn ec_key() -> EncodingKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("a key's text").as_ref())
}

/// S256 of RFC 7636.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn lay_over(claims: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
}

async fn google(State(idp): State<Arc<Idp>>) -> Response {
    if let Some(broken) = idp.note("discovery") {
        return broken;
    }
    let base = &idp.base;
    Json(json!({ "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/jwks") }))
    .into_response()
}

async fn microsoft(State(idp): State<Arc<Idp>>) -> Response {
    if let Some(broken) = idp.note("discovery") {
        return broken;
    }
    let base = &idp.base;
    Json(json!({ "issuer": format!("{base}/{{tenantid}}/v2.0"),
        "authorization_endpoint": format!("{base}/common/authorize"), "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/common/jwks") }))
    .into_response()
}

async fn jwks(State(idp): State<Arc<Idp>>) -> Response {
    keys(&idp, None)
}

async fn jwks_microsoft(State(idp): State<Arc<Idp>>) -> Response {
    let issuer = format!("{}/{{tenantid}}/v2.0", idp.base);
    keys(&idp, Some(issuer))
}

fn keys(idp: &Idp, issuer: Option<String>) -> Response {
    if let Some(broken) = idp.note("jwks") {
        return broken;
    }
    let published = idp.published.lock().unwrap().clone();
    let mut list = vec![json!({ "kty": "future", "kid": "unknown" })];
    for (kid, key, algorithm) in [("rsa", &idp.rsa, Algorithm::RS256), ("ec", &idp.ec, Algorithm::ES256)] {
        if published.contains(&kid) {
            let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
            lay_over(&mut jwk, &json!({ "kid": kid, "use": "sig", "issuer": issuer }));
            list.push(jwk);
        }
    }
    Json(json!({ "keys": list })).into_response()
}

async fn authorize(state: State<Arc<Idp>>, query: Query<BTreeMap<String, String>>) -> Response {
    agree(state, query, false)
}

async fn authorize_microsoft(state: State<Arc<Idp>>, query: Query<BTreeMap<String, String>>) -> Response {
    agree(state, query, true)
}

/// The person agrees at once.
fn agree(State(idp): State<Arc<Idp>>, Query(query): Query<BTreeMap<String, String>>, microsoft: bool) -> Response {
    let is = |name: &str, value: &str| query.get(name).is_some_and(|found| found == value);
    let scopes = query.get("scope").cloned().unwrap_or_default();
    let good = is("response_type", "code")
        && is("client_id", CLIENT.0)
        && is("code_challenge_method", "S256")
        && ["openid", "email"].iter().all(|scope| scopes.split(' ').any(|found| found == *scope))
        && ["code_challenge", "redirect_uri", "state", "nonce"].iter().all(|name| query.contains_key(*name));
    if !good {
        return (StatusCode::BAD_REQUEST, "no such request").into_response();
    }
    let code = idp.keep(Code {
        challenge: query["code_challenge"].clone(),
        redirect_uri: query["redirect_uri"].clone(),
        nonce: query.get("nonce").cloned(),
        microsoft,
    });
    let mut back = Url::parse(&query["redirect_uri"]).unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &query["state"]);
    Redirect::to(back.as_str()).into_response()
}

async fn token(State(idp): State<Arc<Idp>>, body: String) -> Response {
    if let Some(broken) = idp.note("token") {
        return broken;
    }
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let is = |name: &str, value: &str| form.get(name).is_some_and(|found| found == value);
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if !is("client_id", CLIENT.0) || !is("client_secret", CLIENT.1) || !is("grant_type", "authorization_code") {
        return refuse("invalid_client");
    }
    let Some(code) = form.get("code").and_then(|code| idp.codes.lock().unwrap().remove(code)) else {
        return refuse("invalid_grant");
    };
    let verifier = form.get("code_verifier").cloned().unwrap_or_default();
    if challenge(&verifier) != code.challenge || !is("redirect_uri", &code.redirect_uri) {
        return refuse("invalid_grant");
    }
    let mut answer = json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 3600 });
    if !idp.mischief.lock().unwrap().no_token {
        answer["id_token"] = json!(idp.sign(&code));
    }
    Json(answer).into_response()
}
