//! Text to [`RemoteDescription`]: one pass over the lines, each attribute by a small function.
//!
//! In: whatever a client sent. Out: bounded plain data, with session-level values applied to the sections. Structure that
//! we cannot do without (m-lines, mids, ICE, fingerprint) is checked; an attribute that we do not know, or whose numbers
//! make no sense, is skipped, because clients of all ages write what nobody reads. Must not panic, whatever it is given.

mod section;

use std::collections::HashSet;

use self::section::SectionBuilder;
use super::{
    Direction, MAX_SDP_BYTES, MAX_SECTION_LINES, MAX_SECTIONS, MAX_TOKEN_BYTES, RemoteDescription, SdpError, Setup,
};
use crate::api::IceCredentials;

/// Attributes of a transport, which may stand at session level or in any section of a bundle.
#[derive(Clone, Debug, Default)]
struct TransportAttributes {
    ufrag: Option<String>,
    pwd: Option<String>,
    fingerprint: Option<Fingerprint>,
    setup: Option<Setup>,
}

#[derive(Clone, Debug)]
enum Fingerprint {
    Sha256([u8; 32]),
    Other(String),
}

/// A line is malformed; its number is added by the caller.
struct BadLine;

impl RemoteDescription {
    /// Reads an offer or an answer. At most [`MAX_SDP_BYTES`]; unknown lines and candidates are ignored.
    ///
    /// # Errors
    ///
    /// Whatever of [`SdpError`] says that the text is too large, not SDP, or lacks what a WebRTC description must have:
    /// mids, ICE credentials, a SHA-256 fingerprint.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_SDP_BYTES {
            return Err(SdpError::TooLarge(text.len()));
        }
        let mut session = SessionBuilder::default();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            session.line(line).map_err(|error| error.at(index + 1))?;
        }
        session.finish()
    }
}

/// Why a line stops the parser.
enum LineError {
    Bad,
    TooManySections,
    TooManyLines,
}

impl LineError {
    fn at(self, line: usize) -> SdpError {
        match self {
            Self::Bad => SdpError::Malformed { line },
            Self::TooManySections => SdpError::TooManySections,
            Self::TooManyLines => SdpError::TooManyLines,
        }
    }
}

impl From<BadLine> for LineError {
    fn from(_: BadLine) -> Self {
        Self::Bad
    }
}

#[derive(Default)]
struct SessionBuilder {
    started: bool,
    lines: usize,
    transport: TransportAttributes,
    direction: Direction,
    /// Mids of the first `a=group:BUNDLE`.
    bundle: Option<HashSet<String>>,
    sections: Vec<SectionBuilder>,
}

impl SessionBuilder {
    fn line(&mut self, line: &str) -> Result<(), LineError> {
        if line.bytes().any(|byte| byte < 0x20 && byte != b'\t') {
            return Err(LineError::Bad);
        }
        let (kind, value) = line.split_once('=').filter(|(kind, _)| kind.len() == 1).ok_or(LineError::Bad)?;
        if !self.started && kind != "v" {
            return Err(LineError::Bad);
        }
        self.started = true;
        self.lines += 1;
        if kind == "m" {
            if self.sections.len() == MAX_SECTIONS {
                return Err(LineError::TooManySections);
            }
            self.sections.push(SectionBuilder::new(value, self.direction)?);
            self.lines = 0;
        }
        if self.lines > MAX_SECTION_LINES {
            return Err(LineError::TooManyLines);
        }
        if kind == "a" {
            let (name, value) = value.split_once(':').unwrap_or((value, ""));
            match self.sections.last_mut() {
                Some(section) => section.attribute(name, value)?,
                None => self.attribute(name, value)?,
            }
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), BadLine> {
        if name == "group" {
            if let Some(mids) = value.strip_prefix("BUNDLE").filter(|_| self.bundle.is_none()) {
                self.bundle = Some(mids.split_ascii_whitespace().map(str::to_owned).collect());
            }
        } else if let Some(direction) = Direction::parse(name) {
            self.direction = direction;
        } else {
            self.transport.attribute(name, value)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<RemoteDescription, SdpError> {
        let Self { transport: session, bundle, sections: builders, .. } = self;
        if builders.is_empty() {
            return Err(SdpError::Empty);
        }
        let mut seen = HashSet::new();
        let mut sections = Vec::with_capacity(builders.len());
        let mut transport: Option<TransportAttributes> = None;
        for (index, builder) in builders.into_iter().enumerate() {
            let (mut section, own) = builder.finish();
            if section.mid.is_empty() {
                return Err(SdpError::MissingMid(index));
            }
            if !seen.insert(section.mid.clone()) {
                return Err(SdpError::DuplicateMid(section.mid));
            }
            // Without a group each section would be a transport of its own: we take the first.
            let in_bundle = bundle.as_ref().map_or(transport.is_none(), |mids| mids.contains(&section.mid));
            section.bundled = in_bundle && !section.rejected;
            if section.bundled && transport.is_none() {
                transport = Some(own);
            }
            sections.push(section);
        }
        let transport = transport.unwrap_or_default().or(session);
        let (Some(ufrag), Some(pwd)) = (transport.ufrag, transport.pwd) else {
            return Err(SdpError::MissingIceCredentials);
        };
        let fingerprint = match transport.fingerprint {
            Some(Fingerprint::Sha256(digest)) => digest,
            Some(Fingerprint::Other(hash)) => return Err(SdpError::UnsupportedFingerprint(hash)),
            None => return Err(SdpError::MissingFingerprint),
        };
        let setup = transport.setup.unwrap_or(Setup::ActPass);
        Ok(RemoteDescription { sections, ice: IceCredentials { ufrag, pwd }, fingerprint, setup })
    }
}

impl TransportAttributes {
    fn attribute(&mut self, name: &str, value: &str) -> Result<(), BadLine> {
        match name {
            "ice-ufrag" => self.ufrag = Some(token(value)?),
            "ice-pwd" => self.pwd = Some(token(value)?),
            "setup" => {
                self.setup = match value.trim() {
                    "active" => Some(Setup::Active),
                    "passive" => Some(Setup::Passive),
                    _ => Some(Setup::ActPass),
                }
            }
            "fingerprint" => self.fingerprint(value)?,
            _ => {}
        }
        Ok(())
    }

    /// Of several fingerprints the SHA-256 one counts (RFC 8122 §5).
    fn fingerprint(&mut self, value: &str) -> Result<(), BadLine> {
        let (hash, digest) = value.trim().split_once(' ').ok_or(BadLine)?;
        if hash.eq_ignore_ascii_case("sha-256") {
            self.fingerprint = Some(Fingerprint::Sha256(sha256_digest(digest).ok_or(BadLine)?));
        } else if self.fingerprint.is_none() {
            self.fingerprint = Some(Fingerprint::Other(token(hash)?));
        }
        Ok(())
    }

    fn or(self, other: Self) -> Self {
        Self {
            ufrag: self.ufrag.or(other.ufrag),
            pwd: self.pwd.or(other.pwd),
            fingerprint: self.fingerprint.or(other.fingerprint),
            setup: self.setup.or(other.setup),
        }
    }
}

/// 32 hex bytes separated by colons.
fn sha256_digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0_u8; 32];
    let mut parts = text.trim().split(':');
    for byte in &mut digest {
        let part = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(digest)
}

/// A value that is kept: not empty, without spaces, of bounded length.
fn token(value: &str) -> Result<String, BadLine> {
    let value = value.trim();
    if value.is_empty() || value.len() > MAX_TOKEN_BYTES || value.contains(char::is_whitespace) {
        return Err(BadLine);
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests;
