//! `/api/v1/users`: accounts, for platform admins; a little of them for people who work together.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod replace;
pub(crate) mod update;

use std::sync::Arc;

use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::routes::problems::username_taken;
use crate::services::authorize::Refusal;
use crate::services::users::UserError;

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(
        get::get,
        update::update,
        replace::replace,
        delete::delete
    ))
}

/// The id in a path; what is none names nobody.
fn user_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| UserError::NotFound.into())
}

impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            UserError::NotFound | UserError::Refused(Refusal::NotFound) => {
                Self::not_found("user_not_found", "There is no such account.")
            }
            UserError::Refused(refusal) => refusal.into(),
            UserError::EmailTaken => conflict("email_taken", "There is an account with this address already."),
            UserError::UsernameTaken => username_taken(),
            UserError::LastAdmin => {
                conflict("last_admin", "Somebody has to administer this server. Make another admin first.")
            }
            UserError::SoleOwner(names) => conflict(
                "sole_owner",
                &format!("Give these organizations another owner, or delete them, first: {}.", names.join(", ")),
            ),
            UserError::Proof(error) => error.into(),
            UserError::Password(error) => error.into(),
            UserError::Store(error) => error.into(),
        }
    }
}
