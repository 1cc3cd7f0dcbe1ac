//! `POST /admin/jobs/{id}/retry` and `GET /jobs/{id}`.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{MailSink, TestApp, both};

/// A job that failed for good, on behalf of somebody; about a room that does not exist, so that doing it is harmless.
async fn dead_job(app: &TestApp, owner: Option<Uuid>, dedupe_key: &str, state: &str) -> Uuid {
    let id = Uuid::now_v7();
    let owner = owner.map_or("NULL".to_owned(), |owner| app.sql_id(owner));
    let payload = json!({ "room_id": Uuid::now_v7() });
    app.sql(&format!(
        "INSERT INTO jobs (id, kind, payload, run_at, state, attempts, max_attempts, dedupe_key, last_error, created_at, \
         finished_at, user_id) VALUES ({}, 'media.recheck_room', '{payload}', 4000000000000000, '{state}', 10, 10, \
         '{dedupe_key}', 'the secret reason', 1, 4000000000000000, {owner})",
        app.sql_id(id)
    ))
    .await;
    id
}

both! {
    async fn a_dead_job_gets_another_chance(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        let id = dead_job(app, None, "a", "dead").await;
        let listed = app.get("/admin/jobs?state=dead", root).await.expect(200);
        assert_eq!((listed.text("/items/0/id"), listed.text("/items/0/last_error")), (id.to_string(), "the secret reason".into()));
        let job = app.call(http::Method::POST, &format!("/admin/jobs/{id}/retry"), root, None).await.expect(200);
        assert!(["ready", "running", "done"].contains(&job.text("/state").as_str()));
        app.eventually("the job is done", async || {
            app.get("/admin/jobs?state=done", root).await.json["items"][0]["id"] == json!(id)
        }).await;
        let again = app.call(http::Method::POST, &format!("/admin/jobs/{id}/retry"), root, None).await;
        again.problem(409, "job_not_dead");
        let audit = app.get("/admin/audit-log?action=job.retried", root).await.expect(200);
        assert_eq!(audit.text("/items/0/target_id"), id.to_string());
    }

    async fn what_cannot_be_retried_says_why(app) {
        let ada = app.person("Ada").await;
        let root = app.admin().await;
        let id = dead_job(app, None, "twin", "dead").await;
        dead_job(app, None, "twin", "ready").await;
        let path = format!("/admin/jobs/{id}/retry");
        app.call(http::Method::POST, &path, Some(&root.access), None).await.problem(409, "already_queued");
        app.call(http::Method::POST, &path, Some(&ada.access), None).await.problem(403, "forbidden");
        app.call(http::Method::POST, &path, None, None).await.problem(401, "sign_in_required");
        for unknown in [Uuid::now_v7().to_string(), "7".into(), "%00".into()] {
            let path = format!("/admin/jobs/{unknown}/retry");
            app.call(http::Method::POST, &path, Some(&root.access), None).await.problem(404, "job_not_found");
        }
    }

    async fn at_once_a_job_is_retried_once(app) {
        let root = app.admin().await;
        let id = dead_job(app, None, "many", "dead").await;
        let path = format!("/admin/jobs/{id}/retry");
        let (path, root) = (&path, &root);
        let tries = (0..4).map(|_| async move {
            app.call(http::Method::POST, path, Some(&root.access), None).await.status.as_u16()
        });
        let mut statuses = futures_util::future::join_all(tries).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409]);
    }

    async fn one_sees_ones_own_jobs_and_nobody_elses(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let root = app.admin().await;
        let id = dead_job(app, Some(ada.id.parse().unwrap()), "mine", "dead").await;
        let job = app.get(&format!("/jobs/{id}"), Some(&ada.access)).await.expect(200);
        assert_eq!((job.text("/state"), job.text("/kind")), ("dead".into(), "media.recheck_room".into()));
        assert_eq!((&job.json["last_error"], &job.json["payload"]), (&Value::Null, &Value::Null));
        for other in [&eve, &root] {
            app.get(&format!("/jobs/{id}"), Some(&other.access)).await.problem(404, "job_not_found");
        }
        app.get(&format!("/jobs/{id}"), None).await.problem(401, "sign_in_required");
        app.get("/jobs/nonsense", Some(&ada.access)).await.problem(404, "job_not_found");
        let nobodys = dead_job(app, None, "nobody", "dead").await;
        app.get(&format!("/jobs/{nobodys}"), Some(&ada.access)).await.problem(404, "job_not_found");
    }

    async fn a_dead_job_keeps_what_it_carries_until_it_is_done(app, |config| MailSink::serve(config)) {
        let root = app.admin().await;
        let id = Uuid::now_v7();
        // Its last try is due, and it does not say to whom it goes.
        let nobodys = json!({ "subject": "News", "paragraphs": ["Hello"] });
        let eves = json!({ "to": "eve@example.org", "subject": "News", "paragraphs": ["Hello"] });
        app.sql(&format!(
            "INSERT INTO jobs (id, kind, payload, run_at, state, attempts, max_attempts, created_at) \
             VALUES ({}, 'mail.send', '{nobodys}', 1, 'ready', 13, 14, 1)",
            app.sql_id(id)
        )).await;
        let found = format!("SELECT COUNT(*) FROM jobs WHERE id = {} AND ", app.sql_id(id));
        let is = async |what: &str| app.number(&format!("{found}{what}")).await == 1;
        app.eventually("the job is dead", async || is("state = 'dead'").await).await;
        assert!(is("CAST(payload AS TEXT) LIKE '%Hello%'").await);
        app.sql(&format!("UPDATE jobs SET payload = '{eves}' WHERE id = {}", app.sql_id(id))).await;
        app.call(http::Method::POST, &format!("/admin/jobs/{id}/retry"), Some(&root.access), None).await.expect(200);
        app.mail().wait("eve@example.org", "News", 1).await;
        app.eventually("nothing is left of it", async || is("state = 'done' AND CAST(payload AS TEXT) = '{}'").await).await;
    }
}
