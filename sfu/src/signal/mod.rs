//! Signaling over HTTP: the WebSocket routes, their `validate` twins, and the session that runs on a socket.
//!
//! Everything that can be refused is refused before the upgrade, because only then is there a status. The query is never
//! logged: it holds the token.

mod admission;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use signaling_proto::error::JoinRefusal;
use signaling_proto::join::JoinPath;
use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::proto::leave_request::Action;
use signaling_proto::proto::signal_response::Message;
use tower_http::cors::Any;
use tower_http::cors::CorsLayer;

use crate::node::Shared;
use crate::room::leave;
use session::SessionGuard;

pub(crate) use session::Outbound;
pub(crate) use session::SessionReceiver;
pub(crate) use session::SessionSender;
pub(crate) use session::session;

/// Paths as clients write them: some put a second slash after the host.
const PREFIXES: [&str; 2] = ["", "/"];

/// Longest message that is read. Longer ones than [`limits::FRAME_BYTES`] are refused, but a client that is still sending
/// its message does not hear why: what is a little too long is read to its end, and answered with 1009.
const READ_BYTES: usize = 2 * limits::FRAME_BYTES;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// `/rtc`, `/rtc/v1` and their `validate`. Readable from any origin: JavaScript learns the reason of a refusal only from
/// `validate`, and a token is needed anyway.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new();
    for prefix in PREFIXES {
        router = router
            .route(&format!("{prefix}/rtc"), get(connect_v0))
            .route(&format!("{prefix}/rtc/v1"), get(connect_v1))
            .route(&format!("{prefix}/rtc/validate"), get(validate_v0))
            .route(&format!("{prefix}/rtc/v1/validate"), get(validate_v1));
    }
    router.layer(CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any)).with_state(shared)
}

async fn connect_v0(s: State<Arc<Shared>>, headers: HeaderMap, query: RawQuery, upgrade: Upgrade) -> Response {
    connect(&s, JoinPath::V0, &headers, query, upgrade).await
}

async fn connect_v1(s: State<Arc<Shared>>, headers: HeaderMap, query: RawQuery, upgrade: Upgrade) -> Response {
    connect(&s, JoinPath::V1, &headers, query, upgrade).await
}

async fn validate_v0(s: State<Arc<Shared>>, headers: HeaderMap, query: RawQuery) -> Response {
    validate(&s, JoinPath::V0, &headers, query).await
}

async fn validate_v1(s: State<Arc<Shared>>, headers: HeaderMap, query: RawQuery) -> Response {
    validate(&s, JoinPath::V1, &headers, query).await
}

async fn validate(shared: &Arc<Shared>, path: JoinPath, headers: &HeaderMap, query: RawQuery) -> Response {
    let checked = match admission::judge(shared, path, headers, query.0.as_deref().unwrap_or_default()) {
        Ok(admission) => admission.check(shared).await,
        Err(refusal) => Err(refusal),
    };
    match checked {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "success").into_response(),
        Err(refusal) => refuse(&refusal),
    }
}

async fn connect(
    shared: &Arc<Shared>,
    path: JoinPath,
    headers: &HeaderMap,
    query: RawQuery,
    upgrade: Upgrade,
) -> Response {
    let admission = match admission::judge(shared, path, headers, query.0.as_deref().unwrap_or_default()) {
        Ok(admission) => admission,
        Err(refusal) => return refuse(&refusal),
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.max_message_size(READ_BYTES).max_frame_size(READ_BYTES),
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(permit) = Arc::clone(&shared.sockets).try_acquire_owned() else {
        return refuse(&JoinRefusal::NodeFull { reason: "it has as many signaling sockets as it may".to_owned() });
    };
    let runtime = tokio::runtime::Handle::current();
    if admission.wants_resume() {
        return upgrade.on_upgrade(|socket| async move {
            let _permit = permit;
            refuse_resume(socket).await;
        });
    }
    let (room, joined) = match admission.join(shared).await {
        Ok(joined) => joined,
        Err(refusal) => return refuse(&refusal),
    };
    let guard = SessionGuard { room: room.mailbox, participant: joined.participant, runtime };
    let tasks = shared.tasks.clone();
    // If the upgrade fails, the closure is dropped and the guard with it: the room hears that the session is over.
    upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            let _permit = permit;
            session::run(socket, joined.session, guard).await;
        })
    })
}

/// Sessions are not resumed yet: the client is told to join anew.
async fn refuse_resume(mut socket: axum::extract::ws::WebSocket) {
    let message = Outbound::new(Message::Leave(leave(proto::DisconnectReason::StateMismatch, Action::Reconnect)));
    let _ = tokio::time::timeout(session::SEND_TIMEOUT, async {
        socket.send(message.binary_frame()).await?;
        socket.send(axum::extract::ws::Message::Close(None)).await
    })
    .await;
}

fn label(refusal: &JoinRefusal) -> &'static str {
    match refusal {
        JoinRefusal::Token(_) => "token",
        JoinRefusal::Grant(_) => "grant",
        JoinRefusal::Revoked => "revoked",
        JoinRefusal::Request(_) => "request",
        JoinRefusal::RoomNotFound => "room_not_found",
        JoinRefusal::RoomFull { .. } => "room_full",
        JoinRefusal::NodeFull { .. } => "node_full",
    }
}

fn refuse(refusal: &JoinRefusal) -> Response {
    metrics::counter!("plenum_joins_refused_total", "reason" => label(refusal)).increment(1);
    tracing::info!(reason = %refusal, "join refused");
    let mut response = Response::new(Body::from(refusal.to_string()));
    *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
