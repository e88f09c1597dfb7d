//! Bugs of the log, each found by the campaign that is named.
