//! Sends synthetic tracks over a connection at their real pace.
//!
//! A track exists in three steps: planned ([`MediaPlan`] → `AddTrackRequest`), added to the connection
//! ([`OutgoingTrack`]), and, once negotiated, sending ([`OutgoingTrack::start`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpSendParameters, RtpCodecKind,
};
use signaling_proto::proto::{AddTrackRequest, SimulcastCodec, TrackSource, TrackType, VideoLayer, VideoQuality};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_local::{TrackLocal, TrackLocalEvent};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpTransceiver};

use crate::connection::{AUDIO_LEVEL, Connection, MID, RID};
use crate::keyframe_requests::requested;
use crate::synthetic::{self, AUDIO_CLOCK, AUDIO_PACKET_MS, VIDEO_CLOCK, Vp8};

/// A keyframe is this much larger than the frames after it.
const KEYFRAME_FACTOR: usize = 3;
/// How much smaller the next lower layer's bitrate is.
const LAYER_FACTOR: f64 = 0.3;
/// How loud the synthetic voice is: −20 dBov, with the voice flag (RFC 6464).
const VOICE_LEVEL: u8 = 0x80 | 20;
/// Silence, so that the speakers of a run change.
const SILENCE_LEVEL: u8 = 127;
/// A voice speaks and is silent for so many packets: 2 s each.
const TALK_PACKETS: u64 = 100;

/// What a participant publishes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaPlan {
    /// Bitrate of the best layer in kb/s; 0 for no video.
    pub(crate) video_kbps: u32,
    /// 1 or 3.
    pub(crate) layers: u32,
    /// Pictures per second.
    pub(crate) fps: u32,
    /// Time between unasked keyframes.
    pub(crate) keyframe_interval: Duration,
    /// Whether to send audio.
    pub(crate) audio: bool,
}

/// One encoding of a video track.
#[derive(Debug, Clone)]
struct Layer {
    rid: &'static str,
    quality: VideoQuality,
    width: u32,
    height: u32,
    frame_bytes: usize,
    bitrate_bps: u32,
    ssrc: u32,
}

/// A track that was announced.
#[derive(Debug, Clone)]
pub(crate) struct PlannedTrack {
    /// The client's id of the track, also its id in the session description.
    pub(crate) cid: String,
    kind: RtpCodecKind,
    layers: Vec<Layer>,
    plan: MediaPlan,
}

/// A track on a connection.
pub(crate) struct OutgoingTrack {
    planned: PlannedTrack,
    track: Arc<TrackLocalStaticRTP>,
    transceiver: Arc<dyn RtpTransceiver>,
}

/// What was negotiated for a track.
struct Wire {
    track: Arc<TrackLocalStaticRTP>,
    payload_type: u8,
    extensions: HashMap<String, u8>,
    mid: String,
}

impl MediaPlan {
    /// How many tracks that makes.
    pub(crate) fn tracks(&self) -> u32 {
        u32::from(self.audio) + u32::from(self.video_kbps > 0)
    }

    /// The tracks to announce.
    pub(crate) fn planned(&self) -> Vec<PlannedTrack> {
        let track = |kind, layers| {
            let cid = format!("{kind}-{:08x}", rand::random::<u32>());
            PlannedTrack { cid, kind, layers, plan: *self }
        };
        let audio = self.audio.then(|| track(RtpCodecKind::Audio, vec![Layer::audio()]));
        let video = (self.video_kbps > 0).then(|| track(RtpCodecKind::Video, self.video_layers()));
        audio.into_iter().chain(video).collect()
    }

