//! What the commands print, and what they say when something is wrong.

use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use crate::server::{Folder, Server, free_port, run};

/// Longest that a start which cannot succeed may take, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

#[test]
fn the_binary_says_which_version_it_is() {
    let (fine, text, _) = run(&["version"]);
    assert!(fine && text == format!("plenum {}\n", env!("CARGO_PKG_VERSION")), "{text}");
}

#[test]
fn the_effective_configuration_hides_secrets() {
    let folder = Folder::new();
    let file = folder.0.join("plenum.toml");
    std::fs::write(&file, "[server]\nhttp_port = 1111\nhttps_port = 2222\n[log]\nformat = \"json\"\n").expect("a file");
    let file = file.to_str().expect("text");
    let (fine, text, error) =
        run(&["config", "--config", file, "--https-port", "3333", "--api-key", "key", "--api-secret", "hush-hush"]);
    assert!(fine, "{error}");
    for part in [
        "http_port = 1111",
        "https_port = 3333",
        "format = \"json\"",
        "api_key = \"key\"",
        "# internal_key, internal_secret: generated at first start",
        "# bind = ",
        "# workers = ",
        "# public_url: ",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("hush-hush") && !text.contains("2222"), "{text}");
}

#[test]
fn wrong_settings_are_explained_and_nothing_starts() {
    let folder = Folder::new();
    let file = folder.0.join("plenum.toml");
    std::fs::write(&file, "[server]\nhttp_prot = 1\n").expect("a file");
    let data = folder.0.join("data");
    for (arguments, words) in [
        (vec!["serve", "--config", file.to_str().expect("text")], vec!["http_prot", "http_port", "line 2"]),
        (vec!["--config", "/nowhere/plenum.toml"], vec!["/nowhere/plenum.toml", "No such file"]),
        (vec!["--http-port", "7843"], vec!["--https-port", "PLENUM_HTTPS_PORT", "7843"]),
        (vec!["--http-port", "99999"], vec!["--http-port", "99999"]),
        (vec!["--tls-cert", "cert.pem"], vec!["--tls-key"]),
        (vec!["--no-such-option"], vec!["--no-such-option"]),
    ] {
        let mut all = vec!["--data-dir", data.to_str().expect("text")];
        all.extend(&arguments);
        let (fine, output, error) = run(&all);
        assert!(!fine && output.is_empty(), "{arguments:?} → {output}");
        for word in words {
            assert!(error.contains(word), "{word} is missing in the answer to {arguments:?}:\n{error}");
        }
        assert!(!data.exists(), "{arguments:?} made the data directory");
    }
}

#[test]
fn a_port_that_is_taken_names_the_option() {
    let folder = Folder::new();
    let port = free_port();
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let data = folder.0.join("data");
    for (http, https, option) in [(port, port + 1, "--http-port (PLENUM_HTTP_PORT)"), (port + 1, port, "--https-port")]
    {
        let (http, https, udp) = (http.to_string(), https.to_string(), (port + 2).to_string());
        let (fine, _, error) = run(&[
            "--data-dir",
            data.to_str().expect("text"),
            "--bind",
            "127.0.0.1",
            "--http-port",
            &http,
            "--https-port",
            &https,
            "--udp-port",
            &udp,
        ]);
        assert!(!fine && error.contains(option) && error.contains(&port.to_string()), "{error}");
        assert_eq!(error.matches("in use").count(), 1, "said once: {error}");
    }
    drop(taken);
    let taken = UdpSocket::bind(("127.0.0.1", port + 2)).expect("a free port");
    let (http, https, udp) = (port.to_string(), (port + 1).to_string(), (port + 2).to_string());
    let started = Instant::now();
    let (fine, _, error) = run(&[
        "--data-dir",
        data.to_str().expect("text"),
        "--bind",
        "127.0.0.1",
        "--http-port",
        &http,
        "--https-port",
        &https,
        "--udp-port",
        &udp,
    ]);
    assert!(!fine && error.contains("--udp-port"), "{error}");
    assert_eq!(error.lines().count(), 1, "one clear line: {error}");
    assert_eq!(error.matches("in use").count(), 1, "said once: {error}");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    drop(taken);
}

#[tokio::test]
async fn a_token_is_minted_with_the_key_of_the_data_directory() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let arguments = ["--data-dir", data.to_str().expect("text"), "token", "--identity", "ada", "--room", "r"];
    let (fine, _, error) = run(&arguments);
    assert!(!fine && error.contains("start Plenum once"), "{error}");
    let server = Server::start(&folder).await;
    let (fine, token, error) = run(&arguments);
    assert!(fine, "{error}");
    let answer = reqwest::get(server.url(&format!("/rtc/validate?access_token={}", token.trim()))).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.text().await.expect("text"), "success");
}

#[tokio::test]
async fn generated_keys_are_shown_masked() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let stored = std::fs::read_to_string(server.folder.join("secrets.toml")).expect("secrets");
    let (fine, text, error) = run(&["config", "--data-dir", server.folder.to_str().expect("text")]);
    assert!(fine, "{error}");
    for line in stored.lines().filter_map(|line| line.split_once(" = ")) {
        let (name, value) = (line.0, line.1.trim_matches('"'));
        assert_eq!(text.contains(value), name.ends_with("_key"), "{name} in\n{text}");
    }
    assert!(text.contains("api_secret = \"********\""), "{text}");
}
