//! Certificates of the test's own, and a client that speaks TLS.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;

use super::DEADLINE;

/// A certificate for `localhost` that signs itself, and its key, in PEM files.
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Certificate {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { der: made.cert.der().clone(), chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// Writes both files; their paths.
    pub(crate) fn write(&self, directory: &Path) -> [PathBuf; 2] {
        let paths = ["chain.pem", "key.pem"].map(|name| directory.join(name));
        std::fs::write(&paths[0], &self.chain).unwrap();
        std::fs::write(&paths[1], &self.key).unwrap();
        paths
    }
}

/// A connection under TLS to whoever shows one of these certificates.
pub(crate) fn connect(
    address: SocketAddr,
    trusted: &Certificate,
    versions: &[&'static rustls::SupportedProtocolVersion],
    alpn: &[&[u8]],
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let client =
        ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).map_err(io::Error::other)?;
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    let mut stream = StreamOwned::new(client, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// One GET over HTTP/1.1 that ends its connection: all of the answer.
pub(crate) fn get(stream: &mut StreamOwned<ClientConnection, TcpStream>, target: &str) -> io::Result<String> {
    write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    Ok(String::from_utf8(answer).unwrap())
}
