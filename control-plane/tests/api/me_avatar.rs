//! `PUT` and `DELETE /me/avatar`, `GET /users/{id}/avatar`.

use crate::support::both;
use crate::support::files::{PNG, find_files};

both! {
    async fn is_shown_changed_and_taken_away(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let path = format!("/users/{}/avatar", ada.id);
        app.get(&path, Some(&eve.access)).await.problem(404, "avatar_not_found");
        assert_eq!(app.get("/me", Some(&ada.access)).await.json["avatar_url"], serde_json::Value::Null);
        let me = app.put_typed("/me/avatar", Some(&ada.access), "image/png", PNG).await.expect(200);
        let url = me.text("/avatar_url");
        assert_eq!(app.get("/me", Some(&ada.access)).await.text("/avatar_url"), url);
        let shown = app.get(url.strip_prefix("/api/v1").unwrap(), Some(&eve.access)).await.expect(200);
        assert_eq!(shown.headers["content-type"], "image/png");
        assert_eq!(shown.headers["content-length"], PNG.len().to_string().as_str());
        assert!(shown.headers["cache-control"].to_str().unwrap().starts_with("private, max-age"));
        let second = app.put_typed("/me/avatar", Some(&ada.access), "image/png", PNG).await.expect(200);
        assert_ne!(second.text("/avatar_url"), url, "its address changes with the picture");
        app.eventually("the first one is erased", async || find_files(&app.files_dir()).len() == 1).await;
        app.delete("/me/avatar", Some(&ada.access)).await.expect(204);
        app.delete("/me/avatar", Some(&ada.access)).await.expect(204);
        app.get(&path, Some(&eve.access)).await.problem(404, "avatar_not_found");
        app.eventually("nothing is left", async || find_files(&app.files_dir()).is_empty()).await;
    }

    async fn is_for_people_who_are_in(app) {
        let ada = app.person("Ada").await;
        app.put_typed("/me/avatar", Some(&ada.access), "image/png", PNG).await.expect(200);
        let path = format!("/users/{}/avatar", ada.id);
        app.get(&path, None).await.problem(401, "sign_in_required");
        let room = app.room(&ada, "public").await;
        let code = room.text("/code");
        let body = serde_json::json!({ "display_name": "Guest" });
        let joined = app.post(&format!("/rooms/{code}/join"), None, body).await;
        if joined.status == 200 {
            let guest = joined.text("/guest/access_token");
            app.get(&path, Some(&guest)).await.expect(200);
        }
        app.get("/users/7/avatar", Some(&ada.access)).await.problem(404, "avatar_not_found");
        app.put_typed("/me/avatar", None, "image/png", PNG).await.problem(401, "sign_in_required");
        app.delete("/me/avatar", None).await.problem(401, "sign_in_required");
    }

    async fn has_to_be_a_modest_picture(app) {
        let ada = app.person("Ada").await;
        let put = async |content_type: &str, bytes: &[u8]| {
            app.put_typed("/me/avatar", Some(&ada.access), content_type, bytes).await
        };
        put("text/html", b"<html>").await.problem(415, "unsupported_media_type");
        put("image/svg+xml", b"<svg/>").await.problem(422, "file_rejected");
        put("image/gif", b"GIF89a\x01\0\x01\0").await.problem(422, "file_rejected");
        put("image/jpeg", PNG).await.problem(422, "file_rejected");
        put("image/png", b"").await.problem(422, "file_rejected");
        put("image/png", &vec![0; (2 << 20) + 1]).await.problem(413, "file_too_large");
        // A few bytes that claim to be a hundred thousand pixels wide.
        let mut bomb = PNG.to_vec();
        bomb[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        put("image/png", &bomb).await.problem(422, "file_rejected");
        let mut nothing = PNG.to_vec();
        nothing[16..20].copy_from_slice(&[0; 4]);
        put("image/png", &nothing).await.problem(422, "file_rejected");
        assert!(find_files(&app.files_dir()).is_empty());
        assert_eq!(app.get("/me", Some(&ada.access)).await.json["avatar_url"], serde_json::Value::Null);
    }
}
