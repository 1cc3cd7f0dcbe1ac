//! SQL of the codes that go out by mail: one live code per address and purpose.

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::user::CodePurpose;

statements! {
    UPSERT_CODE = "INSERT INTO otp_codes \
        (email, purpose, id, code_hmac, attempts, issued, window_started_at, expires_at) \
        VALUES ($1, $2, $3, $4, 0, 1, $5, $6) \
        ON CONFLICT (email, purpose) DO UPDATE SET id = excluded.id, code_hmac = excluded.code_hmac, attempts = 0, \
        issued = CASE WHEN otp_codes.window_started_at <= $7 THEN 1 ELSE otp_codes.issued + 1 END, \
        window_started_at = CASE WHEN otp_codes.window_started_at <= $7 THEN excluded.window_started_at \
        ELSE otp_codes.window_started_at END, \
        expires_at = excluded.expires_at, consumed_at = NULL \
        WHERE otp_codes.window_started_at <= $7 OR otp_codes.issued < $8";
    TRY_CODE = "UPDATE otp_codes SET attempts = attempts + 1 \
        WHERE email = $1 AND purpose = $2 AND consumed_at IS NULL AND expires_at > $3 AND attempts < $4 \
        RETURNING id, code_hmac";
    CONSUME_CODE = "UPDATE otp_codes SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL";
    FIND_CODE_TO_DELIVER = "SELECT o.email, o.purpose, u.display_name FROM otp_codes o \
        JOIN users u ON u.email = o.email AND u.deleted_at IS NULL AND u.status = 'active' \
        WHERE o.id = $1 AND o.consumed_at IS NULL AND o.expires_at > $2";
    DELETE_EXPIRED_CODES = "DELETE FROM otp_codes WHERE id IN (SELECT id FROM otp_codes WHERE expires_at < $1 LIMIT $2)";
    DELETE_CODES_OF = "DELETE FROM otp_codes WHERE email = $1";
}

/// A code about to be given out; its digits are nowhere in it.
#[derive(Debug)]
pub(crate) struct NewCode<'a> {
    pub id: Uuid,
    pub email: &'a str,
    pub purpose: CodePurpose,
    pub code_hmac: Vec<u8>,
    pub expires_at: Micros,
    /// Codes counted since later than this moment limit the next one.
    pub window_from: Micros,
    pub max_issued: i64,
}

/// A code somebody tries.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct TriedCode {
    pub id: Uuid,
    pub code_hmac: Vec<u8>,
}

/// A live code and whom it goes to.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct CodeToDeliver {
    pub email: String,
    pub purpose: CodePurpose,
    pub display_name: String,
}

/// Replaces the code of an address and purpose; `false` when too many were given out lately.
pub(crate) async fn upsert(tx: &mut Tx, new: NewCode<'_>, now: Micros) -> Result<bool, StoreError> {
    let rows = run!(
        tx,
        execute,
        UPSERT_CODE,
        new.email,
        new.purpose,
        new.id,
        &new.code_hmac,
        now,
        new.expires_at,
        new.window_from,
        new.max_issued
    )?;
    Ok(rows == 1)
}

/// Counts a try at the live code, if there is one that may be tried once more.
pub(crate) async fn count_try(
    tx: &mut Tx,
    email: &str,
    purpose: CodePurpose,
    max_attempts: i64,
    now: Micros,
) -> Result<Option<TriedCode>, StoreError> {
    run!(tx, fetch_optional as TriedCode, TRY_CODE, email, purpose, now, max_attempts)
}

/// Uses a code up; `false` when it was.
pub(crate) async fn consume(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, CONSUME_CODE, id, now)? == 1)
}

/// A live code with its receiver; `None` when it is over or belongs to no account.
pub(crate) async fn find_to_deliver(db: &Db, id: Uuid, now: Micros) -> Result<Option<CodeToDeliver>, StoreError> {
    run!(db, fetch_optional as CodeToDeliver, FIND_CODE_TO_DELIVER, id, now)
}

/// Deletes at most `batch` codes that expired before `before`; how many went.
pub(crate) async fn delete_expired(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EXPIRED_CODES, before, batch)
}

/// Deletes every code of an address.
pub(crate) async fn delete_of(tx: &mut Tx, email: &str) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_CODES_OF, email)?;
    Ok(())
}
