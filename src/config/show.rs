//! `plenum config`: the effective settings as a configuration file, without their secrets.

use super::Settings;

/// Stands where a secret is set.
const MASK: &str = "********";

/// The settings as TOML. Secrets, and the passwords inside addresses, are masked.
pub(super) fn masked(settings: &Settings) -> String {
    let mut shown = settings.clone();
    for secret in
        [&mut shown.keys.api_secret, &mut shown.keys.internal_secret, &mut shown.metrics.token].into_iter().flatten()
    {
        MASK.clone_into(secret);
    }
    for url in [&mut shown.database.url, &mut shown.mail.smtp_url].into_iter().flatten() {
        *url = without_password(url);
    }
    toml::to_string(&shown).unwrap_or_else(|error| format!("# these settings cannot be written as TOML: {error}\n"))
}

/// The address with its password masked; one that cannot be parsed is masked as a whole.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return MASK.to_owned();
    };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    // `?password=…` is another way to say it.
    if url.query_pairs().any(|(name, _)| name == "password") {
        url.set_query(None);
    }
    url.into()
}
