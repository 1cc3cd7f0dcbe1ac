//! `/api/v1/auth/otp`: sign-in by a code that comes by mail.

pub(crate) mod request;
pub(crate) mod verify;

use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::validate;

/// To which address a code goes.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct CodeRequest {
    #[garde(custom(validate::email))]
    #[schema(format = Email, max_length = 254)]
    pub(super) email: String,
}
