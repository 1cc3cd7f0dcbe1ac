//! The browser app, embedded in the binary.
//!
//! In: a path. Out: the file, or the app's page for every path that the app itself routes. It knows nothing of the API.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

/// What Vite built. In a debug build it is read from the disk at each request.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/web/dist"]
struct Files;

/// The page that starts the app.
const PAGE: &str = "index.html";

/// Files in this folder carry a hash of their content in their name.
const HASHED: &str = "assets/";

/// Endings of files that Vite packed, and the name of their encoding, the smaller first.
const PACKED: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

/// Paths that are never pages: an unknown one is an error a program should see.
const NOT_PAGES: [&str; 5] = ["api/", "rtc", "twirp/", "internal/", "assets/"];

/// A router whose fallback is the app.
pub(crate) fn router() -> Router {
    Router::new().fallback_service(any(answer).layer(CompressionLayer::new()))
}

async fn answer(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if PACKED.iter().any(|(ending, _)| path.ends_with(ending)) {
        // Packed files are sent in place of what they hold, not by themselves.
        return StatusCode::NOT_FOUND.into_response();
    }
    match Files::get(path) {
        Some(file) => send(path, file, request.headers()),
        None if is_page(path) => match Files::get(PAGE) {
            Some(page) => send(PAGE, page, request.headers()),
            None => (StatusCode::NOT_FOUND, "the web app is not part of this build\n").into_response(),
        },
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Whether the app routes this path: it looks like a page, not like a file or a call of the API.
fn is_page(path: &str) -> bool {
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    !is_file && !NOT_PAGES.iter().any(|prefix| path.starts_with(prefix))
}

/// Whether a client takes an encoding (RFC 9110 §12.5.3).
fn accepts(asked: &HeaderMap, encoding: &str) -> bool {
    let given = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut accepted = None;
    for one in given.flat_map(|text| text.split(',')) {
        let mut parts = one.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        let wanted = quality.is_ok_and(|quality| quality > 0.0);
        if name.eq_ignore_ascii_case(encoding) {
            return wanted;
        }
        if name == "*" {
            accepted = Some(wanted);
        }
    }
    accepted.unwrap_or(false)
}

/// The file as Vite packed it, in an encoding that the client takes.
fn packed(path: &str, asked: &HeaderMap) -> Option<(EmbeddedFile, &'static str)> {
    let mut wanted = PACKED.iter().filter(|(_, encoding)| accepts(asked, encoding));
    wanted.find_map(|(ending, encoding)| Some((Files::get(&format!("{path}{ending}"))?, *encoding)))
}

fn send(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let (file, encoding) = match packed(path, asked) {
        Some((packed, encoding)) => (packed, Some(encoding)),
        None => (file, None),
    };
    let tag = entity_tag(&file);
    // A name with a hash never gets another content; everything else is asked for again and mostly answered 304.
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let vary = header::ACCEPT_ENCODING.as_str().to_owned();
    let headers = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, caching.to_owned()), (header::VARY, vary)];
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream().to_string();
    let mut answer = (headers, [(header::CONTENT_TYPE, kind)], file.data).into_response();
    if let Some(encoding) = encoding {
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer
}

/// The first half of the content's SHA-256.
fn entity_tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(path: &str, tag: Option<&str>) -> Response {
        let mut request = http::Request::get(path);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        router().oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible")
    }

    #[tokio::test]
    async fn every_page_is_the_apps_page() {
        for path in ["/", "/j/abcdefghij", "/setup?token=x", "/rooms/1/settings"] {
            let response = get(path, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let kind = response.headers()[header::CONTENT_TYPE].to_str().expect("text");
            assert!(kind.starts_with("text/html"), "{path}: {kind}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        }
    }

    #[tokio::test]
    async fn what_is_not_a_page_is_not_found() {
        for path in ["/api/v1/nothing", "/assets/gone.js", "/favicon.gone", "/rtc/v9", "/../Cargo.toml", "/%2e%2e/x.y"]
        {
            assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn encodings_are_taken_by_name_star_and_quality() {
        for (given, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("br;q=0, gzip;q=0.5", false, true),
            ("*", true, true),
            ("*;q=0, gzip", false, true),
            ("identity", false, false),
            ("BR;q=1.0", true, false),
            ("br;q=x", false, false),
            ("", false, false),
        ] {
            let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, given.parse().expect("a header"))]);
            assert_eq!((accepts(&asked, "br"), accepts(&asked, "gzip")), (br, gzip), "{given:?}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }

    #[tokio::test]
    async fn an_unchanged_page_is_not_sent_again() {
        let first = get("/", None).await;
        let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
        assert_eq!(get("/", Some(&tag)).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/", Some("\"other\"")).await.status(), StatusCode::OK);
    }
}
