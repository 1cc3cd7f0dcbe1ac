//! `/api/v1/events`: what happens, as it happens, by WebSocket or as a stream.
//!
//! In: a caller and topics. Out: frames. Who may listen to what is decided in `services::topics`.

mod frames;
mod requests;
pub(crate) mod socket;
pub(crate) mod stream;

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::events::hub::Full;
use crate::http::csrf;
use crate::http::extract::Caller;
use crate::model::user::Actor;
use crate::services::listeners::Listener;
use crate::services::tickets;

/// Longest ticket that is looked at.
const MAX_TICKET_CHARS: usize = 100;
/// Seconds after which a place may be free.
const RETRY_FULL_S: u64 = 10;

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(socket::events))
        .routes(routes!(stream::stream))
        .routes(routes!(super::auth::ws_ticket::ws_ticket))
}

/// Refuses who shows nothing that could let them listen. A ticket is looked at later: looking uses it up.
async fn knock(caller: &Caller, ticket: Option<&str>, headers: &HeaderMap) -> Result<(), ApiError> {
    if ticket.is_some() {
        return Ok(());
    }
    if caller.stale_token {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "The access token is unknown or has expired. Refresh it or sign in again.",
        ));
    }
    if matches!(caller.actor, Actor::Anonymous) {
        return Err(ApiError::sign_in_required());
    }
    if !headers.contains_key(http::header::AUTHORIZATION) {
        // A page of another site can open a socket with this browser's cookies and, unlike with a request, read what
        // comes back. So it is held to the rules of requests that change something.
        csrf::check(&Method::POST, headers, &caller.facts).await?;
    }
    Ok(())
}

/// Gives the caller, or whom the ticket speaks for, a place.
async fn admit(app: &Arc<App>, mut caller: Caller, ticket: Option<&str>) -> Result<Listener, ApiError> {
    if let Some(ticket) = ticket {
        caller.actor = tickets::redeem(app, ticket).await?.ok_or_else(|| {
            ApiError::new(
                StatusCode::UNAUTHORIZED,
                "invalid_ticket",
                "The ticket is unknown, was used or is too old. Ask for a new one.",
            )
        })?;
    }
    Listener::new(app, caller).map_err(|full| {
        metrics::counter!("plenum_event_sockets_refused_total").increment(1);
        match full {
            Full::Caller => ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_sockets",
                "You have too many open event sockets and streams. Close some first.",
            ),
            Full::Process => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "server_full",
                "This server has as many event sockets as it can hold. Try again in a moment.",
            ),
        }
        .retry_after(RETRY_FULL_S)
    })
}
