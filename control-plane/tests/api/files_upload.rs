//! `POST /conversations/{id}/files` and what follows: in one request or two, checked, counted, cleaned up after.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::files::{PNG, Part, archive, conversation, find_files, form, office, open_document, pdf};
use crate::support::{Answer, TestApp, both};

async fn upload(app: &TestApp, token: &str, conversation: &str, part: Part<'_>) -> Answer {
    app.send(form(conversation, Some(token), &[part])).await
}

both! {
    async fn a_form_becomes_a_ready_file(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let bytes = pdf(300_000);
        let file = upload(app, &ada.access, &conversation, Part::new("Bericht ä.pdf", "application/pdf", &bytes)).await;
        let file = file.expect(201);
        assert_eq!((file.text("/state"), file.text("/name")), ("ready".into(), "Bericht ä.pdf".into()));
        assert_eq!((&file.json["size"], &file.json["received"]), (&json!(300_000), &json!(300_000)));
        assert_eq!(file.text("/content_type"), "application/pdf");
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file.text("/sha256"), sum);
        assert_eq!(file.json["upload"], Value::Null);
        let id = file.text("/id");
        assert_eq!(app.get(&format!("/files/{id}"), Some(&ada.access)).await.expect(200).json["state"], "ready");
        let listed = app.get(&format!("/conversations/{conversation}/files"), Some(&ada.access)).await.expect(200);
        assert_eq!(listed.text("/items/0/id"), id);
        // Its name on the disk is the server's own.
        let stored = find_files(&app.files_dir());
        assert_eq!(stored.len(), 1);
        assert!(!stored[0].to_string_lossy().contains("Bericht"));
        assert_eq!(std::fs::read(&stored[0]).unwrap(), bytes);
    }

    async fn two_steps_do_the_same(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let sum: String = Sha256::digest(PNG).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({ "name": "a.png", "size": PNG.len(), "content_type": "image/png", "sha256": sum });
        let path = format!("/conversations/{conversation}/files");
        let announced = app.post(&path, Some(&ada.access), body).await.expect(201);
        assert_eq!((announced.text("/state"), announced.text("/upload/method")), ("pending".into(), "PUT".into()));
        let id = announced.text("/id");
        let eve = app.person("Eve").await;
        app.get(&format!("/files/{id}/content"), Some(&ada.access)).await.problem(409, "file_not_ready");
        app.get(&format!("/files/{id}"), Some(&eve.access)).await.problem(404, "file_not_found");
        app.put_bytes(&format!("/files/{id}/content"), Some(&ada.access), PNG).await.expect(200);
        app.put_bytes(&format!("/files/{id}/content"), Some(&ada.access), PNG).await.problem(409, "file_not_pending");
        let file = app.get(&format!("/files/{id}"), Some(&eve.access)).await.expect(200);
        assert_eq!((file.text("/state"), &file.json["received"]), ("ready".into(), &json!(PNG.len())));
    }

    async fn what_is_not_as_announced_is_rejected(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let path = format!("/conversations/{conversation}/files");
        let announce = async |name: &str, size: usize, sum: Option<String>| {
            let body = json!({ "name": name, "size": size, "sha256": sum });
            app.post(&path, Some(&ada.access), body).await.expect(201).text("/id")
        };
        let short = announce("a.png", PNG.len() + 1, None).await;
        app.put_bytes(&format!("/files/{short}/content"), Some(&ada.access), PNG).await.problem(422, "file_rejected");
        let long = announce("a.png", PNG.len() - 1, None).await;
        app.put_bytes(&format!("/files/{long}/content"), Some(&ada.access), PNG).await.problem(413, "file_too_large");
        // Too much may have been a mistake of the moment: it can be tried again.
        assert_eq!(app.get(&format!("/files/{long}"), Some(&ada.access)).await.text("/state"), "pending");
        let other = announce("a.png", PNG.len(), Some("0".repeat(64))).await;
        app.put_bytes(&format!("/files/{other}/content"), Some(&ada.access), PNG).await.problem(422, "file_rejected");
        let file = app.get(&format!("/files/{other}"), Some(&ada.access)).await.expect(200);
        assert_eq!((file.text("/state"), file.text("/reject_reason")), ("rejected".into(), "mismatch".into()));
        let lie = announce("a.gif", PNG.len(), None).await;
        app.put_bytes(&format!("/files/{lie}/content"), Some(&ada.access), PNG).await.problem(422, "file_rejected");
        app.get(&format!("/files/{lie}/content"), Some(&ada.access)).await.problem(409, "file_not_ready");
        assert!(find_files(&app.files_dir()).is_empty());
    }

    async fn tricks_are_refused_and_leave_nothing(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let page: &[u8] = b"<html><script>alert(1)</script></html>";
        for (name, content_type, bytes) in [
            ("a.html", "text/html", page),
            ("a.png", "image/png", page),
            ("a.png", "text/html", PNG),
            ("a.png", "image/png, text/html", PNG),
            ("a.exe.png", "image/png", PNG),
            ("a.png\u{202e}gpj.exe", "image/png", PNG),
            ("a.exe", "application/octet-stream", b"MZ\x90\0"),
            ("a.svg.html", "image/svg+xml", b"<svg/>"),
            ("..", "image/png", PNG),
            ("", "image/png", PNG),
            ("a.txt", "text/plain", b"\0"),
            ("a.png", "image/png", b""),
            (&format!("{}.png", "x".repeat(300)), "image/png", PNG),
        ] {
            let answer = upload(app, &ada.access, &conversation, Part::new(name, content_type, bytes)).await;
            answer.problem(422, "file_rejected");
        }
        // A path in a name is only its last part, and never reaches the disk.
        let file = upload(app, &ada.access, &conversation, Part::new("../../../tmp/evil.png", "image/png", PNG)).await;
        assert_eq!(file.expect(201).text("/name"), "evil.png");
        // A bomb stays as small as it came: nothing unpacks it.
        let bomb = [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0x55; 2_000]].concat();
        upload(app, &ada.access, &conversation, Part::new("bomb.zip", "application/zip", &bomb)).await.expect(201);
        assert_eq!(find_files(&app.files_dir()).len(), 2);
        app.eventually("nothing else is left", async || {
            let listed = app.get(&format!("/conversations/{conversation}/files"), Some(&ada.access)).await;
            listed.json["items"].as_array().unwrap().len() == 2
        }).await;
    }

    async fn documents_are_what_they_hold(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let zeros = [b"PK\x03\x04".as_slice(), &[0; 20_000]].concat();
        let plain = archive(&[("a.txt", b"hello"), ("word.xml", b"<x/>")]);
        let documents = [
            ("docx", office("word")), ("xlsx", office("xl")), ("pptx", office("ppt")), ("odt", open_document("text")),
            ("ods", open_document("spreadsheet")), ("odp", open_document("presentation")),
        ];
        for (extension, own) in &documents {
            let name = format!("a.{extension}");
            let send = async |bytes: &[u8]| upload(app, &ada.access, &conversation, Part::new(&name, "", bytes)).await;
            let file = send(own).await.expect(201);
            assert!(file.text("/content_type").starts_with("application/vnd."), "{}", file.json);
            for other in documents.iter().filter(|(other, _)| other != extension).map(|(_, bytes)| bytes) {
                send(other).await.problem(422, "file_rejected");
            }
            for bad in [&zeros, &plain, &own[..own.len() - 1].to_vec(), &[own.as_slice(), b"more"].concat()] {
                send(bad).await.problem(422, "file_rejected");
            }
        }
        let zip = upload(app, &ada.access, &conversation, Part::new("a.zip", "application/zip", &plain)).await;
        assert_eq!(zip.expect(201).text("/content_type"), "application/zip");
        assert_eq!(find_files(&app.files_dir()).len(), documents.len() + 1);
        // In two steps, by the size that was announced.
        let path = format!("/conversations/{conversation}/files");
        for (bytes, state) in [(&documents[0].1, "ready"), (&zeros, "rejected")] {
            let announced = json!({ "name": "b.docx", "size": bytes.len() });
            let id = app.post(&path, Some(&ada.access), announced).await.expect(201).text("/id");
            app.put_bytes(&format!("/files/{id}/content"), Some(&ada.access), bytes).await;
            let file = app.get(&format!("/files/{id}"), Some(&ada.access)).await.expect(200);
            assert_eq!(file.text("/state"), state);
        }
        assert_eq!(find_files(&app.files_dir()).len(), documents.len() + 2);
    }

    async fn broken_forms_are_named(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let send = async |content_type: &str, body: &[u8]| {
            let request = Request::post(format!("/api/v1/conversations/{conversation}/files")).header("host", "meet.test")
                .header("authorization", format!("Bearer {}", ada.access)).header("content-type", content_type);
            app.send(request.body(Body::from(body.to_vec())).unwrap()).await
        };
        let form = "multipart/form-data; boundary=x";
        send(form, b"").await.problem(400, "malformed_body");
        send(form, b"--x--\r\n").await.blames(&["file"]);
        send(form, b"--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n--x--").await.blames(&["file"]);
        send(form, b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n1\r\n--x--").await.blames(&["file"]);
        // No end, and more than one file.
        let head = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n".to_vec();
        let whole = [&head[..], PNG].concat();
        send(form, &whole).await.problem(400, "malformed_body");
        let two = [&whole[..], b"\r\n", &whole, b"\r\n--x--"].concat();
        send(form, &two).await.problem(400, "malformed_body");
        // An endless head.
        let endless = [&b"--x\r\nX: "[..], &vec![b'a'; 200_000]].concat();
        send(form, &endless).await.problem(400, "malformed_body");
        send("multipart/form-data", b"--x--").await.problem(415, "unsupported_media_type");
        send("text/plain", b"hello").await.problem(415, "unsupported_media_type");
        send("application/json", b"{}").await.blames(&["name", "size"]);
        send("application/json", br#"{"name":"a.png","size":-1}"#).await.blames(&["size"]);
        send("application/json", br#"{"name":"a.png","size":1,"sha256":"zz"}"#).await.blames(&["sha256"]);
        send("application/json", br#"{"name":"a\u0000.png","size":1}"#).await.problem(422, "file_rejected");
        send("application/json", br#"{"name":"a.exe","size":1}"#).await.problem(422, "file_rejected");
        assert!(find_files(&app.files_dir()).is_empty());
    }

    async fn strangers_put_nothing_and_see_nothing(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "restricted").await;
        let conversation = room.text("/conversation_id");
        let part = || Part::new("a.png", "image/png", PNG);
        upload(app, &eve.access, &conversation, part()).await.problem(404, "conversation_not_found");
        app.send(form(&conversation, None, &[part()])).await.problem(401, "sign_in_required");
        for nowhere in ["7", "0190d2a6-0000-7000-8000-000000000000"] {
            upload(app, &ada.access, nowhere, part()).await.problem(404, "conversation_not_found");
            app.get(&format!("/files/{nowhere}"), Some(&ada.access)).await.problem(404, "file_not_found");
            app.get(&format!("/files/{nowhere}/content"), Some(&ada.access)).await.problem(404, "file_not_found");
            app.delete(&format!("/files/{nowhere}"), Some(&ada.access)).await.problem(404, "file_not_found");
        }
        let id = upload(app, &ada.access, &conversation, part()).await.expect(201).text("/id");
        for path in [format!("/files/{id}"), format!("/files/{id}/content")] {
            app.get(&path, Some(&eve.access)).await.problem(404, "file_not_found");
            app.get(&path, None).await.problem(401, "sign_in_required");
        }
        app.delete(&format!("/files/{id}"), Some(&eve.access)).await.problem(404, "file_not_found");
        app.delete(&format!("/files/{id}"), None).await.problem(401, "sign_in_required");
        app.get(&format!("/conversations/{conversation}/files"), Some(&eve.access)).await
            .problem(404, "conversation_not_found");
    }

    async fn whoever_moderates_deletes_and_the_bytes_go(app) {
        let (ada, eve, mia) = (app.person("Ada").await, app.person("Eve").await, app.person("Mia").await);
        let (_, conversation) = conversation(app, &ada).await;
        let id = upload(app, &eve.access, &conversation, Part::new("a.png", "image/png", PNG)).await.text("/id");
        app.delete(&format!("/files/{id}"), Some(&mia.access)).await.problem(403, "forbidden");
        app.delete(&format!("/files/{id}"), Some(&ada.access)).await.expect(204);
        app.delete(&format!("/files/{id}"), Some(&ada.access)).await.problem(404, "file_not_found");
        app.get(&format!("/files/{id}/content"), Some(&eve.access)).await.problem(404, "file_not_found");
        app.eventually("the bytes are gone", async || find_files(&app.files_dir()).is_empty()).await;
    }

    async fn bounds_hold(app, |config| { config.files.max_bytes = 100_000; config.files.quota_bytes = 150_000;
        config.files.max_pending = 2; }) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let path = format!("/conversations/{conversation}/files");
        let large = pdf(100_001);
        upload(app, &ada.access, &conversation, Part::new("a.pdf", "", &large)).await.problem(413, "file_too_large");
        let body = json!({ "name": "a.pdf", "size": 100_001 });
        app.post(&path, Some(&ada.access), body).await.problem(413, "file_too_large");
        // Without a length the bytes are counted as they come.
        let mut request = form(&conversation, Some(&ada.access), &[Part::new("a.pdf", "", &large)]);
        request.headers_mut().remove("content-length");
        app.send(request).await.problem(413, "file_too_large");
        let fine = pdf(90_000);
        upload(app, &ada.access, &conversation, Part::new("a.pdf", "", &fine)).await.expect(201);
        upload(app, &ada.access, &conversation, Part::new("b.pdf", "", &fine)).await.problem(409, "quota_exceeded");
        for _ in 0..2 {
            app.post(&path, Some(&ada.access), json!({ "name": "a.txt", "size": 5 })).await.expect(201);
        }
        let third = app.post(&path, Some(&ada.access), json!({ "name": "a.txt", "size": 5 })).await;
        third.problem(409, "too_many_uploads");
        app.eventually("only the good one is stored", async || find_files(&app.files_dir()).len() == 1).await;
    }

    async fn at_once_the_quota_still_holds(app, |config| config.files.quota_bytes = 250_000) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let bytes = pdf(100_000);
        let (ada, conversation, bytes) = (&ada, &conversation, &bytes);
        let tries = (0..4).map(|_| async move {
            upload(app, &ada.access, conversation, Part::new("a.pdf", "", bytes)).await.status.as_u16()
        });
        let mut statuses = futures_util::future::join_all(tries).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 409, 409]);
    }

    async fn what_nobody_finishes_is_swept(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let path = format!("/conversations/{conversation}/files");
        let id = app.post(&path, Some(&ada.access), json!({ "name": "a.txt", "size": 5 })).await.text("/id");
        // What a process that died has left of it.
        let text = id.replace('-', "");
        let folder = app.files_dir().join(&text[30..]).join(&text);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("0190d2a6#1"), b"half").unwrap();
        let kept = upload(app, &ada.access, &conversation, Part::new("a.png", "", PNG)).await.text("/id");
        app.control.forget().await.unwrap();
        assert_eq!(app.get(&format!("/files/{id}"), Some(&ada.access)).await.text("/state"), "pending");
        app.clock.advance(std::time::Duration::from_secs(25 * 3_600));
        let ada = app.sign_in(&ada.email).await;
        // Too late, whether or not a round of the server's own came first.
        let late = app.put_bytes(&format!("/files/{id}/content"), Some(&ada), b"hello").await.status.as_u16();
        assert!(matches!(late, 404 | 409), "{late}");
        app.control.forget().await.unwrap();
        app.get(&format!("/files/{id}"), Some(&ada)).await.problem(404, "file_not_found");
        app.eventually("its bytes are gone", async || find_files(&app.files_dir()).len() == 1).await;
        app.get(&format!("/files/{kept}/content"), Some(&ada)).await.expect(200);
    }

    async fn everybody_in_the_conversation_hears_of_it(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let id = upload(app, &ada.access, &conversation, Part::new("a.png", "", PNG)).await.text("/id");
        app.delete(&format!("/files/{id}"), Some(&ada.access)).await.expect(204);
        let events = app.sql_texts(&format!(
            "SELECT kind FROM event_log WHERE topic = 'conversation:{conversation}' AND kind LIKE 'file.%' ORDER BY seq"
        )).await;
        assert_eq!(events, ["file.ready", "file.deleted"]);
        let audit = app.sql_texts("SELECT action FROM audit_log WHERE action LIKE 'file.%' ORDER BY id").await;
        assert_eq!(audit, ["file.uploaded", "file.deleted"]);
    }

    async fn a_full_disk_is_said_and_survived(app, |config| config.storage_url = crate::support::files::small_disk()) {
        let Some(disk) = app.small_disk() else {
            eprintln!("skipped: a small file system cannot be mounted here");
            return;
        };
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let large = pdf(3_000_000);
        upload(app, &ada.access, &conversation, Part::new("a.pdf", "", &large)).await.problem(507, "storage_full");
        assert!(find_files(&disk).is_empty(), "nothing is left behind");
        let body = json!({ "name": "a.pdf", "size": large.len() });
        let path = format!("/conversations/{conversation}/files");
        let id = app.post(&path, Some(&ada.access), body).await.expect(201).text("/id");
        app.put_bytes(&format!("/files/{id}/content"), Some(&ada.access), &large).await.problem(507, "storage_full");
        assert_eq!(app.get(&format!("/files/{id}"), Some(&ada.access)).await.text("/state"), "pending");
        upload(app, &ada.access, &conversation, Part::new("a.png", "", PNG)).await.expect(201);
    }
}

