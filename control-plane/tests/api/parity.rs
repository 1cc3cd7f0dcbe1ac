//! `docs/reference-parity.md` says nothing that is not so: every endpoint and every test it names is there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::both;

const PAGE: &str = include_str!("../../../docs/reference-parity.md");

/// A line of a table: its cells.
fn rows() -> Vec<Vec<&'static str>> {
    let lines =
        PAGE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #") && !line.starts_with("| system"));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A path with the names of its variables left out.
fn template(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let segment = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Every `METHOD /path` a line names, below `/api/v1`, as the OpenAPI document has it.
fn endpoints(cells: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // The last two cells are the state and the tests, the first ones their number and the reference system's own words.
    for cell in cells.iter().skip(2).take(cells.len().saturating_sub(4)) {
        for text in quoted(cell) {
            let Some((method, path)) = text.split_once(' ') else { continue };
            if path.starts_with("/internal") {
                continue;
            }
            if ["GET", "POST", "PUT", "PATCH", "DELETE", "WS"].contains(&method) && path.starts_with('/') {
                let method = if method == "WS" { "get".to_owned() } else { method.to_lowercase() };
                let path = path.strip_prefix("/api/v1").unwrap_or(path);
                found.push((method, template(path)));
            }
        }
    }
    found
}

/// Whether a test is there: `file::case` beside this file, or a path of the repository, with or without a case.
fn is_there(name: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (file, case) = name.split_once("::").unwrap_or((name, ""));
    let path =
        if file.contains('/') { root.join("..").join(file) } else { root.join("tests/api").join(format!("{file}.rs")) };
    std::fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("fn {case}(")) || case.is_empty())
}

both! {
    async fn every_endpoint_that_is_named_is_there(app) {
        let document = app.get("/openapi.json", None).await.expect(200);
        let paths = document.json["paths"].as_object().unwrap();
        let mut known = BTreeSet::new();
        for (path, item) in paths {
            for method in item.as_object().unwrap().keys() {
                known.insert((method.clone(), template(path.strip_prefix("/api/v1").unwrap())));
            }
        }
        let mut checked = 0;
        for cells in rows() {
            if cells.get(cells.len() - 2) != Some(&"yes") {
                continue;
            }
            for (method, path) in endpoints(&cells) {
                // The media node's; and the pages about the document, which it does not list.
                if path == "/rtc" {
                    continue;
                }
                if ["/docs", "/redoc"].contains(&path.as_str()) {
                    assert_ne!(app.get(&path, None).await.status, 404, "{path}");
                } else {
                    assert!(known.contains(&(method.clone(), path.clone())), "{method} {path} is not there: {cells:?}");
                }
                checked += 1;
            }
        }
        assert!(checked > 50, "{checked}");
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut checked = 0;
    for cells in rows() {
        let (Some(state), Some(tests)) = (cells.get(cells.len() - 2), cells.last()) else { continue };
        if *state != "yes" {
            continue;
        }
        assert!(quoted(tests).count() > 0, "nothing shows {cells:?}");
        for name in quoted(tests) {
            assert!(is_there(name), "{name} is not there: {cells:?}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn every_line_of_the_reference_systems_is_there() {
    let numbers: Vec<usize> =
        rows().iter().filter(|cells| cells.len() == 5).filter_map(|cells| cells[0].parse().ok()).collect();
    // Each system's lines, then, with two cells more, their frames.
    for cells in rows() {
        assert!(matches!(cells.get(cells.len() - 2), Some(&"yes" | &"later")), "what of {cells:?}?");
    }
    assert!((1..=112).all(|n| numbers.contains(&n)));
}
