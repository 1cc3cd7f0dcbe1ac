//! Rules for fields that more than one request has, and the form they are stored in.

use std::fmt::Display;

/// Longest address that SMTP can carry (RFC 5321, 4.5.3.1).
const EMAIL_BYTES: usize = 254;
/// Longest name shown in lists and tiles, in characters.
pub(crate) const NAME_CHARS: usize = 80;
/// Characters of a user name.
const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 3..=32;
/// Shortest password, in characters.
const PASSWORD_MIN_CHARS: usize = 8;
/// Longest password, in characters: hashing must not become work for free.
const PASSWORD_MAX_CHARS: usize = 200;

type Rule = garde::Result;

fn refuse(message: impl Display) -> Rule {
    Err(garde::Error::new(message))
}

/// One line of visible text between 1 and [`NAME_CHARS`] characters.
pub(crate) fn name<C>(value: &str, _: &C) -> Rule {
    let value = value.trim();
    match value.chars().count() {
        0 => refuse("must not be empty"),
        n if n > NAME_CHARS => refuse(format_args!("must be at most {NAME_CHARS} characters")),
        _ => visible(value),
    }
}

/// Refuses what cannot be seen or turns the direction of what can: two names must not look the same and differ.
pub(crate) fn visible(value: &str) -> Rule {
    let mut before = None;
    for c in value.chars() {
        // Joiners belong to some scripts and to composed emoji, and are harmless there only.
        let joined = match c {
            '\u{200c}' => before.is_some_and(|b: char| ('\u{600}'..='\u{6ff}').contains(&b)),
            '\u{200d}' => before
                .is_some_and(|b: char| b >= '\u{1f000}' || ('\u{2600}'..='\u{27bf}').contains(&b) || b == '\u{fe0f}'),
            _ => false,
        };
        if c.is_control() {
            return refuse("must not contain control characters");
        }
        if is_invisible(c) && !joined {
            return refuse("must not contain invisible characters");
        }
        before = Some(c);
    }
    Ok(())
}

/// Format characters without a shape: zero-width ones, marks and overrides of direction, fillers, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// As [`name`], or absent.
pub(crate) fn optional_name<C>(value: &Option<String>, context: &C) -> Rule {
    value.as_deref().map_or(Ok(()), |value| name(value, context))
}

/// Text of several lines, at most 2,000 characters, without NUL.
pub(crate) fn text<C>(value: &str, _: &C) -> Rule {
    if value.chars().count() > 2_000 {
        return refuse("must be at most 2000 characters");
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return refuse("must not contain control characters");
    }
    Ok(())
}

/// As [`text`], or absent.
pub(crate) fn optional_text<C>(value: &Option<String>, context: &C) -> Rule {
    value.as_deref().map_or(Ok(()), |value| text(value, context))
}

/// Text to search for: at most 80 characters, none of them a control character.
pub(crate) fn search<C>(value: &str, _: &C) -> Rule {
    match value.chars().count() {
        n if n > 80 => refuse("must be at most 80 characters"),
        _ if value.chars().any(char::is_control) => refuse("must not contain control characters"),
        _ => Ok(()),
    }
}

/// An email address.
pub(crate) fn email<C>(value: &str, _: &C) -> Rule {
    let value = value.trim();
    if value.len() > EMAIL_BYTES {
        return refuse(format_args!("must be at most {EMAIL_BYTES} characters"));
    }
    if value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("must be an email address");
    }
    garde::rules::email::apply(&value, ()).or_else(|_| refuse("must be an email address"))
}

/// A password somebody chooses.
pub(crate) fn new_password<C>(value: &str, _: &C) -> Rule {
    match value.chars().count() {
        n if n < PASSWORD_MIN_CHARS => refuse(format_args!("must be at least {PASSWORD_MIN_CHARS} characters")),
        n if n > PASSWORD_MAX_CHARS => refuse(format_args!("must be at most {PASSWORD_MAX_CHARS} characters")),
        _ => Ok(()),
    }
}

