//! Every way a token may be wrong, and the grant's defaults.

use std::time::Duration;

use livekit_protocol::TrackSource;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "a secret of some length";

fn keys() -> KeyStore {
    KeyStore::with_key("devkey", SECRET)
}

fn token() -> String {
    let grant = VideoGrant::join("room");
    AccessToken::new("devkey", SECRET).identity("alice").grant(grant).issued_at(NOW).to_jwt().unwrap()
}

/// Signs any header and claims by hand, as a hostile client may.
fn forged(header: &serde_json::Value, claims: &serde_json::Value, secret: &str) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn with_claims(claims: &serde_json::Value) -> Result<Claims, TokenError> {
    verify(&forged(&json!({"alg": "HS256", "typ": "JWT"}), claims, SECRET), &keys(), NOW)
}

#[test]
fn a_good_token_says_who_and_where() {
    let claims = verify(&token(), &keys(), NOW).unwrap();
    assert_eq!((claims.iss.as_str(), claims.identity()), ("devkey", "alice"));
    assert_eq!(claims.join_grant().unwrap().room, "room");
    assert_eq!(claims.exp, Some(NOW + 60));
}

#[test]
fn only_hs256_is_accepted() {
    let claims = json!({"iss": "devkey", "exp": NOW + 60, "video": {"roomJoin": true}});
    for alg in ["none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "ES256", ""] {
        let refused = verify(&forged(&json!({"alg": alg}), &claims, SECRET), &keys(), NOW);
        assert_eq!(refused, Err(TokenError::Algorithm(alg.to_owned())));
    }
    let unsigned = forged(&json!({"alg": "none"}), &claims, SECRET);
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    assert_eq!(verify(&unsigned, &keys(), NOW), Err(TokenError::Algorithm("none".to_owned())));
    let no_signature = forged(&json!({"alg": "HS256"}), &claims, SECRET);
    let no_signature = format!("{}.", no_signature.rsplit_once('.').unwrap().0);
    assert_eq!(verify(&no_signature, &keys(), NOW), Err(TokenError::Signature("devkey".to_owned())));
}

#[test]
fn the_key_and_its_secret_must_fit() {
    let good = json!({"iss": "devkey", "exp": NOW + 60});
    let header = json!({"alg": "HS256"});
    assert_eq!(verify(&forged(&header, &good, "other"), &keys(), NOW), Err(TokenError::Signature("devkey".into())));
    assert_eq!(verify(&forged(&header, &good, ""), &keys(), NOW), Err(TokenError::Signature("devkey".into())));
    assert_eq!(with_claims(&json!({"iss": "nobody", "exp": NOW})), Err(TokenError::UnknownKey("nobody".into())));
    assert_eq!(with_claims(&json!({"exp": NOW})), Err(TokenError::NoIssuer));
}

#[test]
fn times_are_checked_with_one_minute_of_leeway() {
    let at = |exp: Option<u64>, nbf: Option<u64>, iat: Option<u64>| {
        with_claims(&json!({"iss": "devkey", "exp": exp, "nbf": nbf, "iat": iat})).map(|_| ())
    };
    assert_eq!(at(None, None, None), Err(TokenError::NoExpiry));
    assert_eq!(at(Some(NOW - 60), None, None), Ok(()));
    assert_eq!(at(Some(NOW - 61), None, None), Err(TokenError::Expired { ago_s: 61 }));
    assert_eq!(at(Some(0), None, None), Err(TokenError::Expired { ago_s: NOW }));
    assert_eq!(at(Some(u64::MAX), Some(NOW + 60), Some(NOW + 60)), Ok(()));
    assert_eq!(at(Some(u64::MAX), Some(NOW + 61), None), Err(TokenError::NotYetValid { in_s: 61 }));
    assert_eq!(at(Some(u64::MAX), None, Some(NOW + 61)), Err(TokenError::FromTheFuture { in_s: 61 }));
    assert_eq!(at(Some(u64::MAX), None, Some(u64::MAX)), Err(TokenError::FromTheFuture { in_s: u64::MAX - NOW }));
}

