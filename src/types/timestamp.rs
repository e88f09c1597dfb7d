//! Instants, to the microsecond.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z. Finer digits of an input are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 date-time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a timestamp is an RFC 3339 date-time with an offset, such as 2026-02-14T10:00:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The first instant that has an RFC 3339 text: year 0.
    const MICROSECONDS_MIN: i64 = -62_167_219_200_000_000;
    /// The last instant that has an RFC 3339 text: the end of year 9999, less the day that offsets need.
    const MICROSECONDS_MAX: i64 = 253_402_207_200_000_000 - 1;

    /// An instant by its distance from the epoch; `None` outside the years 0 to 9999.
    pub fn from_microseconds(microseconds: i64) -> Option<Self> {
        (Self::MICROSECONDS_MIN..=Self::MICROSECONDS_MAX)
            .contains(&microseconds)
            .then_some(Self(microseconds))
    }

    /// The distance from the epoch.
    pub const fn as_microseconds(self) -> i64 {
        self.0
    }

    /// The instant this many microseconds later, held at the last one that can be written.
    #[must_use]
    pub fn plus_microseconds(self, microseconds: i64) -> Self {
        let sum = self.0.saturating_add(microseconds);
        Self(sum.clamp(Self::MICROSECONDS_MIN, Self::MICROSECONDS_MAX))
    }

    /// Reads an RFC 3339 date-time with any offset.
    ///
    /// jiff's own grammar is wider (annotations in brackets, basic format, hours alone), so the
    /// outline is checked first.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        if !has_rfc3339_outline(text.as_bytes()) {
            return Err(InvalidTimestamp);
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_microseconds(parsed.as_microsecond()).ok_or(InvalidTimestamp)
    }
}

/// `YYYY-MM-DDTHH:MM:SS`, then perhaps a fraction, then `Z` or `±HH:MM`.
fn has_rfc3339_outline(text: &[u8]) -> bool {
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if text.len() < 20
        || separators.iter().any(|&(place, byte)| text[place] != byte)
        || !matches!(text[10], b'T' | b't' | b' ')
    {
        return false;
    }
    let tail = &text[19..];
    let fraction = match tail {
        [b'.', rest @ ..] => match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => return false,
            digits => digits + 1,
        },
        _ => 0,
    };
    match &tail[fraction..] {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with as many digits of a second as the value has.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => fmt::Display::fmt(&instant, formatter),
            Err(_) => unreachable!("the range is checked where a timestamp is made"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_in_and_utc_goes_out() {
        let cases = [
            ("2026-02-14T10:00:00Z", "2026-02-14T10:00:00Z"),
            ("2026-02-14T10:00:00+05:30", "2026-02-14T04:30:00Z"),
            ("2026-08-11T17:03:16.25-04:00", "2026-08-11T21:03:16.25Z"),
            ("2026-02-14t10:00:00.123456789z", "2026-02-14T10:00:00.123456Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ];
        for (input, expected) in cases {
            assert_eq!(Timestamp::parse(input).map(|t| t.to_string()), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn refuses_anything_else() {
        let cases = [
            "",
            "now",
            "2026-02-14",
            "2026-02-14T10:00:00",
            "2026-13-14T10:00:00Z",
            "2026-02-30T10:00:00Z",
            "20260214T100000Z",
            "2026-02-14T10:00:00Z[UTC]",
            "2026-02-14T10:00:00.Z",
            "2026-02-14T10:00:00+0530",
            "2026-02-14T25:00:00Z",
            "1760000000",
            "2026-02-14T10:00:00é",
            "9999-12-31T23:59:59-23:59",
        ];
        for input in cases {
            assert_eq!(Timestamp::parse(input), Err(InvalidTimestamp), "{input:?}");
        }
    }
}
