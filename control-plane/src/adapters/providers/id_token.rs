//! Id tokens: signed by a key the provider publishes, meant for us, in time, by the right issuer.
//!
//! In: a token, keys, rules. Out: claims that hold (OpenID Connect Core 1.0, section 3.1.3.7). Must not fetch anything.

use std::collections::BTreeMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::VouchError;
use crate::model::user::Provider;

/// Keys of one provider that are kept; more are a defect of theirs.
const MAX_KEYS: usize = 100;
/// Seconds by which clocks may differ.
const LEEWAY_S: u64 = 60;
/// Longest token, in bytes.
const MAX_BYTES: usize = 16_384;
/// Longest subject, in characters (OpenID Connect Core 1.0, section 2).
const SUBJECT_CHARS: usize = 255;
/// Stands for the tenant in the issuer that Microsoft publishes for all of them.
const TENANT: &str = "{tenantid}";

/// What a provider publishes as its keys.
#[derive(Deserialize)]
pub(super) struct Published {
    keys: Vec<Value>,
}

/// The keys of a provider that can sign id tokens, by their id.
pub(super) struct Keys(BTreeMap<String, Key>);

struct Key {
    jwk: Jwk,
    /// Whose tokens it signs, where the provider says so.
    issuer: Option<String>,
}

/// What a token has to satisfy.
pub(super) struct Rules<'a> {
    pub kind: Provider,
    /// As published.
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: Option<&'a str>,
}

/// Who a provider says somebody is.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    /// Never changes and belongs to nobody else, at this provider.
    pub subject: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub locale: Option<String>,
}

#[derive(Deserialize)]
struct RawClaims {
    iss: String,
    sub: String,
    aud: Value,
    azp: Option<String>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    /// Microsoft's word that the domain of the address belongs to the tenant.
    xms_edov: Option<Value>,
    preferred_username: Option<String>,
    name: Option<String>,
    locale: Option<String>,
    tid: Option<String>,
    oid: Option<String>,
}

impl Keys {
    pub(super) fn new(published: Published) -> Self {
        let mut keys = BTreeMap::new();
        for value in published.keys.into_iter().take(MAX_KEYS) {
            let issuer = value.get("issuer").and_then(Value::as_str).map(str::to_owned);
            // A key of a kind we do not know is not for us.
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
            if let Some(kid) = jwk.common.key_id.clone() {
                keys.insert(kid, Key { jwk, issuer });
            }
        }
        Self(keys)
    }

    pub(super) fn has(&self, kid: &str) -> bool {
        self.0.contains_key(kid)
    }
}

fn refused(why: impl Into<String>) -> VouchError {
    VouchError::Refused(why.into())
}

/// Which key a token claims to be signed by.
pub(super) fn kid(token: &str) -> Result<String, VouchError> {
    if token.len() > MAX_BYTES {
        return Err(refused("the id token is too long"));
    }
    let header = decode_header(token).map_err(|error| refused(format!("the id token's head: {error}")))?;
    header.kid.ok_or_else(|| refused("the id token names no key"))
}

/// Checks everything about a token.
pub(super) fn check(token: &str, kid: &str, keys: &Keys, rules: &Rules<'_>) -> Result<Claims, VouchError> {
    let key = keys.0.get(kid).ok_or_else(|| refused("the id token is signed by a key the provider does not have"))?;
    let algorithm = algorithm(&key.jwk).ok_or_else(|| refused("the key is of a kind that signs no id tokens"))?;
    let decoding = DecodingKey::from_jwk(&key.jwk).map_err(|error| refused(format!("the key: {error}")))?;
    // The key says which algorithm, never the token.
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
    validation.set_audience(&[rules.client_id]);
    let claims = decode::<RawClaims>(token, &decoding, &validation);
    let claims = claims.map_err(|error| refused(format!("the id token: {error}")))?.claims;
    check_issuer(&claims, key, rules)?;
    let several = claims.aud.as_array().is_some_and(|list| list.len() > 1);
    if claims.azp.as_deref().map_or(several, |azp| azp != rules.client_id) {
        return Err(refused("the id token was made for another client"));
    }
    if rules.nonce.is_some() && claims.nonce.as_deref() != rules.nonce {
        return Err(refused("the id token has another nonce"));
    }
    meaning(claims, rules.kind)
}

