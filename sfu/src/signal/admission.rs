//! May this request join? Token, query, grant, revocation, room; in the order in which the reference refuses.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header;
use sfu_engine::sdp::RemoteDescription;
use signaling_proto::error::JoinRefusal;
use signaling_proto::join;
use signaling_proto::join::ConnectionMode;
use signaling_proto::join::JoinError;
use signaling_proto::join::JoinParameters;
use signaling_proto::join::JoinPath;
use signaling_proto::proto;
use signaling_proto::protojson;
use signaling_proto::token;
use signaling_proto::token::Claims;

use crate::node::Shared;
use crate::room::JoinRequest;
use crate::room::Joined;
use crate::room::RoomHandle;
use crate::room::RoomSettings;

/// A room may end while somebody joins it: then the join opens it anew, this often.
const MAX_TRIES: usize = 5;

/// A request whose token allows the join. Whether the room takes it is not known yet.
pub(super) struct Admission {
    claims: Claims,
    room: String,
    parameters: JoinParameters,
}

/// `Authorization: Bearer` comes before the query.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Checks everything that can be checked without a room.
pub(super) fn judge(
    shared: &Shared,
    path: JoinPath,
    headers: &HeaderMap,
    query: &str,
) -> Result<Admission, JoinRefusal> {
    let token = bearer(headers).or_else(|| join::access_token(query)).unwrap_or_default();
    let claims = token::verify(&token, &shared.keys, signaling_proto::unix_now())?;
    let parameters = join::parse(path, query)?.parameters;
    let room = claims.join_grant()?.room.clone();
    if shared.is_revoked(&claims, &room) {
        return Err(JoinRefusal::Revoked);
    }
    if let Some(offer) = &parameters.publisher_offer {
        RemoteDescription::parse(&offer.sdp).map_err(|error| JoinError::Offer(error.to_string()))?;
    }
    Ok(Admission { claims, room, parameters })
}

impl Admission {
    pub(super) const fn wants_resume(&self) -> bool {
        self.parameters.reconnect.is_some()
    }

    /// Whether a join would succeed now.
    pub(super) async fn check(&self, shared: &Arc<Shared>) -> Result<(), JoinRefusal> {
        let Some(room) = shared.room(&self.room) else {
            return if shared.may_auto_create(&self.claims.iss) { Ok(()) } else { Err(JoinRefusal::RoomNotFound) };
        };
        let identity = self.claims.identity().to_owned();
        // A room that ends right now is gone for the join, too.
        room.call(move |room| room.admits(&identity)).await.unwrap_or(Ok(()))
    }

    /// Joins, and opens the room if the token may.
    pub(super) async fn join(self, shared: &Arc<Shared>) -> Result<(RoomHandle, Joined), JoinRefusal> {
        for _ in 0..MAX_TRIES {
            let room = self.find_room(shared)?;
            let request = self.request();
            if let Some(joined) = room.call(move |room| room.join(request)).await {
                return joined.map(|joined| (room, joined));
            }
            // The room ended between the look-up and the call.
            shared.forget_room(&room.name, &room.sid);
        }
        Err(JoinRefusal::NodeFull { reason: "the room keeps ending while it is joined, try again".to_owned() })
    }

    fn find_room(&self, shared: &Arc<Shared>) -> Result<RoomHandle, JoinRefusal> {
        if let Some(room) = shared.room(&self.room) {
            return Ok(room);
        }
        if !shared.may_auto_create(&self.claims.iss) {
            return Err(JoinRefusal::RoomNotFound);
        }
        shared.room_or_open(self.room_settings())
    }

    /// What the token's `roomConfig` asks of a room that it opens. A broken one is as none.
    fn room_settings(&self) -> RoomSettings {
        let config = self.claims.room_config.clone();
        let config: proto::RoomConfiguration =
            config.and_then(|config| protojson::decode_value(config).ok()).unwrap_or_default();
        let seconds = |value: u32| (value > 0).then(|| Duration::from_secs(u64::from(value)));
        RoomSettings {
            name: self.room.clone(),
            metadata: config.metadata,
            max_participants: config.max_participants,
            empty_timeout: seconds(config.empty_timeout),
            departure_timeout: seconds(config.departure_timeout),
        }
    }

    fn request(&self) -> JoinRequest {
        let parameters = self.parameters.clone();
        JoinRequest {
            claims: self.claims.clone(),
            client: parameters.client_info,
            auto_subscribe: parameters.auto_subscribe,
            single: parameters.mode == ConnectionMode::Single,
            metadata: parameters.metadata,
            attributes: parameters.attributes,
            add_tracks: parameters.add_track_requests,
            offer: parameters.publisher_offer,
        }
    }
}
