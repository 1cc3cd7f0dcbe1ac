//! Web Push, up to a push service of our own that decrypts what it gets as a browser would.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control_plane::ControlPlaneConfig;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;

use crate::support::{PASSWORD, Person, TestApp, both};

thread_local! {
    /// The port has to be known when the control plane starts, on the same thread as the case.
    static LISTENER: RefCell<Option<TcpListener>> = const { RefCell::new(None) };
}

/// Permits pushes to a port that `Service::start` then serves.
fn permit_local(config: &mut ControlPlaneConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    config.push.hosts = vec![format!("http://{}", listener.local_addr().unwrap())];
    LISTENER.set(Some(listener));
}

/// A message as it arrived.
#[derive(Clone, Debug)]
struct Arrived {
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// An answer: its status and a header.
type Reply = (u16, Option<&'static str>, &'static str);

/// A push service.
#[derive(Clone)]
struct Service {
    origin: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    /// Answers to come; 201 when there is none.
    answers: Arc<Mutex<VecDeque<Reply>>>,
}

impl Service {
    fn start() -> Self {
        let listener = LISTENER.take().expect("the case permits pushes to this machine");
        listener.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let service = Self { origin, arrived: Arc::default(), answers: Arc::default() };
        let own = service.clone();
        let router = Router::new().fallback(move |request| own.clone().take(request));
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        service
    }

