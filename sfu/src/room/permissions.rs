//! Who may do what, and what follows when that changes.

use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::proto::request_response::Reason;
use signaling_proto::proto::signal_response::Message as Response;

use super::Room;
use super::participant::Participant;
use super::participant::ParticipantKey;
use super::participant::SubscriptionRule;

/// Entries that a publisher's list of permissions may have.
const MAX_RULES: usize = 1_024;

/// Whether a track of this source may be published.
pub(super) fn may_publish(permission: &proto::ParticipantPermission, source: i32) -> bool {
    permission.can_publish
        && (permission.can_publish_sources.is_empty() || permission.can_publish_sources.contains(&source))
}

/// Why a change of one's own description is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpdateError {
    #[error("name, metadata or attributes are too long")]
    TooLong,
}

/// A change of what a participant shows; empty parts stay as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct DescriptionChange {
    pub(crate) name: String,
    pub(crate) metadata: String,
    /// An empty value deletes the attribute.
    pub(crate) attributes: std::collections::HashMap<String, String>,
}

impl DescriptionChange {
    fn apply(self, participant: &mut Participant) -> Result<(), UpdateError> {
        let mut attributes = participant.attributes.clone();
        for (key, value) in self.attributes {
            if value.is_empty() {
                attributes.remove(&key);
            } else {
                attributes.insert(key, value);
            }
        }
        let bytes: usize = attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
        if self.name.len() > limits::NAME_BYTES
            || self.metadata.len() > limits::METADATA_BYTES
            || bytes > limits::ATTRIBUTES_BYTES
            || attributes.len() > limits::ATTRIBUTES_COUNT
        {
            return Err(UpdateError::TooLong);
        }
        participant.attributes = attributes;
        if !self.name.is_empty() {
            participant.name = self.name;
        }
        if !self.metadata.is_empty() {
            participant.metadata = self.metadata;
        }
        Ok(())
    }
}

impl Room {
    /// A participant changes its own name, metadata or attributes.
    pub(super) fn handle_update_metadata(&mut self, key: ParticipantKey, request: proto::UpdateParticipantMetadata) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let change = DescriptionChange {
            name: request.name.clone(),
            metadata: request.metadata.clone(),
            attributes: request.attributes.clone(),
        };
        let (reason, message) = if !participant.permission.can_update_metadata {
            (Reason::NotAllowed, "the token does not allow updating one's own metadata")
        } else if change.apply(participant).is_err() {
            (Reason::LimitExceeded, "name, metadata or attributes are too long")
        } else {
            (Reason::Ok, "")
        };
        if reason == Reason::Ok {
            self.mark_participant(key);
            // The sender waits for its own update before the answer.
            self.flush_participant_updates(tokio::time::Instant::now());
            self.refresh_token(key);
        }
        if let Some(participant) = self.participant(key) {
            participant.send(Response::RequestResponse(proto::RequestResponse {
                request_id: request.request_id,
                reason: reason as i32,
                message: message.to_owned(),
                request: Some(proto::request_response::Request::UpdateMetadata(request)),
            }));
        }
    }

    /// The server changes what a participant shows.
    pub(super) fn change_description(
        &mut self,
        key: ParticipantKey,
        change: DescriptionChange,
    ) -> Result<(), UpdateError> {
        let Some(participant) = self.participants.get_mut(&key) else { return Ok(()) };
        change.apply(participant)?;
        self.mark_participant(key);
        Ok(())
    }

    /// The server changes what a participant may do; what it may no longer do ends at once.
    pub(super) fn change_permission(&mut self, key: ParticipantKey, permission: proto::ParticipantPermission) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.permission == permission {
            return;
        }
        let was_hidden = participant.hidden();
        participant.permission = permission;
        participant.pending.retain(|track| may_publish(&participant.permission, track.info.source));
        participant.queued.retain(|request| may_publish(&participant.permission, request.source));
        let lost: Vec<_> = participant
            .publications
            .iter()
            .filter(|id| {
                self.publications
                    .get(id)
                    .is_some_and(|publication| !may_publish(&participant.permission, publication.info.source))
            })
            .copied()
            .collect();
        let publications = participant.publications.clone();
        let hidden = participant.hidden();
        for id in lost {
            self.revoke_publication(key, id);
        }
        self.reconcile_subscriptions_of(key);
        if was_hidden != hidden {
            for id in publications {
                self.reconcile_subscribers_of(id);
            }
        }
        self.mark_participant(key);
    }

    /// A publisher says who may subscribe to it.
    pub(super) fn handle_subscription_permission(
        &mut self,
        key: ParticipantKey,
        request: proto::SubscriptionPermission,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let before = std::mem::take(&mut participant.rule);
        participant.rule = if request.all_participants {
            SubscriptionRule::Everybody
        } else {
            let mut entries = request.track_permissions;
            entries.truncate(MAX_RULES);
            SubscriptionRule::Listed(entries)
        };
        if matches!((&before, &participant.rule), (SubscriptionRule::Everybody, SubscriptionRule::Everybody)) {
            return;
        }
        for id in participant.publications.clone() {
            self.tell_withdrawn(key, id);
            self.reconcile_subscribers_of(id);
        }
    }

    /// Those who had a track and may no longer have it are told so.
    fn tell_withdrawn(&mut self, publisher: ParticipantKey, id: sfu_engine::api::PublicationId) {
        let (Some(owner), Some(publication)) = (self.participants.get(&publisher), self.publications.get(&id)) else {
            return;
        };
        let track_sid = publication.info.sid.clone();
        let participant_sid = owner.sid.clone();
        let withdrawn: Vec<_> = self
            .participants
            .values()
            .filter(|p| p.told_allowed.contains(&id) && !owner.allows(p, &track_sid))
            .map(|p| p.key)
            .collect();
        for key in withdrawn {
            let Some(participant) = self.participants.get_mut(&key) else { continue };
            participant.told_allowed.remove(&id);
            participant.send(Response::SubscriptionPermissionUpdate(proto::SubscriptionPermissionUpdate {
                participant_sid: participant_sid.clone(),
                track_sid: track_sid.clone(),
                allowed: false,
            }));
        }
    }
}
