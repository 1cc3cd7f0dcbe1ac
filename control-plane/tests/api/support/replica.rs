//! More than one control plane on one database, one that can be killed, and a wire to a server that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use control_plane::ControlPlaneConfig;
use http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::socket::Wire;
use super::{Answer, TestApp};

/// The Redis of the tests; `None`, with a word about it, when there is none and none is required.
pub(crate) fn redis_url() -> Option<String> {
    let url = std::env::var("PLENUM_TEST_REDIS_URL").ok();
    if url.is_none() {
        assert!(std::env::var_os("PLENUM_TEST_REQUIRE_POSTGRES").is_none(), "PLENUM_TEST_REDIS_URL is not set");
        eprintln!("skipped: PLENUM_TEST_REDIS_URL is not set");
    }
    url
}

/// A replica with threads of its own, which all end at once when it is killed: nothing is said, nothing is finished.
pub(crate) struct Mortal {
    runtime: Option<Runtime>,
    pub(crate) wire: Wire,
}

impl Mortal {
    /// Starts a replica on the database of `app`.
    pub(crate) async fn start(app: &TestApp, change: impl FnOnce(&mut ControlPlaneConfig) + Send + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let database = app.database.clone();
        let started = runtime.spawn(async move {
            let app = Arc::new(TestApp::start(database, change).await);
            let wire = app.wire().await;
            let address = wire.address;
            // They live as long as the runtime.
            tokio::spawn(async move {
                let _held = (app, wire);
                std::future::pending::<()>().await;
            });
            address
        });
        let address = started.await.expect("it starts");
        Self { runtime: Some(runtime), wire: Wire::to(address) }
    }

    /// The address of one that somebody else kills.
    pub(crate) fn fallen(address: SocketAddr) -> Self {
        Self { runtime: None, wire: Wire::to(address) }
    }

    /// Ends it between two instructions.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.end();
    }
}

impl Wire {
    /// Sends JSON, or nothing; an error when the server goes away meanwhile.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build()?;
        let mut request = client.request(method, format!("http://{}/api/v1{path}", self.address)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, headers, json })
    }
}

/// What a wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Carries,
    /// Takes bytes and passes none on.
    Stalls,
    /// Ends connections and accepts none.
    Cut,
}

/// A wire to a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Leads to the server of `url`.
    pub(crate) async fn to(url: &str) -> Self {
        let url = Url::parse(url).expect("a URL");
        let target = (url.host_str().expect("a host").to_owned(), url.port_or_known_default().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mode = watch::Sender::new(Mode::Carries);
        let watching = mode.subscribe();
        let task = tokio::spawn(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else { return };
                if *watching.borrow() == Mode::Cut {
                    continue;
                }
                let (target, mut mode) = (target.clone(), watching.clone());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect((target.0.as_str(), target.1)).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        () = carry(near_in, far_out, mode.clone()) => {}
                        () = carry(far_in, near_out, mode.clone()) => {}
                        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
                    }
                });
            }
        });
        Self { address, mode, task }
    }

    /// The same address by way of this wire.
    pub(crate) fn through(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.to_string()
    }

    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    pub(crate) fn stall(&self) {
        self.mode.send_replace(Mode::Stalls);
    }

    pub(crate) fn heal(&self) {
        self.mode.send_replace(Mode::Carries);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Cut);
        self.task.abort();
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 || mode.wait_for(|mode| *mode == Mode::Carries).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
