//! A control plane on a fresh database, a fake media node, and short ways to talk to both.

mod answer;
mod backstage;
mod document;
pub(crate) mod files;
mod idp;
pub(crate) mod meeting;
mod node;
mod replica;
mod second;
pub(crate) mod smtp;
mod socket;
pub(crate) mod talk;
pub(crate) mod time;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control_plane::{Clock, ControlPlane, ControlPlaneConfig, InternalKey, MediaConnection};
use http::{Method, Request};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceExt};
use url::Url;
use uuid::Uuid;

pub(crate) use answer::Answer;
use document::Document;
pub(crate) use idp::{Idp, Mischief, TENANT};
pub(crate) use node::{FakeNode, Mood, sources};
pub(crate) use replica::{Mortal, Proxy, redis_url};
pub(crate) use smtp::MailSink;
pub(crate) use socket::{Socket, try_connect};

/// The internal key of every test.
pub(crate) const KEY: (&str, &str) = ("internal", "a secret of thirty-two characters or so");
/// The password of every account.
pub(crate) const PASSWORD: &str = "correct horse";

/// Seconds a node may be silent and still get calls. Ten times as many as in earnest, because nodes say that they live
/// only when a case lets them, and a busy machine takes its time between two steps.
const NODE_TIMEOUT_S: u64 = 60;
/// The same until its calls are closed.
const NODE_LOST_S: u64 = 150;
/// A node not heard of for so long gets no call.
pub(crate) const SILENT: Duration = Duration::from_secs(NODE_TIMEOUT_S + 1);
/// A node not heard of for so long has lost its calls.
pub(crate) const LOST: Duration = Duration::from_secs(NODE_LOST_S + 1);

/// Declares a case that runs on both engines: `both! { async fn name(app) { … } }`, optionally with settings.
macro_rules! both {
    ($(async fn $name:ident($app:ident $(, |$config:ident| $change:expr)?) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn case($app: &$crate::support::TestApp) $body
            fn change(_config: &mut control_plane::ControlPlaneConfig) {
                $(let $config = _config; $change)?
            }
            #[tokio::test]
            async fn sqlite() {
                let app = $crate::support::TestApp::on_sqlite(change).await;
                case(&app).await;
                app.finish().await;
            }
            #[tokio::test]
            async fn postgres() {
                let Some(app) = $crate::support::TestApp::on_postgres(change).await else { return };
                case(&app).await;
                app.finish().await;
            }
        }
    )+};
}
pub(crate) use both;

