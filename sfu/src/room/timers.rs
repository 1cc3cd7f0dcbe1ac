//! What a room does because time passes.

use std::time::Duration;

use signaling_proto::proto;
use signaling_proto::proto::participant_info::State;
use tokio::time::Instant;

use super::Room;

/// How often time-outs are looked at.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// A participant whose media never connected is removed after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a participant without a socket stays: enough for a client that noticed at once to come back.
const SIGNAL_GRACE: Duration = Duration::from_secs(12);

impl Room {
    pub(super) fn next_deadline(&self) -> Instant {
        [self.updates.deadline(), self.negotiation_deadline(), self.dynacast_deadline()]
            .into_iter()
            .flatten()
            .chain([self.next_tick, self.next_quality])
            .min()
            .unwrap_or(self.next_tick)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if now >= self.next_quality {
            self.next_quality = now + super::quality::INTERVAL;
            self.judge_quality();
        }
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        self.end_simulated_speech(now);
        self.check_participants(now);
        self.check_negotiations(now);
        self.check_emptiness(now);
    }

    fn check_participants(&mut self, now: Instant) {
        let mut gone = Vec::new();
        let mut refresh = Vec::new();
        for participant in self.participants.values() {
            let past = |since: Instant, limit| now.duration_since(since) > limit;
            let reason = if participant.remove_at.is_some_and(|at| now >= at) {
                Some(proto::DisconnectReason::ConnectionTimeout)
            } else if participant.signal_lost.is_some_and(|since| past(since, SIGNAL_GRACE)) {
                Some(proto::DisconnectReason::SignalClose)
            } else if participant.state != State::Active && past(participant.joined, CONNECT_TIMEOUT) {
                Some(proto::DisconnectReason::JoinFailure)
            } else {
                None
            };
            match reason {
                Some(reason) => gone.push((participant.key, reason)),
                None if now >= participant.next_refresh => refresh.push(participant.key),
                None => {}
            }
        }
        for (key, reason) in gone {
            self.remove_participant(key, reason, true);
        }
        for key in refresh {
            self.refresh_token(key);
        }
    }

    fn check_emptiness(&mut self, now: Instant) {
        if !self.participants.is_empty() {
            return;
        }
        let seconds = if self.ever_joined { self.info.departure_timeout } else { self.info.empty_timeout };
        if now.duration_since(self.empty_since) >= Duration::from_secs(u64::from(seconds)) {
            self.closing = Some(proto::RoomEndReason::RoomEndIdleTimeout);
        }
    }
}
