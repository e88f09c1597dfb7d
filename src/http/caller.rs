//! Who asks: by address, as long as there are no keys.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::net::TcpStream;

/// The client behind a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    address: IpAddr,
}

impl Caller {
    /// The peer of a stream. One that is gone already has no address; nobody will read its answer.
    pub(super) fn of(stream: &TcpStream) -> Self {
        let address = stream.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        Self { address: address.to_canonical() }
    }

    /// As the audit log names it.
    pub(super) fn name(self) -> Arc<str> {
        self.address.to_string().into()
    }
}
