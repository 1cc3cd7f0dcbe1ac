//! `/api/v1/auth/oauth/{provider}`: sign-in by Google and Microsoft.

pub(crate) mod callback;
pub(crate) mod start;
pub(crate) mod token;

use crate::error::ApiError;
use crate::model::user::Provider;
use crate::services::providers::ProviderError;

/// The provider a path names; one we do not know is one that is not configured.
fn provider(name: &str) -> Result<Provider, ApiError> {
    match name {
        "google" => Ok(Provider::Google),
        "microsoft" => Ok(Provider::Microsoft),
        _ => Err(ProviderError::NotConfigured.into()),
    }
}
