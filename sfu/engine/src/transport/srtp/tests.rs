//! Known answers of the RFCs, round trips of every profile, forgeries.

use proptest::prelude::*;

use super::*;

const PROFILES: [SrtpProfile; 3] =
    [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmHmacSha1_80];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hex_array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

/// Session keys as given, both directions the same.
fn gcm_session(profile: SrtpProfile, key: &str) -> SrtpKeys {
    let salt = hex_array("517569642070726f2071756f");
    let algorithm = if profile == SrtpProfile::AeadAes256Gcm { &aead::AES_256_GCM } else { &aead::AES_128_GCM };
    let direction = || {
        Direction::Gcm(GcmKeys {
            rtp: GcmKey::new(algorithm, &hex(key)).unwrap(),
            rtcp: GcmKey::new(algorithm, &hex(key)).unwrap(),
            rtp_salt: salt,
            rtcp_salt: salt,
        })
    };
    SrtpKeys {
        profile,
        local: direction(),
        remote: direction(),
        rtcp_sent: 0,
        rtcp_received: HashMap::new(),
        rtcp_opened: 0,
    }
}

fn pair(profile: SrtpProfile) -> (SrtpKeys, SrtpKeys) {
    let material: Vec<u8> = (0..profile.keying_material_len() as u8).collect();
    let keys = |role| SrtpKeys::new(profile, &material, role).unwrap();
    (keys(DtlsRole::Client), keys(DtlsRole::Server))
}

