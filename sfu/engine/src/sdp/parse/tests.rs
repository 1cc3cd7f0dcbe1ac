use super::super::fixture::{FINGERPRINT, Text, offer, part};
use super::super::{Kind, MAX_SDP_BYTES, MAX_SECTION_LINES, MAX_SECTIONS};
use super::*;

#[test]
fn session_level_values_reach_the_sections() {
    let text = Text::default().of(&[part("audio", "a", "sendonly")]).replace("a=sendonly\r\n", "");
    let text = text.replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n");
    let description = RemoteDescription::parse(&text).unwrap();
    assert_eq!(description.ice.ufrag, "clnt");
    assert_eq!(description.fingerprint[..3], [0, 0x11, 0x22]);
    assert_eq!(description.sections[0].direction, Direction::RecvOnly);
}

#[test]
fn section_level_values_win() {
    let text = Text::default().of(&[part("audio", "a", "sendonly").with("ice-ufrag:own").with("setup:passive")]);
    let description = RemoteDescription::parse(&text).unwrap();
    assert_eq!((description.ice.ufrag.as_str(), description.setup), ("own", Setup::Passive));
}

#[test]
fn codecs_are_read_in_the_order_of_the_m_line() {
    let description = offer(&[part("video", "v", "sendonly").with("rtpmap:120 ulpfec/90000")]);
    let codecs = &description.sections[0].codecs;
    assert_eq!(codecs.iter().map(|codec| codec.pt).collect::<Vec<_>>(), [96, 97, 102, 108, 109]);
    assert_eq!(codecs[1].apt(), Some(96));
    assert_eq!(codecs[3].parameter("packetization-mode"), Some("1"));
    assert!(codecs[0].feedback.nack && codecs[0].feedback.transport_cc);
}

#[test]
fn rids_keep_the_order_of_the_simulcast_line() {
    let section = part("video", "v", "sendonly")
        .with("rid:f send")
        .with("rid:q send pt=96;max-width=320")
        .with("rid:h send")
        .with("rid:x recv")
        .with("simulcast:send q,qq;~h;f;f recv x");
    let section = &offer(&[section]).sections[0];
    assert_eq!(section.send_rids, ["q", "h", "f"]);
    assert!(section.simulcast);
}

#[test]
fn only_what_belongs_to_the_bundle_is_ours() {
    let parts = [part("audio", "0", "recvonly"), part("video", "1", "recvonly")];
    let text = Text::default().of(&parts);
    let bundled = |text: &str| {
        let sections = RemoteDescription::parse(text).unwrap().sections;
        sections.iter().map(|section| section.bundled).collect::<Vec<_>>()
    };
    assert_eq!(bundled(&text), [true, true]);
    assert_eq!(bundled(&text.replace("BUNDLE 0 1", "BUNDLE 1")), [false, true]);
    assert_eq!(bundled(&text.replace("a=group:BUNDLE 0 1\r\n", "")), [true, false]);
    assert_eq!(bundled(&text.replace("m=video 9", "m=video 0")), [true, false]);
    assert_eq!(
        bundled(&text.replace("m=video 9", "m=video 0").replace("a=mid:1", "a=mid:1\r\na=bundle-only")),
        [true, true]
    );
}

#[test]
fn only_sha_256_is_taken() {
    let with = |fingerprint: &str| {
        let text = Text { fingerprint: fingerprint.to_owned(), ..Text::default() };
        RemoteDescription::parse(&text.of(&[part("audio", "0", "sendonly")]))
            .map(|description| description.fingerprint[31])
    };
    assert_eq!(with("sha-1 AA:BB"), Err(SdpError::UnsupportedFingerprint("sha-1".to_owned())));
    assert_eq!(with(&format!("SHA-256 {}", FINGERPRINT.to_lowercase())), Ok(0xFF));
    assert_eq!(with(&format!("sha-512 00:11\r\na=fingerprint:sha-256 {FINGERPRINT}")), Ok(0xFF));
    for broken in
        ["sha-256 00:11", "sha-256", &format!("sha-256 {FINGERPRINT}:00"), &format!("sha-256 +1{}", &FINGERPRINT[2..])]
    {
        assert_eq!(with(broken), Err(SdpError::Malformed { line: 8 }), "{broken}");
    }
}