    /// Worst first, as `q`, `h`, `f`.
    fn video_layers(&self) -> Vec<Layer> {
        let all = [
            ("q", VideoQuality::Low, 320, 180),
            ("h", VideoQuality::Medium, 640, 360),
            ("f", VideoQuality::High, 1280, 720),
        ];
        let count = if self.layers == 1 { 1 } else { all.len() };
        all.iter()
            .skip(all.len() - count)
            .enumerate()
            .map(|(index, &(rid, quality, width, height))| {
                let below_best = (count - 1 - index) as i32;
                let bitrate_bps = f64::from(self.video_kbps) * 1000.0 * LAYER_FACTOR.powi(below_best);
                Layer {
                    rid,
                    quality: if count == 1 { VideoQuality::High } else { quality },
                    width,
                    height,
                    frame_bytes: (bitrate_bps / 8.0 / f64::from(self.fps)) as usize,
                    bitrate_bps: bitrate_bps as u32,
                    ssrc: rand::random(),
                }
            })
            .collect()
    }
}

impl Layer {
    fn audio() -> Self {
        let ssrc = rand::random();
        Self { rid: "", quality: VideoQuality::Off, width: 0, height: 0, frame_bytes: 0, bitrate_bps: 0, ssrc }
    }

    fn announced(&self, index: usize) -> VideoLayer {
        VideoLayer {
            quality: self.quality as i32,
            width: self.width,
            height: self.height,
            bitrate: self.bitrate_bps,
            spatial_layer: index as i32,
            rid: self.rid.to_owned(),
            ..VideoLayer::default()
        }
    }
}

impl PlannedTrack {
    /// The message that announces it.
    pub(crate) fn request(&self) -> AddTrackRequest {
        let video = self.kind == RtpCodecKind::Video;
        let best = self.layers.last();
        let layers: Vec<VideoLayer> = if video {
            self.layers.iter().enumerate().map(|(index, layer)| layer.announced(index)).collect()
        } else {
            Vec::new()
        };
        let codec =
            |layers| SimulcastCodec { codec: "vp8".into(), cid: self.cid.clone(), layers, ..Default::default() };
        AddTrackRequest {
            cid: self.cid.clone(),
            name: if video { "camera" } else { "microphone" }.to_owned(),
            r#type: if video { TrackType::Video } else { TrackType::Audio } as i32,
            source: if video { TrackSource::Camera } else { TrackSource::Microphone } as i32,
            width: best.map_or(0, |layer| layer.width),
            height: best.map_or(0, |layer| layer.height),
            simulcast_codecs: if video { vec![codec(layers.clone())] } else { Vec::new() },
            layers,
            stream: "camera".to_owned(),
            ..AddTrackRequest::default()
        }
    }

    /// Adds it to a connection; it must then be negotiated.
    pub(crate) async fn add_to(self, connection: &Connection) -> Result<OutgoingTrack> {
        let encodings: Vec<RTCRtpEncodingParameters> = self.layers.iter().map(|layer| self.encoding(layer)).collect();
        let track = MediaStreamTrack::new(
            "camera".to_owned(),
            self.cid.clone(),
            self.cid.clone(),
            self.kind,
            encodings.clone(),
        );
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec!["camera".to_owned()],
            send_encodings: encodings,
        };
        let added = connection.webrtc.add_transceiver_from_track(Arc::clone(&track) as Arc<dyn TrackLocal>, Some(init));
        let transceiver = added.await.context("adding a track")?;
        Ok(OutgoingTrack { planned: self, track, transceiver })
    }

    fn encoding(&self, layer: &Layer) -> RTCRtpEncodingParameters {
        let video = self.kind == RtpCodecKind::Video;
        RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                rid: if self.layers.len() > 1 { layer.rid.to_owned() } else { String::new() },
                ssrc: Some(layer.ssrc),
                ..RTCRtpCodingParameters::default()
            },
            codec: RTCRtpCodec {
                mime_type: if video { MIME_TYPE_VP8 } else { MIME_TYPE_OPUS }.to_owned(),
                clock_rate: if video { VIDEO_CLOCK } else { AUDIO_CLOCK },
                channels: if video { 0 } else { 2 },
                ..RTCRtpCodec::default()
            },
            ..RTCRtpEncodingParameters::default()
        }
    }
}