    async fn take(self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let path = parts.uri.path().to_owned();
        self.arrived.lock().unwrap().push(Arrived { path, headers: parts.headers, body });
        let answer = self.answers.lock().unwrap().pop_front();
        let (status, name, value) = answer.unwrap_or((201, None, ""));
        let mut response = http::StatusCode::from_u16(status).unwrap().into_response();
        if let Some(name) = name {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    fn will_answer(&self, status: u16, header: Option<(&'static str, &'static str)>) {
        let (name, value) = header.map_or((None, ""), |(name, value)| (Some(name), value));
        self.answers.lock().unwrap().push_back((status, name, value));
    }

    fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    fn last(&self) -> Arrived {
        self.arrived.lock().unwrap().last().cloned().expect("a message")
    }
}

/// A browser with keys of its own.
struct Browser {
    secret: SecretKey,
    auth: [u8; 16],
    endpoint: String,
}

impl Browser {
    fn at(service: &Service, path: &str) -> Self {
        let secret = loop {
            if let Ok(secret) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                break secret;
            }
        };
        Self { secret, auth: rand::random(), endpoint: format!("{}{path}", service.origin) }
    }

    fn json(&self) -> Value {
        let key = self.secret.public_key().to_encoded_point(false);
        json!({ "endpoint": self.endpoint, "expirationTime": null, "keys": {
            "p256dh": URL_SAFE_NO_PAD.encode(key.as_bytes()), "auth": URL_SAFE_NO_PAD.encode(self.auth) } })
    }

    fn decrypt(&self, body: Vec<u8>) -> Value {
        let plain =
            web_push_native::decrypt(body, &self.secret, &self.auth.into()).expect("encrypted for this browser");
        serde_json::from_slice(&plain).unwrap()
    }
}

async fn admin(app: &TestApp) -> String {
    let token = app.control.setup_token().expect("there is no admin yet");
    let form = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
    app.post("/auth/setup", None, form).await.expect(201).text("/access_token")
}

async fn tell(app: &TestApp, admin: &str, person: &Person, title: &str) {
    let body = json!({ "audience": { "user_ids": [person.id] }, "title": title, "text": "Grüße 😀", "link": "/rooms" });
    app.post("/notifications", Some(admin), body).await.expect(202);
}

async fn subscriptions(app: &TestApp, person: &Person) -> Vec<Value> {
    let list = app.get("/me/push-subscriptions", Some(&person.access)).await.expect(200);
    list.json["items"].as_array().unwrap().clone()
}

both! {
    async fn reaches_the_browser_and_nobody_between_can_read_it(app, |config| permit_local(config)) {
        let service = Service::start();
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let (one, two) = (Browser::at(&service, "/one"), Browser::at(&service, "/two"));
        for browser in [&one, &two] {
            app.post("/me/push-subscriptions", Some(&ada.access), browser.json()).await.expect(201);
        }
        tell(app, &root, &ada, "Maintenance").await;
        app.eventually("both browsers have it", async || service.count() == 2).await;
        let entry = app.get("/notifications", Some(&ada.access)).await.json["items"][0].clone();
        let arrived = service.arrived.lock().unwrap().clone();
        for message in &arrived {
            let browser = if message.path == "/one" { &one } else { &two };
            assert!(!String::from_utf8_lossy(&message.body).contains("Maintenance"));
            assert_eq!(browser.decrypt(message.body.clone()), json!({
                "id": entry["id"], "kind": "system", "title": "Maintenance", "body": "Grüße 😀", "link": "/rooms",
                "created_at": entry["created_at"],
            }));
            assert_eq!(message.headers["content-encoding"], "aes128gcm");
            assert_eq!(message.headers["urgency"], "normal");
            let ttl: u64 = message.headers["ttl"].to_str().unwrap().parse().unwrap();
            assert!((86_000..=86_400).contains(&ttl), "{ttl}");
        }
        assert_ne!(arrived[0].path, arrived[1].path);
        app.eventually("noted", async || {
            subscriptions(app, &ada).await.iter().all(|row| !row["last_ok_at"].is_null())
        })
        .await;
    }

    async fn is_signed_by_the_key_that_browsers_subscribe_with(app, |config| permit_local(config)) {
        let service = Service::start();
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let key = app.get("/push/vapid-key", None).await.expect(200).text("/public_key");
        let browser = Browser::at(&service, "/x");
        app.post("/me/push-subscriptions", Some(&ada.access), browser.json()).await.expect(201);
        tell(app, &root, &ada, "News").await;
        app.eventually("it arrives", async || service.count() == 1).await;
        let header = service.last().headers["authorization"].to_str().unwrap().to_owned();
        let (token, own) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(own, key);
        let point = URL_SAFE_NO_PAD.decode(&key).unwrap();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.set_audience(&[&service.origin]);
        let key = jsonwebtoken::DecodingKey::from_ec_components(&x, &y).unwrap();
        let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap().claims;
        assert!(claims["sub"].as_str().unwrap().starts_with("mailto:"), "{claims}");
        let left = claims["exp"].as_u64().unwrap() - signaling_proto::unix_now();
        assert!((40_000..=43_200).contains(&left), "{left}");
    }

    async fn forgets_browsers_that_are_gone(app, |config| permit_local(config)) {
        let service = Service::start();
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        for (n, status) in [404, 410].into_iter().enumerate() {
            let browser = Browser::at(&service, &format!("/{status}"));
            app.post("/me/push-subscriptions", Some(&ada.access), browser.json()).await.expect(201);
            service.will_answer(status, None);
            tell(app, &root, &ada, "News").await;
            app.eventually("it is forgotten", async || subscriptions(app, &ada).await.is_empty()).await;
            assert_eq!(service.count(), n + 1);
        }
    }

    async fn waits_as_long_as_it_is_asked_to(app, |config| permit_local(config)) {
        let service = Service::start();
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let browser = Browser::at(&service, "/slow");
        app.post("/me/push-subscriptions", Some(&ada.access), browser.json()).await.expect(201);
        service.will_answer(429, Some(("retry-after", "600")));
        tell(app, &root, &ada, "News").await;
        app.eventually("it is asked to wait", async || service.count() == 1).await;
        app.clock.advance(Duration::from_secs(300));
        app.work_done().await;
        assert_eq!(service.count(), 1);
        app.clock.advance(Duration::from_secs(310));
        app.eventually("it is sent again", async || service.count() == 2).await;
        assert_eq!(browser.decrypt(service.last().body)["title"], "News");
        assert_eq!(subscriptions(app, &ada).await.len(), 1);
    }

    async fn tries_again_when_the_service_fails_but_never_elsewhere(app, |config| permit_local(config)) {
        let service = Service::start();
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let browser = Browser::at(&service, "/x");
        app.post("/me/push-subscriptions", Some(&ada.access), browser.json()).await.expect(201);
        service.will_answer(500, None);
        tell(app, &root, &ada, "News").await;
        app.eventually("it is sent again", async || service.count() == 2).await;
        // A redirect leads nowhere and is not tried again.
        service.will_answer(307, Some(("location", "/elsewhere")));
        tell(app, &root, &ada, "More").await;
        app.eventually("it is sent", async || service.count() == 3).await;
        app.work_done().await;
        assert_eq!((service.count(), service.last().path.as_str()), (3, "/x"));
    }

    async fn follows_preferences_and_sessions(app, |config| permit_local(config)) {
        let service = Service::start();
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let login = json!({ "identifier": ada.email, "password": PASSWORD });
        let other = app.post("/auth/login", None, login).await.expect(200).text("/access_token");
        let (kept, lost) = (Browser::at(&service, "/kept"), Browser::at(&service, "/lost"));
        app.post("/me/push-subscriptions", Some(&ada.access), kept.json()).await.expect(201);
        app.post("/me/push-subscriptions", Some(&other), lost.json()).await.expect(201);
        app.post("/auth/logout", Some(&other), json!({})).await.expect(204);
        tell(app, &root, &ada, "One").await;
        app.eventually("it arrives", async || service.count() == 1).await;
        app.work_done().await;
        assert_eq!((service.count(), service.last().path.as_str()), (1, "/kept"));

        let off = |field: &str| json!({ "items": [{ "kind": "system", field: false }] });
        app.patch("/me/preferences", Some(&ada.access), off("in_app")).await.expect(200);
        tell(app, &root, &ada, "Two").await;
        app.eventually("it arrives", async || service.count() == 2).await;
        app.patch("/me/preferences", Some(&ada.access), off("push")).await.expect(200);
        tell(app, &root, &ada, "Three").await;
        app.work_done().await;
        assert_eq!(service.count(), 2);
        let page = app.get("/notifications", Some(&ada.access)).await.expect(200);
        assert_eq!((page.json["items"].as_array().unwrap().len(), &page.json["unread_count"]), (1, &json!(1)));
    }
}
