//! Six digits by mail: proof that somebody reads what is sent to an address.
//!
//! In: an address and a purpose, later the digits. Out: a job that sends them, later yes or no. The digits are computed
//! from the id of their row under a key outside the database, so that no table, job or log holds them. Issuing does
//! the same work whether or not there is an account: only the job looks, when nobody waits.

use std::time::Duration;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::mail::{self, Button, Mail};
use super::web_pages;
use crate::adapters::mail::MailError;
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::user::CodePurpose;
use crate::store::codes::{self as store, NewCode};
use crate::store::db::StoreError;
use crate::store::tx::Tx;

/// How long a code lives.
const TTL: Duration = Duration::from_secs(300);
/// Tries a code takes.
const MAX_ATTEMPTS: i64 = 5;
/// Codes of one address and purpose in [`WINDOW`]: with five tries each, a guess an hour stays below one in 40,000.
const MAX_ISSUED: i64 = 5;
const WINDOW: Duration = Duration::from_secs(3_600);
/// Digits of a code.
pub(crate) const DIGITS: usize = 6;

/// Why a code was not delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliverError {
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the next code of an address and enqueues its delivery; too many lately make none, silently.
///
/// # Errors
/// As any statement.
pub(crate) async fn issue(
    app: &App,
    tx: &mut Tx,
    email: &str,
    purpose: CodePurpose,
    now: Micros,
) -> Result<(), StoreError> {
    let id = Uuid::now_v7();
    let new = NewCode {
        id,
        email,
        purpose,
        code_hmac: check(&app.code_key, id, &digits(&app.code_key, id)),
        expires_at: now.plus(TTL),
        window_from: now.minus(WINDOW),
        max_issued: MAX_ISSUED,
    };
    if store::upsert(tx, new, now).await? {
        tx.enqueue(NewJob::code(id), now).await?;
    } else {
        metrics::counter!("plenum_codes_refused_total").increment(1);
    }
    Ok(())
}

/// Uses up the live code of an address if `presented` is it. The try counts when `tx` commits: commit it either way.
///
/// # Errors
/// As any statement.
pub(crate) async fn redeem(
    app: &App,
    tx: &mut Tx,
    email: &str,
    purpose: CodePurpose,
    presented: &str,
    now: Micros,
) -> Result<bool, StoreError> {
    let Some(tried) = store::count_try(tx, email, purpose, MAX_ATTEMPTS, now).await? else {
        return Ok(false);
    };
    let fits: bool = check(&app.code_key, tried.id, presented).ct_eq(&tried.code_hmac).into();
    Ok(fits && store::consume(tx, tried.id, now).await?)
}

/// Sends a code while it lives, to an account that exists.
///
/// # Errors
/// See [`DeliverError`]: worth another try.
pub(crate) async fn deliver(app: &App, job: Uuid, code: Uuid) -> Result<(), DeliverError> {
    let Some(found) = store::find_to_deliver(&app.db, code, app.clock.now()).await? else {
        return Ok(());
    };
    let (subject, label, why, if_not) = match found.purpose {
        CodePurpose::Login => (
            "Your sign-in code",
            "Sign in",
            "Enter this code to sign in.",
            "If you did not try to sign in, ignore this mail. Give the code to nobody.",
        ),
        CodePurpose::VerifyEmail => (
            "Confirm your address",
            "Confirm address",
            "Enter this code to confirm that this is your address.",
            "If you have no account here, ignore this mail.",
        ),
        CodePurpose::Reset => (
            "Set a new password",
            "Set password",
            "Enter this code to set a new password.",
            "If you did not ask for it, ignore this mail: your password stays as it is. Give the code to nobody.",
        ),
    };
    let greeting = format!("Hello {},", found.display_name);
    let minutes = TTL.as_secs() / 60;
    let digits = digits(&app.code_key, code);
    let page = mail::link(app, &web_pages::code(found.purpose, &found.email, &digits));
    let button = page.map(|url| Button { label: label.to_owned(), url });
    let mail = Mail {
        to: found.email,
        subject: subject.to_owned(),
        paragraphs: vec![greeting, why.to_owned(), format!("It works once, within {minutes} minutes. {if_not}")],
        button,
        calendar: None,
        unsubscribe: None,
        dedupe_key: None,
    };
    Ok(mail::send(app, job, &mail, Some(&digits)).await?)
}

/// The digits of a code.
fn digits(key: &hmac::Key, id: Uuid) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(b"digits");
    context.update(id.as_bytes());
    let tag = context.sign();
    let number = tag.as_ref().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:0width$}", number % 1_000_000, width = DIGITS)
}

/// What is kept to compare with.
fn check(key: &hmac::Key, id: Uuid, digits: &str) -> Vec<u8> {
    let mut context = hmac::Context::with_key(key);
    context.update(b"check");
    context.update(id.as_bytes());
    context.update(digits.as_bytes());
    context.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_that_depend_on_key_and_id() {
        let (one, two) = (hmac::Key::new(hmac::HMAC_SHA256, b"one"), hmac::Key::new(hmac::HMAC_SHA256, b"two"));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let id = Uuid::now_v7();
            let code = digits(&one, id);
            assert!(code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            assert_eq!(code, digits(&one, id));
            assert_ne!(check(&one, id, &code), check(&two, id, &code));
            assert_ne!(check(&one, id, &code), check(&one, Uuid::now_v7(), &code));
            seen.insert(code);
        }
        assert!(seen.len() > 190, "{} different codes of 200", seen.len());
    }
}
