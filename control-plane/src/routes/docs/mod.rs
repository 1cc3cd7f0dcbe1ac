//! `GET /api/v1/openapi.json`, the Swagger UI at `/api/docs` and ReDoc at `/api/v1/redoc`, all from our own assets.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use utoipa_swagger_ui::Config;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Segment;
use crate::http::layers;

/// Where the interactive documentation lives.
const DOCS: &str = "/api/docs";
/// Its first page.
const DOCS_PAGE: &str = "/api/docs/";
/// Its scripts and styles.
const DOCS_FILES: &str = "/api/docs/{*file}";
/// The UI loads its own scripts and styles, and the document; nothing from anywhere else.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// ReDoc renders the document in the page, from a bundle that the web app's build puts beside the app.
const REDOC_PAGE: &str = include_str!("redoc.html");
/// ReDoc adds its own styles and searches in a worker it makes itself.
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; worker-src blob:; frame-ancestors 'none'";

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

/// The document as one long page to read.
pub(super) async fn redoc() -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(REDOC_POLICY)),
    ];
    (headers, REDOC_PAGE).into_response()
}

/// A file of the interactive documentation; the crate's own router reads its path by position, which does not work
/// below another router's wildcard.
async fn file(Segment(path): Segment) -> Result<Response, ApiError> {
    let config = Config::from(format!("{}/openapi.json", super::API_BASE));
    let path = if path.is_empty() { "index.html" } else { path.as_str() };
    match utoipa_swagger_ui::serve(path, Arc::new(config)) {
        Ok(Some(file)) => Ok(([(CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response()),
        Ok(None) => Err(ApiError::not_found("not_found", "There is nothing at this address.")),
        Err(error) => Err(ApiError::internal(&error)),
    }
}

async fn index() -> Result<Response, ApiError> {
    file(Segment(String::new())).await
}

/// The interactive documentation.
pub(super) fn swagger() -> Router<Arc<App>> {
    Router::new()
        .route(DOCS, get(redirect))
        .route(DOCS_PAGE, get(index))
        .route(DOCS_FILES, get(file))
        .layer(from_fn(|request, next: axum::middleware::Next| async move {
            let mut response = next.run(request).await;
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
            response
        }))
        .layer(from_fn(layers::secure))
}
