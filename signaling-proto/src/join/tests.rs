//! Both paths, as recorded clients send them, and what a hostile client may send.

use livekit_protocol::ConnectionSettings;
use proptest::prelude::*;

use super::*;

fn packed(compression: i32, join_request: Vec<u8>) -> String {
    let wrapped = WrappedJoinRequest { compression, join_request };
    format!("join_request={}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec()))
}

#[test]
fn the_recorded_v0_query_is_read() {
    let query = "access_token=a.b.c&auto_subscribe=1&client_protocol=2&protocol=17&sdk=js&version=2.23.0\
                 &capabilities=CAP_PACKET_TRAILER,CAP_FROM_THE_FUTURE&os=macOS&attributes=eyJhIjoiYiJ9";
    let JoinQuery { access_token, parameters } = parse(JoinPath::V0, query).unwrap();
    assert_eq!(access_token.as_deref(), Some("a.b.c"));
    assert_eq!(parameters.mode, ConnectionMode::Dual);
    assert!(parameters.auto_subscribe && !parameters.adaptive_stream);
    let info = &parameters.client_info;
    assert_eq!((info.sdk(), info.protocol, info.client_protocol), (client_info::Sdk::Js, 17, 2));
    assert_eq!(info.capabilities, [client_info::Capability::CapPacketTrailer as i32]);
    assert_eq!(parameters.attributes.get("a").map(String::as_str), Some("b"));
    assert_eq!(parameters.reconnect, None);
}

#[test]
fn v0_defaults_subscribe_and_v1_defaults_do_not() {
    assert!(parse(JoinPath::V0, "").unwrap().parameters.auto_subscribe);
    assert!(!parse(JoinPath::V0, "auto_subscribe=0").unwrap().parameters.auto_subscribe);
    let bare = JoinRequest { metadata: "m".into(), ..JoinRequest::default() };
    assert!(!parse(JoinPath::V1, &packed(0, bare.encode_to_vec())).unwrap().parameters.auto_subscribe);
}

#[test]
fn a_v0_reconnect_names_its_session() {
    let query = "reconnect=1&sid=PA_x&reconnect_reason=2";
    let reconnect = parse(JoinPath::V0, query).unwrap().parameters.reconnect.unwrap();
    assert_eq!((reconnect.participant_sid.as_str(), reconnect.reason), ("PA_x", ReconnectReason::RrPublisherFailed));
}

#[test]
fn a_packed_request_means_one_connection_on_either_path() {
    let request = JoinRequest {
        client_info: Some(ClientInfo { protocol: 17, ..ClientInfo::default() }),
        connection_settings: Some(ConnectionSettings {
            auto_subscribe: true,
            adaptive_stream: true,
            subscriber_allow_pause: Some(true),
            disable_ice_lite: false,
            auto_subscribe_data_track: Some(true),
        }),
        publisher_offer: Some(SessionDescription {
            r#type: "offer".into(),
            sdp: "v=0\r\n".into(),
            id: 1,
            ..SessionDescription::default()
        }),
        ..JoinRequest::default()
    };
    let padded = format!("join_request={}", pack_join_request(&request).replace('=', "%3D"));
    let plain = packed(0, request.encode_to_vec());
    for path in [JoinPath::V0, JoinPath::V1] {
        for query in [&padded, &plain] {
            let parameters = parse(path, query).unwrap().parameters;
            assert_eq!(parameters.mode, ConnectionMode::Single);
            assert!(parameters.auto_subscribe && parameters.adaptive_stream && parameters.auto_subscribe_data_track);
            assert_eq!(parameters.publisher_offer, request.publisher_offer);
        }
    }
}

#[test]
fn bad_requests_say_what_is_wrong() {
    let gzip_of = |plain: &[u8]| {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(plain).unwrap();
        gzip.finish().unwrap()
    };
    let refused = |query: &str| parse(JoinPath::V1, query).unwrap_err();
    assert_eq!(refused(""), JoinError::NoJoinRequest);
    assert_eq!(refused("join_request="), JoinError::NoJoinRequest);
    assert_eq!(refused("join_request=%00"), JoinError::Base64);
    assert_eq!(refused("join_request=////"), JoinError::Wrapper);
    assert_eq!(refused(&packed(7, Vec::new())), JoinError::Compression(7));
    assert_eq!(refused(&packed(1, b"not gzip".to_vec())), JoinError::Gzip);
    assert_eq!(refused(&packed(0, vec![0xff; 9])), JoinError::JoinRequest);
    assert_eq!(refused(&packed(0, vec![0; limits::JOIN_REQUEST_BYTES + 1])), JoinError::TooLarge);
    // A bomb: 64 MiB of zeros in 64 KiB is not inflated beyond the limit.
    assert_eq!(refused(&packed(1, gzip_of(&vec![0; 64 << 20]))), JoinError::TooLarge);
    assert_eq!(parse(JoinPath::V0, "attributes=e30x").unwrap_err(), JoinError::Attributes);

    let offer = SessionDescription { sdp: "x".repeat(limits::SDP_BYTES + 1), ..SessionDescription::default() };
    let request = JoinRequest { publisher_offer: Some(offer), ..JoinRequest::default() };
    let error = refused(&packed(1, gzip_of(&request.encode_to_vec())));
    assert_eq!(error, JoinError::TooMany { what: "bytes of publisher offer", limit: limits::SDP_BYTES });
}

#[test]
fn the_token_is_found_without_reading_the_rest() {
    assert_eq!(access_token("join_request=%00&access_token=x.y.z").as_deref(), Some("x.y.z"));
    assert_eq!(access_token("access_token="), None);
}

proptest! {
    #[test]
    fn any_query_is_answered_and_never_panics(query in ".{0,300}", packed_bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(JoinPath::V0, &query);
        let _ = parse(JoinPath::V1, &packed(1, packed_bytes.clone()));
        let _ = parse(JoinPath::V1, &packed(0, packed_bytes));
    }
}
