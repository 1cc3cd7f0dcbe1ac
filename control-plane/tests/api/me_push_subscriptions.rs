//! `/me/push-subscriptions`: which browsers take pushes.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, both};

/// The generator of P-256, a public key as good as any.
const KEY: &str = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
/// Twice the generator.
const OTHER_KEY: &str = "BHzyexiNA09-ilI4AwS1GsPAiWnid_IbNaYLSPxHZpl4B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E";

fn browser(endpoint: &str) -> Value {
    json!({ "endpoint": endpoint, "keys": { "p256dh": KEY, "auth": "AAAAAAAAAAAAAAAAAAAAAA" } })
}

fn fcm(n: usize) -> String {
    format!("https://fcm.googleapis.com/fcm/send/{n}")
}

fn endpoints(list: &Answer) -> Vec<&str> {
    list.json["items"].as_array().unwrap().iter().map(|item| item["endpoint"].as_str().unwrap()).collect()
}

const PATH: &str = "/me/push-subscriptions";

both! {
    async fn are_ones_own(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let made = app.post(PATH, Some(&ada.access), browser(&fcm(1))).await.expect(201);
        assert_eq!((made.text("/endpoint"), &made.json["last_ok_at"]), (fcm(1), &Value::Null));
        assert_eq!(made.json.get("keys"), None);
        let again = app.post(PATH, Some(&ada.access), browser(&fcm(1))).await.expect(200);
        assert_eq!(again.text("/id"), made.text("/id"));
        app.post(PATH, Some(&ada.access), browser(&fcm(2))).await.expect(201);
        assert_eq!(endpoints(&app.get(PATH, Some(&ada.access)).await.expect(200)), [fcm(2), fcm(1)]);
        assert_eq!(endpoints(&app.get(PATH, Some(&eve.access)).await.expect(200)), Vec::<&str>::new());
        let path = format!("{PATH}/{}", made.text("/id"));
        app.delete(&path, Some(&eve.access)).await.problem(404, "push_subscription_not_found");
        app.delete(&path, None).await.problem(401, "sign_in_required");
        app.delete(&path, Some(&ada.access)).await.expect(204);
        app.delete(&path, Some(&ada.access)).await.problem(404, "push_subscription_not_found");
        for strange in ["x".to_owned(), "%00".to_owned(), Uuid::now_v7().to_string()] {
            let path = format!("{PATH}/{strange}");
            app.delete(&path, Some(&ada.access)).await.problem(404, "push_subscription_not_found");
        }
        app.get(PATH, None).await.problem(401, "sign_in_required");
        app.post(PATH, None, browser(&fcm(3))).await.problem(401, "sign_in_required");
    }

    async fn move_with_the_browser_but_not_with_its_address_alone(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        app.post(PATH, Some(&ada.access), browser(&fcm(1))).await.expect(201);
        let mut forged = browser(&fcm(1));
        forged["keys"]["p256dh"] = OTHER_KEY.into();
        app.post(PATH, Some(&eve.access), forged.clone()).await.problem(409, "push_endpoint_taken");
        // Eve signs in with Ada's browser: the browser is hers now.
        app.post(PATH, Some(&eve.access), browser(&fcm(1))).await.expect(200);
        assert_eq!(endpoints(&app.get(PATH, Some(&ada.access)).await), Vec::<&str>::new());
        assert_eq!(endpoints(&app.get(PATH, Some(&eve.access)).await), [fcm(1)]);
        // One's own may change its keys.
        app.post(PATH, Some(&eve.access), forged).await.expect(200);
    }

    async fn at_once_are_one(app) {
        let ada = app.person("Ada").await;
        let send = || app.post(PATH, Some(&ada.access), browser(&fcm(1)));
        let (a, b, c) = tokio::join!(send(), send(), send());
        let mut statuses = [a, b, c].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 201]);
        assert_eq!(endpoints(&app.get(PATH, Some(&ada.access)).await), [fcm(1)]);
    }

    async fn are_few(app) {
        let ada = app.person("Ada").await;
        for n in 0..20 {
            app.post(PATH, Some(&ada.access), browser(&fcm(n))).await.expect(201);
        }
        app.post(PATH, Some(&ada.access), browser(&fcm(20))).await.problem(409, "too_many_push_subscriptions");
        app.post(PATH, Some(&ada.access), browser(&fcm(7))).await.expect(200);
    }

    async fn lead_to_push_services_alone(app) {
        let ada = app.person("Ada").await;
        for endpoint in [
            "http://fcm.googleapis.com/x",
            "https://127.0.0.1/x",
            "http://127.0.0.1:7880/internal/nodes",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://fcm.googleapis.com.evil.example/x",
            "https://fcm.googleapis.com@evil.example/x",
            "https://fcm.googleapis.com:8443/x",
            "file:///etc/passwd",
            "gopher://fcm.googleapis.com/",
            "fcm.googleapis.com",
            "\u{0}",
            "https://fcm.googleapis.com\u{0}.evil.example/",
        ] {
            app.post(PATH, Some(&ada.access), browser(endpoint)).await.blames(&["endpoint"]);
        }
        app.post(PATH, Some(&ada.access), browser("")).await.blames(&["endpoint"]);
        app.post(PATH, Some(&ada.access), browser(&format!("{}{}", fcm(1), "x".repeat(2_000)))).await.blames(&["endpoint"]);
    }

    async fn need_good_keys(app) {
        let ada = app.person("Ada").await;
        let with = |field: &str, value: Value| {
            let mut body = browser(&fcm(1));
            body["keys"][field] = value;
            body
        };
        // Nothing, not base64url, compressed, not on the curve, too long.
        for key in ["", "***", "A2sX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW", &format!("BAAA{}", "A".repeat(83)), &"B".repeat(101)] {
            app.post(PATH, Some(&ada.access), with("p256dh", json!(key))).await.blames(&["keys.p256dh"]);
        }
        for auth in ["", "AAAA", "***", "AAAAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(31)] {
            app.post(PATH, Some(&ada.access), with("auth", json!(auth))).await.blames(&["keys.auth"]);
        }
        app.post(PATH, Some(&ada.access), with("auth", json!(7))).await.blames(&["keys.auth"]);
        app.post(PATH, Some(&ada.access), json!({ "endpoint": fcm(1) })).await.problem(422, "validation_failed");
        app.post(PATH, Some(&ada.access), json!({})).await.problem(422, "validation_failed");
        // Padding is fine.
        app.post(PATH, Some(&ada.access), with("auth", json!("AAAAAAAAAAAAAAAAAAAAAA=="))).await.expect(201);
    }
}
