//! The authorities whose certificates this program trusts when it is a client: the system's, or those of `SSL_CERT_FILE`.
//!
//! - They are read only where they are needed: a small container has none.

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// There are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no root certificates; SSL_CERT_FILE names a file of them")]
pub struct NoAuthorities;

/// Those that the system trusts.
pub fn trusted() -> Result<RootCertStore, NoAuthorities> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(NoAuthorities) } else { Ok(roots) }
}

/// Makes connections as `http` does, below TLS 1.2 or 1.3 where the address is one of `https`. Without `is_tls` there are
/// none of those.
pub fn connector(
    mut http: HttpConnector,
    is_tls: bool,
) -> Result<HttpsConnector<HttpConnector>, NoAuthorities> {
    http.enforce_http(false);
    let roots = if is_tls { trusted()? } else { RootCertStore::empty() };
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring speaks both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}
