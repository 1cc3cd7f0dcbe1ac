//! The certificate of the HTTPS port: somebody's files, or one we sign ourselves.
//!
//! In: paths from the settings, the data directory. Out: an acceptor, replaced when the files are read again. A phone on
//! the same network gets no camera over plain http; with a self-signed certificate it does, after a warning.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Settings;
use crate::secrets::write_new;

/// How long a self-signed certificate is good; longer ones are refused by Apple's systems even when trusted by hand.
const LIFETIME_DAYS: u64 = 800;

/// A self-signed certificate older than this is replaced at the next start.
const RENEW_AFTER: Duration = Duration::from_secs(700 * 24 * 3_600);

/// Seconds in a day.
const DAY_S: u64 = 24 * 3_600;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("cannot read the certificate {path} (--tls-cert): {source}")]
    Certificate { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("there is no certificate in {0} (--tls-cert)")]
    Empty(PathBuf),
    #[error("cannot read the private key {path} (--tls-key): {source}")]
    Key { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("the certificate and the key (--tls-cert, --tls-key) cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("cannot make a self-signed certificate: {0}")]
    Generate(#[from] rcgen::Error),
    #[error("cannot keep the self-signed certificate in {path}: {source}")]
    Keep { path: PathBuf, source: io::Error },
}

/// A certificate and where it came from.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: RwLock<TlsAcceptor>,
}

impl Tls {
    /// Reads the configured certificate, or the self-signed one of the data directory, which is made if need be.
    ///
    /// # Errors
    /// Files that cannot be read, written or used.
    pub(crate) fn open(settings: &Settings) -> Result<Self, TlsError> {
        let (certificate, key) = match (&settings.server.tls_cert, &settings.server.tls_key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => self_signed(settings)?,
        };
        let acceptor = RwLock::new(load(&certificate, &key)?);
        Ok(Self { certificate, key, acceptor })
    }

    /// Reads the files again, for connections from now on; the old certificate stays when they are unusable.
    ///
    /// # Errors
    /// As [`Tls::open`].
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let acceptor = load(&self.certificate, &self.key)?;
        *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    /// The acceptor for one connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn load(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let certificate_error = |source| TlsError::Certificate { path: certificate.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(certificate)
        .map_err(certificate_error)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(certificate_error)?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The self-signed certificate of the data directory, made if it is missing or old.
fn self_signed(settings: &Settings) -> Result<(PathBuf, PathBuf), TlsError> {
    let dir = &settings.server.data_dir;
    let paths = (dir.join("self-signed.crt"), dir.join("self-signed.key"));
    let keep = |path: &Path, source| TlsError::Keep { path: path.to_owned(), source };
    if is_fresh(&paths.0) && paths.1.exists() {
        return Ok(paths);
    }
    for path in [&paths.0, &paths.1] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(keep(path, error)),
            _ => {}
        }
    }
    let key = KeyPair::generate()?;
    let certificate = parameters(settings)?.self_signed(&key)?;
    // The key first: a certificate without its key would be taken for a finished pair.
    write_new(&paths.1, key.serialize_pem().as_bytes()).map_err(|error| keep(&paths.1, error))?;
    write_new(&paths.0, certificate.pem().as_bytes()).map_err(|error| keep(&paths.0, error))?;
    Ok(paths)
}

fn is_fresh(path: &Path) -> bool {
    let age =
        fs::metadata(path).and_then(|metadata| metadata.modified()).map(|made| made.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age < RENEW_AFTER)
}

fn parameters(settings: &Settings) -> Result<CertificateParams, rcgen::Error> {
    let mut names = vec!["localhost".to_owned()];
    let public = settings.server.public_url.as_deref().and_then(|text| url::Url::parse(text).ok());
    if let Some(url::Host::Domain(name)) = public.as_ref().and_then(url::Url::host)
        && name != "localhost"
    {
        names.push(name.to_owned());
    }
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "Plenum (self-signed)");
    let addresses = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16])];
    let configured = settings.media.advertise_ip.iter().copied().chain(settings.server.bind);
    for address in addresses.into_iter().chain(machine_addresses()).chain(configured) {
        let name = SanType::IpAddress(address);
        if !address.is_unspecified() && !parameters.subject_alt_names.contains(&name) {
            parameters.subject_alt_names.push(name);
        }
    }
    let now = std::time::SystemTime::now();
    // A day of grace for clients whose clock is behind.
    parameters.not_before = (now - Duration::from_secs(DAY_S)).into();
    parameters.not_after = (now + Duration::from_secs(LIFETIME_DAYS * DAY_S)).into();
    Ok(parameters)
}

/// Addresses that people on the same network may type.
fn machine_addresses() -> Vec<IpAddr> {
    if_addrs::get_if_addrs().map(|all| all.iter().map(if_addrs::Interface::ip).collect()).unwrap_or_default()
}
