//! Telling the people of a meeting: a notification for who has an account, a mail with calendar data for every address.
//!
//! In: what happened, in the transaction of the act. Out: notifications and a job that writes one mail job per address.
//! A mail is composed when it is sent, from what holds then, and carries the sequence it was written for.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::ics::{self, Entry, Method};
use super::invites;
use crate::adapters::mail::MailError;
use crate::app::App;
use crate::jobs::meetings::{announce as announce_job, mail as mail_job};
use crate::model::clock::Micros;
use crate::model::meeting::{Invite, InviteStatus, MAX_INVITES, Meeting, MeetingStatus, Occurrence};
use crate::model::notification::NotificationKind;
use crate::model::recurrence;
use crate::services::mail::{self, Button, Calendar, Mail};
use crate::services::notifications::notify;
use crate::services::web_pages;
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{meeting_invites, meeting_occurrences, meetings};

/// Why a job about mail has to be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error("the calendar could not be written")]
    Calendar(#[from] std::fmt::Error),
}

/// Whether invitations go out by mail: there is a mail server, and an address for the links.
pub(crate) fn mail_works(app: &App) -> bool {
    app.mailer.is_some() && app.link_base.is_some()
}

/// What happened to a meeting.
#[derive(Debug)]
pub(crate) struct Announcement<'a> {
    meeting: &'a Meeting,
    kind: NotificationKind,
    method: Method,
    invite: Option<&'a Invite>,
    occurrence: Option<&'a Occurrence>,
}

impl<'a> Announcement<'a> {
    fn new(meeting: &'a Meeting, kind: NotificationKind, method: Method) -> Self {
        Self { meeting, kind, method, invite: None, occurrence: None }
    }

    /// Somebody was invited.
    pub(super) fn invited(meeting: &'a Meeting, invite: &'a Invite) -> Self {
        let news = Self::new(meeting, NotificationKind::MeetingInvited, Method::Request);
        Self { invite: Some(invite), ..news }
    }

    /// Something changed for everybody.
    pub(super) fn updated(meeting: &'a Meeting) -> Self {
        Self::new(meeting, NotificationKind::MeetingUpdated, Method::Request)
    }

    /// The whole meeting is off.
    pub(super) fn cancelled(meeting: &'a Meeting) -> Self {
        Self::new(meeting, NotificationKind::MeetingCancelled, Method::Cancel)
    }

    /// The meeting is off for one who was invited.
    pub(super) fn withdrawn(meeting: &'a Meeting, invite: &'a Invite) -> Self {
        Self { invite: Some(invite), ..Self::cancelled(meeting) }
    }

    /// One occurrence was edited or called off.
    pub(super) fn of_occurrence(meeting: &'a Meeting, occurrence: &'a Occurrence) -> Self {
        let news = match occurrence.status {
            MeetingStatus::Cancelled => Self::cancelled(meeting),
            _ => Self::updated(meeting),
        };
        Self { occurrence: Some(occurrence), ..news }
    }

    fn dedupe_key(&self) -> String {
        let (kind, meeting, seq) = (self.kind.as_str(), self.meeting.id, self.meeting.ical_seq);
        match (self.invite, self.occurrence) {
            (Some(invite), _) => format!("{kind}:{meeting}:{}", invite.id),
            (None, Some(occurrence)) => format!("{kind}:{meeting}:{}:{seq}", occurrence.original_start_at.0),
            (None, None) => format!("{kind}:{meeting}:{seq}"),
        }
    }

    /// Tells everybody concerned but `actor`, once the transaction is durable.
    ///
    /// # Errors
    /// As any statement.
    pub(super) async fn enqueue(&self, tx: &mut Tx, actor: Option<Uuid>, now: Micros) -> Result<(), StoreError> {
        let people = match self.invite {
            Some(invite) => invite.user_id.into_iter().collect(),
            None => meeting_invites::list_people(&mut *tx, self.meeting.id).await?,
        };
        let people: Vec<Uuid> = people.into_iter().filter(|id| Some(*id) != actor).collect();
        let starts_at = self.occurrence.map_or(self.meeting.starts_at, |occurrence| occurrence.starts_at);
        let payload = json!({
            "meeting_id": self.meeting.id,
            "occurrence": self.occurrence.map(|occurrence| occurrence.original_start_at),
            "title": self.meeting.title,
            "actor_id": self.meeting.organizer_id,
            "actor_name": self.meeting.organizer_name,
            "starts_at": starts_at,
            "link": web_pages::meeting(self.meeting.id),
        });
        notify(tx, &people, self.kind, payload, &self.dedupe_key(), now).await?;
        let plan = MailPlan {
            meeting_id: self.meeting.id,
            method: self.method,
            seq: self.meeting.ical_seq,
            occurrence: self.occurrence.map(|occurrence| occurrence.original_start_at),
            to: self.invite.map(Receiver::of),
            known: self.invite.is_none(),
        };
        tx.enqueue(announce_job(&plan, &self.dedupe_key()), now).await
    }
}

/// Who gets a mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub invite_id: Uuid,
    pub email: String,
}

impl Receiver {
    fn of(invite: &Invite) -> Self {
        Self { invite_id: invite.id, email: invite.email.clone() }
    }
}

