//! One peer connection of the independent `webrtc` stack, set up as a participant needs it.
//!
//! What happens on it comes out as [`ConnectionEvent`]s; what arrives on its tracks goes into [`Counters`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::shared::marshal::MarshalSize;
use signaling_proto::proto::SignalTarget;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, RTCDataChannelInit};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceCandidateInit, RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription, Registry,
    SettingEngine, SettingEngineBuilder, SrtpProtectionProfile, register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use webrtc::runtime::default_runtime;

use crate::counters::Counters;
use crate::keyframe_requests::{KEYFRAME_SLOT, KeyframeRequests};

/// Candidates kept until the other side's description is known.
const MAX_EARLY_CANDIDATES: usize = 64;
/// Events between a connection and its session; candidates and state changes only.
pub(crate) const EVENT_QUEUE: usize = 256;

/// Between two connectivity checks, and how many of them may go unanswered: 10 s.
const ICE_CHECK_INTERVAL: Duration = Duration::from_millis(50);
const ICE_CHECKS: u16 = 200;

pub(crate) const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
pub(crate) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
pub(crate) const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

/// What happens on a connection.
#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    /// A local candidate, as JSON for the signal message.
    Candidate(SignalTarget, String),
    /// ICE and DTLS are through.
    Connected(SignalTarget),
    /// They failed, or broke later.
    Failed(SignalTarget),
}

/// A peer connection and what must live as long as it.
pub(crate) struct Connection {
    pub(crate) webrtc: Arc<dyn PeerConnection>,
    remote_known: bool,
    early: Vec<RTCIceCandidateInit>,
    channels: Vec<Arc<dyn DataChannel>>,
}

struct Handler {
    target: SignalTarget,
    events: mpsc::Sender<ConnectionEvent>,
    counters: Arc<Counters>,
}

