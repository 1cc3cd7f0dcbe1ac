//! Protobuf's JSON form, read leniently and written as LiveKit's SDKs expect it on the wire.
//!
//! The generated deserializers accept both name styles and ignore unknown fields, but stop at a null scalar and at an
//! enum value they do not know. Newer clients send both, so: nulls are dropped (in protobuf null *is* the default), and
//! an unknown enum value is dropped where it stands, as binary protobuf would carry it past us.
//!
//! Written JSON is camelCase without defaults. The server API's other dialect is in `server_api`.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserializer, Serialize, forward_to_deserialize_any};
use serde_json::{Map, Value};

/// Most unknown enum values dropped from one message: each costs another pass over it.
const MAX_UNKNOWN_VALUES: usize = 64;

/// A message that is not the JSON of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProtoJsonError(String);

/// Reads a message.
///
/// # Errors
/// The text is no JSON, a field has the wrong type, or more than 64 enum values are unknown.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, ProtoJsonError> {
    let value = serde_json::from_slice(json).map_err(|error| ProtoJsonError(error.to_string()))?;
    decode_value(value)
}

/// Reads a message that is already a JSON value, for instance a claim of a token.
///
/// # Errors
/// As [`decode`].
pub fn decode_value<T: DeserializeOwned>(mut value: Value) -> Result<T, ProtoJsonError> {
    drop_nulls(&mut value);
    for _ in 0..=MAX_UNKNOWN_VALUES {
        let trail = RefCell::new(Vec::new());
        match T::deserialize(Lenient { value: &value, trail: &trail }) {
            Ok(message) => return Ok(message),
            Err(Failure::UnknownEnumValue(text)) => {
                // The trail was noted on the way out of the failure: innermost first.
                let path: Vec<Step> = trail.into_inner().into_iter().rev().collect();
                if !remove(&mut value, &path) {
                    return Err(ProtoJsonError(text));
                }
            }
            Err(Failure::Other(text)) => return Err(ProtoJsonError(text)),
        }
    }
    Err(ProtoJsonError("too many unknown enum values".to_owned()))
}

/// Writes a message: camelCase, defaults left out, 64-bit integers as strings.
///
/// # Errors
/// An enum field holds a number that its type does not name.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, ProtoJsonError> {
    serde_json::to_vec(message).map_err(|error| ProtoJsonError(error.to_string()))
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

#[derive(Debug, Clone)]
enum Step {
    Field(String),
    Item(usize),
}

/// Removes what the path names; false if there is no such thing.
fn remove(value: &mut Value, path: &[Step]) -> bool {
    match (path, value) {
        ([Step::Field(name)], Value::Object(fields)) => fields.remove(name).is_some(),
        ([Step::Item(index)], Value::Array(items)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        ([Step::Field(name), rest @ ..], Value::Object(fields)) => {
            fields.get_mut(name).is_some_and(|field| remove(field, rest))
        }
        ([Step::Item(index), rest @ ..], Value::Array(items)) => {
            items.get_mut(*index).is_some_and(|item| remove(item, rest))
        }
        _ => false,
    }
}

#[derive(Debug)]
enum Failure {
    UnknownEnumValue(String),
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownEnumValue(text) | Self::Other(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Other(text.to_string())
    }

    fn unknown_variant(value: &str, _expected: &'static [&'static str]) -> Self {
        Self::UnknownEnumValue(format!("unknown enum value {value:?}"))
    }

    /// The generated code reports an enum's unknown number this way.
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let text = format!("invalid value: {unexpected}, expected {expected}");
        match unexpected {
            Unexpected::Signed(_) | Unexpected::Unsigned(_) => Self::UnknownEnumValue(text),
            _ => Self::Other(text),
        }
    }
}

/// Deserializes a JSON value and, when that fails, notes where.
#[derive(Clone, Copy)]
struct Lenient<'a> {
    value: &'a Value,
    trail: &'a RefCell<Vec<Step>>,
}

impl<'de> Deserializer<'de> for Lenient<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                _ => Err(Failure::custom("a number out of range")),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter(), index: 0, trail: self.trail }),
            Value::Object(fields) => visitor.visit_map(Fields::new(fields, self.trail)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'a> {
    fields: serde_json::map::Iter<'a>,
    current: Option<(&'a String, &'a Value)>,
    trail: &'a RefCell<Vec<Step>>,
}

impl<'a> Fields<'a> {
    fn new(fields: &'a Map<String, Value>, trail: &'a RefCell<Vec<Step>>) -> Self {
        Self { fields: fields.iter(), current: None, trail }
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        self.current = self.fields.next();
        let Some((name, _)) = self.current else { return Ok(None) };
        // Keys of maps are strings in JSON, whatever their type; the generated code parses them.
        seed.deserialize(StrDeserializer::<Failure>::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some((name, value)) = self.current else { return Err(Failure::custom("a value without a key")) };
        seed.deserialize(Lenient { value, trail: self.trail })
            .inspect_err(|_| self.trail.borrow_mut().push(Step::Field(name.clone())))
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Value>,
    index: usize,
    trail: &'a RefCell<Vec<Step>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Lenient { value, trail: self.trail })
            .map(Some)
            .inspect_err(|_| self.trail.borrow_mut().push(Step::Item(index)))
    }
}

#[cfg(test)]
mod tests {
    use livekit_protocol::{CreateRoomRequest, SendDataRequest, UpdateParticipantRequest, data_packet};

    use super::*;

    #[test]
    fn both_name_styles_nulls_and_unknown_fields_are_read() {
        let camel: CreateRoomRequest =
            decode(br#"{"name":"a","emptyTimeout":3,"maxParticipants":"7","metadata":null,"new":{"x":[1]}}"#).unwrap();
        let snake: CreateRoomRequest = decode(br#"{"name":"a","empty_timeout":3,"max_participants":7}"#).unwrap();
        assert_eq!(camel, snake);
        assert_eq!((camel.empty_timeout, camel.max_participants), (3, 7));
    }

    #[test]
    fn unknown_enum_values_are_dropped_where_they_stand() {
        let request: UpdateParticipantRequest = decode(
            br#"{"room":"r","identity":"i","name":"NOSE",
                "permission":{"canPublish":true,"canPublishSources":["NOSE","CAMERA",99,"MICROPHONE"]}}"#,
        )
        .unwrap();
        let permission = request.permission.unwrap();
        assert_eq!(permission.can_publish_sources, [1, 2]);
        assert!(permission.can_publish);
        assert_eq!(request.name, "NOSE", "only the enum value goes");

        let request: SendDataRequest = decode(br#"{"room":"r","kind":"TELEPATHY","data":"aGk"}"#).unwrap();
        assert_eq!(request.kind, data_packet::Kind::Reliable as i32);
        assert_eq!(request.data, b"hi");
    }

    #[test]
    fn wrong_types_and_broken_text_are_refused() {
        assert!(decode::<CreateRoomRequest>(br#"{"name":"#).is_err());
        assert!(decode::<CreateRoomRequest>(br#"{"name":7}"#).is_err());
        assert!(decode::<CreateRoomRequest>(br#"[1]"#).is_err());
        assert!(decode::<CreateRoomRequest>(br#"{"emptyTimeout":-1}"#).is_err());
    }

    #[test]
    fn unknown_values_are_bounded() {
        let sources = vec!["\"X\""; MAX_UNKNOWN_VALUES + 1].join(",");
        let json = format!(r#"{{"permission":{{"canPublishSources":[{sources}]}}}}"#);
        assert!(decode::<UpdateParticipantRequest>(json.as_bytes()).is_err());
    }
}
