//! From the text of a setting to its value.
//!
//! Not the order of precedence: a [`Raw`] is already the value that goes first. One method per kind
//! of value, each naming what it would have taken.
//!
//! - A range is part of the expectation that the error states.
//! - The value in an error is quoted and cut: it cannot break the line or flood it.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::{Machine, Origin, Setting, SettingError};
use crate::limits;

/// Threads of the runtime.
pub(super) const WORKERS_MAX: usize = 1024;
/// Connections open at once.
pub(super) const CONNECTIONS_MAX: usize = 1_000_000;
/// A day.
const SECONDS_MAX: u64 = 86_400;
/// A hundred years.
const HOURS_MAX: u64 = 876_000;
/// Up to a GiB.
pub(super) const BODY_BYTES_RANGE: RangeInclusive<usize> = 1..=1 << 30;

/// Snapshots that are kept.
pub(super) const RETAIN_RANGE: RangeInclusive<usize> = limits::SNAPSHOTS_RETAINED_MIN..=limits::SNAPSHOTS_MAX;

const _: () = assert!(limits::BODY_BYTES_DEFAULT <= *BODY_BYTES_RANGE.end());

/// Which log lines are written, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Somebody has to act.
    Error,
    /// Something is not as it should be.
    Warn,
    /// The course of things; the default.
    Info,
    /// For finding out why.
    Debug,
    /// Everything.
    Trace,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalDurability {
    /// When it is on disk.
    Sync,
    /// When it is written.
    Async,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for collectors.
    Json,
    /// For people.
    Text,
}

/// The text that goes first for one setting; `None` where the machine decides.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) setting: &'static Setting,
    pub(super) origin: Origin,
    pub(super) value: Option<OsString>,
    pub(super) machine: Machine,
}

impl Raw {
    pub(super) fn port(self) -> Result<u16, SettingError> {
        self.text().parse().map_err(|_| self.error("a port, 0 to 65535"))
    }

    /// A number in the range, or what the machine has of cores.
    pub(super) fn count(self, range: RangeInclusive<usize>) -> Result<usize, SettingError> {
        if self.value.is_none() {
            return Ok(self.machine.cores.clamp(*range.start(), *range.end()));
        }
        let number = self.text().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.error(&format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// A number in the range, in whole pages of the memory and of the disk.
    pub(super) fn segment_bytes(self) -> Result<u64, SettingError> {
        let range = limits::SEGMENT_BYTES_MIN..=limits::SEGMENT_BYTES_MAX;
        let fits = |number: &u64| range.contains(number) && number.is_multiple_of(4096);
        let expected = format!("a multiple of 4096 from {} to {}", range.start(), range.end());
        self.text().parse().ok().filter(fits).ok_or_else(|| self.error(&expected))
    }

    pub(super) fn seconds(self, minimum: u64) -> Result<Duration, SettingError> {
        let range = minimum..=SECONDS_MAX;
        let number = self.text().parse().ok().filter(|number| range.contains(number));
        number
            .map(Duration::from_secs)
            .ok_or_else(|| self.error(&format!("a whole number of seconds from {minimum} to {SECONDS_MAX}")))
    }

    /// `None` for never; what the machine decides is `inherited`.
    pub(super) fn hours(self, inherited: Option<Duration>) -> Result<Option<Duration>, SettingError> {
        if self.value.is_none() { Ok(inherited) } else { self.long_time(3600, "hours", HOURS_MAX) }
    }

    /// `None` for never.
    pub(super) fn days(self) -> Result<Option<Duration>, SettingError> {
        self.long_time(86_400, "days", HOURS_MAX / 24)
    }

    fn long_time(self, unit_seconds: u64, units: &str, most: u64) -> Result<Option<Duration>, SettingError> {
        if self.text() == "off" {
            return Ok(None);
        }
        let number = self.text().parse().ok().filter(|number| (0..=most).contains(number));
        let number: u64 = number
            .ok_or_else(|| self.error(&format!("off, or a whole number of {units} from 0 to {most}")))?;
        Ok((number > 0).then(|| Duration::from_secs(number * unit_seconds)))
    }

    /// A path need not be UTF-8, so it is not read as text.
    pub(super) fn directory(self) -> Result<PathBuf, SettingError> {
        match &self.value {
            Some(value) if !value.is_empty() => Ok(PathBuf::from(value)),
            Some(_) | None => Err(self.error("the path of a directory")),
        }
    }

    pub(super) fn wal_durability(self) -> Result<WalDurability, SettingError> {
        match self.text().as_str() {
            "sync" => Ok(WalDurability::Sync),
            "async" => Ok(WalDurability::Async),
            _ => Err(self.error("sync or async")),
        }
    }

    pub(super) fn log_level(self) -> Result<LogLevel, SettingError> {
        match self.text().as_str() {
            "error" => Ok(LogLevel::Error),
            "warn" => Ok(LogLevel::Warn),
            "info" => Ok(LogLevel::Info),
            "debug" => Ok(LogLevel::Debug),
            "trace" => Ok(LogLevel::Trace),
            _ => Err(self.error("error, warn, info, debug or trace")),
        }
    }

    pub(super) fn log_format(self) -> Result<LogFormat, SettingError> {
        if self.value.is_none() {
            return Ok(self.machine.log_format);
        }
        match self.text().as_str() {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err(self.error("json or text")),
        }
    }

    /// Bytes that are no UTF-8 become replacement characters, which no value but a path may hold.
    pub(super) fn text(&self) -> String {
        self.value.as_ref().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub(super) fn error(&self, expected: &str) -> SettingError {
        let cut: String = self.text().chars().take(limits::ERROR_VALUE_CHARS_MAX).collect();
        let is_hidden = self.setting.is_secret() && !cut.is_empty();
        SettingError {
            name: self.setting.name,
            origin: self.origin.clone(),
            value: if is_hidden { "a value that is not shown".to_owned() } else { format!("{cut:?}") },
            expected: expected.to_owned(),
        }
    }
}
