//! `/api/v1/rooms`: rooms, joining them, their calls.

pub(crate) mod bans;
pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod invitations;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod lobby;
pub(crate) mod members;
pub(crate) mod update;

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::problems::room_not_found;
use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, PersonInside, Room, RoomConfig, RoomName, RoomRole, RoomType};

/// Everything below `/rooms`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(get::get, update::update, delete::delete))
        .routes(routes!(join::join))
        .routes(routes!(call::get::get))
        .routes(routes!(calls::list::list))
        .routes(routes!(members::list::list, members::add::add))
        .routes(routes!(members::update::update, members::remove::remove))
        .routes(routes!(invitations::list::list))
        .routes(routes!(invitations::withdraw::withdraw))
        .routes(routes!(bans::list::list, bans::add::add))
        .routes(routes!(bans::lift::lift))
        .merge(lobby::routes())
}

/// A room. Fields of members alone are absent for everybody else.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomView {
    id: Uuid,
    /// Ten letters that let people find the room; absent for who found it by id and is no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    name: String,
    description: String,
    #[serde(rename = "type")]
    room_type: RoomType,
    access_level: AccessLevel,
    config: RoomConfig,
    capacity: Option<i64>,
    is_active: bool,
    expires_at: Option<Micros>,
    /// The chat; for members, and in the answer to a join.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<Uuid>,
    /// The organization whose members are members here; absent when there is none, and for who is no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<Uuid>,
    /// The caller's role; null for who is no member.
    role: Option<RoomRole>,
    /// The open call, while somebody is in it.
    call: Option<RoomCall>,
    created_at: Micros,
    updated_at: Micros,
}

/// The open call of a room, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomCall {
    id: Uuid,
    started_at: Option<Micros>,
    /// People in it now.
    participants: i64,
    /// The first fifty of them, when the room is read by its code, for who may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 50)]
    people: Option<Vec<PersonInside>>,
}

impl RoomView {
    /// What the caller may see of a room found as `by`.
    fn of(room: Room, by: &RoomName) -> Self {
        let is_member = room.role.is_some();
        let knows_code = is_member || matches!(by, RoomName::Code(_));
        Self {
            id: room.id,
            code: knows_code.then_some(room.code),
            name: room.name,
            description: room.description,
            room_type: room.room_type,
            access_level: room.access_level,
            config: room.config.0,
            capacity: room.capacity,
            is_active: room.is_active,
            expires_at: room.expires_at,
            conversation_id: is_member.then_some(room.conversation_id),
            org_id: room.org_id.filter(|_| is_member),
            role: room.role,
            call: room.call_id.map(|id| RoomCall {
                id,
                started_at: room.call_started_at,
                participants: room.call_participants,
                people: None,
            }),
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    }

    /// What the bearer of a join token sees, who reads and writes the chat whether they are a member or not.
    fn inside(room: Room, by: &RoomName) -> Self {
        let conversation_id = Some(room.conversation_id);
        Self { conversation_id, ..Self::of(room, by) }
    }

    /// Adds who is in the call.
    fn with_people(mut self, people: Option<Vec<PersonInside>>) -> Self {
        if let Some(call) = &mut self.call {
            call.people = people;
        }
        self
    }
}

/// Reads the id or code in a path.
///
/// # Errors
/// 404: what is neither names no room.
fn room_name(text: &str) -> Result<RoomName, ApiError> {
    RoomName::parse(text).ok_or_else(room_not_found)
}

/// A capacity that makes sense: at least one person.
fn check_capacity<C>(value: &Option<i64>, _: &C) -> garde::Result {
    match value {
        Some(n) if !(1..=100_000).contains(n) => Err(garde::Error::new("must be between 1 and 100000")),
        _ => Ok(()),
    }
}
