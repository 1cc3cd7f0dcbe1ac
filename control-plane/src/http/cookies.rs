//! The two cookies of a browser session: their names, flags and ends.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use super::origin::ClientFacts;

/// Path of the access token's cookie: every API route.
const ACCESS_PATH: &str = "/api";
/// Cookie of a sign-in by a provider that is under way.
const OAUTH_COOKIE: &str = "plenum_oauth";
/// Its path: the way to the provider and back.
const OAUTH_PATH: &str = "/api/v1/auth/oauth";
/// Path of the refresh token's cookie: nothing but the routes that exchange or end it.
const REFRESH_PATH: &str = "/api/v1/auth";

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionCookie {
    Access,
    Refresh,
}

/// Browsers share cookies between the ports of a host, and an http page can neither read nor replace a `Secure` one.
/// So the name carries scheme and port: two servers on one machine, or http and https of one server, do not sign each
/// other out.
fn name(kind: SessionCookie, facts: &ClientFacts) -> String {
    match kind {
        SessionCookie::Access => suffixed("plenum_access", facts),
        SessionCookie::Refresh => suffixed("plenum_refresh", facts),
    }
}

fn suffixed(base: &str, facts: &ClientFacts) -> String {
    let scheme = if facts.encrypted { "_s" } else { "" };
    match facts.port() {
        Some(port) => format!("{base}{scheme}_{port}"),
        None => format!("{base}{scheme}"),
    }
}

/// Reads a session cookie.
pub(crate) fn read<'j>(jar: &'j CookieJar, kind: SessionCookie, facts: &ClientFacts) -> Option<&'j str> {
    jar.get(&name(kind, facts)).map(Cookie::value)
}

fn cookie(kind: SessionCookie, facts: &ClientFacts, value: String) -> Cookie<'static> {
    let path = match kind {
        SessionCookie::Access => ACCESS_PATH,
        SessionCookie::Refresh => REFRESH_PATH,
    };
    Cookie::build((name(kind, facts), value))
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(facts.encrypted)
        .build()
}

/// Sets both cookies for `ttl_s` seconds.
///
/// The access cookie outlives its token on purpose: an expired one is answered 401 and refreshed, while a missing one
/// would look like somebody who never signed in.
pub(crate) fn set(jar: CookieJar, facts: &ClientFacts, access: String, refresh: String, ttl_s: u64) -> CookieJar {
    let age = time::Duration::seconds(i64::try_from(ttl_s).unwrap_or(i64::MAX));
    let with_age = |mut cookie: Cookie<'static>| {
        cookie.set_max_age(age);
        cookie
    };
    jar.add(with_age(cookie(SessionCookie::Access, facts, access))).add(with_age(cookie(
        SessionCookie::Refresh,
        facts,
        refresh,
    )))
}

/// Ends both cookies.
pub(crate) fn clear(jar: CookieJar, facts: &ClientFacts) -> CookieJar {
    let ended = |kind| {
        let mut cookie = cookie(kind, facts, String::new());
        cookie.make_removal();
        cookie
    };
    jar.add(ended(SessionCookie::Access)).add(ended(SessionCookie::Refresh))
}

/// Keeps a sign-in by a provider that is under way. `Lax` lets it come back with the browser from the provider's site.
pub(crate) fn keep_oauth(jar: CookieJar, facts: &ClientFacts, value: String, ttl: std::time::Duration) -> CookieJar {
    let mut cookie = oauth_cookie(facts, value);
    cookie.set_max_age(time::Duration::seconds(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)));
    jar.add(cookie)
}

/// Reads a sign-in by a provider that is under way.
pub(crate) fn read_oauth<'j>(jar: &'j CookieJar, facts: &ClientFacts) -> Option<&'j str> {
    jar.get(&suffixed(OAUTH_COOKIE, facts)).map(Cookie::value)
}

/// Forgets a sign-in by a provider.
pub(crate) fn drop_oauth(jar: CookieJar, facts: &ClientFacts) -> CookieJar {
    let mut cookie = oauth_cookie(facts, String::new());
    cookie.make_removal();
    jar.add(cookie)
}

fn oauth_cookie(facts: &ClientFacts, value: String) -> Cookie<'static> {
    Cookie::build((suffixed(OAUTH_COOKIE, facts), value))
        .path(OAUTH_PATH)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(facts.encrypted)
        .build()
}
