//! The JSON of the server API's answers.
//!
//! LiveKit's server writes snake_case names, every default, 64-bit integers as strings, enums by name, absent messages
//! as null and fields in the order of the `.proto`. The generated serializers can do none of that, and the crate brings
//! no descriptors, so each message of an answer is listed here. The list cannot fall behind: a field that the crate adds
//! stops this file from compiling.

use std::collections::HashMap;

use livekit_protocol as proto;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// A message, or a field of one, in the server API's JSON.
pub trait TwirpJson {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error>;
}

/// Serializes a message in the server API's JSON; for use with any serde format.
pub struct AsTwirpJson<'a, T>(pub &'a T);

impl<T: TwirpJson> Serialize for AsTwirpJson<'_, T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.0.write(out)
    }
}

/// Writes a message's JSON.
///
/// # Errors
/// None for the messages listed here.
pub fn to_vec<T: TwirpJson>(message: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&AsTwirpJson(message))
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl TwirpJson for $type {
            fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                self.serialize(out)
            }
        }
    )*};
}

plain!(String, bool, u32, i32, HashMap<String, String>);

impl TwirpJson for i64 {
    /// A JavaScript number holds only 53 bits.
    fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<T: TwirpJson> TwirpJson for Vec<T> {
    fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.iter().map(AsTwirpJson))
    }
}

impl<T: TwirpJson> TwirpJson for Option<T> {
    fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(message) => message.write(out),
            None => out.serialize_none(),
        }
    }
}

/// Enum fields are bare numbers in the generated types; `name` knows their names. An unknown number stays a number.
struct Named<'a, F, N> {
    field: &'a F,
    name: N,
}

impl<N: Fn(i32) -> Option<&'static str>> Serialize for Named<'_, i32, N> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match (self.name)(*self.field) {
            Some(name) => out.serialize_str(name),
            None => out.serialize_i32(*self.field),
        }
    }
}

impl<N: Fn(i32) -> Option<&'static str>> Serialize for Named<'_, Vec<i32>, N> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut list = out.serialize_seq(Some(self.field.len()))?;
        for value in self.field {
            list.serialize_element(&Named { field: value, name: &self.name })?;
        }
        list.end()
    }
}

/// Field names are the `.proto`'s; Rust's keywords come with a prefix.
fn json_name(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}

macro_rules! field {
    ($map:ident, $field:ident) => {
        $map.serialize_entry(json_name(stringify!($field)), &AsTwirpJson($field))?;
    };
    ($map:ident, $field:ident, $enum:path) => {
        $map.serialize_entry(
            json_name(stringify!($field)),
            &Named { field: $field, name: |value| <$enum>::try_from(value).ok().map(|known| known.as_str_name()) },
        )?;
    };
}

macro_rules! message {
    ($type:ty { $( $field:ident $(as $enum:path)? ),* $(,)? }) => {
        impl TwirpJson for $type {
            #[allow(deprecated, reason = "older SDKs still read the deprecated fields")]
            fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                // Without `..`: a new field must not be forgotten.
                let Self { $($field),* } = self;
                #[allow(unused_mut, reason = "some messages have no fields")]
                let mut map = out.serialize_map(None)?;
                $( field!(map, $field $(, $enum)?); )*
                map.end()
            }
        }
    };
}

message!(proto::Room {
    sid,
    name,
    empty_timeout,
    departure_timeout,
    max_participants,
    creation_time,
    creation_time_ms,
    turn_password,
    enabled_codecs,
    metadata,
    num_participants,
    num_publishers,
    active_recording,
    version,
});
message!(proto::Codec { mime, fmtp_line });
message!(proto::TimedVersion { unix_micro, ticks });
message!(proto::ParticipantInfo {
    sid, identity, state as proto::participant_info::State, tracks, metadata, joined_at, joined_at_ms, name, version,
    permission, region, is_publisher, kind as proto::participant_info::Kind, attributes,
    disconnect_reason as proto::DisconnectReason, kind_details as proto::participant_info::KindDetail, data_tracks,
    client_protocol, capabilities as proto::client_info::Capability,
});
message!(proto::ParticipantPermission {
    can_subscribe, can_publish, can_publish_data, can_publish_sources as proto::TrackSource, hidden, recorder,
    can_update_metadata, agent, can_subscribe_metrics, can_manage_agent_session,
});
message!(proto::TrackInfo {
    sid, r#type as proto::TrackType, name, muted, width, height, simulcast, disable_dtx, source as proto::TrackSource,
    layers, mime_type, mid, codecs, stereo, disable_red, encryption as proto::encryption::Type, stream, version,
    audio_features as proto::AudioTrackFeature, backup_codec_policy as proto::BackupCodecPolicy,
    packet_trailer_features as proto::PacketTrailerFeature,
});
message!(proto::SimulcastCodecInfo {
    mime_type, mid, cid, layers, video_layer_mode as proto::video_layer::Mode, sdp_cid,
});
message!(proto::VideoLayer {
    quality as proto::VideoQuality, width, height, bitrate, ssrc, spatial_layer, rid, repair_ssrc,
});
message!(proto::DataTrackInfo { pub_handle, sid, name, encryption as proto::encryption::Type, frame_encoding, schema });
message!(proto::DataTrackSchemaId { name, encoding });
message!(proto::ListRoomsResponse { rooms });
message!(proto::DeleteRoomResponse {});
message!(proto::ListParticipantsResponse { participants });
message!(proto::RemoveParticipantResponse {});
message!(proto::MuteRoomTrackResponse { track });
message!(proto::UpdateSubscriptionsResponse {});
message!(proto::SendDataResponse {});
message!(proto::PerformRpcResponse { payload });

/// Of a oneof only the member that is set is written.
macro_rules! encoding {
    ($type:ty, $module:path, $known:path) => {
        impl TwirpJson for $type {
            fn write<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                use $module as oneof;
                let mut map = out.serialize_map(None)?;
                match &self.value {
                    Some(oneof::Value::WellKnown(well_known)) => {
                        field!(map, well_known, $known);
                    }
                    Some(oneof::Value::Custom(custom)) => {
                        field!(map, custom);
                    }
                    None => {}
                }
                map.end()
            }
        }
    };
}

encoding!(
    proto::DataTrackFrameEncoding,
    proto::data_track_frame_encoding,
    proto::data_track_frame_encoding::WellKnownFrameEncoding
);
encoding!(
    proto::DataTrackSchemaEncoding,
    proto::data_track_schema_encoding,
    proto::data_track_schema_encoding::WellKnownSchemaEncoding
);
