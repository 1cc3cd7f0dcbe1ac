//! What is wrong with a request, field by field, in words that people who call the API understand.
//!
//! In: a body or a query string that could not be read as what the route wants. Out: one problem document that names
//! every faulty field. A reader of typed data stops at the first fault; so each fault is noted, its field is left out or
//! filled with something harmless, and the rest is read again. This costs what an error costs, never what a good
//! request costs. Must not show names of our types.

use std::collections::BTreeMap;

use axum::extract::Query;
use garde::Validate;
use http::Uri;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use crate::error::ApiError;

/// Readings of one request at most: twenty faulty fields with a few tries each.
const MAX_ROUNDS: usize = 100;
/// Characters of a field's path in an answer.
const PATH_CHARS: usize = 100;

type Errors = BTreeMap<String, Vec<String>>;

/// The problem of a JSON body that is no `T`.
pub(super) fn body<T>(bytes: &[u8]) -> ApiError
where
    T: DeserializeOwned + Validate,
    T::Context: Default,
{
    let mut value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return malformed(&error),
    };
    if !value.is_object() {
        return ApiError::field("body", "must be an object");
    }
    let (mut errors, mut tried) = (Errors::new(), BTreeMap::<String, usize>::new());
    for _ in 0..MAX_ROUNDS {
        let fault = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(parsed) => {
                add_broken_rules(&parsed, &mut errors);
                break;
            }
            Err(error) => Fault::of(error.path(), &error.inner().to_string()),
        };
        let candidates = candidates(&fault.message);
        let next = tried.entry(fault.name.clone()).or_insert(usize::from(fault.missing));
        errors.entry(fault.name).or_insert_with(|| vec![fault.message]);
        let candidate = candidates.into_iter().nth(*next);
        *next += 1;
        let Some(candidate) = candidate else { break };
        if !replace(&mut value, &fault.segments, candidate) {
            break;
        }
    }
    ApiError::validation(errors)
}

/// The problem of a body that is no JSON at all.
pub(super) fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        http::StatusCode::BAD_REQUEST,
        "malformed_json",
        format!("The request body is not valid JSON: {error}."),
    )
}

/// The problem of a query string that is no `T`, by parameter.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> ApiError {
    let mut pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let mut errors = Errors::new();
    for _ in 0..MAX_ROUNDS {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let Ok(uri) = Uri::builder().path_and_query(format!("/?{text}")).build() else { break };
        let Err(rejection) = Query::<T>::try_from_uri(&uri) else { break };
        let text = rejection.body_text();
        let text = text.split_once("query string: ").map_or(text.as_str(), |(_, rest)| rest);
        let quoted = text.split('`').nth(1).filter(|_| text.contains("field `"));
        let (name, message) = match (quoted, text.split_once(": ")) {
            (Some(field), _) => (field, text),
            (None, Some((path, message))) => (path, message),
            (None, None) => ("query", text),
        };
        let known = errors.contains_key(name);
        errors.entry(name.to_owned()).or_insert_with(|| vec![explain(message)]);
        let count = pairs.len();
        pairs.retain(|(key, _)| key != name);
        // A parameter that has to be there is tried with something most types accept.
        if pairs.len() == count {
            if known {
                break;
            }
            pairs.push((name.to_owned(), "0".to_owned()));
        }
    }
    if errors.is_empty() {
        errors.insert("query".to_owned(), vec!["cannot be read".to_owned()]);
    }
    ApiError::validation(errors)
}

/// One field that cannot be read.
struct Fault {
    name: String,
    segments: Vec<Step>,
    message: String,
    missing: bool,
}

/// A step on the way to a field.
enum Step {
    Key(String),
    Index(usize),
}