impl Connection {
    /// A connection whose UDP socket is on `local`.
    pub(crate) async fn new(
        target: SignalTarget,
        local: SocketAddr,
        events: mpsc::Sender<ConnectionEvent>,
        counters: Arc<Counters>,
    ) -> Result<Self> {
        let mut media = media_engine()?;
        let registry = register_default_interceptors(Registry::new(), &mut media)?
            .with(KEYFRAME_SLOT, KeyframeRequests::default());
        let webrtc = PeerConnectionBuilder::<SocketAddr>::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media)
            .with_setting_engine(setting_engine())
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler { target, events, counters }))
            .with_runtime(default_runtime().context("no async runtime")?)
            .with_udp_addrs(vec![local])
            .build()
            .await?;
        Ok(Self { webrtc: Arc::new(webrtc), remote_known: false, early: Vec::new(), channels: Vec::new() })
    }

    /// Opens the data channels every SDK opens, so that the server sees a whole client.
    pub(crate) async fn open_data_channels(&mut self) -> Result<()> {
        for (label, ordered) in [("_reliable", true), ("_lossy", false)] {
            let max_retransmits = if ordered { None } else { Some(0) };
            let init = RTCDataChannelInit { ordered, max_retransmits, ..RTCDataChannelInit::default() };
            self.channels.push(self.webrtc.create_data_channel(label, Some(init)).await?);
        }
        Ok(())
    }

    /// Adds sections to receive on.
    pub(crate) async fn add_receiving(&self, audios: u32, videos: u32) -> Result<()> {
        for (kind, count) in [(RtpCodecKind::Audio, audios), (RtpCodecKind::Video, videos)] {
            for _ in 0..count {
                let direction = RTCRtpTransceiverDirection::Recvonly;
                let init = RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() };
                self.webrtc.add_transceiver_from_kind(kind, Some(init)).await?;
            }
        }
        Ok(())
    }

    /// Makes an offer and sets it.
    pub(crate) async fn offer(&self) -> Result<String> {
        let offer = self.webrtc.create_offer(None).await.context("making an offer")?;
        let sdp = offer.sdp.clone();
        self.webrtc.set_local_description(offer).await.context("setting our offer")?;
        Ok(sdp)
    }

    /// Answers an offer and sets both.
    pub(crate) async fn answer(&mut self, offer: String) -> Result<String> {
        let offer = RTCSessionDescription::offer(offer).context("reading the server's offer")?;
        self.webrtc.set_remote_description(offer).await.context("setting the server's offer")?;
        self.flush_early().await;
        let answer = self.webrtc.create_answer(None).await.context("making an answer")?;
        let sdp = answer.sdp.clone();
        self.webrtc.set_local_description(answer).await.context("setting our answer")?;
        Ok(sdp)
    }

    /// Sets the server's answer.
    pub(crate) async fn accept(&mut self, answer: String) -> Result<()> {
        let answer = RTCSessionDescription::answer(answer).context("reading the server's answer")?;
        self.webrtc.set_remote_description(answer).await.context("setting the server's answer")?;
        self.flush_early().await;
        Ok(())
    }

    /// Adds the server's candidate, or keeps it until the description is there.
    pub(crate) async fn add_candidate(&mut self, candidate: RTCIceCandidateInit) {
        if self.remote_known {
            // A candidate we cannot use (another family or transport) is none of the run's business.
            if let Err(error) = self.webrtc.add_ice_candidate(candidate).await {
                tracing::debug!(%error, "a candidate was not taken");
            }
        } else if self.early.len() < MAX_EARLY_CANDIDATES {
            self.early.push(candidate);
        }
    }

    /// Ends it.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.webrtc.close().await {
            tracing::debug!(%error, "closing a connection");
        }
    }

    async fn flush_early(&mut self) {
        self.remote_known = true;
        for candidate in std::mem::take(&mut self.early) {
            self.add_candidate(candidate).await;
        }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(candidate) = event.candidate.to_json() else { return };
        let Ok(json) = serde_json::to_string(&candidate) else { return };
        // The session is gone if nobody listens.
        let _ = self.events.send(ConnectionEvent::Candidate(self.target, json)).await;
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let event = match state {
            RTCPeerConnectionState::Connected => ConnectionEvent::Connected(self.target),
            RTCPeerConnectionState::Failed => ConnectionEvent::Failed(self.target),
            _ => return,
        };
        let _ = self.events.send(event).await;
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let counters = Arc::clone(&self.counters);
        // Ends when the track does: with the connection at the latest.
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                match event {
                    TrackRemoteEvent::OnRtpPacket(packet) => {
                        let bytes = packet.marshal_size();
                        counters.note(packet.header.ssrc, packet.header.sequence_number, bytes, Instant::now());
                    }
                    TrackRemoteEvent::OnEnded => break,
                    _ => {}
                }
            }
        });
    }
}

/// Opus and VP8 with RTX: what the synthetic publishers send, and nothing a server might pick instead.
fn media_engine() -> Result<MediaEngine> {
    let mut media = MediaEngine::default();
    let codec = |mime: &str, clock_rate, channels, fmtp: &str, feedback: &[(&str, &str)]| RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: feedback
            .iter()
            .map(|(typ, parameter)| RTCPFeedback { typ: (*typ).to_owned(), parameter: (*parameter).to_owned() })
            .collect(),
    };
    let video_feedback = [("ccm", "fir"), ("nack", ""), ("nack", "pli")];
    for (kind, payload_type, rtp_codec) in [
        (RtpCodecKind::Audio, 111, codec(MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1", &[])),
        (RtpCodecKind::Video, 96, codec(MIME_TYPE_VP8, 90_000, 0, "", &video_feedback)),
        (RtpCodecKind::Video, 97, codec("video/rtx", 90_000, 0, "apt=96", &[])),
    ] {
        media.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, kind)?;
    }
    for (uri, kind) in [(AUDIO_LEVEL, RtpCodecKind::Audio), (MID, RtpCodecKind::Audio)] {
        media.register_header_extension(RTCRtpHeaderExtensionCapability { uri: uri.to_owned() }, kind, None)?;
    }
    Ok(media)
}

fn setting_engine() -> SettingEngine {
    SettingEngineBuilder::new()
        // One socket less for each of thousands of connections.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        .with_include_loopback_candidate(true)
        // Browsers check every 50 ms until connected; the stack's 200 ms would be most of the join time that is measured.
        .with_ice_connection_attempts(Some(ICE_CHECK_INTERVAL), Some(ICE_CHECKS))
        // The stack waits a second before it trusts an address it learned from the server's own check; browsers do not.
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .build()
}
