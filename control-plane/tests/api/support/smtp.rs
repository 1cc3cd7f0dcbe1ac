//! A mail server on loopback that speaks SMTP (RFC 5321) over a real socket and keeps what it is given.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use control_plane::{ControlPlaneConfig, MailSettings};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The sinks of all running tests by port: the function that changes a test's settings can carry nothing out.
static SINKS: LazyLock<Mutex<BTreeMap<u16, Arc<MailSink>>>> = LazyLock::new(Mutex::default);

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Headers and body as sent, without the dots of transparency.
    pub(crate) raw: String,
}

/// The server.
#[derive(Debug, Default)]
pub(crate) struct MailSink {
    pub(crate) mails: Mutex<Vec<Received>>,
    /// Receivers that are answered `451`, as many times as it says.
    pub(crate) busy: Mutex<u32>,
}

impl MailSink {
    /// Starts a sink and makes it the mail server of a control plane.
    pub(crate) fn serve(config: &mut ControlPlaneConfig) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let sink = Arc::new(Self::default());
        SINKS.lock().unwrap().insert(port, Arc::clone(&sink));
        let listener = TcpListener::from_std(listener).expect("a listener");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&sink)));
            }
        });
        let smtp_url = format!("smtp://127.0.0.1:{port}");
        config.mail = Some(MailSettings { smtp_url, from: "Plenum <plenum@meet.test>".to_owned() });
    }

    /// The sink that [`Self::serve`] made for these settings.
    pub(crate) fn of(config: &ControlPlaneConfig) -> Option<Arc<Self>> {
        let port = config.mail.as_ref()?.smtp_url.rsplit(':').next()?.parse().ok()?;
        SINKS.lock().unwrap().remove(&port)
    }

    /// Every mail to `to` with a word in its subject, so far.
    pub(crate) fn to(&self, to: &str, subject: &str) -> Vec<Received> {
        let wanted = |mail: &&Received| {
            let about = mail.header("Subject").is_some_and(|found| found.contains(subject));
            about && mail.to.iter().any(|address| address == to)
        };
        self.mails.lock().unwrap().iter().filter(wanted).cloned().collect()
    }

    /// Waits until there are `count` mails to `to` with a word in their subject; the last of them.
    pub(crate) async fn wait(&self, to: &str, subject: &str, count: usize) -> Received {
        for _ in 0..600 {
            let mails = self.to(to, subject);
            if mails.len() >= count {
                return mails[count - 1].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{count} mails about {subject:?} never came: {:?}", self.mails.lock().unwrap());
    }

    /// The code in the `count`th mail to `to` with a word in its subject.
    pub(crate) async fn code(&self, to: &str, subject: &str, count: usize) -> String {
        self.wait(to, subject, count).await.code().expect("a mail with a code")
    }
}

impl Received {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }

    /// The decoded content of the first part of a kind such as `text/plain`.
    pub(crate) fn part(&self, kind: &str) -> Option<String> {
        let at = self.raw.find(&format!("Content-Type: {kind}"))?;
        let part = &self.raw[at..];
        let (head, rest) = part.split_once("\r\n\r\n")?;
        // The boundary, not the dashes above a signature.
        let ends = |(at, _): &(usize, &str)| !rest[at + 4..].starts_with([' ', '=']);
        let body = &rest[..rest.match_indices("\r\n--").find(ends)?.0];
        Some(if head.contains("quoted-printable") {
            quoted_printable(body)
        } else if head.contains("base64") {
            let bytes = base64::engine::general_purpose::STANDARD.decode(body.replace("\r\n", "")).ok()?;
            String::from_utf8(bytes).ok()?
        } else {
            body.to_owned()
        })
    }

    /// The six digits on a line of their own.
    pub(crate) fn code(&self) -> Option<String> {
        let text = self.part("text/plain")?;
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        text.lines().map(str::trim).find(is_code).map(str::to_owned)
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'=' && tail.len() >= 2).then(|| std::str::from_utf8(&tail[..2]).ok()).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).expect("mails are UTF-8")
}

/// One connection, until its other end quits.
async fn talk(stream: TcpStream, sink: Arc<MailSink>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut from, mut to, mut data) = (String::new(), Vec::new(), None::<String>);
    if writer.write_all(b"220 sink ESMTP\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match &mut data {
            Some(_) if line == "." => {
                let raw = data.take().unwrap_or_default();
                let mail = Received { from: std::mem::take(&mut from), to: std::mem::take(&mut to), raw };
                sink.mails.lock().unwrap().push(mail);
                "250 kept\r\n"
            }
            Some(raw) => {
                raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                raw.push_str("\r\n");
                continue;
            }
            None => command(&line, &sink, &mut from, &mut to, &mut data),
        };
        if writer.write_all(answer.as_bytes()).await.is_err() || answer.starts_with("221") {
            return;
        }
    }
}

fn command(
    line: &str,
    sink: &MailSink,
    from: &mut String,
    to: &mut Vec<String>,
    data: &mut Option<String>,
) -> &'static str {
    let upper = line.to_ascii_uppercase();
    let path = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
    let verb = upper.split([' ', ':']).next().unwrap_or_default();
    match verb {
        "EHLO" | "HELO" => "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
        "MAIL" => {
            *from = path();
            "250 ok\r\n"
        }
        "RCPT" if path().starts_with("nobody@") => "550 no such person\r\n",
        "RCPT" => {
            let mut busy = sink.busy.lock().unwrap();
            if *busy > 0 {
                *busy -= 1;
                return "451 come back later\r\n";
            }
            to.push(path());
            "250 ok\r\n"
        }
        "DATA" => {
            *data = Some(String::new());
            "354 go on\r\n"
        }
        "RSET" => {
            to.clear();
            "250 ok\r\n"
        }
        "NOOP" => "250 ok\r\n",
        "QUIT" => "221 bye\r\n",
        _ => "502 unknown\r\n",
    }
}
