//! Fuzzes Compose files.
#![no_main]

use watershed_fuzz::sources::formats::compose::parse;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::parser(input, parse));
