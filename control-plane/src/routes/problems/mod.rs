//! How each operation's errors are answered: status, code and a sentence that helps.

mod document;

use http::StatusCode;

use crate::adapters::providers::VouchError;
use crate::error::ApiError;
use crate::services::accounts::{Closed, LoginError, RegisterError};
use crate::services::addresses::CodeError;
use crate::services::authorize::Refusal;
use crate::services::credentials::{ChangePasswordError, ProofError};
use crate::services::joins::JoinError;
use crate::services::mail::MailNotConfigured;
use crate::services::passwords::PasswordError;
use crate::services::placement::PlacementError;
use crate::services::providers::ProviderError;
use crate::services::rooms::RoomError;
use crate::services::sessions::RefreshError;
use crate::services::setup::SetupError;

pub(super) use document::document;
pub(crate) use document::*;

impl From<MailNotConfigured> for ApiError {
    fn from(_: MailNotConfigured) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "mail_not_configured",
            "This server sends no mail. Ask the people who run it.",
        )
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        Self::internal(&error)
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Closed(error) => error.into(),
            RegisterError::Taken => Self::new(
                StatusCode::CONFLICT,
                "email_taken",
                "There is an account with this address already. Sign in.",
            ),
            RegisterError::UsernameTaken => username_taken(),
            RegisterError::Password(error) => error.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<Closed> for ApiError {
    fn from(error: Closed) -> Self {
        match error {
            Closed::ToAll => {
                Self::new(StatusCode::FORBIDDEN, "registration_closed", "This server does not take new accounts.")
            }
            Closed::InviteOnly => Self::new(
                StatusCode::FORBIDDEN,
                "invite_required",
                "This server takes new accounts by invitation only.",
            ),
            Closed::Store(error) => error.into(),
        }
    }
}

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::NotConfigured => {
                Self::not_found("provider_not_configured", "One cannot sign in with this provider here.")
            }
            ProviderError::UnknownAddress => Self::new(
                StatusCode::BAD_REQUEST,
                "unknown_host",
                "The request does not say which host it was sent to, and no public URL is configured.",
            ),
            ProviderError::StateMismatch => Self::new(
                StatusCode::BAD_REQUEST,
                "oauth_state_mismatch",
                "This sign-in was not begun in this browser, or too long ago. Begin again.",
            ),
            ProviderError::Denied(_) => {
                Self::new(StatusCode::BAD_REQUEST, "oauth_denied", "The provider did not let you in. Begin again.")
            }
            ProviderError::Vouch(VouchError::Unavailable(reason)) => {
                tracing::warn!(reason, "an identity provider cannot be used");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "provider_unavailable",
                    "The provider cannot be reached right now. Try again in a moment.",
                )
            }
            ProviderError::Vouch(VouchError::Refused(reason)) => {
                metrics::counter!("plenum_provider_tokens_refused_total").increment(1);
                tracing::info!(reason, "a sign-in by an identity provider was refused");
                Self::new(
                    StatusCode::UNAUTHORIZED,
                    "provider_token_refused",
                    "The provider's word for this sign-in does not hold. Begin again.",
                )
            }
            ProviderError::EmailMissing => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "email_missing",
                "The provider tells no address of this account, and one is needed.",
            ),
            ProviderError::EmailTaken => Self::new(
                StatusCode::CONFLICT,
                "email_taken",
                "There is an account with this address already, and the provider does not vouch for it. Sign in there.",
            ),
            ProviderError::NotSignedIn => Self::sign_in_required(),
            ProviderError::IdentityTaken => Self::new(
                StatusCode::CONFLICT,
                "identity_taken",
                "This account of the provider opens another account here.",
            ),
            ProviderError::AlreadyLinked => Self::new(
                StatusCode::CONFLICT,
                "provider_linked",
                "Another account of this provider is linked. Unlink it first.",
            ),
            ProviderError::NotLinked => Self::not_found("identity_not_found", "This provider is not linked."),
            ProviderError::LastWayIn => Self::new(
                StatusCode::CONFLICT,
                "last_way_in",
                "Nothing else would let you into your account. Set a password first.",
            ),
            ProviderError::Closed(error) => error.into(),
            ProviderError::Suspended => account_suspended(),
            ProviderError::Store(error) => error.into(),
        }
    }
}

