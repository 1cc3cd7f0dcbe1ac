//! Invitations: sent to addresses and to people, answered by them, taken back.

use serde_json::json;
use uuid::Uuid;

use super::announce::Announcement;
use super::{MeetingError, adrift, base_url, find, find_locked, sweep};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::meeting::{Invite, InviteRole, InviteStatus, MAX_INVITES, Meeting, Occurrence};
use crate::model::notification::NotificationKind;
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::Actor;
use crate::services::audit_in;
use crate::services::authorize::{MeetingAction, authorize_meeting, is_platform_admin};
use crate::services::notifications::notify;
use crate::services::web_pages;
use crate::store::db::{On, StoreError};
use crate::store::meeting_invites::{self as store, Invitee, NewInvite};
use crate::store::meetings_adrift::Adrift;
use crate::store::tx::Tx;
use crate::store::{meeting_occurrences, meetings, members};

/// Somebody to be invited.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// Lower-cased.
    Email(String),
    User(Uuid),
}

/// An invitation, and the link to copy when no mail is sent.
#[derive(Debug)]
pub(crate) struct Invited {
    pub invite: Invite,
    pub link: Option<String>,
}

/// The token of an invitation.
pub(super) fn token(app: &App, invite_id: Uuid) -> Secret {
    Secret::derived(&app.rotation_key, SecretKind::MeetingInvite, invite_id)
}

/// Where an invitation is answered.
pub(super) fn link(app: &App, base: &str, invite_id: Uuid) -> String {
    format!("{base}{}", web_pages::meeting_invite(&token(app, invite_id)))
}

/// Invites addresses and people; who is invited already stays so, with the role asked for.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn invite(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    wanted: Vec<(Wanted, InviteRole)>,
) -> Result<(Meeting, Vec<Invited>), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    if meeting.is_over() {
        return Err(MeetingError::Over);
    }
    if wanted.iter().any(|(_, role)| *role != InviteRole::Participant) {
        authorize_meeting(&who.caller.actor, MeetingAction::Own, &meeting)?;
    }
    let base = base_url(app, &who.caller.facts);
    let (mut all, mut fresh) = (Vec::new(), Vec::new());
    for (index, (wanted, role)) in wanted.into_iter().enumerate() {
        let found = resolve(&mut tx, who, wanted, index).await?;
        if found.account.as_ref().is_some_and(|account| account.id == meeting.organizer_id) {
            continue;
        }
        let invite = add(app, &mut tx, &meeting, who, &found, role, now).await?;
        if let (invite, true) = &invite {
            fresh.push(invite.clone());
        }
        all.push(invite.0);
    }
    if store::count(&mut tx, id).await? > MAX_INVITES {
        return Err(MeetingError::TooManyInvites);
    }
    for invite in &fresh {
        Announcement::invited(&meeting, invite).enqueue(&mut tx, Some(who.user.id), now).await?;
    }
    // Nobody may be left who runs it, if a role was taken back.
    adrift::enqueue(&mut tx, Adrift::Meeting(id), now).await?;
    let (org_id, diff) = (meeting.audited_in(), json!({ "count": fresh.len() }));
    audit_in(&mut tx, &who.caller, org_id, "meeting.invited", ("meeting", id), diff, now).await?;
    sweep::plan_reminders(&mut tx, id, now).await?;
    tx.commit(now).await?;
    let shown = !super::announce::mail_works(app);
    let with_link = |invite: Invite| {
        let link = shown.then(|| link(app, &base, invite.id));
        Invited { invite, link }
    };
    Ok((meeting, all.into_iter().map(with_link).collect()))
}

/// Finds whom an invitation is for, and what others may know of them: what whoever invites named, and the rest if the two
/// are no strangers.
async fn resolve(tx: &mut Tx, who: &SignedIn, wanted: Wanted, index: usize) -> Result<Addressee, MeetingError> {
    match wanted {
        Wanted::Email(email) => {
            let account = store::find_user_by_email(&mut *tx, &email).await?;
            let shows_account = match &account {
                Some(account) => is_known(tx, who, account.id).await?,
                None => false,
            };
            Ok(Addressee { email, account, shows_email: true, shows_account })
        }
        Wanted::User(user_id) => match store::find_user(&mut *tx, user_id).await? {
            Some(account) => {
                let shows_email = is_known(tx, who, account.id).await?;
                let email = account.email.clone();
                Ok(Addressee { email, account: Some(account), shows_email, shows_account: true })
            }
            None => Err(MeetingError::Field("invites", format!("[{index}].user_id names nobody who can be invited"))),
        },
    }
}