both! {
    async fn a_right_that_is_lost_meanwhile_counts(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        app.organization(&[&ada, &bob]).await;
        let room = app.room(&ada, "restricted").await;
        let members = format!("/rooms/{}/members", room.text("/id"));
        app.post(&members, Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        let files = format!("/conversations/{}/files", room.text("/conversation_id"));
        let bytes = pdf(600_000);
        let announced = json!({ "name": "a.pdf", "size": bytes.len() });
        let id = app.post(&files, Some(&bob.access), announced).await.expect(201).text("/id");
        let (pieces, taken) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
        let stream = futures_util::stream::unfold(taken, |mut taken| async {
            let piece = taken.recv().await?;
            Some((Ok::<_, std::io::Error>(piece), taken))
        });
        let request = Request::builder().method(Method::PUT).uri(format!("/api/v1/files/{id}/content"))
            .header("authorization", format!("Bearer {}", bob.access)).body(Body::from_stream(stream)).unwrap();
        let (answer, ()) = tokio::join!(app.send(request), async {
            let (first, rest) = bytes.split_at(300_000);
            pieces.send(first.to_vec()).await.unwrap();
            app.eventually("bytes arrive", async || !find_files(&app.files_dir()).is_empty()).await;
            app.delete(&format!("{members}/{}", bob.id), Some(&ada.access)).await.expect(204);
            pieces.send(rest.to_vec()).await.unwrap();
            drop(pieces);
        });
        answer.expect(404);
        assert!(find_files(&app.files_dir()).is_empty());
        assert_eq!(app.get(&files, Some(&ada.access)).await.json["items"], json!([]));
    }

    async fn a_client_that_goes_away_leaves_nothing(app) {
        let ada = app.person("Ada").await;
        let (_, conversation) = conversation(app, &ada).await;
        let head = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n".to_vec();
        let pieces = [Ok(head), Ok(pdf(600_000)), Err(std::io::Error::other("gone"))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let request = Request::builder().method(Method::POST).uri(format!("/api/v1/conversations/{conversation}/files"))
            .header("authorization", format!("Bearer {}", ada.access))
            .header("content-type", "multipart/form-data; boundary=x");
        app.send(request.body(body).unwrap()).await.problem(400, "malformed_body");
        assert!(find_files(&app.files_dir()).is_empty());
        let listed = app.get(&format!("/conversations/{conversation}/files"), Some(&ada.access)).await;
        assert_eq!(listed.json["items"], json!([]));
    }
}
