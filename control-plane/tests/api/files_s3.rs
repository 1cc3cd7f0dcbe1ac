//! Files in a real S3-compatible server: parts, ranges, presigned uploads and their check.
//!
//! `PLENUM_TEST_MOTO` names the program `moto_server`, which `scripts/moto` installs; without it nothing is tested here.

use std::cell::RefCell;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::TestApp;
use crate::support::files::{PNG, Part, conversation, form, office, pdf};

/// The bucket of the test.
const BUCKET: &str = "plenum-test";

thread_local! {
    /// Address of the server of this thread's test, for its configuration.
    static SERVER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A server that ends with the test.
struct Moto {
    process: Child,
    address: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    async fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("PLENUM_TEST_MOTO").filter(|program| !program.is_empty()) else {
            eprintln!("skipped: PLENUM_TEST_MOTO does not name the program moto_server (scripts/moto installs it)");
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server starts");
        let address = format!("http://127.0.0.1:{port}");
        let server = Self { process, address };
        let client = reqwest::Client::new();
        for _ in 0..600 {
            let made = client.put(format!("{}/{BUCKET}", server.address)).send().await;
            if made.is_ok_and(|answer| answer.status().is_success()) {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto_server does not answer");
    }

    /// What the bucket holds, as the server tells it.
    async fn listing(&self) -> String {
        reqwest::get(format!("{}/{BUCKET}", self.address)).await.unwrap().text().await.unwrap()
    }
}

fn in_bucket(config: &mut control_plane::ControlPlaneConfig) {
    let server = SERVER.with_borrow(Clone::clone);
    config.storage_url = Some(format!("s3://{BUCKET}/some/prefix?endpoint={server}&region=eu-central-1"));
    config.storage_key = Some(control_plane::StorageKey { id: "test".into(), secret: "test".into() });
}

async fn announce(app: &TestApp, token: &str, conversation: &str, name: &str, size: usize) -> (String, String) {
    let body = json!({ "name": name, "size": size });
    let answer = app.post(&format!("/conversations/{conversation}/files"), Some(token), body).await.expect(201);
    (answer.text("/id"), answer.text("/upload/url"))
}

async fn put(url: &str, bytes: &[u8]) {
    let answer = reqwest::Client::new().put(url).body(bytes.to_vec()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test]
async fn a_bucket_holds_files_as_a_folder_does() {
    let Some(moto) = Moto::start().await else { return };
    SERVER.with_borrow_mut(|address| address.clone_from(&moto.address));
    let app = TestApp::on_sqlite(in_bucket).await;
    let ada = app.person("Ada").await;
    let (_, conversation) = conversation(&app, &ada).await;
    let token = Some(ada.access.as_str());

    // Through the server, in several parts.
    let bytes = pdf(11_000_000);
    let form = form(&conversation, token, &[Part::new("a.pdf", "application/pdf", &bytes)]);
    let id = app.send(form).await.expect(201).text("/id");
    assert!(moto.listing().await.contains("some/prefix/"), "below the prefix");
    let whole = app.get(&format!("/files/{id}/content"), token).await.expect(200);
    assert_eq!(whole.headers["content-length"], "11000000");
    let part = http::Request::get(format!("/api/v1/files/{id}/content")).header("range", "bytes=1-3");
    let part = part.header("authorization", format!("Bearer {}", ada.access));
    let part = app.send(part.body(axum::body::Body::empty()).unwrap()).await.expect(206);
    assert_eq!(part.json, "PDF");

    // Straight to the bucket.
    let (id, url) = announce(&app, &ada.access, &conversation, "a.png", PNG.len()).await;
    assert!(url.starts_with(&moto.address) && url.contains("X-Amz-Signature="), "{url}");
    let complete = format!("/files/{id}/complete");
    app.post(&complete, token, json!({})).await.problem(409, "upload_incomplete");
    put(&url, PNG).await;
    app.get(&format!("/files/{id}/content"), token).await.problem(409, "file_not_ready");
    let accepted = app.post(&complete, token, json!({})).await.expect(202);
    let job = accepted.text("/job_id");
    app.eventually("the job is done", async || {
        app.get(&format!("/jobs/{job}"), token).await.expect(200).text("/state") == "done"
    })
    .await;
    assert_eq!(app.get(&format!("/files/{id}"), token).await.text("/state"), "ready");
    // Its sender can write to the address still, but not to what is read.
    put(&url, b"<html><script>alert(1)</script>").await;
    let read = app.get(&format!("/files/{id}/content"), token).await.expect(200);
    assert_eq!(read.headers["content-length"], PNG.len().to_string().as_str());
    app.post(&complete, token, json!({})).await.problem(409, "file_not_pending");

    // What is not as announced.
    for (content, reason) in [(&b"<html>"[..], "content"), (PNG, "mismatch")] {
        let (bad, url) = announce(&app, &ada.access, &conversation, "b.png", 6).await;
        put(&url, content).await;
        app.post(&format!("/files/{bad}/complete"), token, json!({})).await.expect(202);
        app.eventually("it is rejected", async || {
            app.get(&format!("/files/{bad}"), token).await.json["state"] == "rejected"
        })
        .await;
        assert_eq!(app.get(&format!("/files/{bad}"), token).await.text("/reject_reason"), reason);
        app.delete(&format!("/files/{bad}"), token).await.expect(204);
    }

    // A document is looked into where it is.
    let zeros = [b"PK\x03\x04".as_slice(), &[0; 200]].concat();
    for (content, state) in [(&office("xl"), "ready"), (&zeros, "rejected")] {
        let (id, url) = announce(&app, &ada.access, &conversation, "b.xlsx", content.len()).await;
        put(&url, content).await;
        app.post(&format!("/files/{id}/complete"), token, json!({})).await.expect(202);
        app.eventually("it is judged", async || app.get(&format!("/files/{id}"), token).await.json["state"] == state)
            .await;
    }

    // Deleted files leave the bucket, what was written behind their back included.
    for file in app.get(&format!("/conversations/{conversation}/files"), token).await.json["items"].as_array().unwrap()
    {
        app.delete(&format!("/files/{}", file["id"].as_str().unwrap()), token).await.expect(204);
    }
    app.eventually("the bucket is empty", async || !moto.listing().await.contains("<Contents>")).await;

    // Without the server: said, not hidden.
    drop(moto);
    let form = crate::support::files::form(&conversation, token, &[Part::new("a.png", "", PNG)]);
    app.send(form).await.problem(503, "storage_unavailable");
    app.finish().await;
}