/// Whether somebody knows an account anyway.
async fn is_known(tx: &mut Tx, who: &SignedIn, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(is_platform_admin(&who.caller.actor)
        || user_id == who.user.id
        || members::is_known(tx, who.user.id, user_id, Uuid::nil()).await?)
}

/// Whom an invitation is for.
struct Addressee {
    email: String,
    account: Option<Invitee>,
    /// Whoever organizes may see the address.
    shows_email: bool,
    /// Others may see whose address it is before they answer.
    shows_account: bool,
}

/// The invitation of an address, and whether it is new.
async fn add(
    app: &App,
    tx: &mut Tx,
    meeting: &Meeting,
    who: &SignedIn,
    to: &Addressee,
    role: InviteRole,
    now: Micros,
) -> Result<(Invite, bool), MeetingError> {
    let (email, account) = (to.email.as_str(), to.account.as_ref());
    let new_id = Uuid::now_v7();
    let new = NewInvite {
        id: new_id,
        meeting_id: meeting.id,
        user_id: account.map(|account| account.id),
        email,
        shows_email: to.shows_email,
        shows_account: to.shows_account,
        role,
        status: InviteStatus::Pending,
        token_hash: &token(app, new_id).hash(),
    };
    if store::insert(tx, new, now).await? {
        let invite = store::find(&mut *tx, new_id).await?.ok_or(MeetingError::InviteNotFound)?;
        return Ok((invite, true));
    }
    let mut invite = match store::find_by_email(tx, meeting.id, email).await? {
        Some(invite) => invite,
        // The account is invited by another of its addresses.
        None => {
            let account = account.ok_or(MeetingError::InviteNotFound)?;
            store::find_of_user(tx, meeting.id, account.id).await?.ok_or(MeetingError::InviteNotFound)?
        }
    };
    if let (None, Some(account)) = (invite.user_id, account) {
        store::adopt(tx, account.id, email).await?;
        invite.user_id = Some(account.id);
    }
    if invite.role != role && authorize_meeting(&who.caller.actor, MeetingAction::Own, meeting).is_ok() {
        store::set_role(tx, invite.id, role).await?;
        invite.role = role;
    }
    Ok((invite, false))
}

/// Copies the invitations of one meeting, with their answers, to another.
///
/// # Errors
/// As any statement.
pub(super) async fn copy(app: &App, tx: &mut Tx, from: Uuid, to: Uuid, now: Micros) -> Result<(), StoreError> {
    for invite in store::list(&mut *tx, from, Uuid::nil(), MAX_INVITES).await? {
        let id = Uuid::now_v7();
        let new = NewInvite {
            id,
            meeting_id: to,
            user_id: invite.user_id,
            email: &invite.email,
            shows_email: invite.shows_email,
            shows_account: invite.shows_account,
            role: invite.role,
            status: invite.status,
            token_hash: &token(app, id).hash(),
        };
        store::insert(tx, new, now).await?;
    }
    Ok(())
}

/// Lists who is invited, the oldest invitation first.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<(Meeting, Vec<Invite>), MeetingError> {
    let meeting = find(app, caller, id, MeetingAction::See).await?;
    let invites = store::list(&app.db, id, after, limit).await?;
    Ok((meeting, invites))
}

/// Takes an invitation back, or leaves by one's own.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn remove(app: &App, who: &SignedIn, id: Uuid, invite_id: Uuid) -> Result<(), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::See).await?;
    let invite = store::find(&mut tx, invite_id).await?.filter(|invite| invite.meeting_id == id);
    let invite = invite.ok_or(MeetingError::InviteNotFound)?;
    if invite.user_id != Some(who.user.id) {
        let action = if invite.role == InviteRole::Participant { MeetingAction::Edit } else { MeetingAction::Own };
        authorize_meeting(&who.caller.actor, action, &meeting)?;
    }
    store::delete(&mut tx, invite_id).await?;
    if !meeting.is_over() {
        let news = Announcement::withdrawn(&meeting, &invite);
        news.enqueue(&mut tx, Some(who.user.id), now).await?;
    }
    tx.enqueue(NewJob::recheck_room(meeting.room_id), now).await?;
    let told = json!({ "invite_id": invite_id, "user_id": invite.user_id });
    let org_id = meeting.audited_in();
    audit_in(&mut tx, &who.caller, org_id, "meeting.invite_removed", ("meeting", id), told, now).await?;
    adrift::enqueue(&mut tx, Adrift::Meeting(id), now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// What a token invites to, also when that is over; `None` for the next time when none is left.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn see(
    app: &App,
    caller: &Caller,
    name: &str,
) -> Result<(Meeting, Invite, Option<Occurrence>), MeetingError> {
    let invite = find_named(On::from(&app.db), caller, name).await?;
    let meeting = meetings::find(&app.db, invite.meeting_id, invite.user_id.unwrap_or(Uuid::nil())).await?;
    let meeting = meeting.ok_or(MeetingError::InviteNotFound)?;
    let next = meeting_occurrences::find_next(&app.db, meeting.id, app.clock.now()).await?;
    Ok((meeting, invite, next))
}