/// How a key signs: what it says, and nothing but RS256 and ES256.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let by_kind = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let said = jwk.common.key_algorithm.map(|said| said.to_string());
    said.is_none_or(|said| said == format!("{by_kind:?}")).then_some(by_kind)
}

/// Whether a provider configured as `configured` may publish `published` as its issuer.
pub(super) fn is_issuer(kind: Provider, configured: &str, published: &str) -> bool {
    let published = published.trim_end_matches('/');
    let origin = |text: &str| Url::parse(text).map(|url| url.origin()).ok();
    // Microsoft's `common` publishes a template for all tenants.
    published == configured
        || (kind == Provider::Microsoft
            && published.contains(TENANT)
            && origin(&published.replace(TENANT, "tenant")) == origin(configured))
}

fn check_issuer(claims: &RawClaims, key: &Key, rules: &Rules<'_>) -> Result<(), VouchError> {
    let wrong = || refused("the id token is by another issuer");
    match rules.kind {
        Provider::Google => {
            let bare = rules.issuer.trim_start_matches("https://");
            if claims.iss != rules.issuer && claims.iss != bare {
                return Err(wrong());
            }
        }
        Provider::Microsoft => {
            let tenant = claims.tid.as_deref().filter(|tid| Uuid::try_parse(tid).is_ok());
            let tenant = tenant.ok_or_else(|| refused("the id token names no tenant"))?;
            for template in [Some(rules.issuer), key.issuer.as_deref()].into_iter().flatten() {
                if claims.iss != template.replace(TENANT, tenant) {
                    return Err(wrong());
                }
            }
        }
    }
    Ok(())
}

fn meaning(claims: RawClaims, kind: Provider) -> Result<Claims, VouchError> {
    let (subject, email, email_verified) = match kind {
        Provider::Google => (claims.sub, claims.email, is_true(claims.email_verified.as_ref())),
        Provider::Microsoft => {
            // `sub` differs from app to app; tenant and object together are the person.
            let (Some(tid), Some(oid)) = (claims.tid, claims.oid) else {
                return Err(refused("the id token names no person of the tenant"));
            };
            let verified = claims.email.is_some() && is_true(claims.xms_edov.as_ref());
            let email = claims.email.or_else(|| claims.preferred_username.filter(|name| name.contains('@')));
            (format!("{tid}:{oid}"), email, verified)
        }
    };
    let plain = !subject.is_empty() && !subject.chars().any(char::is_control);
    if !plain || subject.chars().count() > SUBJECT_CHARS {
        return Err(refused("the id token's subject is none"));
    }
    Ok(Claims { subject, email, email_verified, name: claims.name, locale: claims.locale })
}

/// Providers write truth as a value, a word or a number.
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(text)) => matches!(text.as_str(), "true" | "1"),
        Some(Value::Number(number)) => number.as_u64() == Some(1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_the_configured_one_or_the_template_of_its_host() {
        let google = "https://accounts.google.com";
        assert!(is_issuer(Provider::Google, google, google));
        assert!(!is_issuer(Provider::Google, google, "https://accounts.google.com.evil.example"));
        assert!(!is_issuer(Provider::Google, google, "https://accounts.google.com/{tenantid}"));
        let common = "https://login.microsoftonline.com/common/v2.0";
        assert!(is_issuer(Provider::Microsoft, common, "https://login.microsoftonline.com/{tenantid}/v2.0"));
        assert!(!is_issuer(Provider::Microsoft, common, "https://evil.example/{tenantid}/v2.0"));
        assert!(!is_issuer(Provider::Microsoft, common, "https://login.microsoftonline.com/other/v2.0"));
    }

    #[test]
    fn only_plain_truth_is_true() {
        for yes in [serde_json::json!(true), serde_json::json!("true"), serde_json::json!("1"), serde_json::json!(1)] {
            assert!(is_true(Some(&yes)), "{yes}");
        }
        for no in [serde_json::json!(false), serde_json::json!("yes"), serde_json::json!(2), serde_json::json!([true])]
        {
            assert!(!is_true(Some(&no)), "{no}");
        }
        assert!(!is_true(None));
    }
}
