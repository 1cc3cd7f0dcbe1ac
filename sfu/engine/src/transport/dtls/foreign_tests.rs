//! Our server against a DTLS client of another make, with and without `use_srtp` (RFC 5764 §4.1.1).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::default_provider;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use sha2::{Digest, Sha256};

use super::{DtlsEvent, DtlsLink};
use crate::api::{DtlsRole, TransportFailure};
use crate::sim::epoch;
use crate::sim::prober::fresh_identity;

/// Rounds of datagrams there and back; a handshake takes three.
const ROUNDS: usize = 20;

/// How a handshake came out.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// The client thinks that it is done.
    client_done: bool,
    /// What our side says in the end.
    server: Result<bool, TransportFailure>,
}

/// A whole handshake of a client that offers `profiles`, or no `use_srtp` at all when there are none.
fn handshake(profiles: Vec<SrtpProtectionProfile>) -> Outcome {
    let provider = default_provider().unwrap();
    let certificate = Certificate::generate_self_signed(vec!["client".to_owned()], provider.crypto()).unwrap();
    let fingerprint: [u8; 32] = Sha256::digest(&certificate.certificate[0]).into();
    let config = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![certificate])
        .with_srtp_protection_profiles(profiles)
        .with_insecure_skip_verify(true)
        .build(true, None)
        .unwrap();
    let now: Instant = epoch();
    let mut server = DtlsLink::new(&fresh_identity(), DtlsRole::Server, fingerprint, now);
    let remote: SocketAddr = "192.0.2.1:7882".parse().unwrap();
    let mut client = Endpoint::new("198.51.100.7:4000".parse().unwrap(), TransportProtocol::UDP, None);
    client.connect(now, remote, Arc::new(config), None).unwrap();
    let mut outcome = Outcome { client_done: false, server: Ok(false) };
    for round in 0..ROUNDS {
        let now = now + Duration::from_millis(10 * round as u64);
        while let Some(datagram) = client.poll_transmit() {
            if let Err(failure) = server.handle_datagram(now, &datagram.message) {
                outcome.server = Err(failure);
                return outcome;
            }
        }
        while let Some(event) = server.poll_event() {
            if event == DtlsEvent::Connected {
                outcome.server = Ok(server.keys().is_some());
            }
        }
        while let Some(datagram) = server.poll_datagram() {
            let events = client.read(now, remote, None, datagram.as_slice().into()).unwrap_or_default();
            outcome.client_done |= events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete));
        }
    }
    outcome
}

#[test]
fn a_client_of_another_make_connects_with_every_profile_we_have() {
    for profile in [
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    ] {
        let outcome = handshake(vec![profile]);
        assert_eq!(outcome, Outcome { client_done: true, server: Ok(true) }, "{profile:?}");
    }
}

#[test]
fn a_client_without_use_srtp_is_refused() {
    let outcome = handshake(Vec::new());
    assert_eq!(outcome.server, Err(TransportFailure::Handshake));
}

#[test]
fn a_client_without_a_profile_of_ours_does_not_connect() {
    // We name no profile, and the client gives up; its alert is not authenticated, so our side waits for its time limit.
    let outcome = handshake(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32]);
    assert_eq!(outcome, Outcome { client_done: false, server: Ok(false) });
}