/// The invitation of a token, or of an id when one is signed in as who has it.
async fn find_named(on: On<'_>, caller: &Caller, name: &str) -> Result<Invite, MeetingError> {
    let invite = match (Secret::parse(SecretKind::MeetingInvite, name), Uuid::try_parse(name), &caller.actor) {
        (Some(secret), _, _) => store::find_by_token(on, &secret.hash()).await?,
        (None, Ok(id), Actor::User { .. }) => {
            let user_id = caller.actor.user().map(|user| user.id);
            store::find(on, id).await?.filter(|invite| invite.user_id == user_id)
        }
        _ => None,
    };
    invite.ok_or(MeetingError::InviteNotFound)
}

/// Answers an invitation by its token, or by its id when one is signed in as who has it.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn answer(
    app: &App,
    caller: &Caller,
    name: &str,
    status: InviteStatus,
) -> Result<(Meeting, Invite), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let user_id = caller.actor.user().map(|user| user.id);
    let mut invite = find_named(On::from(&mut tx), caller, name).await?;
    let meeting = meetings::find(&mut tx, invite.meeting_id, invite.user_id.unwrap_or(Uuid::nil())).await?;
    let meeting = meeting.ok_or(MeetingError::InviteNotFound)?;
    if meeting.is_over() {
        return Err(MeetingError::Over);
    }
    if let (None, Some(user_id)) = (invite.user_id, user_id)
        && user_id != meeting.organizer_id
        && store::bind(&mut tx, invite.id, user_id).await?
    {
        // Whoever signed in and holds the token reads the mail it was sent to.
        invite.user_id = Some(user_id);
    }
    if invite.status != status {
        store::answer(&mut tx, invite.id, status, now).await?;
        invite.status = status;
        invite.answered_at = Some(now);
        let told = json!({ "meeting_id": meeting.id, "invite_id": invite.id, "user_id": invite.user_id,
            "status": status });
        tx.event(format!("room:{}", meeting.room_id), "meeting.invite_answered", &told);
        tx.event(format!("notifications:{}", meeting.organizer_id), "meeting.invite_answered", &told);
        let org_id = meeting.audited_in();
        audit_in(&mut tx, caller, org_id, "meeting.invite_answered", ("meeting", meeting.id), told, now).await?;
        tell_organizer(&mut tx, &meeting, &invite, now).await?;
        if status == InviteStatus::Declined {
            tx.enqueue(NewJob::recheck_room(meeting.room_id), now).await?;
        } else {
            sweep::plan_reminders(&mut tx, meeting.id, now).await?;
        }
    }
    let meeting = Meeting { invite_status: Some(status), invite_id: Some(invite.id), ..meeting };
    tx.commit(now).await?;
    Ok((meeting, invite))
}

/// Puts an answer into the organizer's inbox.
async fn tell_organizer(tx: &mut Tx, meeting: &Meeting, invite: &Invite, now: Micros) -> Result<(), StoreError> {
    let text = match invite.status {
        InviteStatus::Accepted => "Accepted",
        InviteStatus::Declined => "Declined",
        InviteStatus::Tentative => "Perhaps",
        InviteStatus::Pending => return Ok(()),
    };
    let payload = json!({
        "meeting_id": meeting.id,
        "invite_id": invite.id,
        "title": meeting.title,
        "actor_id": invite.user_id,
        "actor_name": invite.display_name.as_deref().unwrap_or(&invite.email),
        "text": text,
        "starts_at": meeting.starts_at,
        "link": web_pages::meeting(meeting.id),
    });
    let key = format!("meeting.invite_answered:{}:{}:{}", invite.id, invite.status.as_str(), meeting.ical_seq);
    notify(tx, &[meeting.organizer_id], NotificationKind::MeetingInviteAnswered, payload, &key, now).await?;
    Ok(())
}

/// Gives an account the invitations sent to its address, from the moment that the address is verified.
///
/// # Errors
/// As any statement.
pub(crate) async fn adopt(tx: &mut Tx, user_id: Uuid, email: &str) -> Result<(), StoreError> {
    store::adopt(tx, user_id, email).await?;
    Ok(())
}