/// 409 about a user name.
pub(crate) fn username_taken() -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "username_taken", "This user name is taken. Choose another.")
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Invalid => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_code",
                "The code is wrong, used or expired. Ask for a new one.",
            ),
            CodeError::Suspended => account_suspended(),
            CodeError::Mail(error) => error.into(),
            CodeError::Password(error) => error.into(),
            CodeError::Store(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for ApiError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Proof(error) => error.into(),
            ChangePasswordError::Password(error) => error.into(),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}

impl From<ProofError> for ApiError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::CurrentRequired => Self::field("current_password", "is required"),
            ProofError::Wrong => Self::new(StatusCode::FORBIDDEN, "wrong_password", "The current password is another."),
            ProofError::Password(error) => error.into(),
            ProofError::Store(error) => error.into(),
        }
    }
}

/// 403 to somebody who proved that the account is theirs.
fn account_suspended() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "account_suspended",
        "This account is suspended. Ask the people who run this server.",
    )
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Refused => {
                Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", "The address or the password is wrong.")
            }
            LoginError::Suspended => account_suspended(),
            LoginError::Password(error) => error.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Unknown => {
                Self::new(StatusCode::UNAUTHORIZED, "invalid_refresh_token", "The session has ended. Sign in again.")
            }
            RefreshError::Reused => Self::new(
                StatusCode::UNAUTHORIZED,
                "refresh_token_reused",
                "This refresh token was used before, so the session was ended. Sign in again.",
            ),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<SetupError> for ApiError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::WrongToken => Self::new(
                StatusCode::FORBIDDEN,
                "invalid_setup_token",
                "The set-up link is wrong or was used. Restart the server for a new one if it has no admin yet.",
            ),
            SetupError::Register(error) => error.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => room_not_found(),
            Refusal::SignInRequired => Self::sign_in_required(),
            Refusal::Lobby => {
                Self::new(StatusCode::FORBIDDEN, "lobby_required", "Somebody has to let you in. Wait in the lobby.")
            }
            Refusal::Banned => Self::new(StatusCode::FORBIDDEN, "banned", "You may not enter this room."),
            Refusal::Forbidden => Self::forbidden(),
        }
    }
}

/// 404 about a room: wrong id or code, closed, deleted, or not for this caller to know about.
pub(crate) fn room_not_found() -> ApiError {
    ApiError::not_found("room_not_found", "There is no such room, or it is closed.")
}

impl From<RoomError> for ApiError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::NotFound => room_not_found(),
            RoomError::Refused(refusal) => refusal.into(),
            RoomError::TooMany => {
                Self::new(StatusCode::CONFLICT, "too_many_rooms", "You own as many rooms as allowed. Delete one first.")
            }
            RoomError::NoOrganization => {
                Self::not_found("organization_not_found", "There is no such organization among yours.")
            }
            RoomError::NoCode => Self::internal(&error),
            RoomError::Store(error) => error.into(),
        }
    }
}

impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Room(error) => error.into(),
            JoinError::NoCalls => Self::new(
                StatusCode::CONFLICT,
                "room_has_no_calls",
                "This is a chat room. Only video rooms hold calls.",
            ),
            JoinError::Banned => Refusal::Banned.into(),
            JoinError::LobbyRequired => Refusal::Lobby.into(),
            JoinError::Locked => Self::new(
                StatusCode::FORBIDDEN,
                "call_locked",
                "The hosts have locked this call. Ask one of them to let you in.",
            ),
            JoinError::NameRequired => Self::field("display_name", "is required for guests"),
            JoinError::Full => Self::new(StatusCode::CONFLICT, "room_full", "The room is full. Try again later."),
            JoinError::Placement(PlacementError::Store(error)) => error.into(),
            JoinError::Placement(PlacementError::NoNode) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "media_unavailable",
                "No media server can take the call right now. Try again in a moment.",
            )
            .retry_after(2),
            JoinError::UnknownAddress => Self::new(
                StatusCode::BAD_REQUEST,
                "unknown_host",
                "The request does not say which host it was sent to, and no public URL is configured.",
            ),
            JoinError::Token(_) => Self::internal(&error),
            JoinError::Store(error) => error.into(),
        }
    }
}
