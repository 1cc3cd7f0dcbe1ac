//! `/api/v1/conversations/{id}/messages`: what is said in a conversation.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

/// Longest message, in bytes.
pub(crate) const BODY_BYTES: usize = 8_192;
/// Longest `client_id`, in characters.
const CLIENT_ID_CHARS: usize = 64;

/// What may be said: something visible, bounded, without control characters but line breaks and tabs.
pub(crate) fn check_body<C>(value: &str, _: &C) -> garde::Result {
    let invisible = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let refused = match value {
        _ if value.len() > BODY_BYTES => "must be at most 8192 bytes",
        _ if value.trim().is_empty() => "must not be empty",
        _ if value.chars().any(invisible) => "must not contain control characters",
        _ => return Ok(()),
    };
    Err(garde::Error::new(refused))
}

/// A name a client gives to what it sends: visible ASCII.
pub(crate) fn check_client_id<C>(value: &str, _: &C) -> garde::Result {
    if (1..=CLIENT_ID_CHARS).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(garde::Error::new("must be 1 to 64 visible ASCII characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_visible_and_bounded() {
        for good in ["a", "two\nlines\tand a tab", &"x".repeat(BODY_BYTES), "👩‍👩‍👧 \u{202e}rtl"] {
            assert!(check_body(good, &()).is_ok(), "{good:?}");
        }
        for bad in ["", " \n ", "a\0b", "\u{7f}x", &"x".repeat(BODY_BYTES + 1), &"😀".repeat(2_049)] {
            assert!(check_body(bad, &()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn client_ids_are_short_and_plain() {
        assert!(check_client_id("0190d2a6-0000", &()).is_ok());
        for bad in ["", "a b", "é", &"x".repeat(65), "a\n"] {
            assert!(check_client_id(bad, &()).is_err(), "{bad:?}");
        }
    }
}