impl Fault {
    fn of(path: &Path, text: &str) -> Self {
        let mut segments: Vec<Step> = Vec::new();
        for segment in path.iter() {
            match segment {
                Segment::Map { key } => segments.push(Step::Key(key.clone())),
                Segment::Seq { index } => segments.push(Step::Index(*index)),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        // A missing field is reported at the object that lacks it.
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        if let Some(field) = missing {
            segments.push(Step::Key(field.to_owned()));
        }
        Self { name: spell(&segments), segments, message: explain(text), missing: missing.is_some() }
    }
}

fn spell(segments: &[Step]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    if text.is_empty() { "body".to_owned() } else { text.chars().take(PATH_CHARS).collect() }
}

/// What to put where a fault was, one after the other: nothing, then values that some type accepts.
fn candidates(message: &str) -> Vec<Option<Value>> {
    let named = message.strip_prefix("must be one of ").and_then(|list| list.split([' ', ',']).next());
    let mut all = vec![None];
    all.extend(named.map(|name| Some(json!(name))));
    let rest = [
        json!(""),
        json!(1),
        json!(false),
        json!([]),
        json!({}),
        json!("1970-01-01T00:00:00Z"),
        json!("00000000-0000-0000-0000-000000000000"),
    ];
    all.extend(rest.map(Some));
    all
}

/// Puts `candidate` at a place, or takes away what is there; `false` when there is no such place.
fn replace(value: &mut Value, segments: &[Step], candidate: Option<Value>) -> bool {
    let Some((last, parents)) = segments.split_last() else { return false };
    let mut place = value;
    for step in parents {
        let inner = match step {
            Step::Key(key) => place.get_mut(key),
            Step::Index(index) => place.get_mut(index),
        };
        let Some(inner) = inner else { return false };
        place = inner;
    }
    match (last, candidate, place) {
        (Step::Key(key), Some(candidate), Value::Object(map)) => drop(map.insert(key.clone(), candidate)),
        (Step::Key(key), None, Value::Object(map)) => drop(map.remove(key)),
        (Step::Index(index), candidate, Value::Array(list)) => match list.get_mut(*index) {
            Some(entry) => *entry = candidate.unwrap_or(Value::Null),
            None => return false,
        },
        _ => return false,
    }
    true
}

/// Adds the rules that a readable body breaks, but for fields that were only filled in.
fn add_broken_rules<T>(parsed: &T, errors: &mut Errors)
where
    T: Validate,
    T::Context: Default,
{
    let Err(report) = parsed.validate() else { return };
    let blamed: Vec<String> = errors.keys().cloned().collect();
    for (path, error) in report.iter() {
        let path = path.to_string();
        let filled_in = blamed.iter().any(|name| {
            path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        });
        if !filled_in {
            errors.entry(path).or_default().push(error.message().to_owned());
        }
    }
}

/// A reader's complaint in other words: without names of types, and saying what would be right.
fn explain(text: &str) -> String {
    // Texts from streams end with a place that means nothing for a field.
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let expected = text.rsplit_once("expected ").map(|(_, expected)| expected);
    let fixed = match text {
        _ if text.starts_with("missing field") => "is required",
        _ if text.starts_with("unknown field") => "is not known here",
        _ if text.starts_with("duplicate field") => "is given more than once",
        _ if text.starts_with("UUID parsing failed") => "must be a UUID",
        _ if text.contains("did not match any variant") => "has a form that is not known here",
        _ if text.contains("provided string was not `true` or `false`") => "must be true or false",
        _ if text.contains("number too large") || text.contains("number too small") => "is out of range",
        _ if text.contains("invalid digit") || text.contains("cannot parse integer") => "must be a whole number",
        _ if text.contains("invalid float") => "must be a number",
        _ if text.starts_with("invalid length") => "has the wrong length",
        _ if text.starts_with("unknown variant") => {
            let list = expected.unwrap_or_default().replace("one of ", "").replace('`', "");
            return format!("must be one of {list}");
        }
        _ if text.starts_with("invalid type") || text.starts_with("invalid value") => {
            kind(expected.unwrap_or_default())
        }
        _ if ["struct ", "enum ", "::", "variant"].iter().any(|word| text.contains(word)) => "is not acceptable",
        other => other,
    };
    fixed.to_owned()
}

/// What a reader expected, in words of JSON.
fn kind(expected: &str) -> &'static str {
    match expected {
        "a string" | "a borrowed string" | "str" | "string" | "a character" => "must be text",
        "a boolean" => "must be true or false",
        "a sequence" => "must be a list",
        "a map" => "must be an object",
        "f32" | "f64" => "must be a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "must be a whole number of at least 0 that is not too large",
        "i8" | "i16" | "i32" | "i64" | "isize" => "must be a whole number that is not too large",
        _ if expected.starts_with("struct") || expected.contains("tagged enum") => "must be an object",
        _ if expected.contains("UUID") => "must be a UUID",
        _ => "is of the wrong kind",
    }
}

#[cfg(test)]
mod tests;
