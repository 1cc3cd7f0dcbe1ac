//! `GET /files/{id}/content`: for whoever may read now, whole or in part, and never as a page of ours.

use axum::body::Body;
use http::Request;

use crate::support::files::{PNG, Part, conversation, form, pdf};
use crate::support::{Answer, Person, TestApp, both};

async fn put(app: &TestApp, who: &Person, conversation: &str, name: &str, bytes: &[u8]) -> String {
    app.send(form(conversation, Some(&who.access), &[Part::new(name, "", bytes)])).await.expect(201).text("/id")
}

async fn read(app: &TestApp, token: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(format!("/api/v1{path}")).header("host", "meet.test");
    request = request.header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

both! {
    async fn is_sent_whole_or_in_part(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let text = "0123456789".repeat(50_000);
        let id = put(app, &ada, &conversation, "digits.txt", text.as_bytes()).await;
        let path = format!("/files/{id}/content");
        let whole = read(app, &ada.access, &path, &[]).await.expect(200);
        assert_eq!(whole.headers["content-length"], "500000");
        assert_eq!(whole.headers["accept-ranges"], "bytes");
        let tag = whole.headers["etag"].to_str().unwrap().to_owned();
        let part = read(app, &ada.access, &path, &[("range", "bytes=11-14")]).await.expect(206);
        assert_eq!((part.json.to_string(), &part.headers["content-range"]), ("1234".into(), &"bytes 11-14/500000".parse().unwrap()));
        let end = read(app, &ada.access, &path, &[("range", "bytes=-3"), ("if-range", &tag)]).await.expect(206);
        assert_eq!(end.json, 789);
        read(app, &ada.access, &path, &[("range", "bytes=0-1,5-6")]).await.expect(200);
        read(app, &ada.access, &path, &[("range", "bytes=1-2"), ("if-range", "\"other\"")]).await.expect(200);
        let beyond = read(app, &ada.access, &path, &[("range", "bytes=500000-")]).await;
        assert_eq!(beyond.headers["content-range"], "bytes */500000");
        beyond.problem(416, "range_not_satisfiable");
        let known = read(app, &ada.access, &path, &[("if-none-match", &tag)]).await.expect(304);
        assert_eq!(known.json, serde_json::Value::Null);
        let head = Request::head(format!("/api/v1{path}")).header("authorization", format!("Bearer {}", ada.access));
        let head = app.send(head.body(Body::empty()).unwrap()).await.expect(200);
        assert_eq!((&head.headers["content-length"], &head.json), (&"500000".parse().unwrap(), &serde_json::Value::Null));
    }

    async fn never_runs_in_our_name(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let script: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        for (name, bytes, content_type, inline) in [
            ("a.png", PNG, "image/png", true),
            ("a.pdf", &pdf(100)[..], "application/pdf", true),
            ("a.svg", script, "image/svg+xml", false),
            ("a.txt", b"hello", "text/plain; charset=utf-8", false),
            ("a.json", b"{}", "application/json", false),
        ] {
            let id = put(app, &ada, &conversation, name, bytes).await;
            let shown = read(app, &ada.access, &format!("/files/{id}/content"), &[]).await.expect(200);
            let header = |name: &str| shown.headers[name].to_str().unwrap();
            assert_eq!(header("content-type"), content_type);
            assert_eq!(header("content-disposition").starts_with("inline;"), inline, "{name}");
            assert!(header("content-disposition").contains(&format!("filename*=UTF-8''{name}")));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("content-security-policy").starts_with("sandbox;"));
            assert_eq!(header("cross-origin-resource-policy"), "same-origin");
            assert!(header("cache-control").starts_with("private"));
            let saved = read(app, &ada.access, &format!("/files/{id}/content?download=true"), &[]).await.expect(200);
            assert!(saved.headers["content-disposition"].to_str().unwrap().starts_with("attachment;"));
        }
        let id = put(app, &ada, &conversation, "Grüße 1.txt", b"hello").await;
        let named = read(app, &ada.access, &format!("/files/{id}/content"), &[]).await.expect(200);
        let disposition = named.headers["content-disposition"].to_str().unwrap();
        assert!(disposition.ends_with("filename*=UTF-8''Gr%C3%BC%C3%9Fe%201.txt"), "{disposition}");
    }

    async fn is_asked_for_at_every_read(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        let (room, conversation) = (room.text("/id"), room.text("/conversation_id"));
        let id = put(app, &ada, &conversation, "a.png", PNG).await;
        let path = format!("/files/{id}/content");
        read(app, &eve.access, &path, &[]).await.expect(200);
        let shut = serde_json::json!({ "access_level": "restricted" });
        app.patch(&format!("/rooms/{room}"), Some(&ada.access), shut).await.expect(200);
        read(app, &eve.access, &path, &[]).await.problem(404, "file_not_found");
        read(app, &eve.access, &path, &[("range", "bytes=0-1")]).await.problem(404, "file_not_found");
        read(app, &ada.access, &path, &[]).await.expect(200);
    }

    async fn lists_are_paged_in_few_statements(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        for n in 0..5 {
            put(app, &ada, &conversation, &format!("{n}.png"), PNG).await;
        }
        let path = format!("/conversations/{conversation}/files");
        let first = app.get(&format!("{path}?limit=3"), Some(&ada.access)).await.expect(200);
        assert_eq!((first.text("/items/0/name"), first.text("/items/2/name")), ("4.png".into(), "2.png".into()));
        let cursor = first.text("/next_cursor");
        let last = app.get(&format!("{path}?limit=3&cursor={cursor}"), Some(&ada.access)).await.expect(200);
        assert_eq!((last.text("/items/1/name"), &last.json["next_cursor"]), ("0.png".into(), &serde_json::Value::Null));
        let mut counts = Vec::new();
        for limit in [1, 100] {
            let mut least = u64::MAX;
            for _ in 0..8 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                let before = app.control.statements();
                app.get(&format!("{path}?limit={limit}"), Some(&ada.access)).await.expect(200);
                least = least.min(app.control.statements() - before);
            }
            counts.push(least);
        }
        assert_eq!(counts[0], counts[1]);
        app.get(&format!("{path}?limit=0"), Some(&ada.access)).await.blames(&["limit"]);
        app.get(&format!("{path}?cursor=x"), Some(&ada.access)).await.blames(&["cursor"]);
    }
}
