//! `GET /api/v1/admin/{resource}`: everything there is, newest first, one statement a page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Admin, page_size, search_text};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Params;
use crate::model::call::CallState;
use crate::model::clock::Micros;
use crate::model::file::FileState;
use crate::model::job::JobState;
use crate::model::meeting::MeetingStatus;
use crate::model::room::RoomType;
use crate::model::user::{PlatformRole, UserStatus};
use crate::routes::page::{self, DEFAULT_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::store::admin::{
    self as store, AdminAuditRow, AdminCall, AdminFile, AdminJob, AdminMeeting, AdminMessage, AdminNotification,
    AdminOrganization, AdminRoom, AdminUser, AuditFilter, Slice,
};

/// The lists.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(users))
        .routes(routes!(rooms))
        .routes(routes!(calls))
        .routes(routes!(organizations))
        .routes(routes!(messages))
        .routes(routes!(meetings))
        .routes(routes!(notifications))
        .routes(routes!(files))
        .routes(routes!(jobs))
        .routes(routes!(audit_log))
}

/// Declares the query and the page of a list: what all have in common, and its own filters.
macro_rules! list {
    ($query:ident, $page:ident of $row:ty { $($(#[$meta:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        /// Which entries, and how many.
        #[derive(Deserialize, Validate, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        #[garde(allow_unvalidated)]
        pub(crate) struct $query {
            /// Part of the texts of an entry.
            #[garde(custom(search_text))]
            #[param(max_length = 100)]
            q: Option<String>,
            /// Entries of the page: 1 to 100, 50 unless given.
            #[garde(custom(page_size))]
            #[param(minimum = 1, maximum = 100)]
            limit: Option<u32>,
            /// `next_cursor` of the page before.
            #[garde(custom(search_text))]
            #[param(max_length = 100)]
            cursor: Option<String>,
            $($(#[$meta])* $field: $ty,)*
        }

        impl $query {
            fn slice(&self) -> Result<(Slice, u32), ApiError> {
                let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
                let after = page::read_cursor(self.cursor.as_deref())?;
                let q = self.q.clone().unwrap_or_default();
                Ok((Slice { after, limit: i64::from(limit) + 1, q }, limit))
            }
        }

        /// A page of a list.
        #[derive(Serialize, ToSchema)]
        pub(crate) struct $page {
            items: Vec<$row>,
            /// Asks for the next page; null on the last one.
            next_cursor: Option<String>,
        }

        impl $page {
            fn cut(rows: Vec<$row>, limit: u32) -> Json<Self> {
                let (items, next_cursor) = page::cut(rows, limit, |row| row.id);
                Json(Self { items, next_cursor })
            }
        }
    };
}
list!(AdminUsersQuery, AdminUserPage of AdminUser {
    #[param(inline)] status: Option<UserStatus>,
    #[param(inline)] platform_role: Option<PlatformRole>,
});

/// Every account.
#[utoipa::path(get, path = "/admin/users", tag = "admin", operation_id = "admin_list_users", params(AdminUsersQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdminUserPage), Problems, Forbidden))]
pub(crate) async fn users(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminUsersQuery>,
) -> Result<Json<AdminUserPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let status = query.status.map_or("", UserStatus::as_str);
    let role = query.platform_role.map_or("", PlatformRole::as_str);
    Ok(AdminUserPage::cut(store::list_users(&app.db, &slice, status, role).await?, limit))
}

list!(AdminRoomsQuery, AdminRoomPage of AdminRoom {
    #[serde(rename = "type")] #[param(inline)] room_type: Option<RoomType>,
    /// Only deleted ones, or only living ones.
    deleted: Option<bool>,
});

/// Every room.
#[utoipa::path(get, path = "/admin/rooms", tag = "admin", operation_id = "admin_list_rooms", params(AdminRoomsQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdminRoomPage), Problems, Forbidden))]
pub(crate) async fn rooms(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminRoomsQuery>,
) -> Result<Json<AdminRoomPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let room_type = query.room_type.map_or("", RoomType::as_str);
    Ok(AdminRoomPage::cut(store::list_rooms(&app.db, &slice, room_type, query.deleted).await?, limit))
}

list!(AdminCallsQuery, AdminCallPage of AdminCall {
    #[param(inline)] state: Option<CallState>,
    room_id: Option<Uuid>,
});

/// Every call.
#[utoipa::path(get, path = "/admin/calls", tag = "admin", operation_id = "admin_list_calls", params(AdminCallsQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdminCallPage), Problems, Forbidden))]
pub(crate) async fn calls(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminCallsQuery>,
) -> Result<Json<AdminCallPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let state = query.state.map_or("", CallState::as_str);
    Ok(AdminCallPage::cut(store::list_calls(&app.db, &slice, state, query.room_id).await?, limit))
}

list!(AdminOrganizationsQuery, AdminOrganizationPage of AdminOrganization {
    /// Only deleted ones, or only living ones.
    deleted: Option<bool>,
});

/// Every organization.
#[utoipa::path(get, path = "/admin/organizations", tag = "admin", operation_id = "admin_list_organizations",
    params(AdminOrganizationsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AdminOrganizationPage), Problems, Forbidden))]
