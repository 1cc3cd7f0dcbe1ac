//! What the tests of the signaling share: a node on a loopback port, tokens, a signaling client, small descriptions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where something is wrong")]
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

mod client;
mod sdp;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sfu::ApiKey;
use sfu::Node;
use sfu::NodeConfig;
use signaling_proto::token::AccessToken;
use signaling_proto::token::VideoGrant;

pub(crate) use client::Client;
pub(crate) use client::Refused;
pub(crate) use sdp::Section;
pub(crate) use sdp::offer;

pub(crate) const KEY: &str = "devkey";
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";
pub(crate) const INTERNAL_KEY: &str = "internal";
pub(crate) const INTERNAL_SECRET: &str = "another secret of thirty-two bytes or more";

/// Longest that any single step of a test may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Each node of this test binary has media ports of its own.
static NEXT_UDP: AtomicU16 = AtomicU16::new(0);

pub(crate) struct TestNode {
    pub(crate) node: Node,
    pub(crate) address: SocketAddr,
}

pub(crate) fn config() -> NodeConfig {
    // Binaries run side by side: the process id spreads them, within 17420 to 17499.
    let spread = (std::process::id() % 8) as u16 * 10;
    NodeConfig {
        udp_port: 17_420 + spread + NEXT_UDP.fetch_add(1, Ordering::Relaxed) % 10,
        bind: [127, 0, 0, 1].into(),
        keys: vec![
            ApiKey { key: KEY.to_owned(), secret: SECRET.to_owned(), auto_create_rooms: true },
            ApiKey { key: INTERNAL_KEY.to_owned(), secret: INTERNAL_SECRET.to_owned(), auto_create_rooms: false },
        ],
        ..NodeConfig::default()
    }
}

pub(crate) async fn start() -> TestNode {
    start_with(config()).await
}

pub(crate) async fn start_with(config: NodeConfig) -> TestNode {
    // A port left busy by another test binary: the next one.
    let node = (0..20)
        .find_map(|step| Node::start(NodeConfig { udp_port: config.udp_port + step, ..config.clone() }).ok())
        .expect("a free media port");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let router = node.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    TestNode { node, address }
}

pub(crate) fn token_with(key: (&str, &str), identity: &str, grant: VideoGrant) -> String {
    AccessToken::new(key.0, key.1)
        .identity(identity)
        .name(identity)
        .grant(grant)
        .ttl(Duration::from_secs(600))
        .to_jwt()
        .expect("token")
}

pub(crate) fn join_token(room: &str, identity: &str) -> String {
    let grant = VideoGrant { can_update_own_metadata: Some(true), ..VideoGrant::join(room) };
    token_with((KEY, SECRET), identity, grant)
}

pub(crate) fn admin_token(room: &str) -> String {
    let grant = VideoGrant {
        room_create: true,
        room_list: true,
        room_admin: true,
        room: room.to_owned(),
        ..VideoGrant::default()
    };
    token_with((KEY, SECRET), "", grant)
}

impl TestNode {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Joins over two peer connections.
    pub(crate) async fn join(&self, room: &str, identity: &str) -> Client {
        Client::connect(self.address, "/rtc?protocol=17&sdk=js", &join_token(room, identity)).await.expect("join")
    }

    /// Joins over one peer connection, with an offer.
    pub(crate) async fn join_single(&self, room: &str, identity: &str, sections: &[Section<'_>]) -> Client {
        self.join_single_as(signaling_proto::proto::client_info::Sdk::Js, room, identity, sections).await
    }

    pub(crate) async fn join_single_as(
        &self,
        sdk: signaling_proto::proto::client_info::Sdk,
        room: &str,
        identity: &str,
        sections: &[Section<'_>],
    ) -> Client {
        let request = signaling_proto::proto::JoinRequest {
            client_info: Some(signaling_proto::proto::ClientInfo { sdk: sdk as i32, ..Default::default() }),
            connection_settings: Some(signaling_proto::proto::ConnectionSettings {
                auto_subscribe: true,
                ..Default::default()
            }),
            publisher_offer: Some(signaling_proto::proto::SessionDescription {
                r#type: "offer".to_owned(),
                sdp: offer(sections),
                id: 1,
                ..Default::default()
            }),
            ..Default::default()
        };
        let packed = signaling_proto::join::pack_join_request(&request);
        let packed: String = url::form_urlencoded::byte_serialize(packed.as_bytes()).collect();
        let path = format!("/rtc/v1?join_request={packed}");
        Client::connect(self.address, &path, &join_token(room, identity)).await.expect("join")
    }

    pub(crate) async fn call(&self, method: &str, token: &str, request: serde_json::Value) -> (u16, serde_json::Value) {
        let response = reqwest::Client::new()
            .post(self.url(&format!("/twirp/livekit.RoomService/{method}")))
            .bearer_auth(token)
            .json(&request)
            .send()
            .await
            .expect("answer");
        (response.status().as_u16(), response.json().await.expect("json"))
    }
}
