//! `POST /auth/refresh`: rotation, a grace for lost answers, and what a stolen token leads to.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, both};

async fn refresh(app: &TestApp, token: &str) -> crate::support::Answer {
    app.post("/auth/refresh", None, json!({ "refresh_token": token })).await
}

both! {
    async fn gives_a_new_pair_and_ends_the_old_access_token(app) {
        let ada = app.person("Ada").await;
        let next = refresh(app, &ada.refresh).await.expect(200);
        let (access, token) = (next.text("/access_token"), next.text("/refresh_token"));
        assert!(access != ada.access && token != ada.refresh);
        assert_eq!(next.text("/user/id"), ada.id);
        app.get("/me", Some(&access)).await.expect(200);
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        refresh(app, &token).await.expect(200);
    }

    async fn repeats_its_answer_within_the_grace(app) {
        let ada = app.person("Ada").await;
        let first = refresh(app, &ada.refresh).await.expect(200);
        app.clock.advance(Duration::from_secs(9));
        let again = refresh(app, &ada.refresh).await.expect(200);
        assert_eq!(first.json, again.json);
        app.get("/me", Some(&again.text("/access_token"))).await.expect(200);
    }

    async fn at_once_gives_every_tab_the_same_pair(app) {
        let ada = app.person("Ada").await;
        let answers = futures_util::future::join_all((0..6).map(|_| refresh(app, &ada.refresh))).await;
        let mut tokens: Vec<_> = answers.into_iter().map(|answer| answer.expect(200).text("/refresh_token")).collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
        refresh(app, &tokens[0]).await.expect(200);
    }

    async fn revokes_the_session_when_an_old_token_comes_back(app) {
        let ada = app.person("Ada").await;
        let next = refresh(app, &ada.refresh).await.expect(200);
        app.clock.advance(Duration::from_secs(11));
        refresh(app, &ada.refresh).await.problem(401, "refresh_token_reused");
        app.get("/me", Some(&next.text("/access_token"))).await.problem(401, "invalid_token");
        refresh(app, &next.text("/refresh_token")).await.problem(401, "invalid_refresh_token");
    }

    async fn revokes_the_session_whichever_old_token_comes_back(app) {
        for (rotations, waits) in [(2, true), (2, false), (5, true)] {
            let ada = app.person(&format!("Ada{rotations}{waits}")).await;
            let (mut token, mut access) = (ada.refresh.clone(), ada.access.clone());
            for _ in 0..rotations {
                let next = refresh(app, &token).await.expect(200);
                (token, access) = (next.text("/refresh_token"), next.text("/access_token"));
            }
            if waits {
                app.clock.advance(Duration::from_secs(11));
            }
            refresh(app, &ada.refresh).await.problem(401, "refresh_token_reused");
            app.get("/me", Some(&access)).await.problem(401, "invalid_token");
            refresh(app, &token).await.problem(401, "invalid_refresh_token");
            refresh(app, &ada.refresh).await.problem(401, "invalid_refresh_token");
        }
    }

    async fn refuses_what_is_no_refresh_token(app) {
        let ada = app.person("Ada").await;
        for token in [ada.access.as_str(), "", "pr_", "pr_AAAA", "\u{0}"] {
            refresh(app, token).await.problem(401, "invalid_refresh_token");
        }
        app.post("/auth/refresh", None, json!({})).await.blames(&["refresh_token"]);
        app.post("/auth/refresh", None, json!({ "refresh_token": "x".repeat(101) })).await.blames(&["refresh_token"]);
        app.clock.advance(Duration::from_secs(31 * 86_400));
        refresh(app, &ada.refresh).await.problem(401, "invalid_refresh_token");
    }
}