/// RFC 7714 §16.1.1, §16.2.1.
#[test]
fn gcm_rtp_known_answers() {
    let plain = hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120
                     696e2070 61727465 73207472 6573");
    for (profile, key, sealed) in [
        (
            SrtpProfile::AeadAes128Gcm,
            "000102030405060708090a0b0c0d0e0f",
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
             36de3adf 8833 899d7f27 beb16a91 52cf765e e4390cce",
        ),
        (
            SrtpProfile::AeadAes256Gcm,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
             1ba63799 b87b 7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
        ),
    ] {
        let keys = gcm_session(profile, key);
        let mut packet = plain.clone();
        packet.resize(plain.len() + keys.tag_len(), 0);
        keys.seal_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b).unwrap();
        assert_eq!(packet, hex(sealed), "{profile:?}");
        assert_eq!(keys.open_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b), Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

/// RFC 7714 §17.1.
#[test]
fn gcm_rtcp_known_answer() {
    let mut keys = gcm_session(SrtpProfile::AeadAes128Gcm, "000102030405060708090a0b0c0d0e0f");
    let plain = hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef
                     deadbeef deadbeef deadbeef");
    let mut packet = plain.clone();
    packet.resize(plain.len() + keys.rtcp_overhead(), 0);
    keys.rtcp_sent = 0x5d3;
    keys.seal_rtcp(&mut packet).unwrap();
    assert_eq!(
        packet,
        hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46
             86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4")
    );
    assert_eq!(keys.open_rtcp(&mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}

/// RFC 3711 appendix B.3.
#[test]
fn key_derivation_known_answer() {
    let master = Kdf::new(&hex("E1F97A0D3E018BE0D64FA32C06DE4139"), &hex("0EC675AD498AFEEBB6960B3AABE6")).unwrap();
    assert_eq!(master.derive(RTP_KEY).unwrap(), hex_array::<16>("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(master.derive(RTP_SALT).unwrap(), hex_array::<14>("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(master.derive(RTP_AUTH).unwrap(), hex_array::<20>("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

/// RFC 3711 appendix B.2.
#[test]
fn counter_mode_known_answer() {
    let key =
        CounterKey::new(&hex_array("2B7E151628AED2A6ABF7158809CF4F3C"), hex_array("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"))
            .unwrap();
    let mut stream = [0; 48];
    key.apply(0, 0, &mut stream).unwrap();
    assert_eq!(
        stream.to_vec(),
        hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0")
    );
}

/// The packet with which implementations of AES_CM_128_HMAC_SHA1_80 check one another, under the keys of RFC 3711 B.3.
#[test]
fn counter_mode_packet_known_answer() {
    let (key, salt) = ("E1F97A0D3E018BE0D64FA32C06DE4139", "0EC675AD498AFEEBB6960B3AABE6");
    let material = hex(&[key, key, salt, salt].concat());
    let keys = SrtpKeys::new(SrtpProfile::Aes128CmHmacSha1_80, &material, DtlsRole::Server).unwrap();
    let mut packet = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    packet.resize(packet.len() + keys.tag_len(), 0);
    keys.seal_rtp(&mut packet, 12, 0xcafe_babe, 0x1234).unwrap();
    assert_eq!(packet, hex("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb"));
}

#[test]
fn keying_material_of_another_profile_is_refused() {
    for profile in PROFILES {
        for len in [0, 1, profile.keying_material_len() - 1, profile.keying_material_len() + 1] {
            assert!(SrtpKeys::new(profile, &vec![0; len], DtlsRole::Server).is_err());
        }
    }
}

#[test]
fn rtcp_is_opened_once_and_only_when_encrypted() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let plain = hex("80c90001 00000007");
        let mut sealed = plain.clone();
        sealed.resize(plain.len() + client.rtcp_overhead(), 0);
        client.seal_rtcp(&mut sealed).unwrap();
        let mut clear = sealed.clone();
        let flag = if profile == SrtpProfile::Aes128CmHmacSha1_80 { sealed.len() - 14 } else { sealed.len() - 4 };
        clear[flag] &= 0x7f;
        assert_eq!(server.open_rtcp(&mut clear), Err(DropReason::SrtpUnauthenticated));
        let mut again = sealed.clone();
        assert_eq!(server.open_rtcp(&mut sealed), Ok(plain.len()));
        assert_eq!(server.open_rtcp(&mut again), Err(DropReason::SrtpReplayed));
    }
}

#[test]
fn remembered_rtcp_senders_are_bounded() {
    let (mut client, mut server) = pair(SrtpProfile::AeadAes128Gcm);
    for ssrc in 0..2 * MAX_RTCP_SENDERS as u32 {
        let mut packet = hex("80c90001 00000000");
        packet[4..].copy_from_slice(&ssrc.to_be_bytes());
        packet.resize(8 + client.rtcp_overhead(), 0);
        client.seal_rtcp(&mut packet).unwrap();
        server.open_rtcp(&mut packet).unwrap();
    }
    assert_eq!(server.rtcp_received.len(), MAX_RTCP_SENDERS);
    assert!(server.rtcp_received.contains_key(&(2 * MAX_RTCP_SENDERS as u32 - 1)));
}

#[test]
fn a_used_up_key_seals_nothing() {
    let (mut client, _) = pair(SrtpProfile::AeadAes128Gcm);
    assert_eq!(client.seal_rtp(&mut [0; 64], 12, 1, MAX_RTP_INDEX), Err(SealError::IndexExhausted));
    client.rtcp_sent = RTCP_ENCRYPTED - 2;
    assert_eq!(client.seal_rtcp(&mut [0; 64]), Ok(()));
    assert_eq!(client.seal_rtcp(&mut [0; 64]), Err(SealError::IndexExhausted));
}

proptest! {
    #[test]
    fn what_one_side_seals_the_other_opens(
        which in 0usize..3, header_len in 12usize..60, payload in proptest::collection::vec(any::<u8>(), 0..1_200),
        ssrc: u32, index in 0u64..MAX_RTP_INDEX, flip in 0usize..1_300,
    ) {
        let (client, server) = pair(PROFILES[which]);
        let mut plain: Vec<u8> = (0..header_len as u8).collect();
        plain.extend(&payload);
        let mut packet = plain.clone();
        packet.resize(plain.len() + client.tag_len(), 0);
        client.seal_rtp(&mut packet, header_len, ssrc, index).unwrap();
        let mut forged = packet.clone();
        let at = flip % forged.len();
        forged[at] ^= 1;
        prop_assert_eq!(server.open_rtp(&mut forged, header_len, ssrc, index), Err(DropReason::SrtpUnauthenticated));
        let mut wrong_index = packet.clone();
        prop_assert!(server.open_rtp(&mut wrong_index, header_len, ssrc, index ^ 0x1_0000).is_err());
        prop_assert_eq!(server.open_rtp(&mut packet, header_len, ssrc, index), Ok(plain.len()));
        prop_assert_eq!(&packet[..plain.len()], &plain[..]);
    }

    #[test]
    fn no_bytes_can_stop_it(which in 0usize..3, mut bytes in proptest::collection::vec(any::<u8>(), 0..80), header_len in 0usize..90) {
        let (_, mut server) = pair(PROFILES[which]);
        prop_assert!(server.open_rtp(&mut bytes, header_len, 1, 1).is_err());
        prop_assert!(server.open_rtcp(&mut bytes).is_err());
    }
}
