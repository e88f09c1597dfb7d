//! Which database, as its URL says, and the connections to it.
//!
//! - TLS as `sslmode` says, with libpq's meaning: `disable`; `prefer`, the default; `require`, which encrypts and
//!   trusts any certificate unless `sslrootcert` is given; `verify-ca`; `verify-full`.
//! - Nothing of the URL is ever shown: a password stands in it.

use std::path::PathBuf;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use rustls::ClientConfig;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Trust};
use crate::limits;

/// What a URL does not make a database.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidDatabase(String);

/// A database that can be connected to.
pub struct Database {
    config: tokio_postgres::Config,
    /// `None` for no TLS.
    tls: Option<ClientConfig>,
    connections: usize,
}

impl Database {
    /// The database of a URL, `postgres://user:password@host:port/name?sslmode=…`, with so many connections at most.
    pub fn parse(url: &str, connections: usize) -> Result<Self, InvalidDatabase> {
        let invalid = |what: &str| InvalidDatabase(format!("{what}, such as postgres://user@host:5432/name"));
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(invalid("expected a URL of PostgreSQL"));
        }
        let (plain, encryption) = Encryption::split(url)?;
        let mut config: tokio_postgres::Config = plain.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            InvalidDatabase(format!("it cannot be understood ({cause})"))
        })?;
        if config.get_hosts().is_empty() {
            return Err(invalid("expected a host in the URL"));
        }
        if config.get_application_name().is_none() {
            config.application_name("watershed");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(limits::EXPORT_CONNECT_TIMEOUT);
        }
        config.keepalives_idle(limits::EXPORT_KEEPALIVE);
        config.ssl_mode(encryption.mode);
        let tls = match encryption.mode {
            SslMode::Disable => None,
            _ => Some(tls::client(&encryption.trust).map_err(InvalidDatabase)?),
        };
        Ok(Self { config, tls, connections })
    }

    /// Its connections, none of which is made before it is needed.
    pub(super) fn pool(&self) -> Pool {
        // One that the network forgot while it rested is found out before it is used.
        let recycled = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let manager = match &self.tls {
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.clone());
                Manager::from_config(self.config.clone(), tls, recycled)
            }
            None => Manager::from_config(self.config.clone(), NoTls, recycled),
        };
        let pool = Pool::builder(manager).max_size(self.connections).build();
        pool.expect("only timeouts need a runtime, and none is set")
    }
}

/// What a URL says of TLS.
struct Encryption {
    mode: SslMode,
    trust: Trust,
}

impl Encryption {
    /// Takes it out of a URL: the library does not know all of it.
    fn split(url: &str) -> Result<(String, Self), InvalidDatabase> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut rest) = ("prefer", None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => {
                    let path = percent_encoding::percent_decode_str(value).decode_utf8();
                    let path = path.map_err(|_| InvalidDatabase("sslrootcert is no UTF-8".to_owned()))?;
                    roots = Some(PathBuf::from(path.as_ref()));
                }
                _ => rest.push(pair),
            }
        }
        let (mode, trust) = match (mode, roots) {
            ("disable", _) => (SslMode::Disable, Trust::Anybody),
            ("prefer", _) => (SslMode::Prefer, Trust::Anybody),
            ("require", None) => (SslMode::Require, Trust::Anybody),
            ("require" | "verify-ca", roots) => (SslMode::Require, Trust::Authority(roots)),
            ("verify-full", roots) => (SslMode::Require, Trust::Host(roots)),
            _ => {
                let known = "disable, prefer, require, verify-ca or verify-full";
                return Err(InvalidDatabase(format!("expected sslmode to be {known}")));
            }
        };
        let rest = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
        Ok((format!("{base}{rest}"), Self { mode, trust }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_whom_to_trust() {
        let cases = [
            ("", SslMode::Prefer, Trust::Anybody),
            ("?sslmode=disable", SslMode::Disable, Trust::Anybody),
            ("?sslmode=require", SslMode::Require, Trust::Anybody),
            ("?sslmode=verify-ca", SslMode::Require, Trust::Authority(None)),
            ("?sslmode=require&sslrootcert=/a%20b", SslMode::Require, Trust::Authority(Some("/a b".into()))),
            ("?sslrootcert=r&sslmode=verify-full", SslMode::Require, Trust::Host(Some("r".into()))),
        ];
        for (query, mode, trust) in cases {
            let (plain, encryption) = Encryption::split(&format!("postgres://h/d{query}")).unwrap();
            assert_eq!(
                (plain.as_str(), encryption.mode, encryption.trust),
                ("postgres://h/d", mode, trust),
                "{query}"
            );
        }
        let (plain, _) = Encryption::split("postgres://h/d?a=b&sslmode=require&c=d").unwrap();
        assert_eq!(plain, "postgres://h/d?a=b&c=d");
    }

    #[test]
    fn what_is_no_database_is_refused_without_its_password() {
        let cases = [
            ("mysql://u:secret@h/d", "expected a URL of PostgreSQL"),
            ("host=h password=secret", "expected a URL of PostgreSQL"),
            ("postgres://u:secret@h/d?sslmode=perhaps", "expected sslmode"),
            ("postgres://u:secret@h:port/d", "it cannot be understood"),
            ("postgres://u:secret@h/d?connect_timeout=soon", "it cannot be understood"),
            ("postgres:///d?password=secret", "expected a host"),
            ("postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/no/such/file", "/no/such/file"),
        ];
        for (url, expected) in cases {
            let error = Database::parse(url, 1).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
        assert!(Database::parse("postgresql://u:p@h:6432/d?sslmode=disable", 1).is_ok());
    }
}
