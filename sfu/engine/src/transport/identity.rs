//! What all transports of a node share: our DTLS certificate, and every configuration that is expensive to build.
//!
//! In: a certificate and its key, made by the node. Out: fingerprints for SDP, configurations for the transports. Must
//! not: generate keys (that needs randomness and a clock).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use dimpl::DtlsCertificate;
use rtc_sctp::{EndpointConfig, ServerConfig, TransportConfig, max_payload_size_for_mtu};
use sha2::{Digest, Sha256};

use super::data_channel::MAX_MESSAGE_LEN;
use super::sctp_guard::RECEIVE_WINDOW;

/// First retransmission of a handshake flight. With dimpl's own second a lossy join is slow; a hundred milliseconds is
/// above the round trip of most participants, and a needless retransmission is harmless.
const FLIGHT_START_RTO: Duration = Duration::from_millis(100);
/// High, because a peer's retransmissions are counted too; the time below is what ends a handshake.
const FLIGHT_RETRIES: usize = 40;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest DTLS datagram of a handshake flight.
const DTLS_MTU: usize = 1_150;
/// Largest SCTP packet; DTLS adds 37 bytes, UDP and IPv6 48, and a VPN or TURN takes its share of the 1,280 that every
/// IPv6 path carries.
const SCTP_MTU: u32 = 1_150;
/// Both ends of every SCTP association over DTLS (`a=sctp-port`).
pub(super) const SCTP_PORT: u16 = 5_000;

/// Why a certificate and key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No certificate.
    #[error("the DTLS certificate is empty")]
    NoCertificate,
    /// Not a PKCS#8 ECDSA key on P-256 or P-384.
    #[error("the DTLS private key is not a PKCS#8 ECDSA key on P-256 or P-384")]
    Key,
    /// The DTLS library refused our settings: a defect.
    #[error("the DTLS configuration was refused: {0}")]
    Configuration(String),
}

/// Our DTLS certificate, shared by all transports of a node, with everything that is built once from it.
pub struct DtlsIdentity {
    pub(super) certificate: DtlsCertificate,
    pub(super) dtls: Arc<dimpl::Config>,
    pub(super) sctp_endpoint: Arc<EndpointConfig>,
    pub(super) sctp_server: Arc<ServerConfig>,
    fingerprint: [u8; 32],
}

impl std::fmt::Debug for DtlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DtlsIdentity({})", self.fingerprint_sdp())
    }
}

impl DtlsIdentity {
    /// `certificate_der` is X.509, `private_key_pkcs8_der` its ECDSA key. The first call of a process takes tens of
    /// milliseconds: make it before the workers start.
    pub fn new(certificate_der: Vec<u8>, private_key_pkcs8_der: Vec<u8>) -> Result<Self, IdentityError> {
        if certificate_der.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let config = dimpl::Config::builder()
            .mtu(DTLS_MTU)
            .flight_start_rto(FLIGHT_START_RTO)
            .flight_retries(FLIGHT_RETRIES)
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            // STUN has shown that the address is the peer's; a cookie would cost a round trip.
            .use_server_cookie(false)
            .require_client_certificate(true)
            .build()
            .map_err(|error| IdentityError::Configuration(error.to_string()))?;
        // What a transport would panic on is found here. The library's signing keys may not be called unwind-safe, but
        // nothing of them is used after a panic.
        let key = catch_unwind(AssertUnwindSafe(|| {
            config.crypto_provider().key_provider.load_private_key(&private_key_pkcs8_der).is_ok()
        }));
        if !key.unwrap_or(false) {
            return Err(IdentityError::Key);
        }
        let mut sctp_endpoint = EndpointConfig::new();
        sctp_endpoint.max_payload_size(max_payload_size_for_mtu(SCTP_MTU));
        let sctp_transport = TransportConfig::default()
            .with_sctp_port(SCTP_PORT)
            .with_max_message_size(MAX_MESSAGE_LEN as u32)
            .with_max_receive_buffer_size(RECEIVE_WINDOW);
        Ok(Self {
            fingerprint: Sha256::digest(&certificate_der).into(),
            certificate: DtlsCertificate { certificate: certificate_der, private_key: private_key_pkcs8_der },
            dtls: Arc::new(config),
            sctp_endpoint: Arc::new(sctp_endpoint),
            sctp_server: Arc::new(ServerConfig::new(sctp_transport)),
        })
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The value of `a=fingerprint:sha-256`: upper-case hex pairs with colons (RFC 8122 §5).
    pub fn fingerprint_sdp(&self) -> String {
        let pairs: Vec<String> = self.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::identity;

    #[test]
    fn the_fingerprint_is_the_certificates_digest() {
        let identity = identity();
        let digest: [u8; 32] = Sha256::digest(&identity.certificate.certificate).into();
        assert_eq!(identity.fingerprint(), digest);
        let text = identity.fingerprint_sdp();
        assert_eq!(text.len(), 95);
        assert!(text.starts_with(&format!("{:02X}:{:02X}:", digest[0], digest[1])));
    }

    #[test]
    fn a_bad_key_is_refused_at_once() {
        let certificate = identity().certificate.certificate.clone();
        assert_eq!(DtlsIdentity::new(certificate, vec![1, 2, 3]).unwrap_err(), IdentityError::Key);
        assert_eq!(DtlsIdentity::new(Vec::new(), vec![]).unwrap_err(), IdentityError::NoCertificate);
    }
}
