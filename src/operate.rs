//! `plenum node …`: media nodes listed and drained from the command line, through the running control plane.
//!
//! In: the settings, which say where the control plane is and hold the internal key. Out: lines on standard output. It
//! works on the control plane's machine (with its data directory) and on a media node's (with `--control-plane-url`).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};
use signaling_proto::operator;

use crate::config::Settings;
use crate::secrets::Secrets;

/// Longest wait for the control plane.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What can be done with media nodes.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum NodeCommand {
    /// List the media nodes, with rooms and load
    List {
        /// As JSON, with everything that is known
        #[arg(long)]
        json: bool,
    },
    /// Let a node run out: no new rooms, and an end of those it has
    Drain {
        /// The node, ND_…
        id: String,
        /// Seconds until rooms that still run are ended, their people sent elsewhere; 0 = at once [default: 7200]
        #[arg(long, value_name = "S")]
        deadline_s: Option<u64>,
    },
    /// Take a drain back
    Undrain {
        /// The node, ND_…
        id: String,
    },
}

/// A node, as far as a line shows it.
#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    state: String,
    region: String,
    version: String,
    rooms: u64,
    participants: u64,
    load: f64,
    open_calls: u64,
    heartbeat_at: String,
    drain_deadline_at: Option<String>,
    url: Option<String>,
}

/// Does it and says what came of it.
///
/// # Errors
/// The control plane is not there, or refuses.
pub(crate) async fn node(settings: &Settings, command: NodeCommand) -> anyhow::Result<String> {
    match command {
        NodeCommand::List { json } => {
            let answer = call(settings, "GET", "/internal/nodes", None).await?;
            if json {
                return Ok(format!("{answer:#}\n"));
            }
            let nodes = Vec::<Node>::deserialize(&answer).context("the answer makes no sense; is that a Plenum?")?;
            Ok(table(&nodes))
        }
        NodeCommand::Drain { id, deadline_s } => {
            let body = json!({ "deadline_s": deadline_s });
            one(call(settings, "POST", &format!("/internal/nodes/{}/drain", segment(&id)), Some(body)).await?)
        }
        NodeCommand::Undrain { id } => {
            one(call(settings, "POST", &format!("/internal/nodes/{}/undrain", segment(&id)), None).await?)
        }
    }
}

fn one(answer: Value) -> anyhow::Result<String> {
    let node = Node::deserialize(answer).context("the answer makes no sense; is that a Plenum?")?;
    Ok(match node.drain_deadline_at {
        Some(at) => format!("{} is {}; its rooms end at {at} at the latest\n", node.id, node.state),
        None => format!("{} is {}\n", node.id, node.state),
    })
}

/// What may stand between two slashes of a path.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Where the control plane is: the setting, else on this machine.
fn base(settings: &Settings) -> String {
    if let Some(url) = &settings.control_plane.url {
        return url.trim_end_matches('/').to_owned();
    }
    let server = &settings.server;
    let ip = server.bind.filter(|ip| !ip.is_unspecified()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    match server.http_port {
        0 => format!("https://{}", SocketAddr::new(ip, server.https_port)),
        port => format!("http://{}", SocketAddr::new(ip, port)),
    }
}

async fn call(settings: &Settings, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
    let key = Secrets::internal_key(settings)?;
    let base = base(settings);
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let authorization =
        operator::sign(method, path, body.as_bytes(), &key.key, &key.secret, signaling_proto::unix_now())?;
    let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
    let request = client
        .request(method.parse()?, format!("{base}{path}"))
        .header("authorization", authorization)
        .header("content-type", "application/json")
        .body(body);
    let answer = request
        .send()
        .await
        .with_context(|| format!("no control plane answers at {base}; --control-plane-url says where it is"))?;
    let status = answer.status();
    let text = answer.text().await.context("the answer broke off")?;
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    if !status.is_success() {
        match value["detail"].as_str() {
            Some(detail) => bail!("the control plane at {base} refuses ({}): {detail}", status.as_u16()),
            None => bail!("{base} answers {status}; is that a control plane?"),
        }
    }
    Ok(value)
}

/// The nodes as lines, the columns as wide as they have to be.
fn table(nodes: &[Node]) -> String {
    if nodes.is_empty() {
        return "no media node has been heard of\n".to_owned();
    }
    let head = ["ID", "STATE", "REGION", "ROOMS", "PEOPLE", "CALLS", "LOAD", "VERSION", "HEARD OF", "URL"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(nodes.iter().map(|node| {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        vec![
            node.id.clone(),
            node.state.clone(),
            or_dash(&node.region),
            node.rooms.to_string(),
            node.participants.to_string(),
            node.open_calls.to_string(),
            format!("{:.0}%", node.load * 100.0),
            or_dash(&node.version),
            node.heartbeat_at.clone(),
            or_dash(node.url.as_deref().unwrap_or_default()),
        ]
    }));
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in &rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_shown_in_columns() {
        assert_eq!(table(&[]), "no media node has been heard of\n");
        let node = json!({ "id": "ND_1", "state": "up", "region": "", "version": "1", "rooms": 2, "participants": 30,
            "load": 0.256, "open_calls": 1, "heartbeat_at": "2030-01-01T00:00:00Z", "drain_deadline_at": null,
            "url": "ws://a", "api_url": null });
        let text = table(&[Node::deserialize(node).expect("a node")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0].find("STATE"), lines[1].find("up"), "{text}");
        assert!(lines[1].contains("26%") && lines[1].ends_with("ws://a"), "{text}");
    }

    #[test]
    fn the_control_plane_is_the_setting_or_here() {
        let mut settings = Settings::default();
        assert_eq!(base(&settings), "http://127.0.0.1:7880");
        settings.server.bind = Some("::1".parse().expect("an address"));
        settings.server.http_port = 0;
        assert_eq!(base(&settings), "https://[::1]:7843");
        settings.control_plane.url = Some("https://meet.example.org/".to_owned());
        assert_eq!(base(&settings), "https://meet.example.org");
    }
}