/// A control plane and all around it.
pub(crate) struct TestApp {
    pub(crate) control: ControlPlane,
    pub(crate) router: Router,
    pub(crate) clock: Clock,
    pub(crate) node: Arc<FakeNode>,
    /// The mail server, if the case asked for one with [`MailSink::serve`].
    pub(crate) mail: Option<Arc<MailSink>>,
    /// The identity provider, if the case asked for one with [`Idp::serve`].
    pub(crate) idp: Option<Arc<Idp>>,
    dir: PathBuf,
    storage_url: Option<String>,
    /// Server and name.
    database: Option<(String, String)>,
    /// Another app made the database and removes it.
    is_twin: bool,
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl TestApp {
    pub(crate) async fn on_sqlite(change: impl FnOnce(&mut ControlPlaneConfig)) -> Self {
        Self::start(None, change).await
    }

    /// `None`, with a word about it, when there is no server and none is required.
    pub(crate) async fn on_postgres(change: impl FnOnce(&mut ControlPlaneConfig)) -> Option<Self> {
        let Ok(server) = std::env::var("PLENUM_TEST_POSTGRES_URL") else {
            assert!(std::env::var_os("PLENUM_TEST_REQUIRE_POSTGRES").is_none(), "PLENUM_TEST_POSTGRES_URL is not set");
            eprintln!("skipped: PLENUM_TEST_POSTGRES_URL is not set");
            return None;
        };
        let name = format!("plenum_test_{}", Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&server).await.expect("the test server answers");
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("databases can be made");
        Some(Self::start(Some((server, name)), change).await)
    }

    /// Another replica on the same database, with the same clock.
    pub(crate) async fn twin(&self, change: impl FnOnce(&mut ControlPlaneConfig)) -> Self {
        assert!(self.database.is_some(), "replicas share a server");
        let clock = self.clock.clone();
        let mut twin = Self::start(self.database.clone(), |config| {
            config.clock = clock;
            change(config);
        })
        .await;
        twin.is_twin = true;
        twin
    }

    async fn start(database: Option<(String, String)>, change: impl FnOnce(&mut ControlPlaneConfig)) -> Self {
        let dir = std::env::temp_dir().join(format!("plenum-test-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&dir).expect("a directory for the test");
        let node = Arc::new(FakeNode::default());
        let key = InternalKey { key: KEY.0.into(), secret: KEY.1.into() };
        let media = MediaConnection { call: node.clone(), api_url: String::new(), client_url: None };
        let mut config = ControlPlaneConfig::new(dir.clone(), key, media);
        config.database_url = database.as_ref().map(|(server, name)| {
            let mut url = Url::parse(server).expect("a URL");
            url.set_path(name);
            url.to_string()
        });
        config.database.max_connections = 5;
        config.sessions.argon2_memory_kib = 64;
        config.sessions.argon2_passes = 1;
        config.calls.node_timeout_s = NODE_TIMEOUT_S;
        config.calls.node_lost_s = NODE_LOST_S;
        for limit in [
            &mut config.rate_limits.session_per_minute,
            &mut config.rate_limits.guest_per_minute,
            &mut config.rate_limits.address_per_minute,
            &mut config.rate_limits.auth_per_minute,
        ] {
            *limit = 1_000_000;
        }
        change(&mut config);
        let storage_url = config.storage_url.clone();
        let clock = config.clock.clone();
        let mail = MailSink::of(&config);
        let idp = Idp::of(&config);
        let control = ControlPlane::start(config, CancellationToken::new()).await.expect("the control plane starts");
        // Mounted below wildcards, as the binary does it.
        let routes = MapRequestLayer::new(|request| request).layer(control.router());
        let router =
            Router::new().route_service("/api/{*path}", routes.clone()).route_service("/internal/{*path}", routes);
        Self { control, router, clock, node, mail, idp, dir, storage_url, database, is_twin: false }
    }

    /// The identity provider of the case.
    pub(crate) fn idp(&self) -> &Idp {
        self.idp.as_ref().expect("a case with an identity provider")
    }

    /// The mail server of the case.
    pub(crate) fn mail(&self) -> &MailSink {
        self.mail.as_ref().expect("a case with a mail server")
    }

    /// Ends everything and removes its database.
    pub(crate) async fn finish(self) {
        self.control.stop().await;
        self.remove_small_disk();
        if let Some((server, name)) = self.database.as_ref().filter(|_| !self.is_twin) {
            let mut admin = PgConnection::connect(server).await.expect("the test server answers");
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            admin.execute(AssertSqlSafe(drop)).await.expect("the database can be dropped");
        }
        std::fs::remove_dir_all(&self.dir).expect("the directory can be removed");
    }

    /// The address of this test's database, if it is on a server.
    pub(crate) fn database_url(&self) -> Option<String> {
        self.database.as_ref().map(|(server, name)| {
            let mut url = Url::parse(server).expect("a URL");
            url.set_path(name);
            url.to_string()
        })
    }

    /// The file of this test's database, if it is in one.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.dir.join("plenum.sqlite3")
    }

    /// Runs one statement behind the control plane's back.
    pub(crate) async fn sql(&self, text: &str) {
        match self.database_url() {
            Some(url) => {
                let mut connection = PgConnection::connect(&url).await.expect("the test server answers");
                connection.execute(AssertSqlSafe(text.to_owned())).await.expect("the statement runs");
            }
            None => {
                let options = SqliteConnectOptions::new().filename(self.database_file());
                let mut connection = options.busy_timeout(Duration::from_secs(10)).connect().await.expect("the file");
                connection.execute(AssertSqlSafe(text.to_owned())).await.expect("the statement runs");
            }
        }
    }

    /// The number a statement answers.
    pub(crate) async fn count(&self, text: &str) -> i64 {
        let text = AssertSqlSafe(text.to_owned());
        let (count,): (i64,) = match self.database_url() {
            Some(url) => {
                let mut connection = PgConnection::connect(&url).await.expect("the test server answers");
                sqlx::query_as(text).fetch_one(&mut connection).await.expect("the statement runs")
            }
            None => {
                let options = SqliteConnectOptions::new().filename(self.database_file());
                let mut connection = options.busy_timeout(Duration::from_secs(10)).connect().await.expect("the file");
                sqlx::query_as(text).fetch_one(&mut connection).await.expect("the statement runs")
            }
        };
        count
    }

    /// The number a statement answers, on either engine.
    pub(crate) async fn number(&self, text: &str) -> i64 {
        if self.database.is_some() {
            return self.count(text).await;
        }
        let options = SqliteConnectOptions::new().filename(self.database_file());
        let mut connection = options.busy_timeout(Duration::from_secs(10)).connect().await.expect("the file");
        let query = sqlx::query_as(AssertSqlSafe(text.to_owned()));
        let (number,): (i64,) = query.fetch_one(&mut connection).await.expect("the statement runs");
        number
    }

    /// Waits until every job that is due by now has run, so that what they do has been done, or never will be.
    pub(crate) async fn work_done(&self) {
        let now = self.clock.now().0;
        let left =
            format!("SELECT COUNT(*) FROM jobs WHERE state = 'running' OR (state = 'ready' AND run_at <= {now})");
        self.eventually("no job is due", async || self.count(&left).await == 0).await;
    }

    /// An organization of these people, made behind the API's back.
    pub(crate) async fn organization(&self, people: &[&Person]) -> Uuid {
        let id = Uuid::now_v7();
        let blob = |id: &str| match self.database {
            Some(_) => format!("'{id}'"),
            None => format!("x'{}'", id.replace('-', "")),
        };
        let org = blob(&id.to_string());
        let made_by = blob(&people.first().expect("somebody").id);
        self.sql(&format!(
            "INSERT INTO organizations (id, slug, name, name_folded, description, settings, created_by, created_at, \
             updated_at) VALUES ({org}, '{}', 'Org', 'org', '', '{{}}', {made_by}, 1, 1)",
            id.simple()
        ))
        .await;
        for person in people {
            let user = blob(&person.id);
            self.sql(&format!(
                "INSERT INTO organization_members (org_id, user_id, role, created_at) VALUES ({org}, {user}, 'member', 1)"
            ))
            .await;
        }
        id
    }

    /// Writes an event as another replica would.
    pub(crate) async fn emit(&self, topic: &str, kind: &str, payload: &Value) {
        let payload = payload.to_string().replace('\'', "''");
        let lock = if self.database.is_some() { "SELECT pg_advisory_xact_lock(7305881001); " } else { "" };
        let insert = format!(
            "BEGIN; {lock}INSERT INTO event_log (topic, kind, payload, created_at) \
             VALUES ('{topic}', '{kind}', '{payload}', 1); COMMIT"
        );
        self.sql(&insert).await;
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let answer = Answer::read(response).await;
        self.document().await.check(method.as_str(), &path, answer.status.as_u16());
        answer
    }

    /// The server's own document, the same for all cases.
    async fn document(&self) -> &'static Document {
        static DOCUMENT: OnceCell<Document> = OnceCell::const_new();
        let read = || async {
            // From an address that no case counts requests of.
            let from = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1)));
            let request = Request::builder().uri("/api/v1/openapi.json").header("host", "meet.test").extension(from);
            let request = request.body(Body::empty()).expect("a request");
            let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
            Document::of(&Answer::read(response).await.json)
        };
        DOCUMENT.get_or_init(read).await
    }

    /// Sends JSON, or nothing, to a path under `/api/v1`.
    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("host", "meet.test");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.call(Method::PATCH, path, token, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: Option<&str>) -> Answer {
        self.call(Method::DELETE, path, token, None).await
    }

    /// Deletes the account of whoever has the token and the password of all.
    pub(crate) async fn delete_me(&self, token: &str) -> Answer {
        self.call(Method::DELETE, "/me", Some(token), Some(json!({ "current_password": PASSWORD }))).await
    }

    /// Registers somebody named `name`.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let email = format!("{}@example.org", name.to_lowercase());
        let body = json!({ "email": email, "password": PASSWORD, "display_name": name });
        let answer = self.post("/auth/register", None, body).await.expect(201);
        Person {
            id: answer.text("/user/id"),
            email,
            access: answer.text("/access_token"),
            refresh: answer.text("/refresh_token"),
        }
    }

    /// Lets somebody have proved to own their address, as a mail they answered would.
    pub(crate) async fn verify_email(&self, person: &Person) {
        let sql = format!("UPDATE users SET email_verified_at = 1 WHERE email = '{}'", person.email);
        match &self.database {
            Some((server, name)) => {
                let mut url = Url::parse(server).expect("a URL");
                url.set_path(name);
                let mut connection = PgConnection::connect(url.as_str()).await.expect("the test server answers");
                connection.execute(AssertSqlSafe(sql)).await.expect("the row is there");
            }
            None => {
                let file = format!("sqlite://{}", self.dir.join("plenum.sqlite3").display());
                let mut connection = SqliteConnection::connect(&file).await.expect("the file is there");
                connection.execute(AssertSqlSafe(sql)).await.expect("the row is there");
            }
        }
    }

    /// Makes a video room with an access level.
    pub(crate) async fn room(&self, owner: &Person, access_level: &str) -> Answer {
        let body = json!({ "name": "Stand-up", "type": "video", "access_level": access_level });
        self.post("/rooms", Some(&owner.access), body).await.expect(201)
    }

    /// Repeats `check` until it holds, for at most half a minute.
    pub(crate) async fn eventually(&self, what: &str, check: impl AsyncFn() -> bool) {
        for _ in 0..600 {
            if check().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never came true: {what}");
    }
}
