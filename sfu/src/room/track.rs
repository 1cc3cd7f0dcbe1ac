//! A published track: what a client announced and what became of it.

use sfu_engine::api::Codec;
use sfu_engine::api::MediaKind;
use sfu_engine::api::PublicationId;
use sfu_engine::api::PublicationSpec;
use sfu_engine::sdp::DEFAULT_CODECS;
use sfu_engine::sdp::NegotiatedPublication;
use sfu_engine::sdp::PendingPublication;
use sfu_engine::sdp::quality_of_layer;
use signaling_proto::ids;
use signaling_proto::proto;
use signaling_proto::proto::video_layer::Mode;
use tokio::time::Instant;

use super::participant::ParticipantKey;
use super::reports::mime_type;

/// A track that was announced and has no media section yet.
pub(super) struct PendingTrack {
    pub(super) cid: String,
    pub(super) info: proto::TrackInfo,
    pub(super) pending: PendingPublication,
}

/// A track that others can subscribe to.
pub(super) struct Publication {
    pub(super) id: PublicationId,
    pub(super) publisher: ParticipantKey,
    pub(super) cid: String,
    pub(super) info: proto::TrackInfo,
    pub(super) kind: MediaKind,
    pub(super) spec: PublicationSpec,
    /// What it may send, best first.
    pub(super) codecs: Vec<Codec>,
    /// Somebody was subscribed once, and the publisher knows.
    pub(super) announced_subscriber: bool,
    /// Qualities the publisher was told to send, and what it is to be told later.
    pub(super) quality_sent: Option<[bool; 3]>,
    pub(super) quality_due: Option<Instant>,
}

/// The codec by its name in `simulcast_codecs`, with or without the `video/` before it.
fn codec_from_name(name: &str) -> Option<Codec> {
    let name = name.rsplit('/').next().unwrap_or(name);
    [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1]
        .into_iter()
        .find(|codec| mime_type(*codec).rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(name)))
}

fn media_kind(request: &proto::AddTrackRequest) -> MediaKind {
    if request.r#type == proto::TrackType::Video as i32 { MediaKind::Video } else { MediaKind::Audio }
}

fn stream_name(request: &proto::AddTrackRequest) -> String {
    if !request.stream.is_empty() {
        return request.stream.clone();
    }
    match request.source() {
        proto::TrackSource::ScreenShare | proto::TrackSource::ScreenShareAudio => "screen_share",
        _ => "camera",
    }
    .to_owned()
}

/// The first declared codec that we take, and the MIME type to answer: a client that declared one that we do not take
/// reads the substitute there.
fn primary_codec(request: &proto::AddTrackRequest, kind: MediaKind) -> (Option<Codec>, String) {
    let Some(declared) = request.simulcast_codecs.first().filter(|codec| !codec.codec.is_empty()) else {
        return (None, String::new());
    };
    match codec_from_name(&declared.codec).filter(|codec| DEFAULT_CODECS.contains(codec) && codec.kind() == kind) {
        Some(codec) => (Some(codec), format!("video/{}", declared.codec.to_ascii_lowercase())),
        None => {
            let substitute = DEFAULT_CODECS.into_iter().find(|codec| codec.kind() == kind);
            (substitute, substitute.map(mime_type).unwrap_or_default().to_ascii_lowercase())
        }
    }
}

/// The modes of codecs whose layers share one stream.
const fn layer_mode(codec: Option<Codec>) -> i32 {
    match codec {
        Some(Codec::Vp9 | Codec::Av1) => Mode::MultipleSpatialLayersPerStream as i32,
        _ => Mode::OneSpatialLayerPerStream as i32,
    }
}

