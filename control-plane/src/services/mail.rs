//! Mail: what people are told outside the app. Enqueued with the act that causes it, rendered and sent by a job.
//!
//! In: what to say. Out: a job; later a mail with a text and an HTML part. Must not send while somebody waits.

use askama::Template;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::adapters::mail::{MailError, Mailer, Outgoing};
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::store::db::StoreError;
use crate::store::tx::Tx;

/// A mail to be sent. Rendered with one look for all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mail {
    /// The receiver's address, nothing else.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text, a paragraph each; markup in it is shown, not obeyed.
    pub paragraphs: Vec<String>,
    pub button: Option<Button>,
    pub calendar: Option<Calendar>,
    /// Where a POST ends mail of this kind; never in mails that somebody needs to get in.
    #[serde(default)]
    pub unsubscribe: Option<String>,
    /// A waiting mail with the same key makes this one needless.
    pub dedupe_key: Option<String>,
}

/// A link, shown as a button and in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Button {
    pub label: String,
    pub url: String,
}

/// An invitation that calendars understand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Calendar {
    /// The iTIP method: `REQUEST`, `CANCEL`, …
    pub method: String,
    /// The iCalendar text.
    pub content: String,
}

/// This server sends no mail.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("mail is not configured")]
pub(crate) struct MailNotConfigured;

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    paragraphs: &'a [String],
    code: Option<&'a str>,
    button: Option<&'a Button>,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    subject: &'a str,
    paragraphs: &'a [String],
    code: Option<&'a str>,
    button: Option<&'a Button>,
    footer: &'a str,
}

/// Refuses what needs mail where there is none.
///
/// # Errors
/// [`MailNotConfigured`].
pub(crate) fn require(app: &App) -> Result<&Mailer, MailNotConfigured> {
    app.mailer.as_ref().ok_or(MailNotConfigured)
}

/// A link into this server for a mail; `None` when nothing says where people reach it. The address a request claims to be
/// sent to is no source for it: whoever asks for somebody else's mail would choose where its links lead.
pub(crate) fn link(app: &App, path: &str) -> Option<String> {
    app.link_base.as_ref()?.join(path).ok().map(String::from)
}

/// Sends `mail` once the transaction is durable. Where mail is off, nothing is sent and nothing fails.
///
/// # Errors
/// As any statement.
pub(crate) async fn enqueue(tx: &mut Tx, mail: Mail, now: Micros) -> Result<(), StoreError> {
    match serde_json::to_value(&mail) {
        Ok(payload) => tx.enqueue(NewJob::mail(payload, mail.dedupe_key), now).await,
        Err(error) => {
            tracing::error!(%error, "a mail could not be written as JSON");
            Ok(())
        }
    }
}

/// Renders and sends a mail, `code` in large digits if there is one. `id` is the same for every try.
///
/// # Errors
/// The server is away: worth another try. A mail that will never be taken is counted and given up.
pub(crate) async fn send(app: &App, id: Uuid, mail: &Mail, code: Option<&str>) -> Result<(), MailError> {
    let Some(mailer) = &app.mailer else { return Ok(()) };
    let host = app.link_base.as_ref().and_then(url::Url::host_str);
    let footer = match host {
        Some(host) => format!("Sent by Plenum at {host}. Nobody reads answers to this mail."),
        None => "Sent by Plenum. Nobody reads answers to this mail.".to_owned(),
    };
    let (paragraphs, button, footer) = (mail.paragraphs.as_slice(), mail.button.as_ref(), footer.as_str());
    let text = Text { paragraphs, code, button, footer }.render();
    let html = Html { subject: &mail.subject, paragraphs, code, button, footer }.render();
    let (Ok(text), Ok(html)) = (text, html) else { return Err(MailError::Refused) };
    let calendar = mail.calendar.as_ref().map(|calendar| (calendar.method.as_str(), calendar.content.as_str()));
    let unsubscribe = mail.unsubscribe.as_deref();
    let outgoing = Outgoing { to: &mail.to, subject: &mail.subject, text, html, calendar, unsubscribe, id };
    let outcome = mailer.send(outgoing).await;
    let label = match &outcome {
        Ok(()) => "sent",
        Err(MailError::Refused) => "refused",
        Err(MailError::Server(_)) => "failed",
    };
    metrics::counter!("plenum_mails_total", "outcome" => label).increment(1);
    match outcome {
        Err(MailError::Refused) => Ok(()),
        other => other,
    }
}