#[test]
fn odd_claims_are_read_or_refused_but_never_taken_for_something_else() {
    let claims = with_claims(&json!({
        "iss": "devkey", "exp": NOW as f64 + 0.5, "aud": ["x"], "sub": null, "jti": "bob", "name": null,
        "attributes": null, "video": {"roomJoin": null, "canPublish": null, "room": null, "new": 1},
    }));
    let claims = claims.unwrap();
    assert_eq!((claims.exp, claims.identity()), (Some(NOW), "bob"));
    assert!(claims.video.unwrap().can_publish());
    for bad in [json!("soon"), json!(-1), json!(1e300), json!({}), json!(true)] {
        let refused = with_claims(&json!({"iss": "devkey", "exp": bad}));
        assert!(matches!(refused, Err(TokenError::Claims(_))), "{bad}: {refused:?}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    assert_eq!(verify("", &keys(), NOW), Err(TokenError::Missing));
    for garbage in ["x", "a.b", "a.b.c", "a.b.c.d", "...", "e30.e30", "e30=.e30=.x", "bm8.bm8.bm8"] {
        assert_eq!(verify(garbage, &keys(), NOW), Err(TokenError::Malformed), "{garbage}");
    }
    assert_eq!(verify(&"a".repeat(limits::TOKEN_BYTES + 1), &keys(), NOW), Err(TokenError::TooLong));
}

#[test]
fn grants_have_livekits_defaults() {
    let grant: VideoGrant = serde_json::from_value(json!({"roomJoin": true, "room": "r"})).unwrap();
    assert!(grant.can_publish() && grant.can_subscribe() && grant.can_publish_data());
    assert!(!grant.can_update_own_metadata() && !grant.hidden);
    assert!(grant.can_publish_source(TrackSource::Camera) && grant.can_publish_source(TrackSource::Unknown));

    let listener = VideoGrant { can_publish: Some(false), ..VideoGrant::join("r") };
    assert!(!listener.can_publish_data(), "follows canPublish");
    assert!(!listener.can_publish_source(TrackSource::Microphone));

    let sources = vec!["microphone".to_owned(), "screen_share".to_owned(), "from_the_future".to_owned()];
    let speaker = VideoGrant { can_publish_sources: sources, ..VideoGrant::join("r") };
    assert!(
        speaker.can_publish_source(TrackSource::Microphone) && speaker.can_publish_source(TrackSource::ScreenShare)
    );
    assert!(!speaker.can_publish_source(TrackSource::Camera) && !speaker.can_publish_source(TrackSource::Unknown));
    assert_eq!(speaker.permission().can_publish_sources, [2, 3, 0]);
}

#[test]
fn a_permission_survives_the_way_into_a_refreshed_token() {
    let mut grant = VideoGrant::join("r");
    let permission = livekit_protocol::ParticipantPermission {
        can_subscribe: true,
        can_publish: true,
        can_publish_sources: vec![TrackSource::Camera as i32, TrackSource::ScreenShareAudio as i32],
        ..Default::default()
    };
    grant.apply_permission(&permission);
    assert_eq!(grant.permission(), permission);
    assert_eq!(grant.can_publish_sources, ["camera", "screen_share_audio"]);
    assert!(grant.room_join && grant.room == "r");
}

#[test]
fn a_grant_names_what_it_lacks() {
    let claims = |video| Claims { sub: "alice".into(), video, ..Claims::default() };
    assert_eq!(claims(None).join_grant().unwrap_err(), crate::error::GrantError::NoVideoGrant);
    let admin = VideoGrant { room_admin: true, room: "r".into(), ..VideoGrant::default() };
    let admin = claims(Some(admin));
    assert_eq!(admin.join_grant().unwrap_err().to_string(), "the token's `video` grant lacks `roomJoin`");
    assert!(admin.require_admin("r").is_ok());
    assert_eq!(admin.require_admin("other").unwrap_err(), crate::error::GrantError::OtherRoom);
    assert!(admin.require_create().is_err() && admin.require_list().is_err());
    let long = Claims { name: "x".repeat(257), ..claims(Some(VideoGrant::join("r"))) };
    assert_eq!(long.join_grant().unwrap_err().to_string(), "the token's name is longer than 256 bytes");
}

#[test]
fn secrets_are_not_printed() {
    assert!(!format!("{:?}", keys()).contains(SECRET));
}

proptest! {
    #[test]
    fn one_changed_byte_is_noticed(at in 0usize..400, to in any::<char>()) {
        let good = token();
        let changed: String =
            good.char_indices().map(|(index, char)| if index == at { to } else { char }).collect();
        // The last character of a part may hold unused bits; the decoder refuses those as well.
        if changed != good {
            prop_assert!(verify(&changed, &keys(), NOW).is_err());
        }
    }

    #[test]
    fn any_claims_survive_signing(name in ".{0,40}", key in "[a-z]{1,8}", value in ".{0,40}", ttl in 0u64..1_000_000) {
        let token = AccessToken::new("devkey", SECRET)
            .identity("i").name(&name).attributes([(key.clone(), value.clone())].into())
            .ttl(Duration::from_secs(ttl)).issued_at(NOW).to_jwt().unwrap();
        let claims = verify(&token, &keys(), NOW).unwrap();
        prop_assert_eq!(claims.name, name);
        prop_assert_eq!(claims.attributes.get(&key), Some(&value));
    }

    #[test]
    fn any_text_is_answered_and_never_panics(text in ".{0,200}") {
        prop_assert!(verify(&text, &keys(), NOW).is_err());
    }
}
