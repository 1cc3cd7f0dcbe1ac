//! What has a version: in the document, the tag of what is read and the header that names it on a change.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Required, Type};

use super::API_BASE;

/// What is read with a tag and changed by who knows it.
const PATHS: [&str; 6] = [
    "/rooms/{room}",
    "/meetings/{meeting_id}",
    "/organizations/{org_id}",
    "/channels/{channel_id}",
    "/me",
    "/users/{user_id}",
];
/// What is a part of the above, and changed by who knows the whole.
const PARTS: [&str; 1] = ["/meetings/{meeting_id}/occurrences/{start}"];

/// Describes `ETag` and `If-Match` where they work.
pub(super) fn document(document: &mut OpenApi) {
    for path in PATHS {
        let Some(item) = document.paths.paths.get_mut(&format!("{API_BASE}{path}")) else { continue };
        [&mut item.patch, &mut item.put, &mut item.delete].into_iter().flatten().for_each(takes_version);
        [&mut item.get, &mut item.patch, &mut item.put].into_iter().flatten().for_each(tells_version);
    }
    for path in PARTS {
        let Some(item) = document.paths.paths.get_mut(&format!("{API_BASE}{path}")) else { continue };
        [&mut item.patch, &mut item.delete].into_iter().flatten().for_each(takes_version);
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn takes_version(operation: &mut Operation) {
    let header = ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The ETag of what was read; 412 `stale` when it changed since."))
        .schema(Some(text().build()))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(header));
}

fn tells_version(operation: &mut Operation) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200") {
        let header = HeaderBuilder::new().description(Some("Version of it, for If-Match")).schema(Some(text())).build();
        response.headers.insert("ETag".to_owned(), RefOr::T(header));
    }
}
