//! Codecs.

use crate::api::Codec;

/// What is answered and offered unless configured otherwise, best first.
pub const DEFAULT_CODECS: [Codec; 3] = [Codec::Opus, Codec::Vp8, Codec::H264];
