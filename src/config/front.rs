//! From text to value, for the settings of the front door: addresses, secrets, limits, files of TLS, traces.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::parse::Raw;
use super::{Secret, SettingError};
use crate::limits;

/// A network of addresses; a single address is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(ipnet::IpNet);

impl Network {
    /// Whether the address, as a client's or as a mapped one, is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Reads addresses and networks, separated by commas; `None` when one is neither.
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        parts(text).map(Self::parse).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let single = || text.parse::<IpAddr>().ok().map(|address| address.to_canonical().into());
        text.parse().ok().or_else(single).map(Self)
    }
}

/// Pages of which origins may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Of all.
    Any,
    /// Of these, in lower case; possibly of none.
    Listed(Vec<String>),
}

impl Raw {
    pub(super) fn address(self) -> Result<IpAddr, SettingError> {
        self.text().parse().map_err(|_| self.error("an IP address, such as 127.0.0.1 or ::1"))
    }

    pub(super) fn api_key(self) -> Result<Option<Secret>, SettingError> {
        let range = limits::ADMIN_KEY_BYTES_MIN..=limits::ADMIN_KEY_BYTES_MAX;
        let is_usable =
            |text: &str| range.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let expected =
            format!("{} to {} visible ASCII characters without spaces", range.start(), range.end());
        self.secret(is_usable, &expected)
    }

    pub(super) fn redis_url(self) -> Result<Option<Secret>, SettingError> {
        let is_usable = |text: &str| text.starts_with("redis://") || text.starts_with("rediss://");
        self.secret(is_usable, "a URL that begins with redis:// or rediss://")
    }

    pub(super) fn secret(
        self,
        is_usable: impl Fn(&str) -> bool,
        expected: &str,
    ) -> Result<Option<Secret>, SettingError> {
        if self.value.is_none() {
            return Ok(None);
        }
        let text = self.text();
        if is_usable(&text) { Ok(Some(Secret::new(text))) } else { Err(self.error(expected)) }
    }

    /// Requests a minute; `None` is unlimited.
    pub(super) fn rate(self) -> Result<Option<NonZeroU32>, SettingError> {
        let most = limits::RATE_PER_MINUTE_MAX;
        let number = self.text().parse().ok().filter(|number| (0..=most).contains(number));
        number.map(NonZeroU32::new).ok_or_else(|| self.error(&format!("a whole number from 0 to {most}")))
    }

    pub(super) fn networks(self) -> Result<Vec<Network>, SettingError> {
        Network::parse_list(&self.text()).ok_or_else(|| {
            self.error("IP addresses or networks, separated by commas, such as 10.0.0.1,192.168.0.0/16")
        })
    }

    pub(super) fn origins(self) -> Result<Origins, SettingError> {
        let text = self.text();
        let list: Vec<&str> = parts(&text).collect();
        if list == ["*"] {
            return Ok(Origins::Any);
        }
        if list.iter().all(|origin| is_origin(origin)) {
            return Ok(Origins::Listed(list.iter().map(|origin| origin.to_ascii_lowercase()).collect()));
        }
        Err(self.error(
            "*, or origins separated by commas, such as https://backstage.example.com, without a path",
        ))
    }

    pub(super) fn truth(self) -> Result<bool, SettingError> {
        self.text().parse().map_err(|_| self.error("true or false"))
    }

    /// A path need not be UTF-8, so it is not read as text.
    pub(super) fn file(self) -> Result<Option<PathBuf>, SettingError> {
        match &self.value {
            None => Ok(None),
            Some(value) if !value.is_empty() => Ok(Some(PathBuf::from(value))),
            Some(_) => Err(self.error("the path of a file")),
        }
    }

    /// The private key that a certificate needs.
    pub(super) fn file_that_must_be(self) -> Result<PathBuf, SettingError> {
        let error = self.error("the path of a file, for TLS_CERT_FILE is set");
        self.file()?.ok_or(error)
    }

    /// A private key without a certificate.
    pub(super) fn no_file<T>(self) -> Result<Option<T>, SettingError> {
        if self.value.is_some() { Err(self.error("TLS_CERT_FILE to be set, too")) } else { Ok(None) }
    }

    pub(super) fn endpoint(self) -> Result<Option<String>, SettingError> {
        if self.value.is_none() {
            return Ok(None);
        }
        let text = self.text();
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let is_usable = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.contains('@');
        match rest.filter(|rest| is_usable(rest)) {
            Some(_) => Ok(Some(text.trim_end_matches('/').to_owned())),
            None => Err(self.error("a URL that begins with http:// or https:// and holds no password")),
        }
    }

    pub(super) fn ratio(self) -> Result<f64, SettingError> {
        let number = self.text().parse().ok().filter(|number| (0.0..=1.0).contains(number));
        number.ok_or_else(|| self.error("a number from 0 to 1"))
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// A scheme and a host, perhaps with a port.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(allowed)
}
