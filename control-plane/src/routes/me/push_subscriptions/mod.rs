//! `/api/v1/me/push-subscriptions`: one's browsers that take pushes.

mod create;
mod delete;
mod list;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::adapters::push::TargetError;
use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::services::notifications::push::SubscribeError;
use crate::store::push_subscriptions::Subscription;

/// Every route of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create::create, list::list)).routes(routes!(delete::delete))
}

/// A browser that takes pushes, without its keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushSubscriptionView {
    id: Uuid,
    /// Where its push service takes messages, so that a browser finds itself in the list.
    endpoint: String,
    user_agent: String,
    created_at: Micros,
    /// When its push service last took a message.
    last_ok_at: Option<Micros>,
}

impl From<Subscription> for PushSubscriptionView {
    fn from(row: Subscription) -> Self {
        Self {
            id: row.id,
            endpoint: row.endpoint,
            user_agent: row.user_agent,
            created_at: row.created_at,
            last_ok_at: row.last_ok_at,
        }
    }
}

/// 404 about a subscription: unknown or somebody else's.
fn not_found() -> ApiError {
    ApiError::not_found("push_subscription_not_found", "You have no such push subscription.")
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Target(error) => {
                let field = match error {
                    TargetError::Endpoint => "endpoint",
                    TargetError::Key => "keys.p256dh",
                    TargetError::Auth => "keys.auth",
                };
                Self::field(field, &error.to_string())
            }
            SubscribeError::Taken => Self::new(
                StatusCode::CONFLICT,
                "push_endpoint_taken",
                "This browser is subscribed for another account. Unsubscribe it there, or subscribe anew.",
            ),
            SubscribeError::TooMany => Self::new(
                StatusCode::CONFLICT,
                "too_many_push_subscriptions",
                "You have as many browsers subscribed as allowed. Remove one first.",
            ),
            SubscribeError::Store(error) => error.into(),
        }
    }
}
