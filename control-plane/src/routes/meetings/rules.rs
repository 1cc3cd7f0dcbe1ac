//! Rules of fields that several requests about meetings share.

use std::fmt::Display;

use serde::{Deserialize, Deserializer};

use crate::error::ApiError;
use crate::http::validate;
use crate::model::clock::Micros;
use crate::model::meeting::{DESCRIPTION_CHARS, DURATION_MIN, TITLE_CHARS};
use crate::services::meetings::plan::Start;

type Rule = garde::Result;

fn refuse(message: impl Display) -> Rule {
    Err(garde::Error::new(message))
}

/// One line of visible text.
pub(super) fn title<C>(value: &str, _: &C) -> Rule {
    match value.trim().chars().count() {
        0 => refuse("must not be empty"),
        n if n > TITLE_CHARS => refuse(format_args!("must be at most {TITLE_CHARS} characters")),
        _ => validate::visible(value.trim()),
    }
}

pub(super) fn optional_title<C>(value: &Option<String>, context: &C) -> Rule {
    value.as_deref().map_or(Ok(()), |value| title(value, context))
}

/// Text of several lines.
pub(super) fn optional_description<C>(value: &Option<String>, _: &C) -> Rule {
    let Some(value) = value else { return Ok(()) };
    if value.chars().count() > DESCRIPTION_CHARS {
        return refuse(format_args!("must be at most {DESCRIPTION_CHARS} characters"));
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return refuse("must not contain control characters");
    }
    Ok(())
}

pub(super) fn optional_duration<C>(value: &Option<i64>, _: &C) -> Rule {
    match value {
        Some(minutes) if !DURATION_MIN.contains(minutes) => {
            refuse(format_args!("must be between {} and {}", DURATION_MIN.start(), DURATION_MIN.end()))
        }
        _ => Ok(()),
    }
}

/// Bytes of the text of a time; what it means is looked at later, in its zone.
pub(super) fn optional_short<C>(value: &Option<String>, _: &C) -> Rule {
    match value {
        Some(value) if value.len() > 500 => refuse("is too long"),
        Some(value) if value.chars().any(char::is_control) => refuse("must not contain control characters"),
        _ => Ok(()),
    }
}

/// One way to say when something begins.
///
/// # Errors
/// 422 when both are used.
pub(super) fn start(local_start: Option<String>, starts_at: Option<Micros>) -> Result<Option<Start>, ApiError> {
    match (local_start, starts_at) {
        (Some(_), Some(_)) => Err(ApiError::field("starts_at", "must not be given beside local_start")),
        (Some(wall), None) => Ok(Some(Start::Wall(wall))),
        (None, Some(at)) => Ok(Some(Start::At(at))),
        (None, None) => Ok(None),
    }
}

/// Tells a field that is null from one that is left out.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