impl PendingTrack {
    /// The track that an AddTrack announces.
    pub(super) fn new(request: &proto::AddTrackRequest, now_us: i64) -> Self {
        let kind = media_kind(request);
        let (codec, mime) = primary_codec(request, kind);
        let declared = request.simulcast_codecs.first();
        let mut layers = match declared {
            Some(declared) if !declared.layers.is_empty() => declared.layers.clone(),
            _ => request.layers.clone(),
        };
        layers.sort_by_key(|layer| layer.quality);
        let cid = declared.map(|codec| codec.cid.clone()).filter(|cid| !cid.is_empty());
        let backup = match kind {
            MediaKind::Audio => proto::BackupCodecPolicy::Simulcast as i32,
            MediaKind::Video => request.backup_codec_policy,
        };
        let info = proto::TrackInfo {
            sid: ids::track_sid(request.r#type(), request.source()),
            r#type: request.r#type,
            name: request.name.clone(),
            muted: request.muted,
            width: request.width,
            height: request.height,
            simulcast: layers.len() > 1,
            disable_dtx: request.disable_dtx,
            source: request.source,
            layers: layers.clone(),
            codecs: vec![proto::SimulcastCodecInfo {
                mime_type: mime,
                cid: cid.unwrap_or_else(|| request.cid.clone()),
                layers,
                video_layer_mode: layer_mode(codec),
                ..proto::SimulcastCodecInfo::default()
            }],
            stereo: request.stereo,
            disable_red: request.disable_red,
            encryption: request.encryption,
            stream: stream_name(request),
            version: Some(proto::TimedVersion { unix_micro: now_us, ticks: 0 }),
            audio_features: request.audio_features.clone(),
            backup_codec_policy: backup,
            packet_trailer_features: request.packet_trailer_features.clone(),
            ..proto::TrackInfo::default()
        };
        let mut cids = vec![request.cid.clone()];
        cids.extend(request.simulcast_codecs.iter().map(|codec| codec.cid.clone()).filter(|cid| !cid.is_empty()));
        cids.dedup();
        let pending = PendingPublication {
            track: info.sid.clone(),
            cids,
            kind,
            codec,
            stereo: request.stereo,
            dtx: !request.disable_dtx,
        };
        Self { cid: request.cid.clone(), info, pending }
    }

    /// The publication once a section carries the track.
    pub(super) fn bind(
        self,
        id: PublicationId,
        publisher: ParticipantKey,
        transport: sfu_engine::api::TransportId,
        section: &NegotiatedPublication,
    ) -> Publication {
        let spec = PublicationSpec {
            id,
            transport,
            kind: section.kind,
            mid: section.mid.clone(),
            encodings: section.encodings.clone(),
        };
        let codecs = match self.pending.codec {
            Some(codec) if section.codecs.contains(&codec) => vec![codec],
            _ => section.codecs.clone(),
        };
        let mut publication = Publication {
            id,
            publisher,
            cid: self.cid,
            info: self.info,
            kind: section.kind,
            spec,
            codecs,
            announced_subscriber: false,
            quality_sent: None,
            quality_due: None,
        };
        publication.describe();
        publication
    }
}

impl Publication {
    /// Writes into the public description what the media section settled.
    pub(super) fn describe(&mut self) {
        let mime = self.codecs.first().copied().map(mime_type).unwrap_or_default();
        self.info.mid.clone_from(&self.spec.mid);
        mime.clone_into(&mut self.info.mime_type);
        let count = self.spec.encodings.len();
        self.info.simulcast = self.kind == MediaKind::Video && count > 1;
        for layer in &mut self.info.layers {
            // A description may name more layers than the client sends (or fewer): they meet by quality.
            let index = (0..count).find(|index| quality_of_layer(*index as u8, count) as i32 == layer.quality);
            let Some(encoding) = index.and_then(|index| self.spec.encodings.get(index)) else { continue };
            layer.spatial_layer = index.unwrap_or(0) as i32;
            layer.rid = encoding.rid.clone().unwrap_or_default();
            layer.ssrc = encoding.ssrc.unwrap_or(0);
            layer.repair_ssrc = encoding.rtx_ssrc.unwrap_or(0);
        }
        if let Some(codec) = self.info.codecs.first_mut() {
            mime.clone_into(&mut codec.mime_type);
            codec.mid.clone_from(&self.spec.mid);
            codec.layers.clone_from(&self.info.layers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(codec: &str) -> proto::AddTrackRequest {
        proto::AddTrackRequest {
            cid: "c".to_owned(),
            r#type: proto::TrackType::Video as i32,
            source: proto::TrackSource::Camera as i32,
            simulcast_codecs: vec![proto::SimulcastCodec {
                codec: codec.to_owned(),
                cid: "c".to_owned(),
                ..proto::SimulcastCodec::default()
            }],
            ..proto::AddTrackRequest::default()
        }
    }

    #[test]
    fn a_codec_that_we_do_not_take_is_answered_with_its_substitute() {
        let track = PendingTrack::new(&video("H264"), 0);
        assert_eq!(track.info.codecs[0].mime_type, "video/h264");
        assert_eq!(track.pending.codec, Some(Codec::H264));
        let track = PendingTrack::new(&video("av1"), 0);
        assert_eq!(track.info.codecs[0].mime_type, "video/vp8");
        assert_eq!(track.pending.codec, Some(Codec::Vp8));
    }

    #[test]
    fn a_microphone_looks_like_the_recorded_one() {
        let request = proto::AddTrackRequest {
            cid: "m".to_owned(),
            source: proto::TrackSource::Microphone as i32,
            ..proto::AddTrackRequest::default()
        };
        let info = PendingTrack::new(&request, 0).info;
        assert!(info.sid.starts_with("TR_AM"));
        assert_eq!(info.stream, "camera");
        assert_eq!(info.codecs[0].cid, "m");
        assert_eq!(info.codecs[0].mime_type, "");
        assert_eq!(info.codecs[0].video_layer_mode, Mode::OneSpatialLayerPerStream as i32);
        assert_eq!(info.backup_codec_policy, proto::BackupCodecPolicy::Simulcast as i32);
    }
}
