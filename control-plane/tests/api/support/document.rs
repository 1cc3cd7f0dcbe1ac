//! What the OpenAPI document says of an operation's answers: no case may see a status that is not in it.
//!
//! In: the document as the server hands it out. Out: the operation a request is for, and the statuses it may answer.

use std::collections::BTreeSet;

use serde_json::Value;

/// One operation: its method in lower case, its path's segments, the statuses it may answer.
struct Operation {
    method: String,
    segments: Vec<String>,
    statuses: BTreeSet<String>,
}

/// Every operation of the document.
pub(crate) struct Document(Vec<Operation>);

impl Document {
    pub(crate) fn of(document: &Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let Some(responses) = operation["responses"].as_object() else { continue };
                operations.push(Operation {
                    method: method.clone(),
                    segments: path.split('/').map(str::to_owned).collect(),
                    statuses: responses.keys().cloned().collect(),
                });
            }
        }
        Self(operations)
    }

    /// Checks an answer to `method` on `path`; what is no documented operation may be answered in any way.
    #[track_caller]
    pub(crate) fn check(&self, method: &str, path: &str, status: u16) {
        let method = method.to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').collect();
        let matching = self.0.iter().filter(|operation| operation.is_for(&method, &segments));
        // A literal segment goes before a variable one, as in the router.
        let Some(operation) = matching.min_by_key(|operation| operation.variables()) else { return };
        let name = operation.segments.join("/");
        assert!(
            operation.statuses.contains(&status.to_string()),
            "{method} {name} does not say that it may answer {status}"
        );
    }
}

impl Operation {
    fn is_for(&self, method: &str, segments: &[&str]) -> bool {
        let fits = |(own, asked): (&String, &&str)| own == asked || (own.starts_with('{') && !asked.is_empty());
        self.method == method && self.segments.len() == segments.len() && self.segments.iter().zip(segments).all(fits)
    }

    /// Which segments are variable, the first weighing most.
    fn variables(&self) -> Vec<bool> {
        self.segments.iter().map(|segment| segment.starts_with('{')).collect()
    }
}
