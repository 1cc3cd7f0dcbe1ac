//! Every fault of a request is named, and none of our types is.

use serde::Deserialize;
use uuid::Uuid;

use super::*;
use crate::http::validate;
use crate::model::user::SessionTransport;

#[derive(Debug, Deserialize, Validate)]
#[garde(allow_unvalidated)]
#[expect(dead_code, reason = "it is read, never used")]
struct Form {
    #[garde(custom(validate::name))]
    name: String,
    count: u32,
    id: Uuid,
    transport: SessionTransport,
    maybe: Option<bool>,
    #[serde(default)]
    list: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, never used")]
struct Entry {
    at: crate::model::clock::Micros,
    what: Choice,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is read, never used")]
enum Choice {
    Number(u8),
    Text(String),
}

fn blamed(value: &Value) -> BTreeMap<String, String> {
    let answer = serde_json::to_value(body::<Form>(value.to_string().as_bytes()).problem()).unwrap();
    assert_eq!(answer["code"], "validation_failed", "{answer}");
    let text = answer.to_string();
    for leak in ["Form", "Entry", "Choice", "struct", "enum", "variant", "expected"] {
        assert!(!text.contains(leak), "{leak}: {text}");
    }
    let errors = answer["errors"].as_object().unwrap().iter();
    errors.map(|(name, list)| (name.clone(), list[0].as_str().unwrap().to_owned())).collect()
}

#[test]
fn every_faulty_field_is_named_at_once() {
    let named = |value: Value| blamed(&value).into_keys().collect::<Vec<_>>();
    assert_eq!(named(json!({})), ["count", "id", "name", "transport"]);
    let all = json!({ "name": 5, "count": -1, "id": "x", "transport": "pigeon", "maybe": "yes", "list": {} });
    assert_eq!(named(all), ["count", "id", "list", "maybe", "name", "transport"]);
    let inner = json!({ "name": " ", "count": 1, "id": Uuid::nil(), "transport": "bearer",
        "list": [{ "at": "1970-01-01T00:00:00Z", "what": 1 }, { "at": 5, "what": [] }] });
    assert_eq!(named(inner), ["list[1].at", "list[1].what", "name"]);
}

#[test]
fn faults_are_put_in_words() {
    let of = blamed(&json!({ "name": [], "count": "1", "id": 5, "transport": 1, "list": 0 }));
    assert_eq!(of["name"], "must be text");
    assert!(of["count"].starts_with("must be a whole number"), "{of:?}");
    assert_eq!(of["id"], "must be a UUID");
    assert_eq!(of["list"], "must be a list");
    for whole in [json!([]), json!("x"), json!(null), json!(["a", 1])] {
        assert_eq!(blamed(&whole)["body"], "must be an object");
    }
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, never used")]
struct Search {
    q: String,
    limit: Option<u32>,
    all: Option<bool>,
    transport: Option<SessionTransport>,
}

#[test]
fn parameters_are_blamed_by_name() {
    let blamed = |text: &str| {
        let answer = serde_json::to_value(query::<Search>(&text.parse().unwrap()).problem()).unwrap();
        let errors = answer["errors"].as_object().unwrap().clone();
        errors.into_iter().map(|(name, list)| format!("{name} {}", list[0].as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(
        blamed("/?limit=x&all=perhaps&transport=pigeon"),
        [
            "all must be true or false",
            "limit must be a whole number",
            "q is required",
            "transport must be one of bearer cookie"
        ]
    );
    assert_eq!(blamed("/?q=a&limit=99999999999"), ["limit is out of range"]);
    assert_eq!(blamed("/?q=a&q=b"), ["q is given more than once"]);
}
