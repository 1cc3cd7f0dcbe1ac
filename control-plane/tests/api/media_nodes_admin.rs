//! `/api/v1/admin/media-nodes` and its twin for holders of the internal key.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use signaling_proto::heartbeat::Heartbeat;
use signaling_proto::{operator, unix_now};

use crate::support::talk::statements;
use crate::support::{Answer, FakeNode, KEY, PASSWORD, Person, SILENT, TestApp, both};

/// The first platform admin.
pub(crate) async fn root(app: &TestApp) -> Person {
    let token = app.control.setup_token().expect("there is no admin yet");
    let email = "root@example.org".to_owned();
    let body = json!({ "token": token, "email": email, "password": PASSWORD, "display_name": "Root" });
    let answer = app.post("/auth/setup", None, body).await.expect(201);
    Person {
        id: answer.text("/user/id"),
        email,
        access: answer.text("/access_token"),
        refresh: answer.text("/refresh_token"),
    }
}

async fn beat(app: &TestApp, name: &str, region: &str) {
    let heartbeat = Heartbeat { region: region.into(), rooms: 2, participants: 5, load: 0.25, ..FakeNode::idle(name) };
    app.node.beat_as(app, &format!("ND_{name}"), &heartbeat).await.expect(200);
}

/// A request signed with the internal key, for `signed_path`, sent to `path`.
async fn as_key_holder(app: &TestApp, method: Method, path: &str, signed_path: &str, body: &str) -> Answer {
    let header = operator::sign(method.as_str(), signed_path, body.as_bytes(), KEY.0, KEY.1, unix_now()).unwrap();
    let request = Request::builder().method(method).uri(path).header("authorization", header);
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn ids(page: &Answer) -> Vec<String> {
    let items = page.json["items"].as_array().unwrap();
    items.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

both! {
    async fn shows_nodes_rooms_and_load(app) {
        let root = root(app).await;
        app.node.another("one");
        beat(app, "one", "eu").await;
        let room = app.room(&root, "public").await.text("/id");
        let join = app.post(&format!("/rooms/{room}/join"), Some(&root.access), json!({})).await.expect(200);
        let node = app.node.others.lock().unwrap()["one.test"].clone();
        node.join(app, &join.text("/token"), &room).await;
        let list = app.get("/admin/media-nodes", Some(&root.access)).await.expect(200);
        let item = &list.json["items"][0];
        assert_eq!(
            (&item["id"], &item["state"], &item["region"], &item["version"]),
            (&json!("ND_one"), &json!("up"), &json!("eu"), &json!("1.2.3"))
        );
        assert_eq!((&item["rooms"], &item["participants"], &item["load"]), (&json!(2), &json!(5), &json!(0.25)));
        assert_eq!((&item["url"], &item["open_calls"]), (&json!("ws://one.test"), &json!(1)));
        let one = app.get("/admin/media-nodes/ND_one", Some(&root.access)).await.expect(200);
        assert_eq!(one.json["calls"][0]["room_id"], json!(room));
        assert_eq!((&one.json["calls"][0]["participants"], &one.json["state"]), (&json!(1), &json!("up")));
        app.clock.advance(SILENT);
        app.control.reconcile().await.unwrap();
        let one = app.get("/admin/media-nodes/ND_one", Some(&root.access)).await.expect(200);
        assert_eq!(one.text("/state"), "down");
        let metrics = app.control.node_metrics();
        assert!(metrics.contains("plenum_media_nodes{state=\"down\"} 1"), "{metrics}");
    }

    async fn has_a_config_beside_it_that_leads_to_a_secure_page(app, |config| {
        config.https_port = Some(7_999);
        config.public_url = Some("http://10.0.0.5:7880/".parse().unwrap());
    }) {
        let config = app.get("/config", None).await.expect(200);
        assert_eq!((&config.json["https_port"], config.text("/public_url")), (&json!(7_999), "http://10.0.0.5:7880/".into()));
    }

    async fn is_for_platform_admins_alone(app) {
        let (root, ada) = (root(app).await, app.person("Ada").await);
        beat(app, "one", "").await;
        for (method, path) in [
            (Method::GET, "/admin/media-nodes"),
            (Method::GET, "/admin/media-nodes/ND_one"),
            (Method::GET, "/admin/media-nodes/ND_gone"),
            (Method::POST, "/admin/media-nodes/ND_one/drain"),
            (Method::POST, "/admin/media-nodes/ND_one/undrain"),
        ] {
            app.call(method.clone(), path, None, None).await.problem(401, "sign_in_required");
            app.call(method.clone(), path, Some(&ada.access), None).await.problem(403, "forbidden");
        }
        let node = app.get("/admin/media-nodes/ND_one", Some(&root.access)).await.expect(200);
        assert_eq!(node.text("/state"), "up", "nobody drained it");
        for id in ["ND_gone", "one", "ND_%00", "%F0%9F%98%80", &format!("ND_{}", "x".repeat(80))] {
            let path = format!("/admin/media-nodes/{id}");
            app.get(&path, Some(&root.access)).await.problem(404, "media_node_not_found");
            for verb in ["drain", "undrain"] {
                let answer = app.call(Method::POST, &format!("{path}/{verb}"), Some(&root.access), None).await;
                answer.problem(404, "media_node_not_found");
            }
        }
    }

    async fn lists_in_pages_with_filters_and_few_statements(app) {
        let root = root(app).await;
        let all = ["a", "b", "c", "d", "e"];
        for (index, name) in all.into_iter().enumerate() {
            beat(app, name, if index % 2 == 0 { "eu" } else { "us" }).await;
        }
        let list = async |query: &str| app.get(&format!("/admin/media-nodes?{query}"), Some(&root.access)).await;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("limit=2{cursor}")).await.expect(200);
            found.extend(ids(&page));
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, all.map(|name| format!("ND_{name}")));
        assert_eq!(ids(&list("region=us").await.expect(200)), ["ND_b", "ND_d"]);
        assert_eq!(ids(&list("state=draining").await.expect(200)), [""; 0]);
        list("limit=0").await.blames(&["limit"]);
        list("limit=101").await.blames(&["limit"]);
        list("cursor=x").await.blames(&["cursor"]);
        list("cursor=TkRfAA").await.blames(&["cursor"]);
        list("state=asleep").await.problem(422, "validation_failed");
        list("region=%00").await.problem(422, "validation_failed");
        let few = statements(app, &root.access, "/admin/media-nodes?limit=2").await;
        assert_eq!(statements(app, &root.access, "/admin/media-nodes?limit=5").await, few, "a statement per row");
    }

    async fn drains_and_takes_it_back(app) {
        let root = root(app).await;
        beat(app, "one", "").await;
        let path = "/admin/media-nodes/ND_one/drain";
        let drained = app.call(Method::POST, path, Some(&root.access), None).await.expect(200);
        assert_eq!(drained.text("/state"), "draining");
        let (asked, until) = (drained.text("/drain_requested_at"), drained.text("/drain_deadline_at"));
        app.clock.advance(Duration::from_secs(1));
        let sooner = app.post(path, Some(&root.access), json!({ "deadline_s": 10 })).await.expect(200);
        assert_eq!(sooner.text("/drain_requested_at"), asked, "it drains since the first time");
        assert!(sooner.text("/drain_deadline_at") < until);
        for bad in [json!({ "deadline_s": -1 }), json!({ "deadline_s": "x" }), json!({ "deadline_s": 604_801 })] {
            app.post(path, Some(&root.access), bad).await.blames(&["deadline_s"]);
        }
        app.post(path, Some(&root.access), json!([])).await.problem(422, "validation_failed");
        for _ in 0..2 {
            let back = app.call(Method::POST, "/admin/media-nodes/ND_one/undrain", Some(&root.access), None).await;
            let back = back.expect(200);
            assert_eq!((back.text("/state"), &back.json["drain_deadline_at"]), ("up".to_owned(), &Value::Null));
        }
        app.clock.advance(SILENT);
        app.control.reconcile().await.unwrap();
        app.call(Method::POST, path, Some(&root.access), None).await.problem(409, "media_node_down");
    }

    async fn does_it_for_holders_of_the_internal_key_too(app) {
        beat(app, "one", "eu").await;
        let list = as_key_holder(app, Method::GET, "/internal/nodes", "/internal/nodes", "").await.expect(200);
        assert_eq!((list.json[0]["id"].as_str(), list.json[0]["load"].as_f64()), (Some("ND_one"), Some(0.25)));
        let (drain, undrain) = ("/internal/nodes/ND_one/drain", "/internal/nodes/ND_one/undrain");
        let drained = as_key_holder(app, Method::POST, drain, drain, "{\"deadline_s\":5}").await.expect(200);
        assert_eq!(drained.text("/state"), "draining");
        let back = as_key_holder(app, Method::POST, undrain, undrain, "").await.expect(200);
        assert_eq!(back.text("/state"), "up");
        as_key_holder(app, Method::POST, drain, undrain, "").await.problem(401, "internal_request_refused");
        as_key_holder(app, Method::POST, drain, drain, "nonsense").await.problem(400, "internal_request_refused");
        let late = "{\"deadline_s\":604801}";
        as_key_holder(app, Method::POST, drain, drain, late).await.problem(422, "internal_request_refused");
        let gone = "/internal/nodes/ND_gone/drain";
        as_key_holder(app, Method::POST, gone, gone, "").await.problem(404, "media_node_not_found");
        let bare = Request::get("/internal/nodes").body(Body::empty()).unwrap();
        app.send(bare).await.problem(401, "internal_request_refused");
        let root = root(app).await;
        let session = Request::get("/internal/nodes").header("authorization", format!("Bearer {}", root.access));
        app.send(session.body(Body::empty()).unwrap()).await.problem(401, "internal_request_refused");
    }
}
