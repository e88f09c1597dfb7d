//! Fuzzes tables.
#![no_main]

use watershed_fuzz::sources::formats::csv::parse;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::parser(input, parse));
