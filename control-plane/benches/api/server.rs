//! The answering side, in a process of its own so that its memory and its CPU time are its own: the control plane on one
//! address; on another the bare handler to compare with, and `/statements`, the number of statements so far.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use control_plane::{ControlPlane, ControlPlaneConfig, InternalKey, MediaConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use serde_json::json;
use signaling_proto::Message as _;
use signaling_proto::call::{CallError, HttpCall};
use signaling_proto::proto::{CreateRoomRequest, Room};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The key pair of the two halves.
pub(crate) const KEY: (&str, &str) = ("internal", "a secret of thirty-two characters or so");

/// A media node that makes every room at once.
struct Node;

impl HttpCall for Node {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, CallError>> {
        let name = CreateRoomRequest::decode(request.body().as_ref()).map(|wanted| wanted.name).unwrap_or_default();
        let room = Room { sid: "RM_bench".into(), name, ..Room::default() };
        std::future::ready(Ok(Response::new(room.encode_to_vec().into()))).boxed()
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    address
}

/// The handler to compare with: one SELECT by primary key, answered as JSON. `/bare` has the pool that one gets without
/// asking for more, `/bare-untested` one that does not test connections before it lends them.
async fn bare_on_postgres(url: &str) -> Router {
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(10);
    let pool = options.clone().connect(url).await.unwrap();
    let untested = options.test_before_acquire(false).connect(url).await.unwrap();
    let handler = |State(pool): State<PgPool>, Path(id): Path<Uuid>| async move {
        let sql = "SELECT name, description FROM rooms WHERE id = $1";
        let row: (String, String) = sqlx::query_as(sql).bind(id).fetch_one(&pool).await.unwrap();
        Json(json!({ "name": row.0, "description": row.1 }))
    };
    let router = |path: &str, pool| Router::new().route(path, get(handler)).with_state(pool);
    router("/bare/{id}", pool).merge(router("/bare-untested/{id}", untested))
}

async fn bare_on_sqlite(file: &std::path::Path) -> Router {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let handler = |State(pool): State<sqlx::SqlitePool>, Path(id): Path<Uuid>| async move {
        let sql = "SELECT name, description FROM rooms WHERE id = $1";
        let row: (String, String) = sqlx::query_as(sql).bind(id).fetch_one(&pool).await.unwrap();
        Json(json!({ "name": row.0, "description": row.1 }))
    };
    Router::new().route("/bare/{id}", get(handler)).route("/bare-untested/{id}", get(handler)).with_state(pool)
}

fn config(dir: &std::path::Path, url: Option<&str>) -> ControlPlaneConfig {
    let key = InternalKey { key: KEY.0.into(), secret: KEY.1.into() };
    let media = MediaConnection { call: Arc::new(Node), api_url: String::new(), client_url: None };
    let mut config = ControlPlaneConfig::new(dir.to_path_buf(), key, media);
    config.database_url = url.map(str::to_owned);
    // The node says once that it is there.
    config.calls.node_timeout_s = 86_400;
    config.calls.node_lost_s = 86_400;
    let limits = &mut config.rate_limits;
    limits.session_per_minute = u32::MAX;
    limits.address_per_minute = u32::MAX;
    limits.auth_per_minute = u32::MAX;
    config
}

/// Serves until standard input ends; prints the two addresses.
pub(crate) async fn run(dir: &std::path::Path, url: Option<&str>) {
    let control = ControlPlane::start(config(dir, url), CancellationToken::new()).await.expect("it starts");
    let control = Arc::new(control);
    let api = serve(control.router()).await;
    let bare = match url {
        Some(url) => bare_on_postgres(url).await,
        None => bare_on_sqlite(&dir.join("plenum.sqlite3")).await,
    };
    let counted = control.clone();
    let bare = serve(bare.route("/statements", get(async move || Json(counted.statements())))).await;
    println!("{api} {bare}");
    let until = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    until.await.unwrap().unwrap();
    control.stop().await;
}
