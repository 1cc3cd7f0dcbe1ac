//! The first platform admin: made by a one-time token printed at start, or by the command line; never by being first.

use std::sync::Mutex;

use serde_json::json;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::accounts::{self, RegisterError, Registered};
use super::audit;
use super::sessions::{self, TokenPair};
use crate::app::App;
use crate::http::extract::Caller;
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::{PlatformRole, SessionTransport, User};
use crate::store::db::{Db, StoreError};
use crate::store::outbox::{self, AuditRow};
use crate::store::tx::{Outbox, Tx};
use crate::store::users;

/// The token that makes the first admin: exists while there is none.
#[derive(Debug, Default)]
pub(crate) struct SetupToken {
    secret: Mutex<Option<Secret>>,
    /// Held while the token is spent: two requests at once must not make two admins.
    turn: tokio::sync::Mutex<()>,
}

/// Why there is no first admin by this request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("the token is wrong or used")]
    WrongToken,
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl SetupToken {
    /// A token if the platform has no admin yet.
    pub(crate) async fn draw(db: &Db) -> Result<Self, StoreError> {
        let needed = users::count_admins(db).await? == 0;
        let secret = needed.then(|| Secret::random(SecretKind::Setup));
        Ok(Self { secret: Mutex::new(secret), turn: tokio::sync::Mutex::default() })
    }

    /// The token in clear text, while it can be used.
    pub(crate) fn text(&self) -> Option<String> {
        self.secret.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref().map(Secret::text)
    }

    fn is(&self, presented: &str) -> bool {
        let Some(presented) = Secret::parse(SecretKind::Setup, presented) else { return false };
        let kept = self.secret.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.as_ref().is_some_and(|kept| kept.hash().ct_eq(&presented.hash()).into())
    }

    fn spend(&self) {
        *self.secret.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }
}

/// Makes the first admin with the one-time token.
///
/// # Errors
/// See [`SetupError`]; that an admin exists by now looks like a wrong token.
pub(crate) async fn make_first_admin(
    app: &App,
    caller: &Caller,
    token: &str,
    form: Registered,
    transport: SessionTransport,
) -> Result<(User, TokenPair), SetupError> {
    let _turn = app.setup.turn.lock().await;
    if !app.setup.is(token) {
        return Err(SetupError::WrongToken);
    }
    let phc = app.passwords.hash(form.password.clone()).await.map_err(RegisterError::from)?;
    let now = app.clock.now();
    let mut tx = app.begin().await.map_err(RegisterError::Store)?;
    if users::count_admins(&mut tx).await.map_err(RegisterError::Store)? > 0 {
        app.setup.spend();
        return Err(SetupError::WrongToken);
    }
    let user = accounts::insert(&mut tx, &form, PlatformRole::Admin, &phc, now).await.map_err(RegisterError::from)?;
    let tokens = sessions::begin(app, &mut tx, user.id, transport, &caller.facts, now).await;
    let tokens = tokens.map_err(RegisterError::from)?;
    let done = audit(&mut tx, caller, "admin.created", ("user", user.id), json!({ "by": "setup" }), now).await;
    done.map_err(RegisterError::from)?;
    tx.commit(now).await.map_err(RegisterError::from)?;
    app.setup.spend();
    Ok((user, tokens))
}

/// Makes an admin from the command line, whether or not there is one.
pub(crate) async fn create_admin(
    db: &Db,
    outbox: &Outbox,
    form: &Registered,
    phc: &str,
    now: crate::model::clock::Micros,
) -> Result<Uuid, StoreError> {
    let mut tx = Tx::begin(db, outbox).await?;
    let user = accounts::insert(&mut tx, form, PlatformRole::Admin, phc, now).await?;
    let row = AuditRow {
        actor_id: None,
        session_id: None,
        ip: "",
        action: "admin.created",
        target_kind: "user",
        target_id: Some(user.id),
        diff: json!({ "by": "command line" }),
    };
    outbox::insert_audit(&mut tx, row, now).await?;
    tx.commit(now).await?;
    Ok(user.id)
}
