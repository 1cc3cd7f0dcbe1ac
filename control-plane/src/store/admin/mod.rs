//! SQL of what admins of the platform look at: one list per resource, newest first, and counts.
//!
//! Every list takes the id after which it goes on (`$1`), how many rows (`$2`), and a pattern for LIKE or nothing
//! (`$3`); further parameters are filters, of which an empty text or NULL filters nothing.

mod rows;

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::{rooms::like_pattern, statements};
use crate::model::clock::Micros;

pub(crate) use rows::*;

statements! {
    LIST_USERS = "SELECT id, email, username, display_name, platform_role, status, email_verified_at, last_seen_at, \
        created_at, deleted_at FROM users WHERE id < $1 \
        AND ($3 = '' OR LOWER(email) LIKE $3 ESCAPE '!' OR LOWER(display_name) LIKE $3 ESCAPE '!' \
        OR LOWER(username) LIKE $3 ESCAPE '!') \
        AND ($4 = '' OR status = $4) AND ($5 = '' OR platform_role = $5) ORDER BY id DESC LIMIT $2";
    LIST_ROOMS = "SELECT r.id, r.code, r.org_id, r.name, r.type, r.access_level, r.is_active, r.expires_at, \
        r.created_by, r.created_at, r.deleted_at, (SELECT COUNT(*) FROM room_members m WHERE m.room_id = r.id) AS members, \
        (SELECT c.id FROM calls c WHERE c.room_id = r.id AND c.ended_at IS NULL) AS call_id \
        FROM rooms r WHERE r.id < $1 AND ($3 = '' OR r.name_folded LIKE $3 ESCAPE '!' OR r.code LIKE $3 ESCAPE '!') \
        AND ($4 = '' OR r.type = $4) \
        AND ($5 = '' OR ($5 = 'true' AND r.deleted_at IS NOT NULL) OR ($5 = 'false' AND r.deleted_at IS NULL)) \
        ORDER BY r.id DESC LIMIT $2";
    LIST_CALLS = "SELECT c.id, c.room_id, r.name AS room_name, c.media_node_id, c.state, c.started_by, c.created_at, \
        c.started_at, c.ended_at, c.end_reason, c.peak_participants, (SELECT COUNT(*) FROM call_participants p \
        WHERE p.call_id = c.id AND p.left_at IS NULL) AS participants \
        FROM calls c JOIN rooms r ON r.id = c.room_id WHERE c.id < $1 \
        AND ($3 = '' OR r.name_folded LIKE $3 ESCAPE '!') AND ($4 = '' OR c.state = $4) \
        AND (CAST($5 AS UUID) IS NULL OR c.room_id = $5) ORDER BY c.id DESC LIMIT $2";
    LIST_JOBS = "SELECT id, kind, state, attempts, max_attempts, run_at, user_id, last_error, created_at, finished_at \
        FROM jobs WHERE id < $1 AND ($3 = '' OR LOWER(kind) LIKE $3 ESCAPE '!' OR LOWER(last_error) LIKE $3 ESCAPE '!') \
        AND ($4 = '' OR state = $4) ORDER BY id DESC LIMIT $2";
    LIST_AUDIT = "SELECT a.id, a.org_id, a.actor_id, u.display_name AS actor_name, a.session_id, a.ip, a.action, \
        a.target_kind, a.target_id, a.diff, a.created_at FROM audit_log a LEFT JOIN users u ON u.id = a.actor_id \
        WHERE a.id < $1 AND ($3 = '' OR a.action LIKE $3 ESCAPE '!') AND ($4 = '' OR a.action = $4) \
        AND (CAST($5 AS UUID) IS NULL OR a.actor_id = $5) AND ($6 = '' OR a.target_kind = $6) \
        AND (CAST($7 AS UUID) IS NULL OR a.target_id = $7) AND a.created_at >= $8 AND a.created_at < $9 \
        ORDER BY a.id DESC LIMIT $2";
    LIST_ORGANIZATIONS = "SELECT o.id, o.slug, o.name, o.created_by, o.created_at, o.deleted_at, \
        (SELECT COUNT(*) FROM organization_members m WHERE m.org_id = o.id) AS members, \
        (SELECT COUNT(*) FROM channels c WHERE c.org_id = o.id) AS channels \
        FROM organizations o WHERE o.id < $1 AND ($3 = '' OR o.name_folded LIKE $3 ESCAPE '!' OR o.slug LIKE $3 ESCAPE '!') \
        AND ($4 = '' OR ($4 = 'true' AND o.deleted_at IS NOT NULL) OR ($4 = 'false' AND o.deleted_at IS NULL)) \
        ORDER BY o.id DESC LIMIT $2";
    // What two people say to each other is theirs: neither shown nor searched.
    LIST_MESSAGES = "SELECT m.id, m.conversation_id, c.kind AS conversation_kind, m.seq, m.sender_kind, m.sender_id, \
        CASE WHEN c.kind = 'direct' THEN NULL ELSE m.body END AS body, m.created_at, m.edited_at, m.deleted_at \
        FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id < $1 \
        AND ($3 = '' OR (c.kind <> 'direct' AND m.body_folded LIKE $3 ESCAPE '!')) \
        AND (CAST($4 AS UUID) IS NULL OR m.conversation_id = $4) AND (CAST($5 AS UUID) IS NULL OR m.sender_id = $5) \
        ORDER BY m.id DESC LIMIT $2";
    LIST_MEETINGS = "SELECT id, room_id, org_id, organizer_id, title, starts_at, duration_min, timezone, rrule, status, \
        created_at, deleted_at FROM meetings WHERE id < $1 AND ($3 = '' OR title_folded LIKE $3 ESCAPE '!') \
        AND ($4 = '' OR status = $4) AND (CAST($5 AS UUID) IS NULL OR organizer_id = $5) ORDER BY id DESC LIMIT $2";
    LIST_NOTIFICATIONS = "SELECT id, user_id, kind, in_app, push, email, created_at, read_at, deleted_at \
        FROM notifications WHERE id < $1 AND ($3 = '' OR kind LIKE $3 ESCAPE '!') \
        AND (CAST($4 AS UUID) IS NULL OR user_id = $4) ORDER BY id DESC LIMIT $2";
    LIST_FILES = "SELECT id, purpose, conversation_id, uploader_kind, uploader_id, name, size, mime, state, \
        reject_reason, message_id, created_at, ready_at, deleted_at FROM files WHERE id < $1 \
        AND ($3 = '' OR LOWER(name) LIKE $3 ESCAPE '!') AND ($4 = '' OR state = $4) \
        AND (CAST($5 AS UUID) IS NULL OR uploader_id = $5) ORDER BY id DESC LIMIT $2";
    COUNT_EVERYTHING = "SELECT \
        (SELECT COUNT(*) FROM users WHERE status = 'active') AS users_active, \
        (SELECT COUNT(*) FROM users WHERE status = 'suspended') AS users_suspended, \
        (SELECT COUNT(*) FROM organizations WHERE deleted_at IS NULL) AS organizations, \
        (SELECT COUNT(*) FROM rooms WHERE deleted_at IS NULL) AS rooms, \
        (SELECT COUNT(*) FROM messages WHERE deleted_at IS NULL) AS messages, \
        (SELECT COUNT(*) FROM files WHERE state = 'ready') AS files, \
        (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files WHERE state = 'ready') AS files_bytes, \
        (SELECT COUNT(*) FROM meetings WHERE deleted_at IS NULL) AS meetings, \
        (SELECT COUNT(*) FROM calls WHERE ended_at IS NULL) AS calls_open, \
        (SELECT COUNT(*) FROM calls WHERE ended_at IS NOT NULL) AS calls_ended, \
        (SELECT COUNT(*) FROM call_participants WHERE left_at IS NULL) AS people_in_calls, \
        (SELECT COUNT(*) FROM jobs WHERE state = 'ready') AS jobs_ready, \
        (SELECT COUNT(*) FROM jobs WHERE state = 'running') AS jobs_running, \
        (SELECT COUNT(*) FROM jobs WHERE state = 'dead') AS jobs_dead, \
        (SELECT COUNT(*) FROM media_nodes WHERE state = 'up') AS nodes_up, \
        (SELECT COUNT(*) FROM media_nodes WHERE state <> 'up') AS nodes_not_up";
}