/// A mail, or one to everybody invited, still to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MailPlan {
    pub meeting_id: Uuid,
    pub method: Method,
    /// Sequence of the meeting when it was decided.
    pub seq: i64,
    pub occurrence: Option<Micros>,
    /// `None` = everybody who did not decline.
    pub to: Option<Receiver>,
    /// The receiver knows of the meeting already.
    pub known: bool,
}

/// Job: one mail job for each address that is to know.
///
/// # Errors
/// As any statement.
pub(crate) async fn run_announce(app: &App, plan: &MailPlan) -> Result<(), StoreError> {
    if !mail_works(app) {
        return Ok(());
    }
    let now = app.clock.now();
    let receivers = match &plan.to {
        Some(one) => vec![one.clone()],
        None => {
            let invites = meeting_invites::list(&app.db, plan.meeting_id, Uuid::nil(), MAX_INVITES).await?;
            let open = invites.iter().filter(|invite| invite.status != InviteStatus::Declined);
            open.map(Receiver::of).collect()
        }
    };
    let mut tx = app.begin().await?;
    for to in receivers {
        tx.enqueue(mail_job(&MailPlan { to: Some(to), ..plan.clone() }), now).await?;
    }
    tx.commit(now).await
}

/// Job: composes one mail and sends it. A request that a later one has overtaken is not sent.
///
/// # Errors
/// See [`AnnounceError`].
pub(crate) async fn run_mail(app: &App, job_id: Uuid, plan: &MailPlan) -> Result<(), AnnounceError> {
    let (Some(to), true) = (&plan.to, mail_works(app)) else { return Ok(()) };
    let Some(meeting) = meetings::find_any(&app.db, plan.meeting_id).await? else { return Ok(()) };
    let invite = meeting_invites::find(&app.db, to.invite_id).await?;
    let request = plan.method == Method::Request;
    if request && (invite.is_none() || plan.seq < meeting.ical_seq || meeting.is_over()) {
        return Ok(());
    }
    let occurrence = match plan.occurrence {
        Some(start) => meeting_occurrences::find(&app.db, meeting.id, start).await?,
        None => None,
    };
    let exceptions = meeting_occurrences::list_exceptions(&app.db, meeting.id, ics::MAX_EXCEPTIONS).await?;
    let mail = compose(app, &meeting, plan, to, invite.as_ref(), occurrence.as_ref(), &exceptions)?;
    mail::send(app, job_id, &mail, None).await?;
    if request {
        let now = app.clock.now();
        let mut tx = app.begin().await?;
        meeting_invites::note_sent(&mut tx, to.invite_id, meeting.ical_seq, now).await?;
        tx.commit(now).await?;
    }
    Ok(())
}

fn compose(
    app: &App,
    meeting: &Meeting,
    plan: &MailPlan,
    to: &Receiver,
    invite: Option<&Invite>,
    occurrence: Option<&Occurrence>,
    exceptions: &[Occurrence],
) -> Result<Mail, std::fmt::Error> {
    let base = app.link_base.as_ref().map_or("", |url| url.as_str()).trim_end_matches('/').to_owned();
    let only = occurrence.filter(|_| plan.method == Method::Cancel);
    let entry = Entry { meeting, exceptions, only, attendees: &[(to.email.as_str(), invite)] };
    let content = ics::write(&base, Some(plan.method), &[entry], app.clock.now())?;
    let title = occurrence.and_then(|one| one.edits.0.title.as_deref()).unwrap_or(&meeting.title);
    let (word, news) = match (plan.method, plan.known) {
        (Method::Cancel, _) => ("Cancelled", format!("{title} is cancelled.")),
        (Method::Request, true) => ("Updated", format!("{} changed {title}.", meeting.organizer_name)),
        (Method::Request, false) => ("Invitation", format!("{} invites you to {title}.", meeting.organizer_name)),
    };
    let mut paragraphs = vec![news, when(meeting, occurrence)];
    let mut button = None;
    if plan.method == Method::Request {
        let description = occurrence.and_then(|one| one.edits.0.description.as_deref());
        let description = description.unwrap_or(&meeting.description);
        if !description.is_empty() {
            paragraphs.push(description.to_owned());
        }
        paragraphs.push(format!("Join at {base}{}", web_pages::join(&meeting.room_code)));
        button = Some(Button { label: "Answer".into(), url: invites::link(app, &base, to.invite_id) });
    }
    Ok(Mail {
        to: to.email.clone(),
        subject: format!("{word}: {title}"),
        paragraphs,
        button,
        calendar: Some(Calendar { method: plan.method.as_str().to_owned(), content }),
        unsubscribe: None,
        dedupe_key: None,
    })
}

/// When something takes place, in the zone of the meeting.
fn when(meeting: &Meeting, occurrence: Option<&Occurrence>) -> String {
    let starts_at = occurrence.map_or(meeting.starts_at, |one| one.starts_at);
    let minutes = occurrence.and_then(|one| one.edits.0.duration_min).unwrap_or(meeting.duration_min);
    let zone = recurrence::zone(&meeting.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let text = match recurrence::wall_at(starts_at, &zone) {
        Some(wall) => wall.strftime("%A, %-d %B %Y, %H:%M").to_string(),
        None => meeting.local_start.clone(),
    };
    let again = match (&meeting.rrule, occurrence) {
        (Some(_), None) => ", and again as the calendar entry says",
        _ => "",
    };
    format!("{text} ({}), {minutes} minutes{again}.", meeting.timezone)
}
