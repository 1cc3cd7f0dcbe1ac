//! Opaque tokens: 256 random bits with a prefix that says what they open; only their SHA-256 is ever stored.
//!
//! In: randomness, or a token somebody presents. Out: the text for the client and the hash for the database. Must not
//! be printed: [`Secret`]'s `Debug` shows the kind alone.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What a token opens; its first letters say so, for people and for the look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretKind {
    /// Authorizes requests of a signed-in person for minutes.
    Access,
    /// Exchanged for the next pair of tokens, once.
    Refresh,
    /// Authorizes a guest in one room.
    Guest,
    /// Makes the first admin, once.
    Setup,
    /// Makes somebody a member of an organization, once.
    OrgInvite,
    /// Answers an invitation to a meeting.
    MeetingInvite,
    /// Reads somebody's calendar.
    CalendarFeed,
    /// Opens one socket, once, within seconds.
    Ticket,
}

impl SecretKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "pa_",
            Self::Refresh => "pr_",
            Self::Guest => "pg_",
            Self::Setup => "ps_",
            Self::OrgInvite => "poi_",
            Self::MeetingInvite => "pm_",
            Self::CalendarFeed => "pf_",
            Self::Ticket => "pt_",
        }
    }
}

/// A token in clear text, on its way to or from a client.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    kind: SecretKind,
    bits: [u8; 32],
}

impl Secret {
    /// A new random token.
    pub(crate) fn random(kind: SecretKind) -> Self {
        Self { kind, bits: rand::random() }
    }

    /// Reads a presented token; `None` unless it has the kind's prefix and 256 bits.
    pub(crate) fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(kind.prefix())?;
        let bits = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        Some(Self { kind, bits: bits.try_into().ok()? })
    }

    /// The token that follows this one, known only to who holds `key`.
    ///
    /// Rotation derives the next pair instead of drawing it, so that two tabs (or a retry after a lost answer) that
    /// present the same refresh token get the same pair, although only hashes are stored.
    pub(crate) fn successor(&self, key: &hmac::Key, kind: SecretKind) -> Self {
        let mut context = hmac::Context::with_key(key);
        context.update(kind.prefix().as_bytes());
        context.update(&self.bits);
        let mut bits = [0; 32];
        bits.copy_from_slice(context.sign().as_ref());
        Self { kind, bits }
    }

    /// The token of a thing with an id, the same each time, known only to who holds `key`: a job can write it into a
    /// mail although only its hash is stored.
    pub(crate) fn derived(key: &hmac::Key, kind: SecretKind, id: uuid::Uuid) -> Self {
        let mut context = hmac::Context::with_key(key);
        context.update(kind.prefix().as_bytes());
        context.update(id.as_bytes());
        let mut bits = [0; 32];
        bits.copy_from_slice(context.sign().as_ref());
        Self { kind, bits }
    }

    /// The hash of a presented token of whatever kind; `None` unless it has a prefix and 256 bits.
    pub(crate) fn hash_of(text: &str) -> Option<Vec<u8>> {
        let (_, encoded) = text.split_once('_')?;
        let bits: [u8; 32] = URL_SAFE_NO_PAD.decode(encoded).ok()?.try_into().ok()?;
        Some(Self { kind: SecretKind::Setup, bits }.hash())
    }

    /// The text a client keeps.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.kind.prefix(), URL_SAFE_NO_PAD.encode(self.bits))
    }

    /// What the database keeps.
    pub(crate) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.bits).to_vec()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_keeps_to_its_kind() {
        let secret = Secret::random(SecretKind::Access);
        assert!(Secret::parse(SecretKind::Access, &secret.text()) == Some(secret.clone()));
        assert!(Secret::parse(SecretKind::Refresh, &secret.text()).is_none());
        assert!(Secret::parse(SecretKind::Access, "pa_short").is_none());
        assert!(!format!("{secret:?}").contains(&secret.text()));
    }

    #[test]
    fn successors_depend_on_key_and_kind() {
        let secret = Secret::random(SecretKind::Refresh);
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"one");
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"two");
        let next = secret.successor(&key, SecretKind::Refresh);
        assert!(next == secret.successor(&key, SecretKind::Refresh));
        assert!(next != secret.successor(&other, SecretKind::Refresh));
        assert!(next.bits != secret.successor(&key, SecretKind::Access).bits);
    }
}
