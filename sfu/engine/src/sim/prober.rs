//! The controlling side of ICE, as far as a lite agent sees it: connectivity checks (RFC 8445 §7.2).
//!
//! In: the credentials of the transport to probe. Out: binding requests. Must not: judge answers.

use std::sync::Arc;

use rtc_crypto::RTCCryptoProvider;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, RawAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter, TransactionId};

use crate::api::IceCredentials;
use crate::transport::DtlsIdentity;

/// Sends checks to one transport.
#[derive(Clone, Debug)]
pub struct Prober {
    remote: IceCredentials,
    sent: u64,
}

impl Prober {
    /// `remote` are the credentials of the transport that is probed.
    pub fn new(remote: &IceCredentials) -> Self {
        Self { remote: remote.clone(), sent: 0 }
    }

    /// One check; `nominate` adds USE-CANDIDATE.
    pub fn check(&mut self, nominate: bool) -> Vec<u8> {
        self.build(nominate, false)
    }

    /// A forged check: USE-CANDIDATE behind MESSAGE-INTEGRITY, where it is not authenticated.
    pub fn check_with_late_nomination(&mut self) -> Vec<u8> {
        self.build(false, true)
    }

    fn build(&mut self, nominate: bool, nominate_late: bool) -> Vec<u8> {
        self.sent += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.sent.to_be_bytes());
        let provider = AwsLcRsProvider::new();
        let attribute = |typ, value: &[u8]| {
            Box::new(RawAttribute { typ, length: value.len() as u16, value: value.to_vec() }) as Box<dyn Setter>
        };
        let mut setters: Vec<Box<dyn Setter + '_>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId(id)),
            attribute(ATTR_USERNAME, format!("{}:sim", self.remote.ufrag).as_bytes()),
            attribute(ATTR_ICE_CONTROLLING, &[7; 8]),
            attribute(ATTR_PRIORITY, &0x6e00_1eff_u32.to_be_bytes()),
        ];
        if nominate {
            setters.push(attribute(ATTR_USE_CANDIDATE, &[]));
        }
        setters.push(Box::new(MessageIntegrity::new_short_term_integrity_with_provider(
            self.remote.pwd.clone(),
            provider.crypto(),
        )));
        if nominate_late {
            setters.push(attribute(ATTR_USE_CANDIDATE, &[]));
        }
        setters.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        #[expect(clippy::expect_used, reason = "constant attributes always fit a message")]
        message.build(&setters).expect("a binding request");
        message.raw
    }
}

/// A certificate and key, new in each process.
pub fn fresh_identity() -> Arc<DtlsIdentity> {
    #[expect(clippy::expect_used, reason = "constant parameters always make a certificate")]
    let (certificate, key) = {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["sim".to_owned()]).expect("parameters");
        (parameters.self_signed(&key).expect("a certificate"), key)
    };
    #[expect(clippy::expect_used, reason = "a certificate just made fits its key")]
    let identity = DtlsIdentity::new(certificate.der().to_vec(), key.serialize_der()).expect("an identity");
    Arc::new(identity)
}
