//! `POST /api/v1/me/push-subscriptions`: a browser that takes pushes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::PushSubscriptionView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::notifications::push::{self, Browser};

/// Longest address of a browser at its push service; those seen have 100 to 600 characters.
const ENDPOINT_CHARS: usize = 2_000;
/// Browsers pad or do not.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What `PushSubscription.toJSON()` gives in a browser.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct PushSubscriptionRequest {
    #[garde(length(chars, min = 1, max = ENDPOINT_CHARS))]
    #[schema(min_length = 1, max_length = 2000, format = "uri")]
    endpoint: String,
    #[garde(dive)]
    keys: PushKeys,
}

/// The keys of the browser, in base64url.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct PushKeys {
    #[garde(length(chars, max = 100))]
    #[schema(max_length = 100)]
    p256dh: String,
    #[garde(length(chars, max = 30))]
    #[schema(max_length = 30)]
    auth: String,
}

/// Let this browser take pushes for as long as one stays signed in with it.
#[utoipa::path(post, path = "/me/push-subscriptions", tag = "notifications", operation_id = "create_push_subscription",
    request_body = PushSubscriptionRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = PushSubscriptionView), (status = 200, body = PushSubscriptionView,
        description = "It is known already; its keys and its session are those of this request now"), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<PushSubscriptionRequest>,
) -> Result<(StatusCode, Json<PushSubscriptionView>), ApiError> {
    let bytes = |text: &str| BASE64URL.decode(text).unwrap_or_default();
    let browser =
        Browser { endpoint: request.endpoint, p256dh: bytes(&request.keys.p256dh), auth: bytes(&request.keys.auth) };
    let (row, is_new) = push::subscribe(&app, &who, browser).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(row.into())))
}