/// Which part of a list is wanted.
#[derive(Debug)]
pub(crate) struct Slice {
    /// The last entry of the page before.
    pub after: Option<Uuid>,
    pub limit: i64,
    /// Part of a text.
    pub q: String,
}

impl Slice {
    fn after(&self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    fn pattern(&self) -> String {
        like_pattern(self.q.trim())
    }
}

/// Which audit rows are wanted.
#[derive(Debug)]
pub(crate) struct AuditFilter {
    pub action: String,
    pub actor_id: Option<Uuid>,
    pub target_kind: String,
    pub target_id: Option<Uuid>,
    pub from: Option<Micros>,
    pub to: Option<Micros>,
}

pub(crate) async fn list_users(db: &Db, at: &Slice, status: &str, role: &str) -> Result<Vec<AdminUser>, StoreError> {
    run!(db, fetch_all as AdminUser, LIST_USERS, at.after(), at.limit, at.pattern(), status, role)
}

pub(crate) async fn list_rooms(
    db: &Db,
    at: &Slice,
    room_type: &str,
    deleted: Option<bool>,
) -> Result<Vec<AdminRoom>, StoreError> {
    let deleted = deleted_text(deleted);
    run!(db, fetch_all as AdminRoom, LIST_ROOMS, at.after(), at.limit, at.pattern(), room_type, deleted)
}

pub(crate) async fn list_calls(
    db: &Db,
    at: &Slice,
    state: &str,
    room_id: Option<Uuid>,
) -> Result<Vec<AdminCall>, StoreError> {
    run!(db, fetch_all as AdminCall, LIST_CALLS, at.after(), at.limit, at.pattern(), state, room_id)
}

pub(crate) async fn list_jobs(db: &Db, at: &Slice, state: &str) -> Result<Vec<AdminJob>, StoreError> {
    run!(db, fetch_all as AdminJob, LIST_JOBS, at.after(), at.limit, at.pattern(), state)
}

pub(crate) async fn list_audit(db: &Db, at: &Slice, filter: &AuditFilter) -> Result<Vec<AdminAuditRow>, StoreError> {
    run!(
        db,
        fetch_all as AdminAuditRow,
        LIST_AUDIT,
        at.after(),
        at.limit,
        at.pattern(),
        &filter.action,
        filter.actor_id,
        &filter.target_kind,
        filter.target_id,
        filter.from.unwrap_or(Micros(i64::MIN)),
        filter.to.unwrap_or(Micros(i64::MAX))
    )
}

pub(crate) async fn list_organizations(
    db: &Db,
    at: &Slice,
    deleted: Option<bool>,
) -> Result<Vec<AdminOrganization>, StoreError> {
    let deleted = deleted_text(deleted);
    run!(db, fetch_all as AdminOrganization, LIST_ORGANIZATIONS, at.after(), at.limit, at.pattern(), deleted)
}

pub(crate) async fn list_messages(
    db: &Db,
    at: &Slice,
    conversation_id: Option<Uuid>,
    sender_id: Option<Uuid>,
) -> Result<Vec<AdminMessage>, StoreError> {
    run!(db, fetch_all as AdminMessage, LIST_MESSAGES, at.after(), at.limit, at.pattern(), conversation_id, sender_id)
}

pub(crate) async fn list_meetings(
    db: &Db,
    at: &Slice,
    status: &str,
    organizer_id: Option<Uuid>,
) -> Result<Vec<AdminMeeting>, StoreError> {
    run!(db, fetch_all as AdminMeeting, LIST_MEETINGS, at.after(), at.limit, at.pattern(), status, organizer_id)
}

pub(crate) async fn list_notifications(
    db: &Db,
    at: &Slice,
    user_id: Option<Uuid>,
) -> Result<Vec<AdminNotification>, StoreError> {
    run!(db, fetch_all as AdminNotification, LIST_NOTIFICATIONS, at.after(), at.limit, at.pattern(), user_id)
}

pub(crate) async fn list_files(
    db: &Db,
    at: &Slice,
    state: &str,
    uploader_id: Option<Uuid>,
) -> Result<Vec<AdminFile>, StoreError> {
    run!(db, fetch_all as AdminFile, LIST_FILES, at.after(), at.limit, at.pattern(), state, uploader_id)
}

pub(crate) async fn count(db: &Db) -> Result<AdminCounts, StoreError> {
    run!(db, fetch_one as AdminCounts, COUNT_EVERYTHING)
}

/// A filter that is not given, as text: the same statement serves all three.
const fn deleted_text(deleted: Option<bool>) -> &'static str {
    match deleted {
        None => "",
        Some(true) => "true",
        Some(false) => "false",
    }
}
