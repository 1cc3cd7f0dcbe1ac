//! The server API: RoomService over Twirp (`POST /twirp/livekit.RoomService/<Method>`), both body formats.
//!
//! In: a content type and a body → a request message. Out: an answer in the request's format, or a [`TwirpError`], which
//! is JSON whatever the request was. JSON requests are read leniently (`protojson`); JSON answers are LiveKit's dialect:
//! snake_case, defaults written, 64-bit integers as strings, absent messages null ([`answer`]).

pub mod answer;
mod error;

use bytes::Bytes;
use prost::Message;
use serde::de::DeserializeOwned;

pub use answer::TwirpJson;
pub use error::{TwirpCode, TwirpError};

use crate::{limits, protojson};

/// Where RoomService is mounted; the method's name follows.
pub const ROOM_SERVICE_PATH: &str = "/twirp/livekit.RoomService/";

/// The two forms of a Twirp body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/json`
    Json,
    /// `application/protobuf`
    Protobuf,
}

impl BodyFormat {
    /// The format of a `Content-Type` header, parameters ignored; `None` for any other.
    #[must_use]
    pub fn from_content_type(header: &str) -> Option<Self> {
        let essence = header.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else if essence.eq_ignore_ascii_case("application/protobuf") {
            Some(Self::Protobuf)
        } else {
            None
        }
    }

    /// The `Content-Type` of an answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/protobuf",
        }
    }
}

/// Reads a request.
///
/// # Errors
/// `malformed` if the body is not this message, `resource_exhausted` beyond [`limits::TWIRP_BODY_BYTES`].
pub fn decode_request<M: Message + Default + DeserializeOwned>(
    format: BodyFormat,
    body: &[u8],
) -> Result<M, TwirpError> {
    if body.len() > limits::TWIRP_BODY_BYTES {
        return Err(TwirpError::new(TwirpCode::ResourceExhausted, "the request body is too long"));
    }
    match format {
        BodyFormat::Json => protojson::decode(body)
            .map_err(|error| TwirpError::malformed("json").with_meta("reason", error.to_string())),
        BodyFormat::Protobuf => {
            M::decode(body).map_err(|error| TwirpError::malformed("protobuf").with_meta("reason", error.to_string()))
        }
    }
}

/// Writes an answer in the request's format.
///
/// # Errors
/// `internal` if the message does not become JSON, which none of ours does.
pub fn encode_answer<M: Message + TwirpJson>(format: BodyFormat, answer: &M) -> Result<Bytes, TwirpError> {
    match format {
        BodyFormat::Json => answer::to_vec(answer)
            .map(Bytes::from)
            .map_err(|error| TwirpError::new(TwirpCode::Internal, error.to_string())),
        BodyFormat::Protobuf => Ok(answer.encode_to_vec().into()),
    }
}

#[cfg(test)]
mod tests {
    use livekit_protocol::{CreateRoomRequest, ListRoomsRequest};

    use super::*;

    #[test]
    fn content_types_are_recognised_with_parameters_and_in_any_case() {
        assert_eq!(BodyFormat::from_content_type("application/json; charset=utf-8"), Some(BodyFormat::Json));
        assert_eq!(BodyFormat::from_content_type("Application/Protobuf"), Some(BodyFormat::Protobuf));
        assert_eq!(BodyFormat::from_content_type("text/plain"), None);
        assert_eq!(BodyFormat::from_content_type(""), None);
    }

    #[test]
    fn both_formats_give_the_same_request() {
        let json = br#"{"name":"golden","emptyTimeout":30,"maxParticipants":5,"unknownField":1}"#;
        let request: CreateRoomRequest = decode_request(BodyFormat::Json, json).unwrap();
        let again: CreateRoomRequest = decode_request(BodyFormat::Protobuf, &request.encode_to_vec()).unwrap();
        assert_eq!(request, again);
        assert_eq!((request.empty_timeout, request.max_participants), (30, 5));
    }

    #[test]
    fn a_broken_body_is_malformed() {
        let error = decode_request::<ListRoomsRequest>(BodyFormat::Json, b"{\"names\":").unwrap_err();
        assert_eq!((error.code.http_status(), error.msg.as_str()), (400, "the json request could not be decoded"));
        let error = decode_request::<ListRoomsRequest>(BodyFormat::Protobuf, &[0xff]).unwrap_err();
        assert_eq!(error.code, TwirpCode::Malformed);
        let error = decode_request::<ListRoomsRequest>(BodyFormat::Json, &vec![b' '; limits::TWIRP_BODY_BYTES + 1]);
        assert_eq!(error.unwrap_err().code, TwirpCode::ResourceExhausted);
    }
}