#[test]
fn what_must_be_there_is_missed() {
    let text = Text::default().of(&[part("audio", "0", "sendonly"), part("audio", "1", "sendonly")]);
    let without = |line: &str| RemoteDescription::parse(&text.replace(line, "")).unwrap_err();
    assert_eq!(without("a=ice-ufrag:clnt\r\n"), SdpError::MissingIceCredentials);
    assert_eq!(without(&format!("a=fingerprint:sha-256 {FINGERPRINT}\r\n")), SdpError::MissingFingerprint);
    assert_eq!(without("a=mid:1\r\n"), SdpError::MissingMid(1));
    assert_eq!(
        RemoteDescription::parse(&text.replace("a=mid:1", "a=mid:0")).unwrap_err(),
        SdpError::DuplicateMid("0".to_owned())
    );
    assert_eq!(RemoteDescription::parse("v=0\r\ns=-\r\n").unwrap_err(), SdpError::Empty);
    assert_eq!(RemoteDescription::parse("").unwrap_err(), SdpError::Empty);
}

#[test]
fn what_is_not_sdp_is_refused() {
    for (text, line) in
        [("hello", 1), ("s=-\r\nv=0", 1), ("v=0\nm=audio", 2), ("v=0\nm=audio nine X 1", 2), ("v=0\n\x01=", 2)]
    {
        assert_eq!(RemoteDescription::parse(text).unwrap_err(), SdpError::Malformed { line }, "{text:?}");
    }
    let text = Text::default().of(&[part("audio", "0", "sendonly")]);
    assert!(matches!(RemoteDescription::parse(&text.replace("mid:0", "mid:0\rx")), Err(SdpError::Malformed { .. })));
    let long = "x".repeat(MAX_TOKEN_BYTES + 1);
    assert!(matches!(
        RemoteDescription::parse(&text.replace("mid:0", &format!("mid:{long}"))),
        Err(SdpError::Malformed { .. })
    ));
}

#[test]
fn numbers_that_make_no_sense_are_skipped() {
    let description = offer(&[part("audio", "0", "sendonly")
        .with("rtpmap:128 opus/48000/2")
        .with("rtpmap:99999999999999999999 opus/48000/2")
        .with("rtpmap:-1 opus/48000/2")
        .with("rtpmap:112 opus/many")
        .with("extmap:0 urn:x")
        .with("extmap:15 urn:x")
        .with("extmap:256 urn:x")
        .with("ssrc:4294967296 cname:x")
        .with("ssrc-group:FID 1")
        .with("rid:!? send")
        .with("rid:seventeen-letters send")
        .with("sctp-port:70000")]);
    let section = &description.sections[0];
    assert_eq!(section.codecs.len(), 2);
    assert_eq!(section.extensions.len(), 3);
    assert!(section.ssrcs.is_empty() && section.ssrc_groups.is_empty() && section.send_rids.is_empty());
    assert_eq!(section.sctp_port, None);
}

#[test]
fn sizes_are_bounded() {
    let megabyte = "a=x\r\n".repeat(200_000);
    assert_eq!(RemoteDescription::parse(&megabyte), Err(SdpError::TooLarge(1_000_000)));
    let sections = |count: usize| {
        let lines = (0..count).map(|mid| format!("m=x 0 Y z\na=mid:{mid}\n"));
        format!("v=0\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:sha-256 {FINGERPRINT}\n{}", lines.collect::<String>())
    };
    assert_eq!(RemoteDescription::parse(&sections(MAX_SECTIONS)).unwrap().sections.len(), MAX_SECTIONS);
    assert!(sections(10_000).len() < MAX_SDP_BYTES);
    assert_eq!(RemoteDescription::parse(&sections(10_000)), Err(SdpError::TooManySections));
    let lines = format!("v=0\nm=audio 9 X 1\n{}", "a=x\n".repeat(MAX_SECTION_LINES + 1));
    assert_eq!(RemoteDescription::parse(&lines), Err(SdpError::TooManyLines));
}

#[test]
fn kinds_we_do_not_know_are_kept_as_they_are() {
    let text = Text::default().of(&[part("audio", "0", "sendonly")]).replace("m=audio", "m=message");
    let section = &RemoteDescription::parse(&text).unwrap().sections[0];
    assert_eq!((section.kind, section.media.as_str()), (Kind::Other, "message"));
}