impl OutgoingTrack {
    /// Starts sending what was negotiated, until `stop`.
    pub(crate) async fn start(&self, stop: &CancellationToken) -> Result<()> {
        let sender = self.transceiver.sender().await?.context("the track has no sender")?;
        let wire = Wire::new(&self.track, &sender.get_parameters().await?, self.transceiver.mid().await?)?;
        let planned = self.planned.clone();
        let stop = stop.clone();
        if planned.kind == RtpCodecKind::Video {
            tokio::spawn(async move { stop.run_until_cancelled(send_video(wire, planned)).await });
        } else {
            tokio::spawn(async move { stop.run_until_cancelled(send_audio(wire, planned)).await });
        }
        Ok(())
    }
}

impl Wire {
    fn new(track: &Arc<TrackLocalStaticRTP>, negotiated: &RTCRtpSendParameters, mid: Option<String>) -> Result<Self> {
        let parameters = &negotiated.rtp_parameters;
        let codec = parameters
            .codecs
            .iter()
            .find(|codec| [MIME_TYPE_VP8, MIME_TYPE_OPUS].contains(&codec.rtp_codec.mime_type.as_str()))
            .context("neither VP8 nor Opus was negotiated")?;
        Ok(Self {
            track: Arc::clone(track),
            payload_type: codec.payload_type,
            extensions: parameters.header_extensions.iter().map(|ext| (ext.uri.clone(), ext.id as u8)).collect(),
            mid: mid.unwrap_or_default(),
        })
    }

    async fn send(&self, header: rtc::rtp::Header, extensions: &[(&str, Bytes)], payload: Bytes) -> Result<()> {
        let mut header = rtc::rtp::Header { version: 2, payload_type: self.payload_type, ..header };
        for (uri, value) in extensions {
            if let Some(&id) = self.extensions.get(*uri) {
                header.set_extension(id, value.clone())?;
            }
        }
        self.track.write_rtp(rtc::rtp::Packet { header, payload }).await.context("sending a packet")
    }
}

async fn send_audio(wire: Wire, planned: PlannedTrack) {
    let Some(ssrc) = planned.layers.first().map(|layer| layer.ssrc) else { return };
    let payload = synthetic::audio();
    let mut ticks = ticker(Duration::from_millis(AUDIO_PACKET_MS));
    let mut sequence_number: u16 = rand::random();
    let mut timestamp: u32 = rand::random();
    // Voices start at different points of their talk, so that speakers change.
    let mut sent = rand::random_range(0..2 * TALK_PACKETS);
    loop {
        ticks.tick().await;
        let talking = (sent / TALK_PACKETS).is_multiple_of(2);
        let level = if talking { VOICE_LEVEL } else { SILENCE_LEVEL };
        let header = rtc::rtp::Header { sequence_number, timestamp, ssrc, ..rtc::rtp::Header::default() };
        if let Err(error) = wire.send(header, &[(AUDIO_LEVEL, Bytes::from(vec![level]))], payload.clone()).await {
            tracing::debug!(%error, "audio ends");
            return;
        }
        sent += 1;
        sequence_number = sequence_number.wrapping_add(1);
        timestamp = timestamp.wrapping_add(AUDIO_CLOCK / 1000 * AUDIO_PACKET_MS as u32);
    }
}

/// A layer that is being sent.
struct LiveLayer {
    layer: Layer,
    encoding: Vp8,
    sequence_number: u16,
    timestamp: u32,
    wanted: Arc<AtomicBool>,
    next_unasked: Instant,
}

