//! `GET /api/v1/openapi.json` and the Swagger UI at `/api/docs`, served from vendored assets.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;
use crate::http::layers;

/// Where the interactive documentation lives.
const DOCS: &str = "/api/docs";
/// Its first page.
const DOCS_PAGE: &str = "/api/docs/";
/// The UI loads its own scripts and styles, and the document; nothing from anywhere else.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// The OpenAPI document as text, written once.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| super::document().to_pretty_json().unwrap_or_default())
}

/// This API, described for programs.
#[utoipa::path(get, path = "/openapi.json", tag = "server", operation_id = "openapi", security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)))]
pub(crate) async fn openapi() -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text()).into_response()
}

/// Sends people who look for the documentation beside the API to where it is.
pub(super) async fn redirect() -> Redirect {
    Redirect::permanent(DOCS_PAGE)
}

/// The interactive documentation.
pub(super) fn swagger() -> Router<Arc<App>> {
    let ui = SwaggerUi::new(DOCS).config(Config::from(format!("{}/openapi.json", super::API_BASE)));
    Router::from(ui)
        .layer(from_fn(|request, next: axum::middleware::Next| async move {
            let mut response = next.run(request).await;
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
            response
        }))
        .layer(from_fn(layers::secure))
}