pub(crate) async fn organizations(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminOrganizationsQuery>,
) -> Result<Json<AdminOrganizationPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    Ok(AdminOrganizationPage::cut(store::list_organizations(&app.db, &slice, query.deleted).await?, limit))
}

list!(AdminMessagesQuery, AdminMessagePage of AdminMessage {
    conversation_id: Option<Uuid>,
    sender_id: Option<Uuid>,
});

/// Every message; what is said in direct conversations is not shown.
#[utoipa::path(get, path = "/admin/messages", tag = "admin", operation_id = "admin_list_messages",
    params(AdminMessagesQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AdminMessagePage), Problems, Forbidden))]
pub(crate) async fn messages(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminMessagesQuery>,
) -> Result<Json<AdminMessagePage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let rows = store::list_messages(&app.db, &slice, query.conversation_id, query.sender_id).await?;
    Ok(AdminMessagePage::cut(rows, limit))
}

list!(AdminMeetingsQuery, AdminMeetingPage of AdminMeeting {
    #[param(inline)] status: Option<MeetingStatus>,
    organizer_id: Option<Uuid>,
});

/// Every meeting.
#[utoipa::path(get, path = "/admin/meetings", tag = "admin", operation_id = "admin_list_meetings",
    params(AdminMeetingsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AdminMeetingPage), Problems, Forbidden))]
pub(crate) async fn meetings(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminMeetingsQuery>,
) -> Result<Json<AdminMeetingPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let status = query.status.map_or("", MeetingStatus::as_str);
    Ok(AdminMeetingPage::cut(store::list_meetings(&app.db, &slice, status, query.organizer_id).await?, limit))
}

list!(AdminNotificationsQuery, AdminNotificationPage of AdminNotification {
    user_id: Option<Uuid>,
});

/// Every notification, without what it says.
#[utoipa::path(get, path = "/admin/notifications", tag = "admin", operation_id = "admin_list_notifications",
    params(AdminNotificationsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AdminNotificationPage), Problems, Forbidden))]
pub(crate) async fn notifications(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminNotificationsQuery>,
) -> Result<Json<AdminNotificationPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    Ok(AdminNotificationPage::cut(store::list_notifications(&app.db, &slice, query.user_id).await?, limit))
}

list!(AdminFilesQuery, AdminFilePage of AdminFile {
    #[param(inline)] state: Option<FileState>,
    uploader_id: Option<Uuid>,
});

/// Every file, without its content.
#[utoipa::path(get, path = "/admin/files", tag = "admin", operation_id = "admin_list_files", params(AdminFilesQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdminFilePage), Problems, Forbidden))]
pub(crate) async fn files(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminFilesQuery>,
) -> Result<Json<AdminFilePage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let state = query.state.map_or("", FileState::as_str);
    Ok(AdminFilePage::cut(store::list_files(&app.db, &slice, state, query.uploader_id).await?, limit))
}

list!(AdminJobsQuery, AdminJobPage of AdminJob {
    #[param(inline)] state: Option<JobState>,
});

/// Every job, without what it carries.
#[utoipa::path(get, path = "/admin/jobs", tag = "admin", operation_id = "admin_list_jobs", params(AdminJobsQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdminJobPage), Problems, Forbidden))]
pub(crate) async fn jobs(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminJobsQuery>,
) -> Result<Json<AdminJobPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let state = query.state.map_or("", JobState::as_str);
    Ok(AdminJobPage::cut(store::list_jobs(&app.db, &slice, state).await?, limit))
}

list!(AdminAuditQuery, AdminAuditPage of AdminAuditRow {
    /// Exactly this action, such as `room.deleted`.
    #[garde(custom(search_text))] #[param(max_length = 100)] action: Option<String>,
    actor_id: Option<Uuid>,
    /// What kind of thing was acted on, such as `room`.
    #[garde(custom(search_text))] #[param(max_length = 100)] target_kind: Option<String>,
    target_id: Option<Uuid>,
    /// Not before.
    from: Option<Micros>,
    /// Before.
    to: Option<Micros>,
});

/// Who did what, and when.
#[utoipa::path(get, path = "/admin/audit-log", tag = "admin", operation_id = "admin_list_audit_log",
    params(AdminAuditQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AdminAuditPage), Problems, Forbidden))]
pub(crate) async fn audit_log(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<AdminAuditQuery>,
) -> Result<Json<AdminAuditPage>, ApiError> {
    let (slice, limit) = query.slice()?;
    let filter = AuditFilter {
        action: query.action.unwrap_or_default(),
        actor_id: query.actor_id,
        target_kind: query.target_kind.unwrap_or_default(),
        target_id: query.target_id,
        from: query.from,
        to: query.to,
    };
    Ok(AdminAuditPage::cut(store::list_audit(&app.db, &slice, &filter).await?, limit))
}
