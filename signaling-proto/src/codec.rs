//! WebSocket frames ↔ signal messages.
//!
//! A binary frame is one protobuf message, a text frame the same in protobuf's JSON; a client that sends text is
//! answered in text. Frames beyond [`limits::FRAME_BYTES`] are refused unread.

use bytes::Bytes;
use livekit_protocol::{SignalRequest, SignalResponse};
use prost::Message;

use crate::{limits, protojson};

/// Which form a client speaks; replies take the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FrameFormat {
    /// Protobuf in binary frames.
    #[default]
    Binary,
    /// Protobuf's JSON in text frames.
    Text,
}

/// A frame that is no signal message. The session answers none of these; it counts them and closes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`limits::FRAME_BYTES`].
    #[error("the frame has {0} bytes, more than {limit}", limit = limits::FRAME_BYTES)]
    TooLong(usize),
    /// Not protobuf, or not this message.
    #[error("the binary frame is not a signal message: {0}")]
    Protobuf(String),
    /// Not JSON, or not this message.
    #[error("the text frame is not a signal message: {0}")]
    Json(#[from] protojson::ProtoJsonError),
}

/// Reads a client's frame.
///
/// # Errors
/// See [`FrameError`].
pub fn decode_request(format: FrameFormat, frame: &[u8]) -> Result<SignalRequest, FrameError> {
    check_length(frame)?;
    match format {
        FrameFormat::Binary => SignalRequest::decode(frame).map_err(|error| FrameError::Protobuf(error.to_string())),
        FrameFormat::Text => Ok(protojson::decode(frame)?),
    }
}

/// Reads a server's frame (clients and tests).
///
/// # Errors
/// See [`FrameError`].
pub fn decode_response(frame: &[u8]) -> Result<SignalResponse, FrameError> {
    check_length(frame)?;
    SignalResponse::decode(frame).map_err(|error| FrameError::Protobuf(error.to_string()))
}

/// Writes a server's frame; text is UTF-8.
///
/// # Errors
/// Only in text: an enum field holds a number that its type does not name.
pub fn encode_response(format: FrameFormat, response: &SignalResponse) -> Result<Bytes, FrameError> {
    match format {
        FrameFormat::Binary => Ok(response.encode_to_vec().into()),
        FrameFormat::Text => Ok(protojson::encode(response)?.into()),
    }
}

/// Writes a client's binary frame (clients and tests).
#[must_use]
pub fn encode_request(request: &SignalRequest) -> Bytes {
    request.encode_to_vec().into()
}

fn check_length(frame: &[u8]) -> Result<(), FrameError> {
    if frame.len() > limits::FRAME_BYTES { Err(FrameError::TooLong(frame.len())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use livekit_protocol::{Ping, signal_request, signal_response};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_survive_both_forms() {
        let request = SignalRequest { message: Some(signal_request::Message::PingReq(Ping { timestamp: 7, rtt: 3 })) };
        assert_eq!(decode_request(FrameFormat::Binary, &encode_request(&request)).unwrap(), request);
        let text = br#"{"pingReq":{"timestamp":"7","rtt":3}}"#;
        assert_eq!(decode_request(FrameFormat::Text, text).unwrap(), request);
    }

    #[test]
    fn responses_survive_binary_and_are_camel_case_in_text() {
        let response = SignalResponse { message: Some(signal_response::Message::Pong(1_700_000_000_000)) };
        let frame = encode_response(FrameFormat::Binary, &response).unwrap();
        assert_eq!(decode_response(&frame).unwrap(), response);
        assert_eq!(encode_response(FrameFormat::Text, &response).unwrap(), r#"{"pong":"1700000000000"}"#.as_bytes());
    }

    #[test]
    fn a_frame_beyond_the_limit_is_refused_unread() {
        let frame = vec![0; limits::FRAME_BYTES + 1];
        assert_eq!(decode_request(FrameFormat::Binary, &frame), Err(FrameError::TooLong(frame.len())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_and_never_panic(frame in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode_request(FrameFormat::Binary, &frame);
            let _ = decode_request(FrameFormat::Text, &frame);
        }
    }
}
