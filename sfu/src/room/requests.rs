//! A client's message → the handler.

use std::time::Duration;

use signaling_proto::proto;
use signaling_proto::proto::leave_request::Action;
use signaling_proto::proto::request_response::Reason;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::proto::simulate_scenario::Scenario;

use tokio::time::Instant;

use super::Room;
use super::joining::leave;
use super::participant::ParticipantKey;

/// Longest simulated speech, in seconds.
const MAX_SIMULATED_S: i32 = 60;

/// How loud a simulated speaker is, in eighths.
const SIMULATED_LEVEL: u8 = 7;

impl Room {
    pub(super) fn handle_request(&mut self, key: ParticipantKey, request: Request) {
        if self.participants.get(&key).is_none_or(|participant| participant.session.is_none()) {
            return;
        }
        match request {
            Request::Offer(offer) => self.handle_offer(key, &offer),
            Request::Answer(answer) => self.handle_answer(key, &answer),
            // We are ICE-lite: the client's checks tell where it is. But who gathers has set its own description.
            Request::Trickle(_) => self.release_answer(key),
            // Answered by the session.
            Request::Ping(_) | Request::PingReq(_) => {}
            Request::AddTrack(request) => self.handle_add_track(key, request),
            Request::Mute(request) => self.handle_mute(key, &request),
            Request::Subscription(request) => self.handle_subscription(key, &request),
            Request::TrackSetting(request) => self.handle_track_settings(key, &request),
            Request::Leave(_) => self.remove_participant(key, proto::DisconnectReason::ClientInitiated, true),
            Request::UpdateLayers(request) => self.handle_update_layers(key, &request),
            Request::SubscriptionPermission(request) => self.handle_subscription_permission(key, request),
            Request::Simulate(request) => self.handle_simulate(key, request.scenario),
            Request::UpdateMetadata(request) => self.handle_update_metadata(key, request),
            Request::UpdateAudioTrack(request) => self.handle_update_audio_track(key, &request),
            Request::UpdateVideoTrack(request) => self.handle_update_video_track(key, &request),
            // Only a resumed session has a state to compare, and sessions are not resumed yet.
            Request::SyncState(_) => {}
            other => self.refuse_unsupported(key, other),
        }
    }

    /// Requests that this server does not know how to fulfil are answered, where the protocol has an answer.
    fn refuse_unsupported(&self, key: ParticipantKey, request: Request) {
        use proto::request_response::Request as Echo;
        let echo = match request {
            Request::PublishDataTrackRequest(request) => Echo::PublishDataTrack(request),
            Request::UnpublishDataTrackRequest(request) => Echo::UnpublishDataTrack(request),
            _ => return,
        };
        if let Some(participant) = self.participant(key) {
            participant.send(Response::RequestResponse(proto::RequestResponse {
                reason: Reason::UnsupportedType as i32,
                message: "this server does not carry data tracks".to_owned(),
                request: Some(echo),
                ..proto::RequestResponse::default()
            }));
        }
    }

    /// What the SDKs' own tests ask for.
    fn handle_simulate(&mut self, key: ParticipantKey, scenario: Option<Scenario>) {
        match scenario {
            Some(Scenario::SpeakerUpdate(seconds)) => {
                let seconds = seconds.clamp(0, MAX_SIMULATED_S) as u64;
                self.speakers.simulate_until(Instant::now() + Duration::from_secs(seconds));
                self.tell_speakers([(key, SIMULATED_LEVEL)].into());
            }
            Some(Scenario::ServerLeave(_)) => {
                self.remove_participant(key, proto::DisconnectReason::ServerShutdown, true);
            }
            // The client is to find a dead socket and come back by itself.
            Some(
                Scenario::NodeFailure(_)
                | Scenario::DisconnectSignalOnResume(_)
                | Scenario::DisconnectSignalOnResumeNoMessages(_),
            ) => {
                self.handle_session_ended(key);
            }
            Some(Scenario::Migration(_) | Scenario::LeaveRequestFullReconnect(_)) => {
                if let Some(participant) = self.participant(key) {
                    participant.send(Response::Leave(leave(proto::DisconnectReason::UnknownReason, Action::Reconnect)));
                }
            }
            // There is only UDP, and no artificial limit to set.
            Some(Scenario::SwitchCandidateProtocol(_) | Scenario::SubscriberBandwidth(_)) | None => {}
        }
    }
}
