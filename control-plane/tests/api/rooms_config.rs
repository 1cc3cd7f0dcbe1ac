//! `config` of a room: who may share a screen, seen in tokens and on the media node.

use serde_json::{Value, json};
use signaling_proto::proto::ParticipantInfo;

use crate::support::{TestApp, both, sources};

/// Enters by code; what the token lets one send, empty for everything, and who is inside then.
async fn enter(app: &TestApp, code: &str, id: &str, token: Option<&str>) -> (Vec<String>, ParticipantInfo) {
    let body = json!({ "display_name": "Grace" });
    let join = app.post(&format!("/rooms/{code}/join"), token, body).await.expect(200).text("/token");
    (sources(&join), app.node.join(app, &join, id).await)
}

both! {
    async fn only_hosts_share_their_screen_where_it_says_so(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let form = json!({
            "name": "Lecture", "type": "video", "access_level": "public", "config": { "hosts_only_screen_share": true }
        });
        let room = app.post("/rooms", Some(&ada.access), form).await.expect(201);
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        assert_eq!(enter(app, &code, &id, Some(&ada.access)).await.0, Vec::<String>::new(), "a host sends everything");
        assert_eq!(enter(app, &code, &id, None).await.0, ["camera", "microphone"]);
        let (may, eves) = enter(app, &code, &id, Some(&eve.access)).await;
        assert_eq!(may, ["camera", "microphone"]);

        // A cohost shares too, at once; and no more when that is over.
        let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200).text("/id");
        let role = format!("/calls/{call}/participants/{}/role", eves.identity);
        app.post(&role, Some(&ada.access), json!({ "role": "cohost" })).await.expect(200);
        let attribute = async |wanted: &'static str| {
            let there = async || app.node.attribute(&eves.identity, "role").as_deref() == Some(wanted);
            app.eventually("the node knows her role", there).await;
        };
        attribute("cohost").await;
        assert_eq!(app.node.sources(&eves.identity), Vec::<i32>::new(), "everything");
        app.post(&role, Some(&ada.access), json!({ "role": "participant" })).await.expect(200);
        attribute("participant").await;
        assert_eq!(app.node.sources(&eves.identity), [1, 2]);

        // Switched off, it holds for nobody who comes from then on.
        let off = json!({ "config": { "hosts_only_screen_share": false } });
        app.patch(&format!("/rooms/{id}"), Some(&ada.access), off).await.expect(200);
        assert_eq!(enter(app, &code, &id, None).await.0, Vec::<String>::new());
        app.patch(&format!("/rooms/{id}"), Some(&ada.access), json!({ "config": { "hosts_only_screen_share": 1 } })).await
            .expect(422);
        assert_eq!(app.get(&format!("/rooms/{id}"), Some(&ada.access)).await.json["config"]["lobby"], Value::Bool(false));
    }
}
