//! `GET` and `PATCH /me`.

use serde_json::json;

use crate::support::both;

both! {
    async fn changes_what_is_given_and_nothing_else(app) {
        let ada = app.person("Ada").await;
        let body = json!({ "display_name": " Ada L. ", "timezone": "Europe/Berlin", "default_room_access": "public" });
        let me = app.patch("/me", Some(&ada.access), body).await.expect(200);
        assert_eq!((me.text("/display_name"), me.text("/timezone")), ("Ada L.".into(), "Europe/Berlin".into()));
        assert_eq!((me.text("/email"), me.text("/locale")), (ada.email.clone(), "en".into()));
        assert_eq!(app.get("/me", Some(&ada.access)).await.expect(200).json, me.json);
        let room = app.post("/rooms", Some(&ada.access), json!({ "name": "Mine" })).await.expect(201);
        assert_eq!(room.text("/access_level"), "public");
    }

    async fn refuses_bad_fields_and_strangers(app) {
        let ada = app.person("Ada").await;
        let body = json!({ "display_name": "", "locale": "??", "timezone": "Nowhere" });
        app.patch("/me", Some(&ada.access), body).await.blames(&["display_name", "locale", "timezone"]);
        app.patch("/me", Some(&ada.access), json!({ "platform_role": "admin" })).await.expect(200);
        assert_eq!(app.get("/me", Some(&ada.access)).await.text("/platform_role"), "user");
        app.patch("/me", None, json!({})).await.problem(401, "sign_in_required");
    }
}
