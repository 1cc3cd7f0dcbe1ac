//! Start, second start, end.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::server::{Folder, Server, free_port, run};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn a_first_start_needs_nothing_and_a_second_keeps_everything() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    assert_eq!(mode(&server.folder), 0o700);
    let secrets = server.folder.join("secrets.toml");
    for entry in std::fs::read_dir(&server.folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path) & 0o077, 0, "{} is not private", path.display());
    }
    let first = std::fs::read_to_string(&secrets).expect("made at start");
    let certificate = std::fs::read(server.folder.join("self-signed.crt")).expect("made at start");
    let (status, took) = server.stop().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "it took {took:?} to end with nobody there");

    let server = Server::start(&folder).await;
    assert_eq!(std::fs::read_to_string(&secrets).expect("kept"), first);
    assert_eq!(std::fs::read(server.folder.join("self-signed.crt")).expect("kept"), certificate);
}

#[tokio::test]
async fn a_data_directory_belongs_to_one_process() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let data = server.folder.display().to_string();
    let (http, udp) = (free_port().to_string(), free_port().to_string());
    let ports = ["--bind", "127.0.0.1", "--http-port", &http, "--https-port", "0", "--udp-port", &udp];
    for half in [&[][..], &["serve", "--only", "control-plane", "--media-url", "http://127.0.0.1:9"]] {
        let (is_fine, _, error) = run(&[half, &ports[..], &["--data-dir", &data]].concat());
        assert!(!is_fine && error.contains("another plenum runs with the data directory"), "{error}");
    }
    // Killed, it leaves nothing that keeps the next one out.
    drop(server);
    Server::start(&folder).await;
}

#[tokio::test]
async fn health_and_metrics_answer_on_both_ports() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    for base in [server.url(""), format!("https://127.0.0.1:{}", server.https)] {
        let get = |path| client.get(format!("{base}{path}")).send();
        let health: serde_json::Value =
            serde_json::from_str(&get("/healthz").await.expect("an answer").text().await.expect("text")).expect("JSON");
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(get("/readyz").await.expect("an answer").status().as_u16(), 200);
        let metrics = get("/metrics").await.expect("an answer").text().await.expect("text");
        assert!(
            metrics.contains("plenum_build_info") && metrics.contains("process_resident_memory_bytes"),
            "{metrics}"
        );
        let page = get("/").await.expect("an answer");
        assert_eq!(page.status().as_u16(), 200);
        for header in ["content-security-policy", "permissions-policy", "x-content-type-options"] {
            assert!(page.headers().contains_key(header), "{header} is missing");
        }
        assert_eq!(get("/api/v1/nothing-here").await.expect("an answer").status().as_u16(), 404);
    }
}

#[tokio::test]
async fn beyond_loopback_metrics_ask_for_their_token() {
    let folder = Folder::new();
    let server = Server::start_with(&folder, &["--metrics-token", "sesame"]).await;
    let client = reqwest::Client::new();
    for (token, status) in [(None, 401), (Some("wrong"), 401), (Some("sesame"), 200)] {
        let mut request = client.get(server.url("/metrics"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), status, "{token:?}");
    }
    let (status, _) = server.stop().await;
    assert!(status.success());
    let server = Server::start_with(&folder, &[]).await;
    assert_eq!(client.get(server.url("/metrics")).send().await.expect("an answer").status().as_u16(), 401);
}

#[tokio::test]
async fn the_address_and_a_link_for_the_first_admin_are_printed() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    server.wait_for_output(&format!("http://localhost:{}/setup?token=", server.http)).await;
    let output = server.output();
    let secrets = std::fs::read_to_string(server.folder.join("secrets.toml")).expect("made at start");
    let secret =
        secrets.lines().find_map(|line| line.strip_prefix("api_secret = ")).expect("a secret").trim_matches('"');
    assert!(!output.contains(secret), "a secret was printed");
}

#[tokio::test]
async fn interrupt_ends_it_too() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    server.signal(rustix::process::Signal::INT);
    // A second signal would end it at once; stop() sends one.
    let (status, took) = server.stop().await;
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
}