async fn send_video(wire: Wire, planned: PlannedTrack) {
    let plan = planned.plan;
    let mut live: Vec<LiveLayer> = planned.layers.iter().cloned().map(LiveLayer::new).collect();
    let wanted: HashMap<u32, Arc<AtomicBool>> =
        live.iter().map(|live| (live.layer.ssrc, Arc::clone(&live.wanted))).collect();
    let requests = note_keyframe_requests(Arc::clone(&wire.track), wanted);
    let simulcast = live.len() > 1;
    let frames = async {
        let mut ticks = ticker(Duration::from_secs(1) / plan.fps);
        loop {
            ticks.tick().await;
            for live in &mut live {
                if let Err(error) = live.send_frame(&wire, &plan, simulcast).await {
                    tracing::debug!(%error, "video ends");
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = frames => {}
        () = requests => {}
    }
}

impl LiveLayer {
    fn new(layer: Layer) -> Self {
        Self {
            encoding: Vp8::new(layer.width as u16, layer.height as u16, rand::random()),
            sequence_number: rand::random(),
            timestamp: rand::random(),
            wanted: Arc::new(AtomicBool::new(true)),
            next_unasked: Instant::now(),
            layer,
        }
    }

    async fn send_frame(&mut self, wire: &Wire, plan: &MediaPlan, simulcast: bool) -> Result<()> {
        let now = Instant::now();
        let keyframe = self.wanted.swap(false, Ordering::Relaxed) || now >= self.next_unasked;
        if keyframe {
            self.next_unasked = now + plan.keyframe_interval;
        }
        let bytes = self.layer.frame_bytes * if keyframe { KEYFRAME_FACTOR } else { 1 };
        let payloads = self.encoding.frame(bytes, keyframe);
        let extensions: &[(&str, Bytes)] = if simulcast {
            &[(MID, Bytes::from(wire.mid.clone())), (RID, Bytes::from_static(self.layer.rid.as_bytes()))]
        } else {
            &[]
        };
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            let header = rtc::rtp::Header {
                marker: index == last,
                sequence_number: self.sequence_number,
                timestamp: self.timestamp,
                ssrc: self.layer.ssrc,
                ..rtc::rtp::Header::default()
            };
            wire.send(header, extensions, payload).await?;
            self.sequence_number = self.sequence_number.wrapping_add(1);
        }
        self.timestamp = self.timestamp.wrapping_add(VIDEO_CLOCK / plan.fps);
        Ok(())
    }
}

async fn note_keyframe_requests(track: Arc<TrackLocalStaticRTP>, wanted: HashMap<u32, Arc<AtomicBool>>) {
    while let Some(event) = track.poll().await {
        let TrackLocalEvent::OnRtcpPacket(packets) = event else { continue };
        for ssrc in packets.iter().flat_map(|packet| requested(packet.as_ref())) {
            if let Some(wanted) = wanted.get(&ssrc) {
                wanted.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Ticks at a steady rate from a random point on, so that participants do not send in step.
fn ticker(period: Duration) -> tokio::time::Interval {
    let start = Instant::now() + period.mul_f64(rand::random());
    let mut ticks = interval_at(start, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(layers: u32) -> MediaPlan {
        MediaPlan { video_kbps: 1680, layers, fps: 30, keyframe_interval: Duration::from_secs(10), audio: true }
    }

    #[test]
    fn three_layers_have_the_frame_sizes_of_the_baseline() {
        let sizes: Vec<usize> = plan(3).video_layers().iter().map(|layer| layer.frame_bytes).collect();
        assert_eq!(sizes, [630, 2_100, 7_000]);
        let one = plan(1).video_layers();
        assert_eq!((one.len(), one[0].rid, one[0].frame_bytes), (1, "f", 7_000));
    }

    #[test]
    fn tracks_are_announced_with_their_layers() {
        let requests: Vec<AddTrackRequest> = plan(3).planned().iter().map(PlannedTrack::request).collect();
        assert_eq!(requests.len() as u32, plan(3).tracks());
        let (audio, video) = (&requests[0], &requests[1]);
        assert_eq!(
            (audio.r#type(), audio.source(), audio.layers.len()),
            (TrackType::Audio, TrackSource::Microphone, 0)
        );
        assert_eq!((video.r#type(), video.source(), video.width), (TrackType::Video, TrackSource::Camera, 1280));
        let rids: Vec<&str> = video.layers.iter().map(|layer| layer.rid.as_str()).collect();
        assert_eq!(rids, ["q", "h", "f"]);
        assert_ne!(audio.cid, video.cid);
    }

    #[test]
    fn nothing_is_planned_when_nothing_is_asked() {
        let plan = MediaPlan { video_kbps: 0, audio: false, ..plan(3) };
        assert_eq!((plan.tracks(), plan.planned().len()), (0, 0));
    }
}
