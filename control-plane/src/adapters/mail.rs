//! Mail out of the house: one SMTP server, reached by lettre.
//!
//! In: a rendered message. Out: handed to the server, or why not. Must not decide what is sent to whom, and must not be
//! called while somebody waits: jobs do.

use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::MailSettings;

/// How long one exchange with the server may take, safely within the time of a job.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Connections to the server kept for reuse.
const MAX_CONNECTIONS: u32 = 2;

/// Answers about this receiver or this message; other failures, wrong credentials too, may be mended meanwhile.
const REFUSALS: [u16; 5] = [550, 551, 552, 553, 554];

/// Why mail cannot be switched on.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// The server's address makes no sense. It is not repeated: it may hold a password.
    #[error("mail.smtp_url is not an address like smtps://user:password@mail.example.org: {0}")]
    Server(#[source] lettre::transport::smtp::Error),
    /// The sender is no address.
    #[error("mail.from is not an address like Plenum <plenum@example.org>: {0}")]
    From(#[source] lettre::address::AddressError),
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// Trying again is of no use: the address or the message will never be taken.
    #[error("the mail cannot be delivered")]
    Refused,
    /// The server is away, busy or refuses us for now.
    #[error("the mail server: {0}")]
    Server(#[source] lettre::transport::smtp::Error),
}

/// A message, rendered.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub to: &'a str,
    pub subject: &'a str,
    pub text: String,
    pub html: String,
    /// iTIP method and iCalendar text.
    pub calendar: Option<(&'a str, &'a str)>,
    /// Where a POST ends mail of this kind.
    pub unsubscribe: Option<&'a str>,
    /// The same for every try, so that readers can tell a repetition.
    pub id: uuid::Uuid,
}

/// Sends mail.
#[derive(Clone)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// Reads the settings; connects to nobody yet.
    ///
    /// # Errors
    /// See [`MailSettingsError`].
    pub(crate) fn new(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        let from = settings.from.parse().map_err(MailSettingsError::From)?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp_url);
        let pool = lettre::transport::smtp::PoolConfig::new().max_size(MAX_CONNECTIONS);
        let transport = transport.map_err(MailSettingsError::Server)?.timeout(Some(TIMEOUT)).pool_config(pool).build();
        Ok(Self { transport, from })
    }

    /// Hands one message to the server.
    ///
    /// # Errors
    /// See [`MailError`].
    pub(crate) async fn send(&self, mail: Outgoing<'_>) -> Result<(), MailError> {
        let message = self.message(mail).ok_or(MailError::Refused)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.status().is_some_and(|status| REFUSALS.contains(&u16::from(status))) => {
                tracing::warn!(status = ?error.status(), "the mail server refused a mail for good");
                Err(MailError::Refused)
            }
            Err(error) => Err(MailError::Server(error)),
        }
    }

    /// `None` when the receiver's address is none.
    fn message(&self, mail: Outgoing<'_>) -> Option<Message> {
        let to: Address = mail.to.parse().ok()?;
        let mut parts = MultiPart::alternative_plain_html(mail.text, mail.html);
        if let Some((method, content)) = mail.calendar {
            let kind = ContentType::parse(&format!("text/calendar; charset=utf-8; method={method}")).ok()?;
            parts = parts.singlepart(SinglePart::builder().header(kind).body(content.to_owned()));
        }
        let one_line: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(AutoSubmitted);
        // A header is one line of ASCII; what is not would have to be encoded, which no reader of it expects.
        let unsubscribe = mail.unsubscribe.filter(|url| url.bytes().all(|b| b.is_ascii_graphic() && b != b'>'));
        let message = match unsubscribe {
            Some(url) => message.header(ListUnsubscribe(format!("<{url}>"))).header(ListUnsubscribePost),
            None => message,
        };
        message.multipart(parts).ok()
    }
}

/// Where to go to get no more mail of this kind (RFC 2369).
#[derive(Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        // Folded or encoded the address would be another.
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

/// One POST there is enough, without a question (RFC 8058).
#[derive(Clone)]
struct ListUnsubscribePost;

impl Header for ListUnsubscribePost {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

/// Tells other machines not to answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
