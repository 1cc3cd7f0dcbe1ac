//! People, their sessions, and who is asking.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::room::AccessLevel;
use super::text_enum::text_enum;

text_enum! {
    /// What somebody may do on the whole platform.
    pub(crate) enum PlatformRole { User = "user", Admin = "admin" }
}

text_enum! {
    /// Whether an account can be used.
    pub(crate) enum UserStatus { Active = "active", Suspended = "suspended", Deleted = "deleted" }
}

text_enum! {
    /// How the tokens of a session travel: in the body for apps, or in cookies for browsers.
    pub(crate) enum SessionTransport { Bearer = "bearer", Cookie = "cookie" }
}

text_enum! {
    /// What a code by mail is for.
    pub(crate) enum CodePurpose { Login = "login", VerifyEmail = "verify_email", Reset = "reset" }
}

text_enum! {
    /// Who else can vouch for somebody.
    pub(crate) enum Provider { Google = "google", Microsoft = "microsoft" }
}

/// An account.
#[derive(Clone, Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct User {
    pub id: Uuid,
    /// Lower-cased.
    pub email: String,
    pub username: Option<String>,
    pub display_name: String,
    /// A BCP 47 language tag.
    pub locale: String,
    /// An IANA time zone.
    pub timezone: String,
    pub platform_role: PlatformRole,
    pub status: UserStatus,
    pub default_room_access: AccessLevel,
    /// Address of the picture, below this server's; changes with it.
    #[serde(rename = "avatar_url", serialize_with = "avatar_url")]
    #[schema(value_type = Option<String>)]
    pub avatar_file_id: Option<Uuid>,
    pub email_verified_at: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// Writes a picture's file as its address.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn avatar_url<S: serde::Serializer>(file_id: &Option<Uuid>, serializer: S) -> Result<S::Ok, S::Error> {
    file_id.map(avatar_path).serialize(serializer)
}

/// Where the picture in a file is shown.
pub(crate) fn avatar_path(file_id: Uuid) -> String {
    format!("/api/v1/avatars/{file_id}")
}

/// The session a request came with, as far as decisions need it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct SessionFacts {
    #[sqlx(rename = "session_id")]
    pub id: Uuid,
    pub transport: SessionTransport,
    pub session_last_seen_at: Micros,
    /// When its person signed in.
    #[sqlx(rename = "session_created_at")]
    pub began_at: Micros,
    /// When it ends unless it is refreshed before.
    #[sqlx(rename = "session_expires_at")]
    pub expires_at: Micros,
}

/// A guest's pass for one room.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct GuestSession {
    pub id: Uuid,
    pub room_id: Uuid,
    pub name: String,
    /// The last part of the guest's identity, so that a guest who comes back without a `client_id` keeps it.
    pub tab: String,
    /// They were let into the room: by a token for its call, or out of the lobby.
    pub is_admitted: bool,
    /// When it ends unless the guest comes back, or is in a call, before.
    pub expires_at: Micros,
}

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) enum Actor {
    /// Nobody we know.
    Anonymous,
    /// A person with a live session.
    User { user: Box<User>, session: SessionFacts },
    /// A guest of one room.
    Guest(GuestSession),
}

impl Actor {
    /// The signed-in person, if there is one.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Self::User { user, .. } => Some(user),
            Self::Anonymous | Self::Guest(_) => None,
        }
    }

    /// When the session or pass ends, as it was last read.
    pub(crate) fn expires_at(&self) -> Option<Micros> {
        match self {
            Self::User { session, .. } => Some(session.expires_at),
            Self::Guest(guest) => Some(guest.expires_at),
            Self::Anonymous => None,
        }
    }
}
