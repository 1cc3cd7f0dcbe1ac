//! Twirp errors: `{code, msg, meta}` with the HTTP status of the code (Twirp wire protocol v7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::GrantError;
use crate::token::TokenError;

/// A refused call. The body is JSON, also for a protobuf request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {msg}", code.as_str())]
pub struct TwirpError {
    /// What kind of refusal.
    pub code: TwirpCode,
    /// A text a developer can act on.
    #[serde(default)]
    pub msg: String,
    /// More, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
}

macro_rules! codes {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal, $status:literal; )*) => {
        /// Twirp's error codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum TwirpCode {
            $( $(#[$doc])* #[serde(rename = $name)] $variant, )*
            /// A code we do not know, from a newer server.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl TwirpCode {
            /// The code's name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )* Self::Unknown => "unknown" }
            }

            /// The HTTP status of an answer with this code.
            #[must_use]
            pub fn http_status(self) -> u16 {
                match self { $( Self::$variant => $status, )* Self::Unknown => 500 }
            }
        }
    };
}

codes! {
    /// The caller went away.
    Canceled = "canceled", 408;
    /// An argument is wrong whatever the state.
    InvalidArgument = "invalid_argument", 400;
    /// The body cannot be read.
    Malformed = "malformed", 400;
    /// It took too long.
    DeadlineExceeded = "deadline_exceeded", 408;
    /// No such room, participant or track.
    NotFound = "not_found", 404;
    /// No such method, path or content type.
    BadRoute = "bad_route", 404;
    /// It exists already.
    AlreadyExists = "already_exists", 409;
    /// Known, but not allowed.
    PermissionDenied = "permission_denied", 403;
    /// No token, a bad token, the wrong grant or the wrong room.
    Unauthenticated = "unauthenticated", 401;
    /// A bound was met.
    ResourceExhausted = "resource_exhausted", 429;
    /// Wrong in the present state.
    FailedPrecondition = "failed_precondition", 412;
    /// Lost against another.
    Aborted = "aborted", 409;
    /// Beyond the valid range.
    OutOfRange = "out_of_range", 400;
    /// Not built.
    Unimplemented = "unimplemented", 501;
    /// A fault of the server.
    Internal = "internal", 500;
    /// Not now: shutting down, or full.
    Unavailable = "unavailable", 503;
    /// Data is lost.
    DataLoss = "dataloss", 500;
}

impl TwirpError {
    /// An error without meta.
    #[must_use]
    pub fn new(code: TwirpCode, msg: impl Into<String>) -> Self {
        Self { code, msg: msg.into(), meta: BTreeMap::new() }
    }

    /// The same with one more entry.
    #[must_use]
    pub fn with_meta(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.meta.insert(name.into(), value.into());
        self
    }

    /// The body cannot be read; `format` is `json` or `protobuf`.
    #[must_use]
    pub fn malformed(format: &str) -> Self {
        Self::new(TwirpCode::Malformed, format!("the {format} request could not be decoded"))
    }

    /// A path nobody serves.
    #[must_use]
    pub fn no_such_path(method: &str, path: &str) -> Self {
        Self::bad_route(format!("no handler for path {path:?}"), method, path)
    }

    /// Any HTTP method but POST.
    #[must_use]
    pub fn wrong_method(method: &str, path: &str) -> Self {
        Self::bad_route(format!("unsupported method {method:?} (only POST is allowed)"), method, path)
    }

    /// Neither JSON nor protobuf.
    #[must_use]
    pub fn wrong_content_type(content_type: &str, method: &str, path: &str) -> Self {
        Self::bad_route(format!("unexpected Content-Type: {content_type:?}"), method, path)
    }

    /// `not_found`.
    #[must_use]
    pub fn not_found(msg: impl Into<String>) -> Self {
        Self::new(TwirpCode::NotFound, msg)
    }

    /// `invalid_argument`, naming the argument.
    #[must_use]
    pub fn invalid_argument(argument: &str, msg: impl Into<String>) -> Self {
        Self::new(TwirpCode::InvalidArgument, msg).with_meta("argument", argument)
    }

    /// `failed_precondition`.
    #[must_use]
    pub fn failed_precondition(msg: impl Into<String>) -> Self {
        Self::new(TwirpCode::FailedPrecondition, msg)
    }

    /// The JSON body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings alone cannot fail to become JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn bad_route(msg: String, method: &str, path: &str) -> Self {
        Self::new(TwirpCode::BadRoute, msg).with_meta("twirp_invalid_route", format!("{method} {path}"))
    }
}

impl From<TokenError> for TwirpError {
    fn from(error: TokenError) -> Self {
        Self::new(TwirpCode::Unauthenticated, error.to_string())
    }
}

impl From<GrantError> for TwirpError {
    /// LiveKit answers `unauthenticated` here, not `permission_denied`; SDKs expect that.
    fn from(error: GrantError) -> Self {
        Self::new(TwirpCode::Unauthenticated, format!("permissions denied: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_from_newer_servers_are_unknown() {
        let error: TwirpError = serde_json::from_str(r#"{"code":"tired","msg":"m","meta":{"a":"b"}}"#).unwrap();
        assert_eq!((error.code, error.code.http_status()), (TwirpCode::Unknown, 500));
        let error: TwirpError = serde_json::from_str(r#"{"code":"not_found"}"#).unwrap();
        assert_eq!((error.code, error.code.http_status()), (TwirpCode::NotFound, 404));
        assert_eq!(serde_json::to_value(TwirpCode::Unknown).unwrap(), "unknown");
    }
}
