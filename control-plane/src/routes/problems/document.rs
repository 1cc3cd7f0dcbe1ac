//! Refusals in the OpenAPI document: which statuses each operation may answer.
//!
//! In: operations whose routes name [`Problems`] and what is peculiar to them. Out: the same with what follows from how
//! they are asked: a body may be malformed, an id may be nobody's, a limit may be reached. The API suite sees to it that
//! no answer has a status that is not in the document.

use std::collections::BTreeMap;

use http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::error::Problem;

/// What every route may answer.
const ALWAYS: [u16; 3] = [429, 500, 503];
/// What may be wrong with a body.
const OF_BODY: [u16; 4] = [400, 413, 415, 422];

/// Declares refusals that do not follow from how an operation is asked, by status.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                refused(&[$status])
            }
        }
    )+};
}

refusals! {
    /// What was sent means nothing here, and no field is to blame.
    BadRequest = 400;
    /// Known, and not allowed.
    Forbidden = 403;
    /// Not there, or not for this caller to know about, though no id is in the path.
    NotFound = 404;
    /// It is otherwise than whoever asks thinks: taken, full, over.
    Conflict = 409;
    /// The part that is wanted is not there.
    RangeNotSatisfiable = 416;
    /// Another protocol is spoken here.
    UpgradeRequired = 426;
    /// Somebody whom we asked does not answer.
    BadGateway = 502;
}

/// What every operation may answer; [`document`] adds what follows from how it is asked.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refused(&ALWAYS)
    }
}

/// References to the components of some statuses.
fn refused(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let reference = |status: &u16| (status.to_string(), RefOr::Ref(Ref::from_response_name(component(*status))));
    statuses.iter().map(reference).collect()
}

/// Name of the component that describes a status: its words in one.
fn component(status: u16) -> String {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    status.canonical_reason().unwrap_or_default().split([' ', '-']).collect()
}

/// Adds to every operation the refusals that follow from how it is asked, and describes all of them once.
pub(in crate::routes) fn document(document: &mut OpenApi) {
    let mut described = BTreeMap::new();
    for item in document.paths.paths.values_mut() {
        let safe = [&mut item.get, &mut item.head, &mut item.options].into_iter().flatten().map(|own| (own, true));
        let unsafe_ = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        let all = safe.chain(unsafe_.into_iter().flatten().map(|own| (own, false)));
        for (operation, is_safe) in all {
            let own = &mut operation.responses.responses;
            own.iter_mut().for_each(|(status, response)| name_response(status, response));
            // Who does not name `Problems` never refuses.
            if !own.contains_key("500") {
                continue;
            }
            for (status, response) in refused(&following(operation, is_safe)) {
                operation.responses.responses.entry(status).or_insert(response);
            }
            let statuses = operation.responses.responses.iter().filter(|(_, of)| matches!(of, RefOr::Ref(_)));
            let statuses = statuses.filter_map(|(status, _)| status.parse::<u16>().ok());
            described.extend(statuses.map(|status| (component(status), RefOr::T(describe(status)))));
        }
    }
    document.components.get_or_insert_default().responses.extend(described);
}

/// An answer that no route describes gets the words of its status: a description there must be (OpenAPI 3.1).
fn name_response(status: &str, response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    if response.description.is_empty() {
        let words = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
        response.description = words.unwrap_or("An answer").to_owned();
    }
}

/// The statuses that follow from how an operation is asked.
fn following(operation: &Operation, is_safe: bool) -> Vec<u16> {
    let mut statuses = Vec::new();
    if !is_safe {
        // A cookie's bearer from another site; a disk that takes no more.
        statuses.extend([403, 507]);
    }
    if operation.security.as_ref().is_some_and(|ways| !ways.is_empty()) {
        statuses.push(401);
    }
    if operation.request_body.is_some() {
        statuses.extend(OF_BODY);
    }
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        match parameter.parameter_in {
            ParameterIn::Path => statuses.push(404),
            ParameterIn::Query => statuses.push(422),
            ParameterIn::Header if parameter.name == "If-Match" => statuses.push(412),
            _ => {}
        }
    }
    statuses
}

fn describe(status: u16) -> Response {
    let text = match status {
        400 => "What was sent cannot be read, or means nothing here",
        401 => "Nobody we know: sign in, or refresh the token",
        403 => "Known, and not allowed",
        404 => "Not there, or not for the caller to know about",
        409 => "It is otherwise than the caller thinks: taken, full, over",
        412 => "It was changed since the caller read it",
        413 => "More than may be sent",
        415 => "Another kind of content than may be sent",
        416 => "The part that is wanted is not there",
        422 => "Some fields need to be corrected; `errors` says which and how",
        426 => "Not a WebSocket handshake",
        429 => "Too often: wait as long as `Retry-After` says",
        500 => "A defect of the server",
        502 => "Somebody whom the server asked does not answer",
        503 => "Something the server needs is not there: try again after `Retry-After`",
        507 => "The server has no space left to store this",
        _ => "Refused",
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new().description(text).content("application/problem+json", content).build()
}
