//! Invitations by mail, over a real SMTP connection, with calendar data that calendars understand.

use icalendar::{Calendar, Component, EventStatus};
use serde_json::json;

use crate::support::both;
use crate::support::meeting::{meeting, occurrences};
use crate::support::smtp::{MailSink, Received};
use crate::support::time::in_minutes;

fn calendar(mail: &Received, method: &str) -> Calendar {
    assert!(
        mail.raw.contains(&format!("method={method}")) || mail.raw.contains(&format!("method=\"{method}\"")),
        "{}",
        mail.raw
    );
    let text = mail.part("text/calendar").expect("a calendar");
    let read: Calendar = text.parse().expect("iCalendar data");
    assert_eq!(read.property_value("METHOD"), Some(method));
    read
}

both! {
    async fn carry_calendar_data_and_the_way_to_answer(app, |config| {
        MailSink::serve(config);
        config.public_url = Some("https://meet.example".parse().unwrap());
    }) {
        let ada = app.person("Ada").await;
        let made = meeting(app, &ada, 60, json!({ "title": "Plan; B", "description": "Bring cake" })).await;
        let id = made.text("/id");
        let body = json!({ "invites": [{ "email": "new@example.org" }] });
        let invited = app.post(&format!("/meetings/{id}/invites"), Some(&ada.access), body).await.expect(200);
        assert!(invited.json["items"][0].get("link").is_none(), "the link is in the mail");
        let mail = app.mail().wait("new@example.org", "", 1).await;
        assert_eq!(mail.header("Subject").as_deref(), Some("Invitation: Plan; B"));
        let read = calendar(&mail, "REQUEST");
        let event = read.events().next().unwrap();
        assert_eq!((event.get_uid(), event.get_sequence()), (Some(made.text("/ical_uid").as_str()), Some(0)));
        assert!(made.text("/ical_uid").ends_with("@meet.example"));
        assert_eq!(event.get_attendees()[0].cal_address, "mailto:new@example.org");
        assert_eq!(event.properties()["ORGANIZER"].value(), format!("mailto:{}", ada.email));
        let text = mail.part("text/plain").unwrap();
        assert!(text.contains("Ada invites you to Plan; B.") && text.contains("Bring cake"), "{text}");
        let join = format!("https://meet.example/j/{}", made.text("/room_code"));
        assert!(text.contains(&join), "{text}");
        assert_eq!((event.get_url(), event.property_value("LOCATION")), (Some(join.as_str()), Some(join.as_str())));
        let token = text.split("https://meet.example/invites/").nth(1).unwrap().split_whitespace().next().unwrap();
        app.post(&format!("/invites/{token}/accept"), None, json!({})).await.expect(200);
        let list = app.get(&format!("/meetings/{id}/invites"), Some(&ada.access)).await.expect(200);
        assert_eq!(list.text("/items/0/status"), "accepted");
        let invites = format!("/meetings/{id}/invites");
        let sent = async || {
            app.get(&invites, Some(&ada.access)).await.expect(200).json["items"][0]["sent_at"].is_string()
        };
        app.eventually("it is noted as sent", sent).await;

        let start = in_minutes(app, 90);
        let body = json!({ "starts_at": start });
        app.patch(&format!("/meetings/{id}"), Some(&ada.access), body).await.expect(200);
        let mail = app.mail().wait("new@example.org", "", 2).await;
        let read = calendar(&mail, "REQUEST");
        let event = read.events().next().unwrap();
        assert_eq!(event.get_sequence(), Some(1));
        let start = start.replace(['-', ':'], "");
        assert_eq!(event.property_value("DTSTART"), Some(start.as_str()));

        app.post(&format!("/meetings/{id}/cancel"), Some(&ada.access), json!({})).await.expect(200);
        let mail = app.mail().wait("new@example.org", "", 3).await;
        let read = calendar(&mail, "CANCEL");
        let event = read.events().next().unwrap();
        assert_eq!((event.get_sequence(), event.get_status()), (Some(2), Some(EventStatus::Cancelled)));
    }

    async fn call_off_one_time_of_a_series_and_one_person(app, |config| {
        MailSink::serve(config);
        config.public_url = Some("https://meet.example".parse().unwrap());
    }) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 60, json!({ "rrule": "FREQ=WEEKLY", "timezone": "Europe/Berlin" })).await.text("/id");
        let invites = format!("/meetings/{id}/invites");
        let body = json!({ "invites": [{ "email": "new@example.org" }] });
        let invited = app.post(&invites, Some(&ada.access), body).await.expect(200).text("/items/0/id");
        let first = app.mail().wait("new@example.org", "", 1).await;
        assert!(first.part("text/calendar").unwrap().contains("BEGIN:VTIMEZONE"));
        let name = occurrences(app, &ada, &id).await[1]["original_start_at"].as_str().unwrap().to_owned();
        let path = format!("/meetings/{id}/occurrences/{name}");
        app.patch(&path, Some(&ada.access), json!({ "status": "cancelled" })).await.expect(200);
        let mail = app.mail().wait("new@example.org", "", 2).await;
        let read = calendar(&mail, "CANCEL");
        let event = read.events().next().unwrap();
        assert!(event.get_recurrence_id().is_some() && event.property_value("RRULE").is_none());
        app.delete(&format!("{invites}/{invited}"), Some(&ada.access)).await.expect(204);
        let mail = app.mail().wait("new@example.org", "", 3).await;
        let read = calendar(&mail, "CANCEL");
        assert!(read.events().next().unwrap().get_recurrence_id().is_none());
    }

    async fn belong_to_the_account_that_proves_the_address(app, |config| {
        MailSink::serve(config);
        config.public_url = Some("https://meet.example".parse().unwrap());
    }) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        let body = json!({ "invites": [{ "email": "eve@example.org" }] });
        app.post(&format!("/meetings/{id}/invites"), Some(&ada.access), body).await.expect(200);
        let eve = app.person("Eve").await;
        app.get(&format!("/meetings/{id}"), Some(&eve.access)).await.problem(404, "meeting_not_found");
        crate::support::meeting::verify(app, &eve).await;
        let seen = app.get(&format!("/meetings/{id}"), Some(&eve.access)).await.expect(200);
        assert_eq!(seen.text("/my_role"), "participant");
    }
}
