//! Meetings whose room or organizer is gone: what was to come is called off, unless somebody else can hold it.

use serde_json::{Value, json};

use crate::support::meeting::{again, invite, meeting, told};
use crate::support::smtp::MailSink;
use crate::support::time::pass;
use crate::support::{Person, TestApp, both, talk};

async fn status(app: &TestApp, who: &Person, id: &str) -> String {
    app.get(&format!("/meetings/{id}"), Some(&who.access)).await.expect(200).text("/status")
}

/// Waits until the meeting is cancelled.
async fn cancelled(app: &TestApp, who: &Person, id: &str) {
    app.eventually("the meeting is cancelled", async || status(app, who, id).await == "cancelled").await;
}

/// The ids of what is to come for somebody.
async fn upcoming(app: &TestApp, who: &Person) -> Vec<String> {
    let page = app.get("/meetings?view=upcoming", Some(&who.access)).await.expect(200);
    let items = page.json["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// How often somebody was told something.
async fn heard(app: &TestApp, who: &Person, kind: &str) -> usize {
    told(app, who).await.iter().filter(|known| *known == kind).count()
}

/// A meeting to which somebody else comes.
async fn planned(app: &TestApp, by: &Person, guest: &Person, more: Value) -> String {
    let id = meeting(app, by, 60, more).await.text("/id");
    invite(app, by, &id, guest, "participant").await;
    id
}

/// A room that somebody makes for an organization.
async fn room_of(app: &TestApp, by: &Person, org: &Value) -> String {
    let form = json!({ "name": "Lab", "type": "video", "access_level": "restricted", "org_id": org });
    app.post("/rooms", Some(&by.access), form).await.expect(201).text("/id")
}

/// What an organizer leaves behind.
struct Estate {
    olga: Person,
    bob: Person,
    cleo: Person,
    org: Value,
    /// In a room of the organizer.
    own: String,
    /// In a room of the organizer, with a co-organizer.
    shared: String,
    /// In a room of the organization, by nobody else.
    lonely: String,
    /// In a room of the organization, for it.
    official: String,
    /// In a room of the organization, with a co-organizer.
    covered: String,
}

impl Estate {
    async fn of(app: &TestApp, ada: &Person) -> Self {
        let (olga, bob, cleo) = (app.person("Olga").await, app.person("Bob").await, app.person("Cleo").await);
        let org = talk::organization(app, &olga, "Org").await;
        talk::member(app, &olga, &org, ada, "member").await;
        let org = org.json["id"].clone();
        let room = room_of(app, ada, &org).await;
        let own = planned(app, ada, &bob, json!({ "rrule": "FREQ=DAILY" })).await;
        let shared = planned(app, ada, &bob, json!({})).await;
        invite(app, ada, &shared, &cleo, "co_organizer").await;
        let lonely = planned(app, ada, &bob, json!({ "room_id": room })).await;
        let official = planned(app, ada, &bob, json!({ "room_id": room, "org_id": org })).await;
        let covered = planned(app, ada, &bob, json!({ "room_id": room })).await;
        invite(app, ada, &covered, &cleo, "co_organizer").await;
        Self { olga, bob, cleo, org, own, shared, lonely, official, covered }
    }

    /// Everything is called off that nobody can hold, and the rest goes on.
    async fn is_settled(&self, app: &TestApp) {
        for id in [&self.own, &self.shared, &self.lonely] {
            cancelled(app, &self.bob, id).await;
        }
        app.work_done().await;
        let mut left = upcoming(app, &self.bob).await;
        left.sort_unstable();
        let mut wanted = vec![self.official.clone(), self.covered.clone()];
        wanted.sort_unstable();
        assert_eq!(left, wanted);
        assert_eq!(heard(app, &self.bob, "meeting.cancelled").await, 3);
        let page = app.get("/notifications?kind=meeting.cancelled", Some(&self.bob.access)).await.expect(200);
        assert!(!page.json.to_string().contains("\"Ada\""), "{}", page.json);
    }
}

both! {
    async fn a_room_that_is_deleted_takes_them_along(app, |config| {
        MailSink::serve(config);
        config.public_url = Some("https://meet.example".parse().unwrap());
    }) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let elsewhere = planned(app, &ada, &bob, json!({})).await;
        let made = meeting(app, &ada, 60, json!({ "rrule": "FREQ=WEEKLY" })).await;
        let (id, room) = (made.text("/id"), made.text("/room_id"));
        invite(app, &ada, &id, &bob, "participant").await;
        let stranger = json!({ "invites": [{ "email": "new@example.org" }] });
        app.post(&format!("/meetings/{id}/invites"), Some(&ada.access), stranger).await.expect(200);
        app.mail().wait("new@example.org", "Invitation", 1).await;
        app.delete(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(204);
        // At once, as it is one.
        let off = app.get(&format!("/meetings/{id}"), Some(&bob.access)).await.expect(200);
        assert_eq!((off.text("/status"), &off.json["ical_seq"]), ("cancelled".into(), &json!(1)));
        let list = crate::support::meeting::occurrences(app, &bob, &id).await;
        assert!(!list.is_empty() && list.iter().all(|one| one["status"] == "cancelled"), "{list:?}");
        assert_eq!(told(app, &bob).await, ["meeting.cancelled", "meeting.invited", "meeting.invited"]);
        let mail = app.mail().wait("new@example.org", "Cancelled", 1).await;
        assert!(mail.part("text/calendar").unwrap().contains("METHOD:CANCEL"), "{}", mail.raw);
        app.post(&format!("/meetings/{id}/start"), Some(&ada.access), json!({})).await.problem(409, "meeting_over");
        assert_eq!(upcoming(app, &bob).await, [elsewhere.clone()]);
        assert_eq!(status(app, &ada, &elsewhere).await, "scheduled");
        // A series is made no longer.
        pass(app, 7 * 24 * 60);
        app.control.look_after_meetings().await.unwrap();
        app.work_done().await;
        let bob = again(app, &bob).await;
        assert_eq!(status(app, &bob, &id).await, "cancelled");
    }

    async fn however_many_they_are_and_once(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let room = app.room(&ada, "trusted").await.text("/id");
        let mut ids = Vec::new();
        for _ in 0..7 {
            ids.push(planned(app, &ada, &bob, json!({ "room_id": room })).await);
        }
        let runs = meeting(app, &ada, 5, json!({ "room_id": room })).await.text("/id");
        app.post(&format!("/meetings/{runs}/start"), Some(&ada.access), json!({})).await.expect(200);
        let path = format!("/rooms/{room}");
        let cancel = format!("/meetings/{}/cancel", ids[0]);
        let (one, two, off) = tokio::join!(
            app.delete(&path, Some(&ada.access)),
            app.delete(&path, Some(&ada.access)),
            app.post(&cancel, Some(&ada.access), json!({})),
        );
        let mut answers = [one.status.as_u16(), two.status.as_u16()];
        answers.sort_unstable();
        assert!(answers == [204, 204] || answers == [204, 404], "{answers:?}");
        off.expect(200);
        for id in &ids {
            cancelled(app, &bob, id).await;
        }
        app.work_done().await;
        assert_eq!(heard(app, &bob, "meeting.cancelled").await, ids.len());
        // What went on has taken place.
        app.eventually("it is over", async || status(app, &ada, &runs).await == "completed").await;
        assert_eq!((upcoming(app, &ada).await, upcoming(app, &bob).await), (Vec::new(), Vec::new()));
        let form = json!({ "title": "Late", "room_id": room });
        app.post("/meetings", Some(&ada.access), form).await.problem(404, "room_not_found");
    }

    async fn an_organizer_who_leaves_takes_along_what_nobody_else_can_hold(app) {
        let ada = app.person("Ada").await;
        let estate = Estate::of(app, &ada).await;
        app.delete_me(&ada.access).await.expect(204);
        estate.is_settled(app).await;
        // Who is left runs it.
        let change = json!({ "title": "Ours" });
        let (official, covered) = (format!("/meetings/{}", estate.official), format!("/meetings/{}", estate.covered));
        app.patch(&official, Some(&estate.olga.access), change.clone()).await.expect(200);
        app.patch(&covered, Some(&estate.cleo.access), change).await.expect(200);
        // The last who runs it leaves as well: the co-organizer, and the organization.
        app.delete_me(&estate.cleo.access).await.expect(204);
        cancelled(app, &estate.bob, &estate.covered).await;
        assert_eq!(status(app, &estate.bob, &estate.official).await, "scheduled");
        let org = format!("/organizations/{}", estate.org.as_str().unwrap());
        app.delete(&org, Some(&estate.olga.access)).await.expect(204);
        cancelled(app, &estate.bob, &estate.official).await;
        assert_eq!(upcoming(app, &estate.bob).await, Vec::<String>::new());
    }

    async fn so_does_one_whom_an_admin_deletes(app) {
        let root = talk::platform_admin(app).await;
        let ada = app.person("Ada").await;
        let estate = Estate::of(app, &ada).await;
        app.delete(&format!("/users/{}", ada.id), Some(&root)).await.expect(204);
        estate.is_settled(app).await;
        // The co-organizer goes without their account.
        let path = format!("/meetings/{}/invites", estate.covered);
        let invites = app.get(&path, Some(&estate.cleo.access)).await.expect(200);
        let items = invites.json["items"].as_array().unwrap();
        let own = items.iter().find(|one| one["role"] == "co_organizer").unwrap()["id"].as_str().unwrap();
        app.delete(&format!("{path}/{own}"), Some(&estate.cleo.access)).await.expect(204);
        cancelled(app, &estate.bob, &estate.covered).await;
    }

    async fn meetings_of_others_go_with_the_rooms_of_who_leaves(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let room = app.room(&ada, "trusted").await.text("/id");
        app.organization(&[&ada, &bob]).await;
        let member = json!({ "user_id": bob.id, "role": "admin" });
        app.post(&format!("/rooms/{room}/members"), Some(&ada.access), member).await.expect(201);
        let id = planned(app, &bob, &eve, json!({ "room_id": room })).await;
        app.delete_me(&ada.access).await.expect(204);
        cancelled(app, &bob, &id).await;
        app.eventually("everybody hears", async || {
            heard(app, &bob, "meeting.cancelled").await == 1 && heard(app, &eve, "meeting.cancelled").await == 1
        }).await;
    }

    async fn nobody_is_reminded_of_what_takes_place_behind_a_closed_door(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let open = meeting(app, &ada, 30, json!({ "title": "Open" })).await;
        let shut = meeting(app, &ada, 30, json!({ "title": "Shut" })).await;
        let gone = meeting(app, &ada, 30, json!({ "title": "Gone" })).await;
        for made in [&open, &shut, &gone] {
            invite(app, &ada, &made.text("/id"), &bob, "participant").await;
        }
        let close = json!({ "is_active": false });
        app.patch(&format!("/rooms/{}", shut.text("/room_id")), Some(&ada.access), close).await.expect(200);
        app.delete(&format!("/rooms/{}", gone.text("/room_id")), Some(&ada.access)).await.expect(204);
        pass(app, 26);
        let (ada, bob) = (again(app, &ada).await, again(app, &bob).await);
        app.control.look_after_meetings().await.unwrap();
        for who in [&ada, &bob] {
            app.eventually("they are reminded", async || heard(app, who, "meeting.reminder").await > 0).await;
        }
        app.work_done().await;
        for who in [&ada, &bob] {
            let page = app.get("/notifications?kind=meeting.reminder", Some(&who.access)).await.expect(200);
            let items = page.json["items"].as_array().unwrap();
            let titles: Vec<_> = items.iter().map(|item| &item["payload"]["title"]).collect();
            assert_eq!(titles, [&json!("Open")]);
        }
        // Closed is not deleted.
        assert_eq!(status(app, &ada, &shut.text("/id")).await, "scheduled");
    }
}