/// A password somebody signs in with: bounded, nothing more, so that the answer tells nothing about the account.
pub(crate) fn any_password<C>(value: &str, _: &C) -> Rule {
    if value.chars().count() > PASSWORD_MAX_CHARS {
        return refuse(format_args!("must be at most {PASSWORD_MAX_CHARS} characters"));
    }
    Ok(())
}

/// An identifier of an account: an address or a user name.
pub(crate) fn identifier<C>(value: &str, _: &C) -> Rule {
    match value.trim() {
        "" => refuse("must not be empty"),
        text if text.len() > EMAIL_BYTES => refuse(format_args!("must be at most {EMAIL_BYTES} characters")),
        text if text.chars().any(char::is_control) => refuse("must not contain control characters"),
        _ => Ok(()),
    }
}

/// A name to sign in by; it holds no `@`, so that it is never taken for an address.
pub(crate) fn username<C>(value: &str, _: &C) -> Rule {
    let value = fold_username(value);
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let begins = value.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    if USERNAME_CHARS.contains(&value.len()) && begins && value.chars().all(allowed) {
        return Ok(());
    }
    refuse("must be 3 to 32 of a-z, 0-9, '.', '_' and '-', beginning with a letter")
}

/// The digits of a code somebody got by mail.
pub(crate) fn code<C>(value: &str, _: &C) -> Rule {
    let digits = value.trim();
    if digits.len() == crate::services::codes::DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    refuse("must be the six digits of the mail")
}

/// A BCP 47 language tag, or absent.
pub(crate) fn optional_locale<C>(value: &Option<String>, _: &C) -> Rule {
    let Some(value) = value else { return Ok(()) };
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if value.len() <= 35 && value.split('-').all(subtag) {
        Ok(())
    } else {
        refuse("must be a language such as en or pt-BR")
    }
}

/// An IANA time zone, or absent.
pub(crate) fn optional_timezone<C>(value: &Option<String>, _: &C) -> Rule {
    match value {
        Some(value) if value.len() > 64 || jiff::tz::TimeZone::get(value).is_err() => {
            refuse("must be a time zone such as Europe/Berlin")
        }
        _ => Ok(()),
    }
}

/// An address in the form it is stored and compared in.
pub(crate) fn fold_email(value: &str) -> String {
    value.trim().to_lowercase()
}

/// A user name in the form it is stored and compared in.
pub(crate) fn fold_username(value: &str) -> String {
    value.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_visible_line() {
        for good in ["Ada", " Ada ", "Åsa 😀", &"x".repeat(80)] {
            assert!(name(good, &()).is_ok(), "{good}");
        }
        for good in ["👩\u{200d}💻 Ada", "❤\u{fe0f}\u{200d}🔥", "نمی\u{200c}خواهم", "Zoë", "李", "A\u{300}da"]
        {
            assert!(name(good, &()).is_ok(), "{good}");
        }
        for bad in [
            "A\u{200b}da",
            "A\u{200d}da",
            "\u{200d}Ada",
            "A\u{202e}da",
            "A\u{2066}da",
            "\u{feff}Ada",
            "A\u{ad}da",
            "A\u{e0041}da",
            "\u{3164}",
            "x\u{2028}y",
        ] {
            assert!(name(bad, &()).is_err(), "{bad:?}");
        }
        for bad in ["", "   ", "a\0b", "a\nb", &"x".repeat(81)] {
            assert!(name(bad, &()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_look_like_addresses() {
        for good in ["a@b.example", " A@B.example "] {
            assert!(email(good, &()).is_ok(), "{good}");
        }
        for bad in ["", "a", "a@", "@b", "a b@c.example", "a\0@b.example", &format!("{}@b.example", "x".repeat(250))] {
            assert!(email(bad, &()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn zones_and_languages_exist() {
        assert!(optional_timezone(&Some("Europe/Berlin".into()), &()).is_ok());
        assert!(optional_timezone(&Some("Mars/Olympus".into()), &()).is_err());
        assert!(optional_locale(&Some("pt-BR".into()), &()).is_ok());
        assert!(optional_locale(&Some("".into()), &()).is_err());
    }
}
