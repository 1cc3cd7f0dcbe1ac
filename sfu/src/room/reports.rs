//! How a room describes itself: the `Room` message and webhooks.

use std::sync::Arc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use sfu_engine::api::Codec;
use sfu_engine::api::MediaKind;
use sfu_engine::sdp::DEFAULT_CODECS;
use signaling_proto::ids;
use signaling_proto::proto;
use signaling_proto::unix_now;
use signaling_proto::webhook;
use signaling_proto::webhook::event;
use tokio::time::Instant;

use super::Room;
use super::RoomSettings;
use super::participant::Participant;
use crate::api::webhooks::Event;
use crate::config::NodeConfig;

/// Milliseconds since the Unix epoch.
pub(super) fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}

/// The MIME type as LiveKit writes it.
pub(super) const fn mime_type(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "audio/opus",
        Codec::Vp8 => "video/VP8",
        Codec::H264 => "video/H264",
        Codec::Vp9 => "video/VP9",
        Codec::Av1 => "video/AV1",
    }
}

fn enabled(kind: MediaKind) -> impl Iterator<Item = proto::Codec> {
    DEFAULT_CODECS
        .into_iter()
        .filter(move |codec| codec.kind() == kind)
        .map(|codec| proto::Codec { mime: mime_type(codec).to_owned(), fmtp_line: String::new() })
}

/// Video first and VP8 before the others: JavaScript takes the first as its default.
pub(super) fn enabled_publish_codecs() -> Vec<proto::Codec> {
    enabled(MediaKind::Video).chain(enabled(MediaKind::Audio)).collect()
}

/// A new room's description.
pub(super) fn room_info(settings: RoomSettings, config: &NodeConfig) -> proto::Room {
    let now = unix_ms();
    let rtx = proto::Codec { mime: "video/rtx".to_owned(), fmtp_line: String::new() };
    let empty = settings.empty_timeout.unwrap_or(config.timeouts.empty);
    let departure = settings.departure_timeout.unwrap_or(config.timeouts.departure);
    proto::Room {
        sid: ids::room_sid(),
        name: settings.name,
        empty_timeout: empty.as_secs() as u32,
        departure_timeout: departure.as_secs() as u32,
        max_participants: settings.max_participants,
        creation_time: now / 1_000,
        creation_time_ms: now,
        enabled_codecs: enabled(MediaKind::Audio).chain(enabled(MediaKind::Video)).chain([rtx]).collect(),
        metadata: settings.metadata,
        ..proto::Room::default()
    }
}

impl Room {
    /// The room with its counts: those who are in and not hidden, and how many of them publish.
    pub(crate) fn room_snapshot(&self) -> proto::Room {
        let visible = || self.participants.values().filter(|p| !p.hidden());
        proto::Room {
            num_participants: visible().count() as u32,
            num_publishers: visible().filter(|p| !p.publications.is_empty()).count() as u32,
            ..self.info.clone()
        }
    }

    pub(super) fn report_room(&self, event: &str) {
        self.report(webhook::room_event(event, self.room_snapshot(), unix_now()));
    }

    pub(super) fn report_room_finished(&self) {
        let mut finished = webhook::room_event(event::ROOM_FINISHED, self.room_snapshot(), unix_now());
        finished.room_end_reason = self.closing.unwrap_or(proto::RoomEndReason::RoomEndUnknown) as i32;
        self.report(finished);
    }

    pub(super) fn report_participant(&self, event: &str, participant: proto::ParticipantInfo) {
        self.report(webhook::participant_event(event, self.room_snapshot(), participant, unix_now()));
    }

    pub(super) fn report_track(&self, event: &str, publisher: &Participant, track: &proto::TrackInfo) {
        let participant = proto::ParticipantInfo {
            sid: publisher.sid.clone(),
            identity: publisher.identity.clone(),
            ..proto::ParticipantInfo::default()
        };
        self.report(webhook::track_event(event, &self.info, &participant, track.clone(), unix_now()));
    }

    fn report(&self, event: proto::WebhookEvent) {
        self.shared.webhooks.send(&Event { room: Arc::clone(&self.name), event: Arc::new(event) });
    }

    /// The participant is in: its primary transport carries media.
    pub(super) fn report_joined(&mut self, key: super::ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.reported {
            return;
        }
        participant.reported = true;
        metrics::histogram!("plenum_join_seconds")
            .record(Instant::now().duration_since(participant.joined).as_secs_f64());
        if let Some(participant) = self.participant(key) {
            let info = self.participant_info(participant);
            self.report_participant(event::PARTICIPANT_JOINED, info);
        }
    }
}
