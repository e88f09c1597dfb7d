//! TLS 1.3 by rustls over ring: certificates from files, read again on demand.
//!
//! - HTTP/2 or HTTP/1.1 by ALPN; a client that does not say gets HTTP/1.1.
//! - A reload that fails changes nothing; one that works is for connections that come then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::version::TLS13;
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13];
/// The name of HTTP/2 in ALPN.
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Why a certificate and its key are not used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The chain cannot be read.
    #[error("TLS_CERT_FILE is {path}; expected a readable file of certificates in PEM: {cause}")]
    Chain {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The key cannot be read.
    #[error("TLS_KEY_FILE is {path}; expected a readable file with a private key in PEM: {cause}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The two do not belong together, or one of them cannot be used.
    #[error("TLS_KEY_FILE is {path}; expected the private key of the certificate in TLS_CERT_FILE: {cause}")]
    Pair {
        /// The key's file.
        path: PathBuf,
        /// What rustls says.
        cause: rustls::Error,
    },
}

/// The certificate that new connections are shown.
#[derive(Debug)]
pub struct Tls {
    chain: PathBuf,
    key: PathBuf,
    current: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads both files.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = watch::Sender::new(Arc::new(read(chain, key)?));
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current })
    }

    /// Reads both files again.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.send_replace(Arc::new(read(&self.chain, &self.key)?));
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.borrow()).into()
    }
}

fn read(chain: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain_error = |cause: String| TlsError::Chain { path: chain.to_owned(), cause };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| chain_error(describe(&cause)))?;
    if certificates.is_empty() {
        return Err(chain_error("it holds no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|cause| TlsError::Key { path: key.to_owned(), cause: describe(&cause) })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(VERSIONS)
        .expect("ring has TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|cause| TlsError::Pair { path: key.to_owned(), cause })?;
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    Ok(config)
}

/// In one line, and without anything of what the file holds.
fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds none".to_owned(),
        _ => "it is no PEM".to_owned(),
    }
}
