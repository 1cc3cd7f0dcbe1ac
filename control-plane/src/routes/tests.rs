//! No route without its entry in the document, and no entry that says nothing.

use std::collections::BTreeSet;
use std::path::Path;

use utoipa::openapi::path::Operation;

/// Every `(method, path)` declared by a route file.
fn declared(dir: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, found);
            continue;
        }
        if path.ends_with("routes/tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for attribute in text.split("#[utoipa::path(").skip(1) {
            let method = attribute.split(',').next().unwrap().trim().to_owned();
            let path = attribute.split("path = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            found.insert((method, path));
        }
        let outside = path.ends_with("routes/mod.rs") || path.ends_with("docs/mod.rs");
        assert!(outside || !text.contains(".route("), "{} registers a route by hand", path.display());
    }
}

fn operations() -> Vec<(String, String, Operation)> {
    let mut all = Vec::new();
    for (path, item) in super::document().paths.paths {
        let path = path.strip_prefix(super::API_BASE).unwrap().to_owned();
        for (method, operation) in
            [("get", item.get), ("post", item.post), ("put", item.put), ("patch", item.patch), ("delete", item.delete)]
        {
            all.extend(operation.map(|operation| (method.to_owned(), path.clone(), operation)));
        }
    }
    all
}

#[test]
fn every_route_is_in_the_document() {
    let mut in_files = BTreeSet::new();
    declared(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes")), &mut in_files);
    let documented: BTreeSet<_> = operations().into_iter().map(|(method, path, _)| (method, path)).collect();
    let missing: Vec<_> = in_files.iter().filter(|route| !documented.contains(*route)).collect();
    assert!(missing.is_empty(), "not registered: {missing:?}");
    assert!(documented.len() >= 15);
}

#[test]
fn every_entry_says_what_it_does_and_how_it_fails() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(operation.summary.is_some_and(|text| text.len() > 10), "{name} has no summary");
        assert!(ids.insert(operation.operation_id.unwrap()), "{name} shares its id");
        let statuses: Vec<_> = operation.responses.responses.keys().cloned().collect();
        let answers = |status: &String| status.starts_with(['2', '3']) || status == "101";
        assert!(statuses.iter().any(answers), "{name}: {statuses:?}");
        assert!(path == "/openapi.json" || statuses.contains(&"429".to_owned()), "{name}: {statuses:?}");
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = serde_json::to_value(super::document()).unwrap();
    fn walk(value: &serde_json::Value, root: &serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(serde_json::Value::String(target)) = map.get("$ref") {
                    assert!(root.pointer(target.trim_start_matches('#')).is_some(), "{target} leads nowhere");
                }
                map.values().for_each(|value| walk(value, root));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| walk(value, root)),
            _ => {}
        }
    }
    walk(&document, &document);
}

/// Clients generate their types from it: `Cookie` for `cookie` would compile there and be refused here.
#[test]
fn the_documents_enumerations_are_spelled_as_on_the_wire() {
    let document = serde_json::to_value(super::document()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let values = |name: &str| schemas[name]["enum"].clone();
    assert_eq!(values("SessionTransport"), serde_json::json!(["bearer", "cookie"]));
    assert_eq!(values("RoomType"), serde_json::json!(["chat", "video"]));
}
